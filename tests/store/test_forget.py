"""Forgetting leaves no byte: searched for in the raw files."""

from __future__ import annotations

import asyncio
import random
import struct
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from locshare_ext.errors import StoreError
from locshare_ext.model.aside import AsideInfo
from locshare_ext.model.fix import Fix
from locshare_ext.model.store import InviteInfo, PlaceInfo, RecordingInfo, Selection
from locshare_ext.model.trail import table_from_pieces
from locshare_ext.store import SQLiteStore, segment
from locshare_ext.store import file as file_module
from locshare_ext.store.connection import open_reader
from tests.store.helpers import EPOCH, T0, a_fix, a_note, put

MEMBERS = [f"Zq{number:02d}y" for number in range(12)]


def lat_of(member: str) -> float:
    return 10 + MEMBERS.index(member) + 0.123456789


def a_trace(member: str, at: int, chance: random.Random) -> Fix:
    """A fix full of marks of its member; of any size, so that rows move between pages."""
    mark = f"secret-{member}-"
    moved = at - chance.randrange(100)
    extra = {"k": mark * chance.randrange(1, 9)}
    return a_fix(
        member, moved, received=T0 + at * 1000, lat=lat_of(member), source=f"src{member}", extra=extra
    )


def marks_of(member: str) -> Iterator[bytes]:
    yield member.encode()
    yield struct.pack(">d", lat_of(member))  # as SQLite writes it


def found_in(folder: Path, member: str) -> list[bytes]:
    raw = b"".join(file.read_bytes() for file in sorted(folder.iterdir()))
    return [mark for mark in marks_of(member) if mark in raw]


async def fill(store: SQLiteStore) -> None:
    chance = random.Random(4)
    for at in range(300):
        group = chance.randrange(3)  # logs that grow by turns split each other's pages
        batch = [a_trace(chance.choice(MEMBERS), at, chance) for _ in range(chance.randrange(1, 8))]
        about = chance.choice(MEMBERS)
        await put(
            store, *batch, a_note(f"{about} fell", at, member=about), log=f"g{group}", epoch=f"epoch{group}"
        )


async def test_no_trace_is_left_in_the_files_while_an_export_reads(path: Path) -> None:
    store = SQLiteStore(path)
    await fill(store)
    await store.trim("g0", T0 + 50_000)
    assert all(found_in(path.parent, member) for member in MEMBERS)
    for member in MEMBERS[:6]:
        for group in range(3):
            export = asyncio.ensure_future(store.trails(f"g{group}", Selection()))
            await store.forget(f"g{group}", member.upper())
            await export
        assert found_in(path.parent, member) == []
    assert all(found_in(path.parent, member) for member in MEMBERS[6:])
    await store.close()
    assert not any(found_in(path.parent, member) for member in MEMBERS[:6])


async def test_another_program_that_reads_on_is_told_of(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_module, "SCRUBS", 2)
    monkeypatch.setattr("locshare_ext.store.connection.BUSY_TIMEOUT", 0.02)
    store = SQLiteStore(path)
    await put(store, a_fix("ann", 1), a_fix("bob", 1))
    other = open_reader(path)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM fixes").fetchone()
    with pytest.raises(StoreError, match="another program reads"):
        await store.forget("hikers", "ann")
    assert await store.counts("hikers") == {"bob": 1}
    other.close()
    await store.forget("hikers", "ann")
    assert b"ann" not in b"".join(file.read_bytes() for file in path.parent.iterdir())
    await store.close()


async def test_batches_during_forgetting_are_stored(path: Path) -> None:
    store = SQLiteStore(path)
    await put(store, *(a_fix("ann", n) for n in range(5000)))
    forgetting = asyncio.ensure_future(store.forget("hikers", "ann"))
    heads = [(await put(store, a_fix("bob", n))).head for n in range(50)]
    assert await forgetting == 5000
    assert heads == list(range(5001, 5051))
    assert await store.counts("hikers") == {"bob": 50}
    await store.close()


async def test_no_trace_is_left_in_segments_while_an_export_reads(path: Path) -> None:
    store = SQLiteStore(path, sealed_rows=60, live_rows=20)
    await fill(store)
    for group in range(3):
        await store.seal(f"g{group}")
    gone = MEMBERS[:3]
    assert all(unpacked(path, member) for member in gone)
    for member in gone:
        for group in range(3):
            export = store.export(f"g{group}", Selection())
            await anext(export)
            await store.forget(f"g{group}", member)
            assert lat_of(member) not in await lats_of(export)
        assert found_in(path.parent, member) == []
        assert unpacked(path, member) == []
    assert all(unpacked(path, member) for member in MEMBERS[3:])
    await store.close()
    assert not any(found_in(path.parent, member) for member in gone)


async def test_no_trace_is_left_of_what_stands_beside_the_log(path: Path) -> None:
    """What was refused, invites, places of durable subscriptions and notes go, too."""
    store = SQLiteStore(path, sealed_rows=20, live_rows=5)
    names = MEMBERS[:4]
    for number, name in enumerate(names * 20):
        await put(store, a_trace(name, number, random.Random(number)), a_note(f"{name} fell", member=name))
        aside = AsideInfo(
            T0 + number, name, f"inv{name}", "lat_out_of_range", f"{name}: 91", "lat", f'"{name}"'.encode()
        )
        unknown = replace(aside, member=None, raw=f'{{"member": "{name.upper()}"}}'.encode(), message="no")
        await store.put_asides("hikers", [aside, unknown], 1000)
    for name in names:
        made = InviteInfo(f"inv{name}", "hikers", ("publish",), name, T0, T0 + 1)
        await store.put_invite(made)
        await store.put_places([PlaceInfo("hikers", EPOCH, made.id, f"of {name}", 3, T0)])
    await store.put_recording(RecordingInfo("r1", "walk", "hikers", "group", T0, T0, 0))
    await store.seal("hikers")
    assert all(found_in(path.parent, name) and unpacked(path, name) for name in names)
    gone = names[:2]
    for name in gone:
        export = store.export("hikers", Selection(recording="r1"))
        await anext(export)
        await store.forget("hikers", name.upper())
        assert lat_of(name) not in await lats_of(export)
        assert found_in(path.parent, name) == []
        assert unpacked(path, name) == []
    left = await store.asides("hikers", Selection())
    assert {one.member for one in left} == set(names[2:])  # what nobody can tell whose it is went, too
    await store.close()
    assert not any(found_in(path.parent, name) for name in gone)
    assert all(found_in(path.parent, name) for name in names[2:])


async def lats_of(export: AsyncIterator[bytes]) -> set[float]:
    return set(table_from_pieces([piece async for piece in export])["lat"].to_pylist())


def unpacked(path: Path, member: str) -> list[str]:
    """In which blobs of the file a member is found: its place, or a text of it."""
    conn = open_reader(path)
    tables = [
        ("body", pa.ipc.open_stream(blob).read_all()) for (blob,) in conn.execute("SELECT body FROM bodies")
    ]
    summaries = conn.execute("SELECT summary FROM segments")
    tables += [("summary", segment.Summary.read(blob).table) for (blob,) in summaries]
    found = [
        name
        for name, table in tables
        for row in table.to_pylist()
        if row["lat"] == lat_of(member) or member in str(row)
    ]
    conn.close()
    return found
