"""The newest entries in memory: bounds, slices, holes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from locshare_ext.broker.tail import LogEntry, Tail
from tests.store.helpers import a_fix

ITEM = a_fix()


def entry(offset: int, size: int = 10) -> LogEntry:
    return LogEntry(offset, ITEM, b"x" * size, True)


def tail_of(*offsets: int, length: int = 1000, length_bytes: int = 1 << 20) -> Tail:
    tail = Tail(0, length, length_bytes)
    tail.extend([entry(offset) for offset in offsets])
    return tail


def after(tail: Tail, offset: int, max_bytes: int = 1 << 20) -> list[int] | None:
    found = tail.after(offset, max_bytes)
    return None if found is None else [one.offset for one in found]


def test_slices_are_shared_by_those_at_the_same_place() -> None:
    tail = tail_of(1, 2, 3)
    assert tail.after(1, 100) is tail.after(1, 100)
    before = tail.after(1, 100)
    tail.extend([entry(4)])
    assert after(tail, 1) == [2, 3, 4]
    assert [one.offset for one in before or ()] == [2, 3]


def test_readers_who_are_all_elsewhere_leave_no_slices_behind() -> None:
    tail = tail_of(*range(1, 1001))
    for offset in range(1000):
        tail.after(offset, 1 << 20)
    assert len(tail._slices) <= 64


def test_at_least_one_entry_however_large() -> None:
    tail = tail_of()
    tail.extend([entry(1, 5000), entry(2, 10)])
    assert after(tail, 0, 100) == [1]
    assert after(tail, 1, 100) == [2]
    assert after(tail, 2, 100) == []
    assert after(tail, 7, 100) == []


def test_bounds() -> None:
    tail = tail_of(*range(1, 101), length=10)
    assert (len(tail), tail.size, tail.floor) == (10, 100, 90)
    assert after(tail, 89) is None
    assert after(tail, 90) == list(range(91, 101))
    tail = tail_of(*range(1, 101), length_bytes=55)
    assert (len(tail), tail.size, tail.floor) == (5, 50, 95)
    tail.extend([entry(101, 500)])  # larger than the bound: kept alone
    assert (len(tail), after(tail, 100)) == (1, [101])


def test_holes_and_floors() -> None:
    tail = tail_of(2, 5, 6, 9)
    assert after(tail, 0) == [2, 5, 6, 9]
    assert after(tail, 3) == [5, 6, 9]
    tail.remove(lambda one: one.offset == 5)
    assert after(tail, 2) == [6, 9]
    tail.raise_floor(7)
    assert (after(tail, 6), after(tail, 7), tail.floor) == (None, [9], 7)
    tail.raise_floor(3)
    assert tail.floor == 7
    tail.restart(20)
    assert (after(tail, 19), after(tail, 20), len(tail), tail.size) == (None, [], 0, 0)
    tail.extend([entry(21)])
    assert after(tail, 20) == [21]


@given(
    st.lists(st.lists(st.integers(1, 60), min_size=1, max_size=9), max_size=30),
    st.integers(1, 20),
    st.integers(1, 300),
    st.integers(1, 100),
)
def test_whatever_comes_a_reader_gets_all_that_is_in_memory(
    sizes: list[list[int]], length: int, length_bytes: int, max_bytes: int
) -> None:
    tail = Tail(0, length, length_bytes)
    every: list[LogEntry] = []
    for some in sizes:
        new = [entry(len(every) + 1 + number, size) for number, size in enumerate(some)]
        every += new
        tail.extend(new)
        kept = every[-len(tail) :]
        assert 1 <= len(tail) <= length
        assert tail.size == sum(len(one.body) for one in kept)
        assert tail.size <= length_bytes or len(tail) == 1
        assert tail.floor == kept[0].offset - 1
        got: list[LogEntry] = []
        place = tail.floor
        while part := tail.after(place, max_bytes):
            assert len(part) == 1 or sum(len(one.body) for one in part) <= max_bytes
            got += part
            place = part[-1].offset
        assert got == kept
