"""A network as phones have it: holes in its cover, and requests that are lost; all by a seed."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Literal

__all__ = ["Fate", "Network"]

Fate = Literal["through", "lost", "unanswered"]

SHARE = 0.2  # of the time that a phone is without network, when there are holes


class Network:
    """The network of one phone.

    drop: how probable it is that a request is lost, in [0, 1): every second of these on its way to
    the server, the others on the way back, when what was sent is stored and the app sends it again.
    So nothing is missing in the end but what an app gives up by its own rules.
    late: seconds that a hole lasts, half to one and a half times as long; a fifth of the time there
    is no network. 0: none. outages: (from, until) in ms, holes that are sure. Moments are ms and
    asked for in ascending order.
    """

    def __init__(
        self, seed: str, *, drop: float = 0.0, late: float = 0.0, outages: Sequence[tuple[int, int]] = ()
    ) -> None:
        self._rng = random.Random(seed)  # noqa: S311 - nothing secret
        self._drop = drop
        self._late = late * 1000
        self._outages = sorted(outages)
        self._hole: tuple[float, float] | None = None

    def is_there(self, now: float) -> bool:
        """Whether there is a network."""
        return self.back_at(now) <= now

    def back_at(self, now: float) -> float:
        """Return when there is a network again: now, if there is one."""
        moment = now
        for begin, end in self._outages:
            if begin <= moment < end:
                moment = end
        hole = self._next_hole(moment)
        return hole[1] if hole[0] <= moment < hole[1] else moment

    def fate(self) -> Fate:
        """Return what becomes of the next request."""
        if self._drop and self._rng.random() < self._drop:
            return "lost" if self._rng.random() < 0.5 else "unanswered"
        return "through"

    def _next_hole(self, now: float) -> tuple[float, float]:
        """Return the hole that ends after a moment."""
        if not self._late:
            return (math.inf, math.inf)
        if self._hole is None:  # a fifth begin in one
            begin = now if self._rng.random() < SHARE else now + self._cover()
            self._hole = (begin, begin + self._length())
        while self._hole[1] <= now:
            begin = self._hole[1] + self._cover()
            self._hole = (begin, begin + self._length())
        return self._hole

    def _cover(self) -> float:
        """Return how long there is a network, ms."""
        return self._rng.expovariate(1 / (self._late * (1 - SHARE) / SHARE))

    def _length(self) -> float:
        return self._late * self._rng.uniform(0.5, 1.5)
