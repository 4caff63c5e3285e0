"""One damaged segment is the trouble of who reads just that one, and nobody takes it for whole."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from locshare_ext.errors import StoreDamaged
from locshare_ext.model.store import Selection
from locshare_ext.store import SQLiteStore, file, segment
from tests.store.helpers import T0, a_fix, everything, offsets, put

SIZE = 100  # fixes of a segment; the log has three and as many rows
DAMAGES = {
    "bits": "UPDATE bodies SET body = CAST(substr(body, 1, 2000) || ? || substr(body, 2009) AS BLOB)"
    " WHERE segment = 2",
    "all": "UPDATE bodies SET body = ? WHERE segment = 2",
    "gone": "DELETE FROM bodies WHERE segment = 2 AND ? IS NOT NULL",
    "index": "UPDATE segments SET parts = ? WHERE id = 2",
}


@pytest.fixture(autouse=True)
def whole_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment, "PART_ROWS", SIZE)


def harm(path: Path, sql: str) -> None:
    """Damage the second of the segments."""
    with closing(sqlite3.connect(path)) as conn:
        conn.execute(sql, (os.urandom(8),))
        conn.commit()


@pytest.fixture
async def store(path: Path, request: pytest.FixtureRequest) -> AsyncIterator[SQLiteStore]:
    """A store whose second segment is damaged."""
    made = SQLiteStore(path, sealed_rows=SIZE, live_rows=SIZE)
    await put(made, *(a_fix("ann" if n % 2 else "bob", n, lat=n / 7) for n in range(4 * SIZE)))
    await made.seal("hikers")
    await made.close()
    harm(path, request.param)
    store = SQLiteStore(path, sealed_rows=SIZE, live_rows=SIZE)
    yield store
    await store.close()


damaged = pytest.mark.parametrize("store", DAMAGES.values(), ids=DAMAGES, indirect=True)


async def exported(store: SQLiteStore, selection: Selection) -> int:
    return sum([len(piece) async for piece in store.export("hikers", selection)])


@damaged
async def test_all_else_is_read_and_the_rest_is_refused_in_words(store: SQLiteStore) -> None:
    first = Selection(until=T0 + (SIZE - 1) * 1000)
    assert (await store.trails("hikers", first)).num_rows == SIZE
    assert (await store.trails("hikers", Selection(after=2 * SIZE))).num_rows == 2 * SIZE
    for until in (SIZE - 10, 2 * SIZE + 10, 4 * SIZE):
        at = await store.at("hikers", Selection(until=T0 + until * 1000))
        assert at.num_rows == 2
    assert offsets(await store.newest("hikers")) == [4 * SIZE - 1, 4 * SIZE]
    for asked in (
        store.trails("hikers", Selection()),
        store.at("hikers", Selection(until=T0 + SIZE * 1500)),
        exported(store, Selection(since=T0 + SIZE * 1500)),
    ):
        with pytest.raises(StoreDamaged, match=r"fixes 101 to 200, received from 2025-.* cannot be read"):
            await asked
    assert store.failure is None


@damaged
async def test_who_reads_on_comes_past_it(store: SQLiteStore) -> None:
    there = [*range(1, SIZE + 1), *range(2 * SIZE + 1, 4 * SIZE + 1)]
    assert offsets(await everything(store)) == there
    assert offsets(await store.read("hikers", SIZE + 20, 1)) == [2 * SIZE + 1]


@damaged
async def test_late_fixes_are_stored_rather_twice_than_not(store: SQLiteStore) -> None:
    again = await put(store, *(a_fix("ann" if n % 2 else "bob", n, lat=n / 7) for n in (5, SIZE + 5)))
    assert (again.duplicates, len(again.entries)) == (1, 1)
    assert store.failure is None


@damaged
async def test_a_member_is_forgotten_as_far_as_that_can_be(store: SQLiteStore) -> None:
    with pytest.raises(StoreDamaged):
        await store.forget("hikers", "ann")
    assert set(await store.counts("hikers")) == {"bob"}
    assert {entry.item.member for entry in await everything(store)} == {"bob"}
    await store.delete_log("hikers")
    assert await store.logs() == []


@damaged
async def test_retention_goes_on_and_takes_it_when_all_of_it_is_old(store: SQLiteStore) -> None:
    assert await store.received_first(["hikers"], SIZE + 10) is not None
    assert await store.trim("hikers", T0 + SIZE * 1500) == SIZE
    assert await store.trim("hikers", T0 + SIZE * 2100) == SIZE + 10
    assert (await store.trails("hikers", Selection())).num_rows == 2 * SIZE - 10


@pytest.mark.parametrize(
    "store",
    ["UPDATE segments SET summary = ? WHERE id = 2", "UPDATE prints SET packed = ? WHERE segment = 2"],
    indirect=True,
)
async def test_what_is_said_in_short_is_read_from_the_fixes(store: SQLiteStore) -> None:
    assert (await store.at("hikers", Selection(until=T0 + SIZE * 1500))).num_rows == 2
    again = await put(store, *(a_fix("ann" if n % 2 else "bob", n, lat=n / 7) for n in (5, SIZE + 5)))
    assert again.duplicates == 2
    assert await store.forget("hikers", "ann") == 2 * SIZE


@pytest.mark.parametrize("store", [DAMAGES["bits"]], ids=["bits"], indirect=True)
async def test_the_other_process_says_the_same(store: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "IN_THREAD", 1)
    asked = Selection(since=T0 + SIZE * 1500)
    for _ in range(2):
        with pytest.raises(StoreDamaged, match="cannot be read"):
            await exported(store, asked)
        process = store._file.process_id
    assert store._file.process_id == process is not None
