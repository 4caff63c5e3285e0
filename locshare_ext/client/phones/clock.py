"""Two clocks for emulated phones: one that runs, faster if wished, and one that jumps."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from typing import Protocol

__all__ = ["Clock", "JumpingClock", "RunningClock"]


class Clock(Protocol):
    """The time in which phones live, ms; what they send carries `true_time` of it.

    stands: whether it stands still while a request is under way.
    """

    stands: bool

    def now(self) -> float:
        """Return the moment."""

    def true_time(self, moment: float) -> int:
        """Return ms since 1970 UTC of a moment."""

    async def reach(self, moment: float, changed: asyncio.Event) -> None:
        """Wait until a moment, or until something has changed."""


class RunningClock:
    """Runs `speed` times as fast as the world's, from `begin` (ms), which stands for now."""

    stands = False

    def __init__(
        self,
        begin: float,
        speed: float = 1.0,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._begin, self._speed, self._monotonic = begin, speed, monotonic
        self._from, self._true = monotonic(), now() * 1000

    def now(self) -> float:
        """Return the moment."""
        return self._begin + (self._monotonic() - self._from) * 1000 * self._speed

    def true_time(self, moment: float) -> int:
        """Return what the world's clock shows then."""
        return round(self._true + (moment - self._begin) / self._speed)

    async def reach(self, moment: float, changed: asyncio.Event) -> None:
        """Wait, see `Clock.reach`."""
        seconds = (moment - self.now()) / 1000 / self._speed
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        try:
            async with asyncio.timeout(None if math.isinf(seconds) else seconds):
                await changed.wait()
        except TimeoutError:
            pass


class JumpingClock:
    """Takes no time: goes to the next moment as soon as nothing is under way; for the past, and tests."""

    stands = True

    def __init__(self, begin: float) -> None:
        self._now = begin

    def now(self) -> float:
        """Return the moment."""
        return self._now

    def true_time(self, moment: float) -> int:
        """Return the moment itself."""
        return round(moment)

    async def reach(self, moment: float, changed: asyncio.Event) -> None:
        """Go there."""
        self._now = max(self._now, moment)
