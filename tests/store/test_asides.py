"""What was refused is kept beside every log, bounded, and ends with what it is of."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from locshare_ext.model.aside import AsideInfo
from locshare_ext.model.store import LogStore, RecordingInfo, Selection
from locshare_ext.store import SQLiteStore
from tests.store.helpers import EPOCH, T0, a_fix, put

ALL = Selection()


def an_aside(member: str | None = "ann", at: int = 0, **fields: Any) -> AsideInfo:
    values: dict[str, Any] = {
        "credential": "i1",
        "code": "lat_out_of_range",
        "message": "lat 91.5 is outside [-90, 90] degrees",
        "field": "lat",
        "raw": b'{"lat": 91.5, "battery": 0.123}',
        **fields,
    }
    return AsideInfo(T0 + at * 1000, member, **values)


async def test_they_come_back_as_they_were_put(store: LogStore) -> None:
    await put(store, a_fix())
    sent = [an_aside(), an_aside(None, 1, field=None, raw=b"\xff\x00", code="invalid_json")]
    await store.put_asides("hikers", sent, 10)
    await store.put_asides("hikers", [an_aside("bob", 2)], 10)
    kept = await store.asides("hikers", ALL)
    assert [replace(one, id=0) for one in kept] == [*sent, an_aside("bob", 2)]
    assert [one.id for one in kept] == sorted({one.id for one in kept})
    assert await store.asides("cyclists", ALL) == []


async def test_a_selection_is_by_arrival_member_and_id(store: LogStore) -> None:
    await put(store, a_fix())
    await store.put_asides("hikers", [an_aside("Ann" if at % 2 else "bob", at) for at in range(6)], 10)

    async def seconds(limit: int | None = None, **selection: Any) -> list[int]:
        found = await store.asides("hikers", Selection(**selection), limit=limit)
        return [(one.received - T0) // 1000 for one in found]

    assert await seconds(since=T0 + 2000, until=T0 + 4000) == [2, 3, 4]
    assert await seconds(members=frozenset({"ann"})) == [1, 3, 5]
    assert await seconds(2, members=frozenset({"ann"})) == [1, 3]
    third = (await store.asides("hikers", ALL))[2]
    assert await seconds(after=third.id) == [3, 4, 5]


async def test_the_oldest_over_the_bound_go_of_this_log_alone(store: LogStore) -> None:
    for log in ("hikers", "cyclists"):
        await put(store, a_fix(), log=log, epoch=EPOCH + log)
        await store.put_asides(log, [an_aside(at=at) for at in range(3)], 4)
    await store.put_asides("hikers", [an_aside(at=at) for at in range(3, 6)], 4)
    assert [(one.received - T0) // 1000 for one in await store.asides("hikers", ALL)] == [2, 3, 4, 5]
    assert len(await store.asides("cyclists", ALL)) == 3


async def test_nothing_is_kept_of_a_log_that_is_not_there(store: LogStore) -> None:
    await store.put_asides("hikers", [an_aside()], 10)
    await put(store, a_fix())
    assert await store.asides("hikers", ALL) == []


async def test_they_end_with_their_log(store: LogStore) -> None:
    await put(store, a_fix())
    await store.put_asides("hikers", [an_aside()], 10)
    await store.delete_log("hikers")
    await put(store, a_fix(), epoch="otherone")
    assert await store.asides("hikers", ALL) == []


async def test_what_is_too_old_goes_unless_a_recording_ran(store: LogStore) -> None:
    await put(store, a_fix())
    await store.put_asides("hikers", [an_aside(at=at) for at in range(10)], 100)
    walk = RecordingInfo("r1", "walk", "hikers", "group", T0, T0 + 2000, 0, T0 + 3000, 1, T0 + 9000)
    await store.put_recording(walk)
    await store.trim("hikers", T0 + 6000)
    assert [(one.received - T0) // 1000 for one in await store.asides("hikers", ALL)] == [2, 3, 6, 7, 8, 9]


async def test_a_renamed_member_has_its_own_under_the_new_name(store: LogStore) -> None:
    await put(store, a_fix("ann"), a_fix("bob"))
    await store.put_asides("hikers", [an_aside("Ann"), an_aside("bob"), an_aside(None)], 10)
    await store.rename_member("hikers", "ann", "anna")
    assert [one.member for one in await store.asides("hikers", ALL)] == ["anna", "bob", None]


@pytest.mark.parametrize("has_fixes", [True, False])
async def test_forgetting_takes_all_that_may_be_of_the_member(store: LogStore, has_fixes: bool) -> None:
    await put(store, a_fix("Zoë" if has_fixes else "cy"))
    asides = [
        an_aside("zoë"),
        an_aside(None),  # nobody knows whose
        an_aside("bob", raw='{"member": "Zoë"}'.encode()),
        an_aside("bob", raw=b'{"member": "Zo\\u00eb"}'),
        an_aside("bob", raw=b'{"member": "Zoom"}'),
    ]
    await store.put_asides("hikers", asides, 10)
    await store.forget("hikers", "ZOË")
    assert [one.raw for one in await store.asides("hikers", ALL)] == [b'{"member": "Zoom"}']


async def test_forgetting_leaves_no_byte_of_them_in_the_files(path: Path) -> None:
    store = SQLiteStore(path)
    await put(store, a_fix("ann"), a_fix("bob"))
    for at in range(200):  # of any size, so that rows move between pages
        raw = b"secret-of-%s " % (b"ann" if at % 2 else b"bob") * (1 + at % 40)
        await store.put_asides("hikers", [an_aside("ann" if at % 2 else "bob", at, raw=raw)], 150)

    def marks() -> list[bool]:
        files = b"".join(file.read_bytes() for file in sorted(path.parent.iterdir()))
        return [b"secret-of-ann" in files, b"secret-of-bob" in files]

    assert marks() == [True, True]
    await store.forget("hikers", "ann")
    assert marks() == [False, True]
    await store.close()
    assert marks() == [False, True]


async def test_they_outlive_the_program(path: Path) -> None:
    store = SQLiteStore(path)
    await put(store, a_fix())
    await store.put_asides("hikers", [an_aside()], 10)
    await store.close()
    again = SQLiteStore(path)
    assert [replace(one, id=0) for one in await again.asides("hikers", ALL)] == [an_aside()]
    await again.close()
    with sqlite3.connect(path) as conn:
        assert conn.execute("SELECT count(*) FROM set_aside").fetchone() == (1,)
    conn.close()
