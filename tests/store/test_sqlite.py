"""What only the store in a file must do: the file, its threads, its faults."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import stat
import sys
import threading
from pathlib import Path

import psutil
import pytest

from locshare_ext.errors import InvalidInput, NotFound, SchemaTooNew, StoreError
from locshare_ext.model.store import Selection
from locshare_ext.store import SQLiteStore, desk, upkeep
from locshare_ext.store.boot import SKIPPED
from locshare_ext.store.connection import open_writer
from locshare_ext.store.schema import VERSION
from tests.store.helpers import EPOCH, T0, a_fix, a_note, everything, offsets, put


async def made(path: Path, *, fixes: int = 3) -> Path:
    """Make a store's file with some fixes of ann, and close it."""
    store = SQLiteStore(path)
    await put(store, *(a_fix("ann", n) for n in range(fixes)))
    await store.close()
    return path


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("locshare")}


# --- the file


async def test_an_idle_store_has_no_file_and_no_thread(path: Path) -> None:
    store = SQLiteStore(path)
    assert await store.logs() == []
    assert await store.log("hikers") is None
    assert (await store.trails("hikers", Selection())).num_rows == 0
    assert await store.trim("hikers", T0) == 0
    await store.delete_log("hikers")
    with pytest.raises(NotFound):
        await store.update_settings("hikers", {})
    assert threads() == set()
    assert not path.parent.exists()
    await store.close()
    assert not path.parent.exists()


async def test_file_and_folder_are_private(path: Path) -> None:
    store = SQLiteStore(path)
    await put(store, a_fix())
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    files = sorted(path.parent.iterdir())
    assert [file.name for file in files] == ["store.db", "store.db-shm", "store.db-wal"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    await store.close()
    assert sorted(path.parent.iterdir()) == [path]


async def test_a_folder_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir(mode=0o755)
    await made(folder / "store.db")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755


async def test_names_of_files_may_hold_anything(tmp_path: Path) -> None:
    path = await made(tmp_path / "10% of #1?mode=ro" / "ä store.db")
    store = SQLiteStore(path)
    assert len(await everything(store)) == 3
    await store.close()


async def test_a_restart_keeps_all_and_goes_on(path: Path) -> None:
    store = SQLiteStore(path)
    await store.create_log("hikers", kind="group", epoch=EPOCH, settings={"title": "Hikers"})
    await put(store, a_fix("Ann", 5, extra={"k": "v"}), a_note(member="ann"), a_fix("bob", 6))
    before = await everything(store), await store.logs(), await store.newest("hikers")
    await store.close()
    again = SQLiteStore(path)
    assert (await everything(again), await again.logs(), await again.newest("hikers")) == before
    appended = await put(again, a_fix("ANN", 5, extra={"k": "other"}), a_fix("ann", 4), epoch="otherone")
    assert appended.duplicates == 1
    assert offsets(appended.entries) == [4]
    assert appended.entries[0].item.cursor == f"{EPOCH}-4"
    assert appended.entries[0].item.member == "Ann"
    assert "late" in appended.entries[0].item.flags  # type: ignore[union-attr]
    assert await again.counts("hikers") == {"Ann": 2, "bob": 1}
    await again.close()


async def test_offsets_of_removed_entries_are_not_used_again_after_a_restart(path: Path) -> None:
    store = SQLiteStore(path)
    await put(store, a_fix("bob", 0), a_fix("ann", 1), a_fix("ann", 2))
    await store.forget("hikers", "ann")
    await store.trim("hikers", T0 + 90_000)
    await store.close()
    again = SQLiteStore(path)
    info = await again.log("hikers")
    assert info is not None
    assert (info.oldest, info.head) == (4, 3)
    assert (await put(again, a_fix("ann", 3))).head == 4
    await again.close()


# --- files that cannot be used


async def test_a_read_waits_for_a_file_that_is_being_made(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_empty, go_on = threading.Event(), threading.Event()

    def slowly(place: Path, journal: str) -> sqlite3.Connection:
        made_empty.set()  # there, and without a schema yet
        go_on.wait()
        return open_writer(place, journal)

    monkeypatch.setattr(desk, "open_writer", slowly)
    store = SQLiteStore(path)
    stored = asyncio.ensure_future(put(store, a_fix("ann", 0)))
    await asyncio.to_thread(made_empty.wait)
    reading = asyncio.ensure_future(store.read("group", 0, 10))
    await asyncio.sleep(0)
    go_on.set()
    await reading  # no error of a table that is missing
    await stored
    await store.close()


async def test_a_newer_schema_is_refused_and_left_alone(path: Path) -> None:
    await made(path)
    with sqlite3.connect(path) as conn:
        conn.execute(f"PRAGMA user_version = {VERSION + 6}")
    conn.close()
    before = path.read_bytes()
    store = SQLiteStore(path)
    with pytest.raises(
        SchemaTooNew, match=rf"newer version.*schema is {VERSION + 6}.*up to {VERSION}"
    ) as caught:
        await store.logs()
    assert str(path) in str(caught.value)
    with pytest.raises(SchemaTooNew):
        await put(store, a_fix())
    await store.close()
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"lat,lon\n" * 200, b"SQLite format 3\x00" + b"\xff" * 8000])
async def test_a_file_that_is_no_database_is_refused(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    store = SQLiteStore(path)
    for use in (store.logs, lambda: put(store, a_fix())):
        with pytest.raises(StoreError) as caught:
            await use()  # type: ignore[operator]
        assert str(path) in str(caught.value)
    await store.close()
    assert path.read_bytes() == content


async def test_somebody_elses_database_is_refused(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as conn:
        conn.execute("CREATE TABLE history (line TEXT)")
    conn.close()
    before = path.read_bytes()
    store = SQLiteStore(path)
    with pytest.raises(StoreError, match="none of locshare_ext"):
        await store.logs()
    await store.close()
    assert path.read_bytes() == before


async def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = SQLiteStore(tmp_path / "file" / "store.db")
    with pytest.raises(StoreError, match=r"file/store\.db"):
        await put(store, a_fix())
    await store.close()


async def test_it_recovers_when_the_cause_is_gone(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.parent.mkdir()
    path.write_text("not a database, but long enough to look like one " * 40)
    store = SQLiteStore(path)
    with caplog.at_level(logging.WARNING), pytest.raises(StoreError):
        await put(store, a_fix("ann", 1))
    with pytest.raises(StoreError):
        await put(store, a_fix("ann", 1))
    path.unlink()
    assert (await put(store, a_fix("ann", 1))).head == 1
    assert [record.message.split()[2] for record in caplog.records] == ["fails,", "works"]
    await store.close()


async def test_a_removed_file_is_noticed_and_not_begun_anew(path: Path) -> None:
    store = SQLiteStore(path)
    await put(store, a_fix("ann", 1))
    aside = path.with_name("aside.db")
    path.rename(aside)
    for _ in range(2):
        with pytest.raises(StoreError, match="removed or replaced"):
            await put(store, a_fix("ann", 2))
    assert not path.exists()
    aside.rename(path)
    assert (await put(store, a_fix("ann", 2))).head == 2
    await store.close()


async def test_a_locked_file_fails_and_nothing_is_half_stored(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("locshare_ext.store.connection.BUSY_TIMEOUT", 0.05)
    store = SQLiteStore(path)
    await put(store, a_fix("ann", 1))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert store.failure is None
    with pytest.raises(StoreError, match="locked"):
        await put(store, a_fix("ann", 2))
    assert "locked" in str(store.failure)
    assert len(await everything(store)) == 1
    other.execute("ROLLBACK")
    other.close()
    appended = await put(store, a_fix("ann", 2))
    assert (appended.head, appended.duplicates) == (2, 0)
    assert store.failure is None
    await store.close()


async def test_a_full_disk_fails_and_recovers(path: Path) -> None:
    store = SQLiteStore(path)
    await put(store, a_fix("ann", 0))
    await store._file.write(lambda desk: desk.conn.execute("PRAGMA max_page_count = 20").fetchone())
    failed, number = None, 1
    while failed is None:
        try:
            last = await put(store, *(a_fix("ann", number + n) for n in range(50)))
            number += 50
        except StoreError as error:
            failed = error
    assert "full" in str(failed)
    assert len(await everything(store)) == last.head == number
    appended = await put(store, *(a_fix("ann", number + n) for n in range(50)))  # reopened, without the limit
    assert (appended.duplicates, appended.entries[0].offset) == (0, last.head + 1)
    await store.close()


async def test_a_batch_that_cannot_be_stored_fails_alone(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = SQLiteStore(path)
    with caplog.at_level(logging.CRITICAL):
        good = store.append("hikers", [a_fix("ann", 1)], epoch=EPOCH)
        bad = store.append("hikers", [a_fix("ann", 2), a_fix("ann", 3, time=1 << 70)], epoch=EPOCH)
        also_good = store.append("hikers", [a_fix("ann", 4)], epoch=EPOCH)
        assert (await good).head == 1
        with pytest.raises(InvalidInput):
            await bad
        assert (await also_good).head == 2
    assert offsets(await everything(store)) == [1, 2]
    await store.close()


async def test_of_batches_that_come_together_one_may_fail_alone(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = SQLiteStore(path)
    with caplog.at_level(logging.CRITICAL):
        batches = [[a_fix("ann", 1)], [a_fix("ann", 2), a_fix("ann", 3, time=1 << 70)], [a_fix("ann", 4)]]
        together = store.append_all("hikers", batches, epoch=EPOCH)
        behind = store.append("hikers", [a_fix("ann", 5)], epoch=EPOCH)
        first, bad, last = await together
        assert isinstance(bad, InvalidInput)
        assert [offsets(one.entries) for one in (first, last)] == [[1], [2]]
        assert offsets((await behind).entries) == [3]
    assert [entry.item.time for entry in await everything(store)] == [a_fix("ann", n).time for n in (1, 4, 5)]
    await store.close()


async def test_batches_of_a_deleted_log_are_refused(path: Path) -> None:
    store = SQLiteStore(path)
    await put(store, a_fix("ann", 1))
    await store.delete_log("hikers")
    results = await store.append_all("hikers", [[a_fix("ann", 2)], [a_fix("ann", 3)]], epoch=EPOCH)
    assert [type(result) for result in results] == [NotFound, NotFound]
    await store.close()


# --- other programs, other boots


async def test_two_stores_on_one_file_give_no_offset_twice(path: Path) -> None:
    one, two = SQLiteStore(path), SQLiteStore(path)
    for number in range(0, 12, 2):
        await put(one, a_fix("ann", number))
        await put(two, a_fix("ann", number + 1), a_fix("ann", number))
    assert offsets(await everything(one)) == list(range(1, 13))
    await one.close()
    await two.close()


async def test_after_a_power_cut_offsets_go_on_far_above(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await made(path)
    assert await next_offset(path) == 4  # closed well
    with sqlite3.connect(path) as conn:  # as if the machine had gone down while it was open
        conn.execute("UPDATE state SET value = 'the boot before' WHERE name = 'open'")
    conn.close()
    assert await next_offset(path) == 5 + SKIPPED
    monkeypatch.setattr("locshare_ext.store.desk.this_boot", lambda: "the next boot")
    assert await next_offset(path) == 6 + SKIPPED


async def next_offset(path: Path) -> int:
    store = SQLiteStore(path)
    info = await store.log("hikers")
    assert info is not None
    appended = await put(store, a_fix("bob", info.head))
    await store.close()
    return appended.head


async def test_full_needs_no_skipping(path: Path) -> None:
    store = SQLiteStore(path, synchronous="FULL")
    await put(store, a_fix())
    assert await store._file.write(lambda desk: desk.conn.execute("PRAGMA synchronous").fetchone()[0]) == 2
    await store.close()


async def test_what_a_crash_left_of_a_removal_is_cleared(path: Path) -> None:
    store = SQLiteStore(path)
    await put(store, *(a_fix("ann", n) for n in range(10)), a_fix("bob", 1), a_note(member="bob"))
    await put(store, *(a_fix("carl", n) for n in range(10)), a_note(), log="gone", epoch="zyxwvuts")
    await store._file.write(lambda desk: upkeep.begin_forget(desk, "hikers", "bob"))
    await store._file.write(lambda desk: upkeep.begin_delete(desk, "gone"))
    # between the steps nothing of it is seen
    assert [log.name for log in await store.logs()] == ["hikers"]
    assert {entry.item.member for entry in await everything(store)} == {"ann"}
    assert set((await store.trails("hikers", Selection()))["member"].to_pylist()) == {"ann"}
    assert await store.events("hikers", Selection()) == []
    assert await store.counts("hikers") == {"ann": 10}
    await store.close()
    again = SQLiteStore(path)
    await again.trim("hikers", 0)
    await again.close()
    with sqlite3.connect(path) as conn:
        counts = [conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES]
    conn.close()
    assert counts == [1, 1, 1, 10, 0]


TABLES = ("logs", "members", "tallies", "fixes", "events")


# --- threads and descriptors


async def test_opening_and_closing_in_a_loop_leaks_nothing(path: Path) -> None:
    me = psutil.Process()

    async def once(number: int) -> None:
        store = SQLiteStore(path)
        await put(store, a_fix("ann", number))
        await asyncio.gather(*(store.read("hikers", 0, 10) for _ in range(6)))
        await store.close()

    await once(0)
    before = me.num_fds(), threading.active_count()
    for number in range(1, 20):
        await once(number)
    assert (me.num_fds(), threading.active_count()) == before
    assert threads() == set()


async def test_close_finishes_what_was_begun(path: Path) -> None:
    store = SQLiteStore(path)
    futures = [store.append("hikers", [a_fix("ann", n)], epoch=EPOCH) for n in range(200)]
    await store.close()
    assert [(await future).head for future in futures] == list(range(1, 201))
    assert os.listdir(path.parent) == ["store.db"]


async def test_close_ends_a_long_read(path: Path) -> None:
    store = SQLiteStore(path)
    for number in range(30):
        await put(store, *(a_fix("ann", number * 1000 + n) for n in range(1000)))
    reads = [asyncio.ensure_future(store.trails("hikers", Selection())) for _ in range(8)]
    await store.read("hikers", 0, 1)
    await store.close()
    ended = await asyncio.gather(*reads, return_exceptions=True)
    assert all(isinstance(one, StoreError) or getattr(one, "num_rows", 0) == 30_000 for one in ended)
    assert threads() == set()


async def test_a_store_that_was_not_closed_does_not_keep_the_program_alive(path: Path) -> None:
    code = (
        "import asyncio, sys\n"
        "from locshare_ext.store import SQLiteStore\n"
        "from locshare_ext.model.fix import Fix\n"
        "async def main():\n"
        "    store = SQLiteStore(sys.argv[1])\n"
        f"    fix = Fix(member='ann', time={T0}, lat=1.0, lon=2.0, received={T0}, flags=())\n"
        "    await store.append('hikers', [fix], epoch='abcdefgh')\n"
        "    await store.read('hikers', 0, 10)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(path))
    assert await asyncio.wait_for(process.wait(), 30) == 0
    store = SQLiteStore(path)
    assert len(await everything(store)) == 1
    await store.close()
