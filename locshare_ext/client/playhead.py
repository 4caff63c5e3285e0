"""What moment of a group or recording is looked at, and how it moves on: what maps and players agree on."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from locshare_ext.model.clock import Clock

__all__ = ["Playhead", "PlayheadState", "Watchers"]

PlayheadState = Literal["live", "playing", "paused"]


@dataclass(frozen=True, slots=True)
class Playhead:
    """A moment as of `at`; told once when something changes, and computed in between.

    moment: ms since 1970 UTC, on `clock`. at: s of the monotonic clock, when it was there.
    start, end: ms, between which it plays, None while unknown; a loop begins again at start.
    live: it is at the head, which moves by itself; `moment` is then of no account.
    """

    state: PlayheadState
    moment: float
    at: float
    speed: float = 1.0
    clock: Clock = "time"
    is_looping: bool = False
    start: float | None = None
    end: float | None = None

    def moment_at(self, now: float) -> float:
        """Return where it is, ms; now: s of the monotonic clock."""
        if self.state != "playing" or math.isinf(self.speed):
            return self.moment
        moment = self.moment + (now - self.at) * 1000 * self.speed
        if self.end is None or moment <= self.end:
            return moment
        if not self.is_looping or self.start is None or self.start >= self.end:
            return self.end
        return self.start + (moment - self.start) % (self.end - self.start)


class Watchers:
    """Functions that are told of each change of a playhead; any thread may use it."""

    def __init__(self) -> None:
        self._calls: dict[object, Callable[[Playhead], None]] = {}
        self._lock = threading.Lock()

    def watch(self, call: Callable[[Playhead], None]) -> Callable[[], None]:
        """Have a function told, on the thread that changes something; returns what ends that."""
        key = object()
        with self._lock:
            self._calls[key] = call

        def stop() -> None:
            with self._lock:
                self._calls.pop(key, None)

        return stop

    def tell(self, playhead: Playhead) -> None:
        """Tell all of them; they must be quick."""
        with self._lock:
            calls = list(self._calls.values())
        for call in calls:
            call(playhead)
