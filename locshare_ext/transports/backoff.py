"""How long to wait before trying again."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Backoff"]


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses that double, each drawn from the upper half of what it may be.

    first, longest: s, before jitter. Those who were cut off together do not come back together.
    uniform: draws a float between two others.
    """

    first: float = 0.5
    longest: float = 30.0
    uniform: Callable[[float, float], float] = random.uniform

    def pause(self, attempt: int, at_least: float = 0.0) -> float:
        """Return the seconds before an attempt, from 0; at_least: what the server asked for."""
        pause = min(self.longest, self.first * 2.0 ** min(attempt, 30)) * self.uniform(0.5, 1.0)
        return pause if pause > at_least else at_least * self.uniform(1.0, 1.2)
