"""Replays in this process: moved, stepped, looped, iterated, and code that raises."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from locshare_ext import Proximity, Silence, open_recording
from locshare_ext.client.callbacks import Callbacks
from locshare_ext.client.columns import table_from_fixes
from locshare_ext.client.lastknown import BLOCK, LastKnown
from locshare_ext.client.player import Player
from locshare_ext.client.recording import Recording
from locshare_ext.client.steering import Discontinuity
from locshare_ext.errors import InvalidInput
from locshare_ext.model.clock import datetime_from_ms
from locshare_ext.model.event import Event
from locshare_ext.model.fix import Fix

INF = float("inf")
ROWS = (
    (1, "ann", 1000, 1100),
    (2, "bo", 500, 1200),
    (3, "cy", 1000, 1200),
    (4, "ann", 2000, 2100),
    (5, "ann", 900, 9000),
)


def table(*rows: tuple[int, str, int, int]) -> Any:
    return table_from_fixes(
        [
            Fix(member=name, time=time, received=received, lat=0.0, lon=0.0, cursor=f"aaaa-{seq}", flags=())
            for seq, name, time, received in rows
        ]
    )


class Told:
    """What callbacks were told, and a player that waits for nothing but what it is told to."""

    def __init__(self, **options: Any) -> None:
        self.said: list[Any] = []
        self.callbacks = Callbacks(lambda text: self.said.append(text.partition(" raised")[0]))
        self.callbacks.add(lambda fix: self.said.append((fix.member, fix.time)))
        self.callbacks.add(self.begin, kind="discontinuity")
        self.changed = threading.Condition()
        self.player = Player(table(*ROWS), self.callbacks, **{"speed": INF, "clock": "time", **options})

    def begin(self, where: Discontinuity) -> None:
        known = [(fix.member, fix.time) for fix in where.known]
        self.said.append((where.reason, where.clock_ms, known))
        assert self.player.clock_ms == where.clock_ms

    @property
    def times(self) -> list[int]:
        return [one[1] for one in self.said if isinstance(one, tuple) and len(one) == 2]


def test_it_begins_at_a_moment_with_what_was_known() -> None:
    told = Told(start=950, clock="time")
    told.player.run()
    assert told.said[0] == ("start", 950, [("bo", 500), ("ann", 900)])
    assert told.times == [1000, 1000, 2000]
    late = Told(start=2100, clock="received")  # ann's fix of 900 came last, and is not her newest
    late.player.run()
    assert late.said[0] == ("start", 2100, [("ann", 1000), ("bo", 500), ("cy", 1000)])


def test_a_seek_in_a_callback_begins_anew_there() -> None:
    told = Told()
    once = iter([True])

    def back(fix: Fix) -> None:
        if fix.time == 2000 and next(once, False):
            told.player.seek(950)

    told.callbacks.add(back)
    told.player.run()
    assert told.times == [500, 900, 1000, 1000, 2000, 1000, 1000, 2000]
    assert [one for one in told.said if len(one) == 3] == [
        ("start", 500, []),
        ("seek", 950, [("bo", 500), ("ann", 900)]),
    ]


@pytest.mark.parametrize("moment", [499, 2001, datetime_from_ms(0), "2026-11-22T10:32+09:00"])
def test_seeks_outside_are_refused_and_change_nothing(moment: Any) -> None:
    told = Told()
    with pytest.raises(InvalidInput, match="outside the recording"):
        told.player.seek(moment)
    told.player.run()
    assert told.times == [500, 900, 1000, 1000, 2000]
    with pytest.raises(InvalidInput, match="has ended"):
        told.player.seek(900)


def test_a_loop_begins_again_at_the_beginning() -> None:
    told = Told(is_looping=True, start=1000)
    told.callbacks.add(lambda fix: told.player.stop() if told.player.delivered == 8 else None)
    told.player.run()
    assert told.times == [1000, 1000, 2000, 500, 900, 1000, 1000, 2000]
    assert [one[0] for one in told.said if len(one) == 3] == ["start", "loop"]


def test_steps_to_the_next_fix_a_member_and_a_note() -> None:
    notes = [Event(kind="note", time=at, received=at, text="lost") for at in (400, 1500)]
    told = Told(speed=1e-6, events=lambda: notes)
    held = threading.Semaphore(0)
    told.player.watch(lambda head: None)
    told.callbacks.add(lambda fix: held.release())
    told.player.pause()
    thread = threading.Thread(target=told.player.run)
    thread.start()

    def stepped(step: Callable[[], object], count: int) -> list[int]:
        before = len(told.times)
        step()
        for _ in range(count):
            assert held.acquire(timeout=10)
        return told.times[before:]

    assert stepped(lambda: told.player.step(), 1) == [500]
    assert stepped(lambda: told.player.step(member="CY"), 3) == [900, 1000, 1000]
    with pytest.raises(InvalidInput, match="'bo' has 0 fixes"):
        told.player.step(member="bo")
    assert told.player.step_to_event("note") == datetime_from_ms(1500)
    assert told.player.clock_ms == 1500  # between two fixes
    assert (told.player.playhead().state, told.player.playhead().moment) == ("paused", 1500)
    with pytest.raises(InvalidInput, match="no event after"):
        told.player.step_to_event()
    assert stepped(lambda: told.player.step(10), 1) == [2000]
    told.player.speed = INF
    told.player.resume()
    assert told.player.wait(10)
    thread.join()


@pytest.mark.parametrize("count", [0, -1, 1.5, True, "2"])
def test_steps_that_cannot_be(count: Any) -> None:
    told = Told()
    with pytest.raises(InvalidInput, match="not 1 or more fixes") as refused:
        told.player.step(count)
    assert refused.value.field == "count"
    told.player.run()  # nobody has held it
    assert len(told.times) == 5


def test_silences_are_passed_over_when_asked() -> None:
    now = [0.0]
    rows = [(n, "ann", at, at) for n, at in enumerate((0, 1000, 601_000, 602_000), 1)]
    player = Player(table(*rows), Callbacks(), speed=1, clock="time", max_gap=2000, now=lambda: now[0])
    seen = [(fix.time, now[0]) for fix in _hurried(player, now)]
    assert seen == [(0, 0.0), (1000, 1.0), (601_000, 3.0), (602_000, 4.0)]


def test_who_sees_the_playhead_is_told_where_it_jumps() -> None:
    now, told = [0.0], []
    rows = [(n, "ann", at, at) for n, at in enumerate((0, 1000, 601_000, 602_000), 1)]
    player = Player(table(*rows), Callbacks(), speed=1, clock="time", max_gap=2000, now=lambda: now[0])
    player.watch(lambda head: told.append((head.moment, head.moment_at(3.0), now[0])))
    assert len(list(_hurried(player, now))) == 4
    assert (599_000, 601_000, 1.0) in told  # at the beginning of the silence, and not after it


def _hurried(player: Player, now: list[float]) -> Any:
    """Iterate with a clock that is set on as soon as the player waits."""

    def wait(timeout: float | None = None) -> bool:
        now[0] = round(now[0] + (timeout or 0), 9)
        return True

    player._change.wait = wait  # type: ignore[method-assign]
    return player


def test_a_callback_that_raises_is_told_once_and_stops_it_when_asked() -> None:
    def broken(fix: Fix) -> None:
        raise KeyError(fix.member)

    going_on = Told()
    going_on.callbacks.add(broken)
    going_on.player.run()
    assert len([one for one in going_on.said if "broken" in one]) == 1
    assert (len(going_on.times), list(going_on.callbacks.failures().values())[-1]) == (5, 5)

    stopping = Told(on_error="stop")
    stopping.callbacks.add(broken)
    with pytest.raises(KeyError):
        stopping.player.run()
    assert (stopping.times, stopping.player.is_done) == ([500], True)
    assert isinstance(stopping.player.error, KeyError)
    with pytest.raises(InvalidInput, match="on_error"):
        Told(on_error="ignore")


@pytest.mark.parametrize(
    ("kind", "rule", "speed", "seen"),
    [
        ("fixes", None, INF, 5),
        ("discontinuity", None, INF, 0),
        ("alert", Proximity(name="together", near=10), INF, 2),
        ("alert", Silence(name="quiet", lasting=1), INF, 4),
        ("alert", Silence(name="quiet", lasting=1), 5.0, 4),  # set off by time alone
    ],
)
@pytest.mark.parametrize("is_strict", [True, False])
def test_callbacks_of_every_kind_stop_it_when_asked(
    kind: Any, rule: Any, speed: float, seen: int, is_strict: bool
) -> None:
    told = Told(on_error="stop" if is_strict else "continue", speed=speed)
    asked: list[Any] = []

    def broken(what: Any) -> None:
        asked.append(what)
        raise RuntimeError("broken")

    told.callbacks.add(broken, kind=kind)
    if rule is not None:
        told.callbacks.watching.set([rule])
    if not is_strict:
        told.player.run()
        assert len(told.times) == 5
        return
    with pytest.raises(RuntimeError, match="broken"):
        told.player.run()
    assert len(asked) == 1
    assert isinstance(told.player.error, RuntimeError)
    assert told.player.is_done
    assert len(told.times) == seen


def test_batches_and_single_fixes_are_the_same() -> None:
    told = Told()
    batches: list[list[int]] = []
    told.callbacks.add(lambda fixes: batches.append([fix.time for fix in fixes]), kind="fixes")
    told.player.run()
    assert [time for batch in batches for time in batch] == told.times == [500, 900, 1000, 1000, 2000]
    again = Told().player
    assert [fix.time for batch in again.batches() for fix in batch] == told.times
    with pytest.raises(InvalidInput, match="begun before"):
        next(iter(again))


async def test_iterated_with_and_without_await() -> None:
    player = Told().player
    plain = [(fix.time, player.clock_ms) for fix in player]
    assert [time for time, _ in plain] == [clock for _, clock in plain] == [500, 900, 1000, 1000, 2000]
    assert player.is_done
    awaited = Told(speed=1e5).player
    assert [(fix.time, awaited.clock_ms) async for fix in awaited] == plain


async def test_what_is_left_early_ends() -> None:
    player = Told(speed=1e-6).player  # the second fix is years away
    async with asyncio.timeout(20):
        async for fix in player:
            assert fix.time == 500
            break
        player.stop()
        assert await asyncio.to_thread(player.wait, 10)


def test_recordings_play_alike(tmp_path: Any) -> None:
    file = tmp_path / "walk.csv"
    file.write_text(
        "member,time,lat,lon\n" + "".join(f"m{n % 3},2026-11-22T10:00:{n:02}Z,37.5,{n}\n" for n in range(9))
    )
    walk = open_recording(file, columns="member=member,time=time,lat=lat,lon=lon")
    assert isinstance(walk, Recording)
    seen: list[tuple[Fix, Any]] = []
    walk.on_fix(lambda fix: seen.append((fix, walk.clock)))
    walk.play(speed=INF)
    assert [fix for fix, _ in seen] == list(walk.fixes())
    assert [clock for _, clock in seen] == [fix.datetime for fix, _ in seen]
    started = walk.fixes(start="2026-11-22T10:00:05Z")
    assert [fix.lon for fix in started] == [5, 6, 7, 8]
    for start in ("2026-11-22T09:59:59Z", "2026-11-22T10:00:09Z"):
        with pytest.raises(InvalidInput, match="outside the recording") as told:
            walk.play(start=start)
        assert told.value.field == "start"
    for speed in (0, -1):
        with pytest.raises(InvalidInput, match="not above 0"):
            walk.play(speed=speed)
    with pytest.raises(InvalidInput, match="max_gap -1"):
        walk.play(max_gap=-1)


def test_where_everyone_was_is_found_by_blocks() -> None:
    draw = np.random.default_rng(7)
    count = 2 * BLOCK + 1000
    times = draw.integers(0, 50_000, count)
    rows = table((1, "m0", 0, 1)).slice(0, 0)
    fixes = [
        Fix(member=f"m{m}", time=int(t), received=int(t) + 5, lat=0.0, lon=0.0, flags=())
        for m, t in zip(draw.integers(0, 7, count), times, strict=True)
    ]
    rows = table_from_fixes(fixes)
    known = LastKnown(rows)
    for place in (1, 5, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, count):
        newest: dict[str, int] = {}
        for row, fix in enumerate(fixes[:place]):
            if fix.member not in newest or fix.time >= fixes[newest[fix.member]].time:
                newest[fix.member] = row
        assert known.rows(place).tolist() == sorted(newest.values())
