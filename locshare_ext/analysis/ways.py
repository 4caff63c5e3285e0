"""What the steps of a member come to: how far, how long in motion, how fast."""

from __future__ import annotations

import numpy as np

from locshare_ext.analysis import geodesic
from locshare_ext.analysis.course import Course, Kept
from locshare_ext.analysis.tracks import TRIP_GAP

__all__ = ["MS", "Ways"]

MS = 1_000_000  # ns


class Ways:
    """What the steps of a member come to."""

    def __init__(self) -> None:
        self.length = 0.0
        self.moving_time = 0  # ms
        self.fastest = np.nan
        self._forgotten = np.nan  # the fastest of the steps that are kept no more
        self._is_stale = False  # whether the fastest step may be gone

    def count(self, sign: int, dt: int, metres: float, speed: float, moving: float) -> None:
        """Add a step, or take one away."""
        self.length += sign * metres
        if speed >= moving:
            self.moving_time += sign * dt
        if sign < 0:
            self._is_stale |= speed >= self.fastest
        elif not speed <= self.fastest:
            self.fastest = speed

    def renew(self, course: Course) -> None:
        """Look for the fastest step again if a late fix has cut that."""
        for kept in course.forgotten:
            self._forgotten = float(np.fmax(self._forgotten, _fastest(kept)))
        course.forgotten.clear()
        if self._is_stale:
            self._is_stale = False
            self.fastest = float(np.fmax(self._forgotten, _fastest(course.places())))


def _fastest(kept: Kept) -> float:
    """Return the speed of the fastest step between fixes, m/s; NaN without any."""
    time, lat, lon = (np.array(column) for column in kept)
    metres, _ = geodesic.inverse(lat[:-1], lon[:-1], lat[1:], lon[1:])
    dt = np.diff(time)
    inside = dt <= TRIP_GAP // MS
    return float(np.max(metres[inside] / (dt[inside] / 1e3), initial=-np.inf)) if inside.any() else np.nan
