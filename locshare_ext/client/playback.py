"""Plays fixes of the past, or made-up ones, as if phones sent them now."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from locshare_ext.client.simulator import TimedFix
from locshare_ext.errors import InvalidInput, ServerUnreachable, Unavailable
from locshare_ext.model.clock import Clock, check_clock
from locshare_ext.model.fix import NUMBERS
from locshare_ext.model.sequence import ORIGINAL_TIME
from locshare_ext.model.wire import MAX_EXTRA, MAX_FIXES

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["Played", "Progress", "Publish", "Timer", "play", "timed_from_frame", "timed_from_table"]

REPLAY = "replay"  # the source of fixes that had none
_MAX_TOLD = 0.25  # s between two calls of `progress`
_PAUSE_STEP = 0.05  # s between two looks at `pause`
_RETRY = (0.5, 1.0, 2.0, 5.0)  # s to wait after the first, second ... failure in a row
_TABLE_CHUNK = 4096  # rows made into dicts at once

Publish = Callable[[list[dict[str, Any]]], object]


class Timer(Protocol):
    """What playback needs of the world's time; tests bring their own."""

    def now(self) -> int:
        """Return ms since 1970 UTC."""

    def monotonic(self) -> float:
        """Return seconds of a clock that is never set."""

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for an event, at most so long; returns whether it is set."""


class _Real:
    def now(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(seconds)


@dataclass(frozen=True, slots=True)
class Played:
    """How far a playback is: fixes published, batches they went in, times sending failed.

    moment: the playhead on the fixes' own clock, ms. lateness: by how much the latest
    batch missed its deadline, s. is_done: whether everything was published.
    """

    fixes: int
    batches: int
    failures: int
    moment: int
    lateness: float
    is_done: bool


Progress = Callable[[Played], None]


def play(
    timed: Iterable[TimedFix],
    publish: Publish,
    *,
    speed: float = 1.0,
    shift: bool = True,
    keep_original: bool = True,
    stop: threading.Event | None = None,
    pause: threading.Event | None = None,
    progress: Progress | None = None,
    on_failure: Callable[[Exception], None] | None = None,
    most: int = MAX_FIXES,
    timer: Timer | None = None,
) -> Played:
    """Publish each fix when it is due, on the calling thread; returns when all are, or stopped.

    timed: (when it was sent in ms, fix), ascending; may be endless. The first goes out at
    once, the others as much later as they were, divided by `speed` (inf: as fast as
    `publish` takes them). Deadlines are absolute on the monotonic clock, so nothing adds
    up; everything due goes out together, at most `most` fixes a call.

    shift: move times to now: the moment when the first is sent stands for the first's, and
    from there times pass `1 / speed` as fast, so what was late is late again; keep_original:
    `extra.original_time` tells what it was. A fix without a source gets `replay`. Without
    `shift` (which speed inf needs) fixes go out as they are.

    stop, pause: events that may be set from any thread (pause: cleared again to go on).
    progress: called at most four times a second, and at the end. on_failure: called when
    `publish` raised Unavailable or ServerUnreachable; the batch is tried again after a
    while, and arrives late as from a phone without network. Without it these are raised.
    """
    if not speed > 0 or not 1 <= most <= MAX_FIXES:
        what = f"speed {speed}" if not speed > 0 else f"most {most}"
        raise InvalidInput(f"{what} is not above 0" if "speed" in what else f"{what} is not in 1-{MAX_FIXES}")
    if shift and math.isinf(speed):
        raise InvalidInput("speed inf leaves no time to move times to; expected shift=False", field="shift")
    run = _Run(publish, speed, stop or threading.Event(), pause, progress, on_failure, timer or _Real())
    return run.all(iter(timed), _Shift(speed, keep_original) if shift else None, most)


class _Run:
    """One playback under way."""

    def __init__(
        self,
        publish: Publish,
        speed: float,
        stop: threading.Event,
        pause: threading.Event | None,
        progress: Progress | None,
        on_failure: Callable[[Exception], None] | None,
        timer: Timer,
    ) -> None:
        self._publish, self._speed, self._timer = publish, speed, timer
        self._stop, self._pause = stop, pause
        self._progress, self._on_failure = progress, on_failure
        self._fixes = self._batches = self._failures = 0
        self._moment, self._lateness, self._told = 0, 0.0, -math.inf
        self._begin, self._base = 0, 0.0  # the first due, ms; when that was on the monotonic clock

    def all(self, timed: Iterator[TimedFix], shape: _Shift | None, most: int) -> Played:
        """Publish everything; see `play`."""
        upcoming = next(timed, None)
        if upcoming is not None:
            self._begin, self._base = upcoming[0], self._timer.monotonic()
            self._moment = self._begin
            if shape is not None:
                shape.begin, shape.now = self._begin, self._timer.now()
        while upcoming is not None:
            if not self._wait_for(upcoming[0], shape):
                return self._tell(is_done=False)
            head = self._head()
            batch: list[TimedFix] = []
            while upcoming is not None and upcoming[0] <= head and len(batch) < most:
                batch.append(upcoming)
                upcoming = next(timed, None)
            if not self._send(batch, shape):
                return self._tell(is_done=False)
        return self._tell(is_done=True)

    def _head(self) -> float:
        """Return the playhead, ms on the clock of what is played."""
        if math.isinf(self._speed):
            return math.inf
        # half a ms of grace: a wait may end a little early
        return self._begin + (self._timer.monotonic() - self._base) * 1000 * self._speed + 0.5

    def _wait_for(self, due: int, shape: _Shift | None) -> bool:
        """Wait until something is due; returns False when stopped."""
        while not self._stop.is_set():
            if self._pause is not None and self._pause.is_set():
                held = self._hold()
                if shape is not None:
                    shape.now += round(held * 1000)
                continue
            ahead = (due - self._head()) / 1000 / self._speed if not math.isinf(self._speed) else 0.0
            if ahead <= 0:
                return True
            self._tell_sometimes()
            step = min(ahead, _PAUSE_STEP if self._pause is not None else _MAX_TOLD)
            self._timer.wait(self._stop, step)
        return False

    def _hold(self) -> float:
        """Stay while paused; the deadlines move on by as much. Returns how long, s."""
        begun = self._timer.monotonic()
        while self._pause is not None and self._pause.is_set():
            if self._timer.wait(self._stop, _PAUSE_STEP):
                break
        held = self._timer.monotonic() - begun
        self._base += held
        return held

    def _send(self, batch: list[TimedFix], shape: _Shift | None) -> bool:
        """Publish a batch, again and again if need be; returns False when stopped meanwhile."""
        fixes = [fix if shape is None else shape(fix) for _, fix in batch]
        in_a_row = 0
        while True:
            try:
                self._publish(fixes)
                break
            except (Unavailable, ServerUnreachable) as error:
                if self._on_failure is None:
                    raise
                self._failures += 1
                self._on_failure(error)
                if self._timer.wait(self._stop, _RETRY[min(in_a_row, len(_RETRY) - 1)]):
                    return False
                in_a_row += 1
        self._fixes += len(fixes)
        self._batches += 1
        self._moment = batch[-1][0]
        if not math.isinf(self._speed):
            due = self._base + (self._moment - self._begin) / 1000 / self._speed
            self._lateness = max(0.0, self._timer.monotonic() - due)
        self._tell_sometimes()
        return True

    def _tell_sometimes(self) -> None:
        if self._progress is not None and self._timer.monotonic() - self._told >= _MAX_TOLD:
            self._tell(is_done=False)

    def _tell(self, *, is_done: bool) -> Played:
        played = Played(self._fixes, self._batches, self._failures, self._moment, self._lateness, is_done)
        if self._progress is not None:
            self._told = self._timer.monotonic()
            self._progress(played)
        return played


class _Shift:
    """Moves fixes to now: `begin` (ms, theirs) stands for `now` (ms), time passes 1 / speed as fast."""

    begin = now = 0

    def __init__(self, speed: float, keep_original: bool) -> None:
        self._speed = speed
        self._keep_original = keep_original

    def __call__(self, fix: dict[str, Any]) -> dict[str, Any]:
        moved = dict(fix)
        moved["time"] = self.now + round((fix["time"] - self.begin) / self._speed)
        moved.setdefault("source", REPLAY)
        if self._keep_original:
            extra = {**(fix.get("extra") or {})}
            extra.setdefault(ORIGINAL_TIME, fix["time"])
            if len(msgspec.json.encode(extra)) <= MAX_EXTRA:
                moved["extra"] = extra
        return moved


def timed_from_frame(frame: pd.DataFrame, *, clock: Clock = "received") -> Iterator[TimedFix]:
    """Yield the fixes of a trail frame as `play` takes them.

    clock: `received`, in the order and with the delays of their arrival, or `time`, each
    at the moment it was measured.
    """
    from locshare_ext.formats.frame import arrow_from_frame

    return timed_from_table(arrow_from_frame(frame), clock=clock)


def timed_from_table(table: pa.Table, *, clock: Clock = "received") -> Iterator[TimedFix]:
    """Yield the fixes of an Arrow table (`trail.ARROW_FIELDS`) as `play` takes them; see above."""
    key = check_clock(clock)
    table = table.sort_by([(key, "ascending"), ("seq", "ascending")])
    names: Sequence[str] = (key, "member", "time", "lat", "lon", *NUMBERS, "source", "extra")
    names = tuple(dict.fromkeys(names))
    for batch in table.select(names).to_batches(max_chunksize=_TABLE_CHUNK):
        for row in batch.to_pylist():
            due = row["time"] if key == "time" else row.pop(key)
            fix = {name: value for name, value in row.items() if value is not None and value == value}
            if "extra" in fix:
                fix["extra"] = msgspec.json.decode(fix["extra"])
            yield due, fix
