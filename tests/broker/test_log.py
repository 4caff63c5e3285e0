"""The live log: who is told, when, and from where."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from locshare_ext.broker.log import GroupLog, Place
from locshare_ext.broker.memory import MemoryStore
from locshare_ext.errors import InvalidCursor, StoreError, Unavailable
from locshare_ext.model import wire
from locshare_ext.model.fix import Fix
from locshare_ext.model.store import LogStore
from locshare_ext.store import SQLiteStore
from tests.broker.helpers import ReaderOf, a_log, cancelled, reopened
from tests.store.helpers import EPOCH, T0, a_fix, a_note, put

# --- append and wake


async def test_a_reader_gets_what_was_stored_encoded_once(store: LogStore) -> None:
    log = a_log(store)
    one, two = ReaderOf(log), ReaderOf(log)
    appended = await log.append([a_fix("ann", 1), a_note(), a_fix("ann", 1)])
    await one.has(2)
    await two.has(2)
    assert [entry.item for entry in one.got] == [entry.item for entry in appended.entries]
    assert [entry.body for entry in one.got] == [wire.encode(entry.item) for entry in appended.entries]
    assert [entry.is_fix for entry in one.got] == [True, False]
    assert all(a is b for a, b in zip(one.got, two.got, strict=True))
    assert (log.head, log.oldest, log.epoch, log.readers) == (2, 1, EPOCH, 2)


async def test_it_is_committed_before_anybody_is_told(store: LogStore) -> None:
    log = a_log(store)
    stored_when_told: list[int] = []

    class Looking(ReaderOf):
        def wake(self) -> None:
            super().wake()
            looks.append(asyncio.ensure_future(self.look()))

        async def look(self) -> None:
            stored_when_told.append(len(await store.read("hikers", 0, 100)))

    looks: list[asyncio.Future[None]] = []
    reader = Looking(log)
    await log.append([a_fix("ann", 1), a_fix("ann", 2)])
    await reader.has(2)
    await asyncio.gather(*looks)
    assert stored_when_told == [2]


async def test_one_wake_up_for_all_that_came_in_a_turn(store: LogStore) -> None:
    log = a_log(store)
    reader = ReaderOf(log)
    batches = [log.append([a_fix("ann", n)]) for n in range(100)]
    await asyncio.gather(*batches)
    await reader.has(100)
    assert reader.offsets == list(range(1, 101))
    assert reader.wakes < 50  # memory answers all at once, SQLite in a few commits


async def test_nothing_new_wakes_nobody(store: LogStore) -> None:
    log = a_log(store)
    await log.append([a_fix("ann", 1)])
    reader = ReaderOf(log, after=1)
    await log.append([a_fix("ann", 1)])
    assert await log.append([]) == await log.append([])
    await log.append([a_fix("ann", 2)])
    await reader.has(1)
    assert (reader.wakes, reader.offsets) == (1, [2])


async def test_a_detached_reader_is_left_alone(store: LogStore) -> None:
    log = a_log(store)
    gone, here = ReaderOf(log), ReaderOf(log)
    log.detach(gone)
    log.detach(gone)
    await log.append([a_fix()])
    await here.has(1)
    assert gone.wakes == 0


async def test_a_reader_may_detach_others_while_it_is_woken(store: LogStore) -> None:
    log = a_log(store)

    class Leaving(ReaderOf):
        def wake(self) -> None:
            super().wake()
            for reader in readers:
                log.detach(reader)

    readers = [Leaving(log) for _ in range(3)]
    await log.append([a_fix()])
    while log.readers:
        await asyncio.sleep(0)


async def test_a_cancelled_append_leaves_no_hole(store: LogStore) -> None:
    log = a_log(store)
    reader = ReaderOf(log)
    for number in range(0, 60, 3):
        task: asyncio.Task[object] = asyncio.ensure_future(log.append([a_fix("ann", number)]))
        await asyncio.sleep(0)  # let it begin: what has not begun is not sent
        await cancelled(task)
        await log.append([a_fix("ann", number + 1), a_fix("ann", number + 2)])
    await reader.has(60)
    assert reader.offsets == list(range(1, 61))


# --- places


async def test_places(store: LogStore) -> None:
    log = a_log(store)
    assert log.place(None, "start") == log.place("now", "start") == Place(0, False)
    await log.append([a_fix("ann", n) for n in range(5)])
    assert log.place(None, "start") == log.place("start", "now") == Place(0, False)
    assert log.place(None, "now") == log.place("now", "start") == Place(5, False)
    assert log.place(log.cursor(3), "now") == Place(3, False)
    assert log.place(f"{EPOCH}-5", "now") == Place(5, False)
    assert log.place(f"{EPOCH}-99", "start") == Place(5, True)
    assert log.place("zyxwvuts-3", "now") == Place(0, True)
    for nonsense in (
        "",
        "5",
        f"{EPOCH}-",
        f"{EPOCH}--1",
        "Start",
        f"{EPOCH}-5 ",
        "9" * 400,
        f"{EPOCH}-{1 << 63}",
    ):
        with pytest.raises(InvalidCursor):
            log.place(nonsense, "now")


async def test_what_was_trimmed_is_a_gap(store: LogStore) -> None:
    log = a_log(store)
    await log.append([a_fix("ann", n) for n in range(10)])
    assert await log.trim(T0 + 4000) == 4
    assert (log.oldest, log.head) == (5, 10)
    assert log.place("start", "now") == Place(4, False)
    assert log.place(log.cursor(2), "now") == Place(4, True)
    assert log.place(log.cursor(0), "now") == Place(4, True)
    assert log.place(log.cursor(4), "now") == Place(4, False)
    assert log.place(log.cursor(7), "now") == Place(7, False)
    assert [entry.offset for entry in await log.read(4, 100)] == [5, 6, 7, 8, 9, 10]


async def test_what_a_store_let_go_of_by_itself_is_a_gap() -> None:
    """The store that keeps nothing has a bound, and no retention goes by."""
    log = a_log(MemoryStore(length=10))
    await log.append([a_fix("bob", 0)])
    await log.append([a_fix("ann", n) for n in range(11)])
    assert [entry.item.member for entry in await log.newest()] == ["ann"]
    assert (log.oldest, log.trimmed) == (3, 2)
    assert log.place("start", "now") == Place(2, False)
    assert log.place(log.cursor(1), "now") == Place(2, True)
    assert log.place(log.cursor(2), "now") == Place(2, False)


async def test_what_was_forgotten_is_no_gap(store: LogStore) -> None:
    log = a_log(store)
    reader = ReaderOf(log)
    await log.append([a_fix("ann", 1), a_fix("bob", 1), a_fix("ann", 2), a_fix("bob", 2), a_fix("ann", 3)])
    await reader.has(5)
    assert await log.forget("ANN") == 3
    assert (log.oldest, log.head) == (2, 5)
    assert log.place(log.cursor(0), "now") == Place(1, False)
    assert log.place(log.cursor(3), "now") == Place(3, False)
    assert [entry.offset for entry in await log.read(0, 100)] == [2, 4]
    assert [entry.offset for entry in await log.newest()] == [4]
    await log.append([a_fix("bob", 3)])
    await reader.has(6)
    assert reader.offsets[-1] == 6


# --- memory and store


async def test_what_is_older_than_memory_is_read_from_the_store(store: LogStore) -> None:
    log = a_log(store, length=16)
    await log.append([a_fix("ann", n) for n in range(50)])
    await log.append([a_fix("ann", 50 + n) for n in range(50)])
    assert log.tail(10) is None
    in_memory = log.tail(84)
    assert in_memory is not None
    assert [entry.offset for entry in in_memory] == list(range(85, 101))
    got, after = [], 0
    while some := await log.read(after, 7):
        got += some
        after = some[-1].offset
    assert [entry.offset for entry in got] == list(range(1, 101))
    assert got[3].body == wire.encode(got[3].item)
    assert log.tail(100) == []
    assert await log.read(100, 7) == []


async def test_slices_end_at_their_bytes_with_at_least_one_entry(store: LogStore) -> None:
    log = a_log(store)
    await log.append([a_fix("ann", n) for n in range(30)])
    size = len((log.tail(0) or ())[0].body)
    assert len(log.tail(0, size * 3 + 2 * 3) or ()) == 3
    assert len(log.tail(0, 1) or ()) == 1
    assert len(await log.read(0, 100, size * 4)) <= 4
    again = await reopened(store)
    assert 1 <= len(await again.read(0, 100, size * 4)) <= 5
    assert len(await again.read(0, 100, 1)) == 1


async def test_after_a_restart_readers_go_on_where_they_were(store: LogStore) -> None:
    log = a_log(store)
    await log.append([a_fix("ann", n) for n in range(5)])
    cursor = log.cursor(3)
    again = await reopened(store)
    assert again.place(cursor, "now") == Place(3, False)
    assert again.tail(3) is None
    assert [entry.offset for entry in await again.read(3, 100)] == [4, 5]
    reader = ReaderOf(again, after=5)
    await again.append([a_fix("ann", 5)])
    await reader.has(1)
    assert reader.offsets == [6]
    assert reader.got[0].item.cursor == f"{EPOCH}-6"


async def test_entries_told_elsewhere_are_found_in_the_store(store: LogStore) -> None:
    log = a_log(store)
    await log.append([a_fix("ann", 1)])
    await put(store, a_fix("ann", 2), a_fix("ann", 3))  # past this log
    assert log.head == 1
    assert await log.read(1, 10) == []
    await log.append([a_fix("ann", 4)])
    assert log.head == 4
    assert log.tail(1) is None
    assert [entry.offset for entry in await log.read(1, 10)] == [2, 3, 4]
    assert [entry.offset for entry in await log.newest()] == [4]


async def test_a_log_that_had_another_life_in_the_store_takes_that(store: LogStore) -> None:
    await put(store, a_fix("bob", 1), epoch="storedon")
    log = a_log(store)
    await log.append([a_fix("ann", 1)])
    assert (log.epoch, log.head) == ("storedon", 2)
    assert log.cursor(2) == "storedon-2"


async def test_newest_is_kept_up(store: LogStore) -> None:
    log = a_log(store)
    assert await log.newest() == []
    await log.append([a_fix("ann", 5), a_fix("Bob", 1), a_note(member="ann")])
    await log.append([a_fix("ann", 2), a_fix("bob", 3)])
    assert [entry.offset for entry in await log.newest()] == [1, 5]
    again = await reopened(store)
    loading = asyncio.gather(again.newest(), again.newest())
    await again.append([a_fix("ann", 9)])
    await loading
    expected = [entry.offset for entry in await store.newest("hikers")]
    assert [entry.offset for entry in await again.newest()] == expected == [5, 6]
    await again.trim(T0 + 4000)
    assert [entry.offset for entry in await again.newest()] == [6]


async def test_shared_is_built_once_a_turn(store: LogStore) -> None:
    log = a_log(store)
    made, other = log.made("key"), log.made("other")
    assert log.made("key") is made is not other
    made.put(0, 3, b"x")
    made.put(1, 3, b"y")
    other.put(0, 3, b"z")
    assert (made.by_place, other.by_place) == ({0: (3, b"x"), 1: (3, b"y")}, {0: (3, b"z")})
    await asyncio.sleep(0)
    assert (made.by_place, other.by_place) == ({}, {})
    made.put(3, 4, b"next")
    assert made.by_place == {3: (4, b"next")}
    await asyncio.sleep(0)
    del made
    assert not log.made("key").by_place


# --- when the store fails, and the end


async def test_while_the_store_fails_live_readers_still_get_fixes(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_text("this is no database, and it is longer than a header of one would be " * 9)
    store = SQLiteStore(path)
    log = a_log(store)
    reader = ReaderOf(log)
    with pytest.raises(StoreError):
        await log.append([a_fix("ann", 1, flags=("future",)), a_note(), a_fix("bob", 1)])
    assert [entry.offset for entry in reader.offered] == [0, 0]
    first = reader.offered[0].item
    assert isinstance(first, Fix)
    assert (first.member, first.flags, first.cursor) == ("ann", ("future", "volatile"), None)
    assert reader.offered[0].body == wire.encode(first)
    assert (reader.got, log.head) == ([], 0)
    path.unlink()
    await log.append([a_fix("ann", 1), a_fix("bob", 1)])  # sent again: stored once
    await reader.has(2)
    assert reader.offsets == [1, 2]
    await store.close()


async def test_close_lets_go_of_all(store: LogStore) -> None:
    log = a_log(store)
    reader = ReaderOf(log)
    log.close("group deleted")
    log.close("again")
    assert (reader.closed, log.readers) == ("group deleted", 0)
    with pytest.raises(Unavailable, match="group deleted"):
        await log.append([a_fix()])
    with pytest.raises(Unavailable):
        log.attach(reader)


async def test_settings_changed_elsewhere_are_taken_by_refresh(store: LogStore) -> None:
    log = a_log(store)
    await log.refresh()
    await log.append([a_fix()])
    await store.update_settings("hikers", {"title": "Hikers"})
    await log.refresh()
    assert (log.info.settings, log.head) == ({"title": "Hikers"}, 1)


def test_a_log_needs_no_loop_to_be_made() -> None:
    store = SQLiteStore("/nonexistent/store.db")
    assert isinstance(a_log(store), GroupLog)
