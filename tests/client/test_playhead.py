"""Where a playhead is between two things that were told of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from locshare_ext.client.callbacks import Callbacks
from locshare_ext.client.columns import table_from_fixes
from locshare_ext.client.player import Player
from locshare_ext.client.playhead import Playhead, Watchers
from locshare_ext.model.fix import Fix

PLAYING = Playhead("playing", 1000.0, at=5.0, speed=10.0, start=0.0, end=61_000.0)


@pytest.mark.parametrize(
    ("playhead", "now", "expected"),
    [
        (PLAYING, 5.0, 1000.0),
        (PLAYING, 6.0, 11_000.0),
        (PLAYING, 99.0, 61_000.0),  # there it stays
        (replace(PLAYING, is_looping=True), 12.0, 10_000.0),
        (replace(PLAYING, state="paused"), 99.0, 1000.0),
        (replace(PLAYING, end=None), 99.0, 941_000.0),
        (replace(PLAYING, speed=float("inf")), 99.0, 1000.0),
    ],
)
def test_it_moves_by_arithmetic(playhead: Playhead, now: float, expected: float) -> None:
    assert playhead.moment_at(now) == expected


def test_watchers_are_told_until_they_stop() -> None:
    watchers, told = Watchers(), []
    stop = watchers.watch(told.append)
    watchers.tell(PLAYING)
    stop()
    stop()
    watchers.tell(PLAYING)
    assert told == [PLAYING]


def fix(seq: int, time: int) -> Fix:
    return Fix(member="ann", time=time, received=time + 5, lat=0.0, lon=0.0, cursor=f"aaaa-{seq}", flags=())


def test_a_player_tells_of_its_playhead_and_begins_where_it_is_asked_to() -> None:
    told: list[Playhead] = []
    seen: list[int] = []
    callbacks = Callbacks()
    callbacks.add(lambda fix: seen.append(fix.time))
    table = table_from_fixes([fix(k, 1000 * k) for k in range(1, 6)])
    player = Player(table, callbacks, speed=float("inf"), clock="time", start=2500, tell=told.append)
    player.run()
    assert seen == [3000, 4000, 5000]
    assert [(one.state, one.moment) for one in told] == [("playing", 2500), ("paused", 5000)]
    assert (told[0].start, told[0].end, told[0].clock) == (1000, 5000, "time")


def test_a_start_behind_the_end_plays_nothing() -> None:
    player = Player(table_from_fixes([fix(1, 1000)]), Callbacks(), speed=1.0, clock="received", start=9000)
    player.run()
    assert (player.delivered, player.is_done, player.clock_ms) == (0, True, 9000)
