"""Changes go from the write-ahead log into the file beside the writer, and the log stays short."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from locshare_ext.errors import StoreError
from locshare_ext.store import SQLiteStore, checkpoints
from tests.store.helpers import EPOCH, a_fix, everything, put

STEP = 64 << 10


@pytest.fixture(autouse=True)
def short_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "KEPT", STEP // 2)
    monkeypatch.setattr(checkpoints, "STEP", STEP)
    monkeypatch.setattr(checkpoints, "LONG", STEP)


def wal(path: Path) -> int:
    """The bytes of the write-ahead log; 0 where there is none."""
    log = path.with_name(f"{path.name}-wal")
    return log.stat().st_size if log.exists() else 0


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "locshare-checkpoints"]


async def write(store: SQLiteStore, count: int = 1, start: int = 0) -> None:
    """Append batches of 200 fixes, one after another: about 20 pages each."""
    for number in range(start, start + count):
        await put(store, *(a_fix(f"m{n % 7}", 10 * number + n) for n in range(200)))


async def until_begun_anew(store: SQLiteStore, path: Path) -> int:
    """Write until the log is shorter than before; returns how long it was."""
    longest = number = 0
    async with asyncio.timeout(60):
        while wal(path) >= longest:
            longest = wal(path)
            await write(store, 1, number)
            number += 1
            await asyncio.sleep(0)
    return longest


async def test_the_log_begins_anew_while_fixes_come(path: Path) -> None:
    store = SQLiteStore(path)
    await write(store)
    assert threads() == []  # little was written
    before = path.stat().st_size
    assert await until_begun_anew(store, path) >= STEP
    assert path.stat().st_size > before
    assert threads() == ["locshare-checkpoints"]
    await store.close()
    assert threads() == []
    assert not path.with_name(f"{path.name}-wal").exists()


async def test_commits_bring_nothing_in_as_long_as_the_thread_may(path: Path) -> None:
    store = SQLiteStore(path)
    await write(store)
    desk: Any = store._file.writer._desk
    size = path.stat().st_size
    with desk._checkpoints._lock:  # the thread has not come to it
        await write(store, 80)
    assert wal(path) > checkpoints.STEP
    assert path.stat().st_size == size
    await store.close()


async def test_a_log_that_became_very_long_is_brought_in_by_commits(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "MOST", 4 * STEP)
    store = SQLiteStore(path)
    await write(store)
    desk: Any = store._file.writer._desk
    with desk._checkpoints._lock:
        for number in range(100):
            await write(store, 1, number)
            assert wal(path) < 6 * STEP
    await store.close()


async def test_a_reader_in_the_way_is_waited_for_by_nobody(path: Path) -> None:
    store = SQLiteStore(path)
    await write(store)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    (seen,) = reader.execute("SELECT count(*) FROM fixes").fetchone()
    await write(store, 40, 1)
    assert reader.execute("SELECT count(*) FROM fixes").fetchone() == (seen,)
    assert wal(path) > STEP
    reader.close()
    await until_begun_anew(store, path)
    await store.close()


async def test_a_disk_that_fails_meanwhile_fails_no_commit(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = threading.Event()

    def fail(_: Path) -> sqlite3.Connection:
        tried.set()
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "open_checkpointer", fail)
        store = SQLiteStore(path)
        await write(store, 40)
        assert await asyncio.to_thread(tried.wait, 30)
        assert store.failure is None
        await write(store, 1, 40)
    await until_begun_anew(store, path)  # it is tried again
    assert store.failure is None
    count = len(await everything(store))
    await store.close()
    again = SQLiteStore(path)
    assert len(await everything(again)) == count
    await again.close()


async def test_forgetting_waits_for_what_is_being_brought_in(path: Path) -> None:
    store = SQLiteStore(path)
    await write(store, 40)
    desk: Any = store._file.writer._desk
    truncate, begun = desk.empty_wal, threading.Event()

    def truncating() -> bool:
        begun.set()
        return bool(truncate())

    desk.empty_wal = truncating
    other = sqlite3.connect(path, isolation_level=None)
    with desk._checkpoints._lock:
        forgetting = asyncio.create_task(store.forget("hikers", "m3"))
        assert await asyncio.to_thread(begun.wait, 30)
        other.execute("PRAGMA wal_checkpoint(PASSIVE)")
        assert not forgetting.done()
    other.close()
    assert await forgetting > 0
    assert wal(path) < STEP  # emptied: the rewritten file alone was more
    assert "m3" not in await store.counts("hikers")
    await store.close()


async def test_after_an_error_the_file_is_opened_anew_by_the_thread_too(path: Path) -> None:
    store = SQLiteStore(path)
    await until_begun_anew(store, path)

    def fail(_: Any) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with pytest.raises(StoreError):
        await store._file.write(fail)
    assert threads() == []
    await until_begun_anew(store, path)
    stored = await store.append("hikers", [a_fix("ann", 99_999)], epoch=EPOCH)
    assert len(stored.entries) == 1
    await store.close()
