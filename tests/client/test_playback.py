from __future__ import annotations

import math
import threading
import time
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from locshare_ext.client.playback import Played, play, timed_from_frame, timed_from_table
from locshare_ext.client.simulator import TimedFix, simulate
from locshare_ext.errors import AccessDenied, InvalidInput, ServerUnreachable
from locshare_ext.formats import load
from tests.formats.helpers import BASE, BUSES, random_table, table_of

NOW = 1_800_000_000_000


class FakeTimer:
    """A clock that moves only when somebody waits; `at` holds what happens at which second."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.at: list[tuple[float, Any]] = []

    def now(self) -> int:
        return NOW + round(self.seconds * 1000)

    def monotonic(self) -> float:
        return self.seconds

    def wait(self, event: threading.Event, seconds: float) -> bool:
        if not event.is_set():
            self.seconds += seconds
            while self.at and self.at[0][0] <= self.seconds:
                self.at.pop(0)[1]()
        return event.is_set()


class Publisher:
    """Keeps what is published and when."""

    def __init__(self, timer: FakeTimer) -> None:
        self.timer = timer
        self.batches: list[tuple[float, list[dict[str, Any]]]] = []

    def __call__(self, fixes: list[dict[str, Any]]) -> None:
        self.batches.append((self.timer.seconds, fixes))

    @property
    def fixes(self) -> list[dict[str, Any]]:
        return [fix for _, batch in self.batches for fix in batch]


@pytest.fixture
def timer() -> FakeTimer:
    return FakeTimer()


@pytest.fixture
def published(timer: FakeTimer) -> Publisher:
    return Publisher(timer)


def fixes_at(*seconds: float, **more: Any) -> list[TimedFix]:
    return [
        (
            BASE + int(at * 1000),
            {"member": "ann", "time": BASE + int(at * 1000), "lat": 1.0, "lon": 2.0, **more},
        )
        for at in seconds
    ]


def test_each_fix_goes_out_when_it_is_due(timer: FakeTimer, published: Publisher) -> None:
    played = play(fixes_at(0, 1, 1, 5), published, timer=timer)
    assert [(round(at, 2), len(batch)) for at, batch in published.batches] == [(0, 1), (1, 2), (5, 1)]
    assert played == Played(4, 3, 0, BASE + 5000, played.lateness, True)
    assert [fix["time"] - NOW for fix in published.fixes] == [0, 1000, 1000, 5000]


def test_speed_divides_times_and_spacing(timer: FakeTimer, published: Publisher) -> None:
    play(fixes_at(0, 60, 90), published, speed=30, timer=timer)
    assert [round(at, 2) for at, _ in published.batches] == [0, 2, 3]
    assert [fix["time"] - NOW for fix in published.fixes] == [0, 2000, 3000]


def test_nothing_drifts_in_an_hour(timer: FakeTimer, published: Publisher) -> None:
    def slow(fixes: list[dict[str, Any]]) -> None:
        published(fixes)
        timer.seconds += 0.03

    play(fixes_at(*(second / 10 for second in range(36_000))), slow, timer=timer)
    assert abs(published.batches[-1][0] - 3599.9) < 0.01


def test_what_was_late_is_late_again(timer: FakeTimer, published: Publisher) -> None:
    timed = [
        (BASE, {"time": BASE}),
        (BASE + 60_000, {"time": BASE + 10_000}),
        (BASE + 60_000, {"time": BASE + 60_000}),
    ]
    play(timed, published, speed=10, timer=timer)
    assert [(round(at, 2), len(batch)) for at, batch in published.batches] == [(0, 1), (6, 2)]
    assert [fix["time"] - NOW for fix in published.fixes] == [0, 1000, 6000]


def test_original_times_and_sources_are_kept(timer: FakeTimer, published: Publisher) -> None:
    timed = [*fixes_at(0, extra={"kind": "bus"}, source="browser"), *fixes_at(0)]
    given = [dict(fix) for _, fix in timed]
    play(timed, published, timer=timer)
    first, second = published.fixes
    assert first["extra"] == {"kind": "bus", "original_time": BASE}
    assert first["source"] == "browser"
    assert second["source"] == "replay"
    assert [fix for _, fix in timed] == given  # what is played is not touched
    published.batches.clear()
    play(fixes_at(0, extra={"original_time": 5}), published, timer=timer)
    play(fixes_at(0), published, keep_original=False, timer=timer)
    play(fixes_at(0, extra={"a": "x" * 1010}), published, timer=timer)
    again, plain, full = published.fixes
    assert again["extra"] == {"original_time": 5}
    assert "extra" not in plain
    assert list(full["extra"]) == ["a"]


def test_without_shift_fixes_go_out_as_they_are(timer: FakeTimer, published: Publisher) -> None:
    timed = fixes_at(0, 10_000)
    play(timed, published, speed=math.inf, shift=False, timer=timer)
    assert published.fixes == [fix for _, fix in timed]
    assert timer.seconds == 0


def test_batches_have_a_limit(timer: FakeTimer, published: Publisher) -> None:
    play(fixes_at(*([0] * 2500)), published, timer=timer)
    assert [len(batch) for _, batch in published.batches] == [1000, 1000, 500]


@pytest.mark.parametrize(
    "wrong", [{"speed": 0}, {"speed": -1}, {"speed": math.nan}, {"speed": math.inf}, {"most": 0}]
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any], published: Publisher) -> None:
    with pytest.raises(InvalidInput):
        play(fixes_at(0), published, **wrong)


def test_stop_ends_it_at_once(timer: FakeTimer, published: Publisher) -> None:
    stop = threading.Event()
    timer.at = [(3.0, stop.set)]
    played = play(fixes_at(0, 1, 1000), published, stop=stop, timer=timer)
    assert (played.fixes, played.is_done) == (2, False)
    assert timer.seconds < 3.5


def test_a_pause_moves_everything_after_it(timer: FakeTimer, published: Publisher) -> None:
    pause = threading.Event()
    timer.at = [(1.0, pause.set), (11.0, pause.clear)]
    play(fixes_at(0, 5), published, pause=pause, timer=timer)
    (_, _), (at, (fix,)) = published.batches
    assert at == pytest.approx(15, abs=0.2)
    assert fix["time"] - NOW == pytest.approx(at * 1000, abs=5)


def test_stop_ends_a_pause(timer: FakeTimer, published: Publisher) -> None:
    pause, stop = threading.Event(), threading.Event()
    pause.set()
    timer.at = [(2.0, stop.set)]
    assert play(fixes_at(0), published, pause=pause, stop=stop, timer=timer).fixes == 0


def test_a_server_that_was_away_gets_everything_later(timer: FakeTimer, published: Publisher) -> None:
    failures: list[Exception] = []

    def publish(fixes: list[dict[str, Any]]) -> None:
        if 1 < timer.seconds < 6:
            raise ServerUnreachable("no answer")
        published(fixes)

    played = play(fixes_at(*range(10)), publish, on_failure=failures.append, timer=timer)
    assert (played.fixes, played.is_done) == (10, True)
    assert played.failures == len(failures) > 1
    assert [fix["time"] - NOW for fix in published.fixes] == [second * 1000 for second in range(10)]


def test_without_on_failure_errors_reach_the_caller(timer: FakeTimer) -> None:
    def publish(fixes: list[dict[str, Any]]) -> None:
        raise ServerUnreachable("no answer")

    with pytest.raises(ServerUnreachable):
        play(fixes_at(0), publish, timer=timer)


def test_errors_that_waiting_does_not_help_are_raised(timer: FakeTimer) -> None:
    def publish(fixes: list[dict[str, Any]]) -> None:
        raise AccessDenied("not yours")

    with pytest.raises(AccessDenied):
        play(fixes_at(0), publish, on_failure=lambda error: None, timer=timer)


def test_progress_is_told_now_and_then_and_at_the_end(timer: FakeTimer, published: Publisher) -> None:
    told: list[Played] = []
    play(fixes_at(*(n / 100 for n in range(1000))), published, progress=told.append, timer=timer)
    assert 30 < len(told) < 60
    assert told[-1].is_done
    assert [step.fixes for step in told] == sorted(step.fixes for step in told)


def test_nothing_to_play_is_fine(published: Publisher) -> None:
    assert play([], published).is_done


def test_the_simulator_plays_in_real_time(published: Publisher) -> None:
    stop = threading.Event()
    got: list[tuple[float, dict[str, Any]]] = []

    def publish(fixes: list[dict[str, Any]]) -> None:
        got.extend((time.time() * 1000, fix) for fix in fixes)
        if len(got) >= 40:
            stop.set()

    played = play(simulate(start=0), publish, speed=20, keep_original=False, stop=stop)
    assert not played.is_done
    assert played.fixes >= 40
    assert all(fix["time"] <= at for at, fix in got)
    assert got[0][1]["extra"] == {"kind": got[0][1]["extra"]["kind"]}


def test_the_eight_buses_play_in_order(data: Path, timer: FakeTimer, published: Publisher) -> None:
    table = load(data / "liverpool_bus_route14.csv", columns=BUSES, tz="UTC").table
    played = play(timed_from_table(table), published, speed=30, timer=timer)
    assert played.fixes == 1533
    assert timer.seconds == pytest.approx(8664 / 30, abs=1)
    times = [fix["time"] for fix in published.fixes]
    assert times == sorted(times)
    first = published.fixes[0]
    assert first["extra"]["original_time"] == 1_769_442_912_000
    assert set(first) == {"member", "time", "lat", "lon", "heading", "source", "extra"}


def test_a_frame_plays_on_both_clocks() -> None:
    table = table_of(
        {"lat": 1.0, "received": BASE + 50}, {"time": BASE - 9000, "received": BASE + 60, "speed": 0.0}
    )
    assert [fix["lat"] for _, fix in timed_from_table(table)] == [1.0, 1.0]
    assert [due for due, _ in timed_from_table(table)] == [BASE + 50, BASE + 60]
    assert [due for due, _ in timed_from_table(table, clock="time")] == [BASE - 9000, BASE]
    assert next(timed_from_table(table, clock="time"))[1]["speed"] == 0.0
    with pytest.raises(InvalidInput, match="clock"):
        next(timed_from_table(table, clock="now"))  # type: ignore[arg-type]


def test_a_long_recording_is_not_made_into_dicts_at_once() -> None:
    from locshare_ext.formats.frame import frame_from_arrow

    frame = frame_from_arrow(random_table(20_000), group="g")
    timed = list(islice(timed_from_frame(frame), 9000))
    assert [due for due, _ in timed] == sorted(due for due, _ in timed)
    assert all(isinstance(fix.get("extra", {}), dict) for _, fix in timed)
