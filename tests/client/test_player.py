"""Replay: each fix once, in order, by a clock that the test owns."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from locshare_ext.client.callbacks import Callbacks
from locshare_ext.client.columns import table_from_fixes
from locshare_ext.client.player import Player
from locshare_ext.errors import InvalidInput
from locshare_ext.model.fix import Fix


def table(*rows: tuple[int, str, int, int]) -> Any:
    """Return a table of (seq, member, time, received)."""
    return table_from_fixes(
        [
            Fix(member=name, time=time, received=received, lat=0.0, lon=0.0, cursor=f"aaaa-{seq}", flags=())
            for seq, name, time, received in rows
        ]
    )


ROWS = (
    (1, "ann", 1000, 1100),
    (2, "bo", 500, 1200),
    (3, "cy", 1000, 1200),
    (4, "ann", 2000, 2100),
    (5, "ann", 900, 9000),
)


class Seen:
    def __init__(self) -> None:
        self.times: list[tuple[str, int]] = []
        self.callbacks = Callbacks()
        self.callbacks.add(self.see)

    def see(self, fix: Fix) -> None:
        self.times.append((fix.member, fix.time))


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        ("time", [("bo", 500), ("ann", 900), ("ann", 1000), ("cy", 1000), ("ann", 2000)]),
        ("received", [("ann", 1000), ("bo", 500), ("cy", 1000), ("ann", 2000), ("ann", 900)]),
    ],
)
def test_each_fix_once_in_the_order_of_the_clock(clock: Any, expected: list[tuple[str, int]]) -> None:
    seen = Seen()
    player = Player(table(*ROWS), seen.callbacks, speed=float("inf"), clock=clock)
    player.run()
    assert seen.times == expected
    assert (player.delivered, player.total, player.is_done) == (5, 5, True)


def test_the_clock_is_the_moment_of_the_fix_in_a_callback() -> None:
    callbacks, moments = Callbacks(), []
    player = Player(table(*ROWS), callbacks, speed=float("inf"), clock="received")
    callbacks.add(lambda fix: moments.append((player.clock_ms, fix.received)))
    player.run()
    assert [a for a, _ in moments] == [b for _, b in moments]
    assert player.clock_ms == 9000


def test_a_speed_is_kept_by_arithmetic() -> None:
    """Real time: 8.5 s of recording at 100x take 85 ms, however the callbacks dawdle."""
    seen = Seen()
    player = Player(table(*ROWS), seen.callbacks, speed=100, clock="received")
    thread = threading.Thread(target=player.run)
    thread.start()
    assert player.wait(10)
    thread.join()
    assert [time for _, time in seen.times] == [1000, 500, 1000, 2000, 900]


def test_pause_holds_speed_changes_and_stop_ends() -> None:
    seen = Seen()
    late = threading.Event()
    player = Player(table(*ROWS), seen.callbacks, speed=1e-3, clock="time")  # the next fix is 400 s away
    seen.callbacks.add(lambda fix: late.set() if fix.member == "ann" else None)
    thread = threading.Thread(target=player.run)
    thread.start()
    player.pause()
    held = player.clock_ms
    assert player.clock_ms == held
    player.speed = 1e6
    assert player.clock_ms == held
    player.resume()
    assert late.wait(10)
    assert player.wait(10)
    thread.join()
    assert player.delivered == 5

    player = Player(table(*ROWS), seen.callbacks, speed=1e-3, clock="time")
    thread = threading.Thread(target=player.run)
    thread.start()
    player.stop()
    thread.join(10)
    assert player.is_done
    assert player.delivered <= 1


def test_a_callback_may_stop_or_pause_it() -> None:
    callbacks, seen = Callbacks(), []
    player = Player(table(*ROWS), callbacks, speed=float("inf"), clock="time")

    def twice(fix: Fix) -> None:
        seen.append(fix.time)
        if len(seen) == 2:
            player.stop()

    callbacks.add(twice)
    player.run()
    assert seen == [500, 900]
    assert player.clock_ms == 900


@pytest.mark.parametrize("speed", [1e6, float("inf")])
def test_a_pause_in_the_middle_of_what_is_due_loses_nothing(speed: float) -> None:
    callbacks, seen, held = Callbacks(), [], threading.Event()
    player = Player(table(*ROWS), callbacks, speed=speed, clock="time")

    def hold_at_third(fix: Fix) -> None:
        seen.append(fix.time)
        if len(seen) == 3:
            player.pause()
            held.set()

    callbacks.add(hold_at_third)
    thread = threading.Thread(target=player.run)
    thread.start()
    assert held.wait(10)
    assert not player.is_done
    player.resume()
    assert player.wait(10)
    thread.join()
    assert seen == [500, 900, 1000, 1000, 2000]


@pytest.mark.parametrize("speed", [0, -1, float("nan"), "fast", True, None])
def test_speeds_that_cannot_be(speed: Any) -> None:
    with pytest.raises(InvalidInput, match="not above 0"):
        Player(table(*ROWS), Callbacks(), speed=speed, clock="time")


def test_nothing_to_play() -> None:
    player = Player(table(), Callbacks(), speed=1, clock="time")
    player.run()
    assert player.is_done
