from __future__ import annotations

import threading

import numpy as np
import pytest

from locshare_ext.widget.trail_log import TrailLog


def add(log: TrailLog, members: list[str], start: int, **numbers: object) -> int:
    count = len(members)
    times = np.arange(start, start + count, dtype=np.int64)
    return log.append(log.ids_of(members), times, times + 5, np.zeros(count), np.zeros(count), numbers)  # type: ignore[arg-type]


def test_fixes_are_numbered_as_they_come() -> None:
    log = TrailLog()
    assert add(log, ["ann", "ben"], 100) == 2
    assert add(log, ["ann"], 200) == 3
    rows = log.rows(1, 3)
    assert rows["member"].tolist() == [1, 0]
    assert rows["time"].tolist() == [101, 200]
    assert rows["received"].tolist() == [106, 205]
    assert log.names == ["ann", "ben"]


def test_numbers_that_come_late_are_unknown_before() -> None:
    log = TrailLog()
    add(log, ["ann"], 1)
    add(log, ["ann"], 2, speed=[3.5])
    add(log, ["ann"], 3)
    assert np.array_equal(log.rows(0, 3)["speed"], [np.nan, 3.5, np.nan], equal_nan=True)


def test_it_grows_and_stays_whole() -> None:
    log = TrailLog()
    for start in range(0, 50_000, 500):
        add(log, ["ann"] * 500, start)
    assert len(log) == 50_000
    assert np.array_equal(log.rows(0, 50_000)["time"], np.arange(50_000))


def test_the_oldest_are_forgotten_at_the_limit() -> None:
    log = TrailLog(max_fixes=100)
    for start in range(0, 250, 10):
        add(log, ["ann"] * 10, start)
    assert log.head == 250
    assert len(log) <= 100
    assert log.oldest == 250 - len(log)
    assert log.rows(log.oldest, 250)["time"].tolist() == list(range(log.oldest, 250))


def test_clearing_begins_another_epoch() -> None:
    log = TrailLog()
    add(log, ["ann"], 1)
    before = log.epoch
    log.clear()
    assert (log.head, log.names) == (0, [])
    assert log.epoch != before


def test_many_threads_lose_nothing() -> None:
    log = TrailLog()
    threads = [
        threading.Thread(target=lambda name=name: [add(log, [name], k) for k in range(300)])
        for name in ("ann", "ben", "cleo", "dan")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = log.rows(0, log.head)
    assert log.head == 1200
    for member in range(4):
        assert rows["time"][rows["member"] == member].tolist() == list(range(300))


@pytest.mark.parametrize("span", [(5, 9), (-3, 0), (2, 1)])
def test_rows_outside_are_none(span: tuple[int, int]) -> None:
    log = TrailLog()
    add(log, ["ann"], 1)
    assert len(log.rows(*span)["member"]) == 0
