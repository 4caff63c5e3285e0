"""How fast somebody may send: a bucket of tokens for each, refilled steadily."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from locshare_ext.errors import TooFast

__all__ = ["Rates"]

_REMEMBERED = 10_000  # buckets; then those that are full again are let go


class Rates:
    """One bucket per name: `burst` at most, `rate` more each second; used on one loop.

    Whoever has anything left may send a whole batch, and then owes what was too much: a batch
    is never cut. clock: seconds, monotonic.
    """

    def __init__(
        self, rate: float = 20.0, burst: int = 100_000, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.rate = rate
        self.burst = burst
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}  # name -> what was left, when

    def spend(self, name: str, count: int) -> None:
        """Take `count` tokens, also when fewer are left."""
        now = self._clock()
        left = self._left(name, now)
        if name not in self._buckets and len(self._buckets) >= _REMEMBERED:
            self._let_go(now)
        self._buckets[name] = (left - count, now)

    def wait(self, name: str) -> float:
        """Return the seconds until there is a token, 0 if there is one."""
        if name not in self._buckets:
            return 0.0
        return max(0.0, 1 - self._left(name, self._clock())) / self.rate

    def check(self, name: str) -> None:
        """Raise TooFast, with `retry_after` in its details, if there is no token."""
        seconds = self.wait(name)
        if seconds > 0:
            raise TooFast(
                f"more than {self.rate:g} fixes a second for too long (a burst of {self.burst} is used up); "
                f"try again in {math.ceil(seconds)} s",
                details={"retry_after": math.ceil(seconds)},
            )

    def _left(self, name: str, now: float) -> float:
        left, at = self._buckets.get(name, (float(self.burst), now))
        return min(float(self.burst), left + (now - at) * self.rate)

    def _let_go(self, now: float) -> None:
        """Forget buckets that are full, which are as if never used; else the oldest."""
        full = [name for name in self._buckets if self._left(name, now) >= self.burst]
        for name in full or [next(iter(self._buckets))]:
            del self._buckets[name]
