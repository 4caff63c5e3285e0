"""Sealing beside what goes on: by itself, by another process, and cut off at every step."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from pathlib import Path

import psutil
import pytest

from locshare_ext.errors import NotFound
from locshare_ext.model.store import Entry, Selection
from locshare_ext.model.trail import table_from_pieces
from locshare_ext.store import SQLiteStore
from locshare_ext.store import file as file_module
from tests.store.helpers import EPOCH, T0, a_fix, a_note, everything, offsets, put

ROOT = Path(__file__).parents[2]


async def fill(store: SQLiteStore, count: int = 500) -> None:
    """Fixes of three members, a second apart, some late, with a note now and then."""
    for start in range(0, count, 50):
        fixes = [
            a_fix(("ann", "bob", "carl")[n % 3], n - (40 if n % 11 == 0 else 0), received=T0 + n * 1000)
            for n in range(start, start + 50)
        ]
        await put(store, *fixes, a_note(f"at {start}", start))


def rows_in(path: Path, sql: str) -> list[tuple[int, ...]]:
    with sqlite3.connect(path) as conn:
        found = conn.execute(sql).fetchall()
    conn.close()
    return found


async def until_sealed(store: SQLiteStore, log: str = "hikers") -> None:
    while store._maintenance._sealing:
        await asyncio.wait(set(store._maintenance._sealing.values()))


async def test_what_is_old_is_sealed_by_itself(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_module, "IN_THREAD", -1)  # all of it by the other process
    store = SQLiteStore(path, sealed_rows=100, live_rows=50)
    await fill(store)
    await until_sealed(store)
    child = store._file.process_id
    assert child is not None
    entries = await everything(store)
    assert offsets(entries) == list(range(1, 511))
    table = await store.trails("hikers", Selection())
    assert table["seq"].to_pylist() == [one.offset for one in entries if one.offset % 51]
    await store.close()
    assert not psutil.pid_exists(child)
    assert os.listdir(path.parent) == ["store.db"]
    [(segments, sealed)] = rows_in(path, "SELECT count(*), sum(rows) FROM segments WHERE is_visible = 1")
    [(left,)] = rows_in(path, "SELECT count(*) FROM fixes")
    assert sealed == segments * 100
    assert left == 500 - sealed < 150


async def test_a_few_fixes_need_no_other_process(path: Path) -> None:
    store = SQLiteStore(path)
    await fill(store)
    assert (await store.trails("hikers", Selection())).num_rows == 500
    assert await store.seal("hikers") == 0
    await store.forget("hikers", "ann")
    await store.trim("hikers", T0 + 100_000)
    assert store._file.process_id is None
    await store.close()


async def test_a_process_that_was_killed_is_started_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_module, "IN_THREAD", -1)
    store = SQLiteStore(path)
    await fill(store)
    assert (await store.trails("hikers", Selection())).num_rows == 500
    child = store._file.process_id
    assert child is not None
    os.kill(child, signal.SIGKILL)
    assert (await store.trails("hikers", Selection())).num_rows == 500
    assert store._file.process_id != child
    await store.close()


async def test_the_process_ends_with_the_one_that_was_killed(path: Path) -> None:
    code = (
        "import asyncio, os, sys\n"
        "from locshare_ext.store import SQLiteStore, file\n"
        "from locshare_ext.model.store import Selection\n"
        "from tests.store.helpers import a_fix, put\n"
        "async def main():\n"
        "    file.IN_THREAD = -1\n"
        "    store = SQLiteStore(sys.argv[1])\n"
        "    await put(store, a_fix())\n"
        "    await store.trails('hikers', Selection())\n"
        "    print(store._file.process_id, flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(path), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    child = psutil.Process(int(await process.stdout.readline()))
    process.kill()
    await process.wait()
    await asyncio.to_thread(child.wait, 30)


# --- kill -9 at each step


def as_seen(entries: list[Entry]) -> list[tuple[int, object]]:
    return [(entry.offset, entry.item) for entry in entries]


@pytest.mark.process
@pytest.mark.parametrize(
    ("action", "stage", "calls"),
    [
        ("seal", "written", 1),
        ("seal", "written", 2),
        ("seal", "shown", 1),
        ("seal", "shown", 3),
        ("seal", "rows", 1),
        ("forget", "cleared", 1),
        ("forget", "written", 1),
        ("forget", "replaced", 1),
        ("forget", "hidden", 2),
        ("forget", "finished", 1),
        ("trim", "replaced", 1),
        ("trim", "replaced", 2),
        ("trim", "hidden", 3),
    ],
)
async def test_kill_9_between_two_steps(path: Path, action: str, stage: str, calls: int) -> None:
    store = SQLiteStore(path, sealed_rows=100, live_rows=50 if action != "seal" else 10_000)
    await fill(store)
    await until_sealed(store)
    before = await everything(store)
    await store.close()
    await killed_at(path, stage, calls, action)
    again = SQLiteStore(path, sealed_rows=100, live_rows=50)
    seen = await everything(again)
    if action == "seal":
        assert as_seen(seen) == as_seen(before)
    else:  # begun: nothing of another is missing, and doing it again does the rest
        expected = [one for one in before if stays(action, one)]
        assert [one for one in seen if stays(action, one)] == expected
        if action == "forget":
            assert {one.item.member for one in seen} == {"bob", "carl", None}
            await again.forget("hikers", "ann")
        else:
            await again.trim("hikers", T0 + 250_000)
        seen = await everything(again)
        assert seen == expected
    await again.seal("hikers")
    assert await everything(again) == seen
    counts = await again.counts("hikers")
    table = await again.trails("hikers", Selection())
    members = table["member"].to_pylist()
    assert counts == {name: members.count(name) for name in set(members)}
    known = await again.append("hikers", [one.item for one in seen if one.item.member], epoch=EPOCH)
    assert known.duplicates == table.num_rows
    await again.close()
    assert rows_in(path, "SELECT count(*) FROM segments WHERE is_visible = 0") == [(0,)]
    assert rows_in(path, "SELECT count(*) FROM bodies") == rows_in(path, "SELECT count(*) FROM segments")
    assert rows_in(path, "SELECT max(abs(rows - 100)) < 100 FROM segments") == [(1,)]
    assert rows_in(
        path, "SELECT count(*) FROM fixes WHERE id & ((1 << 40) - 1) <= (SELECT sealed_to FROM logs)"
    ) == [(0,)]
    assert rows_in(path, "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.process
@pytest.mark.parametrize("stage", ["begun", "cleared", "finished", "rewritten"])
async def test_who_was_being_forgotten_is_in_no_file_soon_after_a_crash(path: Path, stage: str) -> None:
    """Nobody asks again: who asked first was told nothing, and there is no such member any more."""
    mark = b"where-Ann-was"
    store = SQLiteStore(path, sealed_rows=100, live_rows=50)
    await put(store, *(a_fix("ann", n, source=mark.decode()) for n in range(3_000)), a_fix("bob"))
    await store.close()
    await killed_at(path, stage, 1, "forget")
    again = SQLiteStore(path, sealed_rows=100, live_rows=50)
    await again.trim("hikers", 0)  # as retention does, soon after each start
    assert not [one.name for one in path.parent.iterdir() if mark in one.read_bytes()]
    await again.close()
    assert rows_in(path, "SELECT count(*) FROM state WHERE name = 'unclean'") == [(0,)]


def stays(action: str, entry: Entry) -> bool:
    if action == "forget":
        return entry.item.member != "ann"
    return entry.item.received >= T0 + 250_000


async def killed_at(path: Path, stage: str, calls: int, action: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.store.sealing_process", str(path), stage, str(calls), action),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        assert await asyncio.wait_for(process.stdout.readline(), 30) == b"there\n"
    finally:
        process.kill()
        await process.wait()


async def test_a_log_that_is_deleted_ends_its_export(path: Path) -> None:
    store = SQLiteStore(path, sealed_rows=100, live_rows=50)
    await fill(store)
    await until_sealed(store)
    pieces = store.export("hikers", Selection())
    assert await anext(pieces)
    await store.delete_log("hikers")
    with pytest.raises(NotFound, match="deleted"):
        await anext(pieces)
    await put(store, a_fix(), epoch="zyxwvuts")
    pieces = store.export("hikers", Selection())
    assert [piece async for piece in pieces] != []
    await store.close()


async def test_who_is_forgotten_is_in_no_later_piece(path: Path) -> None:
    store = SQLiteStore(path, sealed_rows=100, live_rows=50)
    await fill(store)
    await until_sealed(store)
    pieces = store.export("hikers", Selection())
    first = table_from_pieces([await anext(pieces)])
    await store.forget("hikers", "ann")
    later = table_from_pieces([piece async for piece in pieces])
    assert set(first["member"].to_pylist()) == {"ann", "bob", "carl"}
    assert set(later["member"].to_pylist()) == {"bob", "carl"}
    assert later["seq"][0].as_py() > first["seq"][-1].as_py()
    await store.close()
