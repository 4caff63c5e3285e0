"""Members at their newest places at one moment: how far apart, and how near each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from locshare_ext.analysis import geodesic
from locshare_ext.analysis.centres import middle

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["There"]

_AT_ONCE = 1_000_000  # distances that are looked at together


@dataclass(frozen=True)
class There:
    """Who is there, by name, and where: degrees, and x, y, z in metres, one row each."""

    names: list[str]
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    xyz: NDArray[np.float64]

    @classmethod
    def of(cls, newest: Mapping[str, tuple[int, float, float]], at: int, max_age: int) -> There:
        """Return who was seen at most `max_age` ms before `at`; newest: ms, lat, lon by member."""
        names = sorted(name for name, (seen, _, _) in newest.items() if at - seen <= max_age)
        lat, lon = (np.array([newest[name][axis] for name in names], float) for axis in (1, 2))
        return cls(names, lat, lon, geodesic.to_cartesian(lat, lon))

    def extent(self) -> dict[str, Any]:
        """Return centre and spread as `analysis.spread` tells them, None where there is nobody."""
        if not self.names:
            return dict.fromkeys(("lat", "lon", "spread", "farthest", "farthest_member"))
        rows, count = np.zeros(len(self.names), np.int64), np.array([len(self.names)])
        lat, lon, metres = middle(self.lat, self.lon, rows, count)
        farthest = int(np.argmax(metres))
        return {
            "lat": float(lat[0]),
            "lon": float(lon[0]),
            "spread": float(np.sqrt(np.mean(metres * metres))),
            "farthest": float(metres[farthest]),
            "farthest_member": self.names[farthest],
        }

    def nearest(self) -> tuple[NDArray[np.float64], list[str | None]]:
        """Return how far the nearest other is from each, m, and who that is; NaN and None without."""
        if len(self.names) < 2:
            return np.full(len(self.names), np.nan), [None] * len(self.names)
        other = np.concatenate([np.argmin(square, axis=1) for _, square in self._squares()])
        metres, _ = geodesic.inverse(self.lat, self.lon, self.lat[other], self.lon[other])
        return metres, [self.names[at] for at in other.tolist()]

    def pairs(self, within: float) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Return the places in `names` of each two who are within metres of each other, and the distance."""
        limit = within * within * (1 + 1e-9)  # a chord is never longer than the way
        found = [np.argwhere(square <= limit) + np.array([first, 0]) for first, square in self._squares()]
        both = np.concatenate(found) if found else np.zeros((0, 2), np.int64)
        a, b = both[both[:, 0] < both[:, 1]].T
        metres, _ = geodesic.inverse(self.lat[a], self.lon[a], self.lat[b], self.lon[b])
        is_near = metres <= within
        return a[is_near], b[is_near], metres[is_near]

    def _squares(self) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """Yield the first of some members, and the squares of their chords to all others."""
        count = len(self.names)
        some = max(1, _AT_ONCE // max(count, 1))
        for first in range(0, count, some):
            rows = self.xyz[first : first + some]
            square = np.zeros((len(rows), count))
            for axis in range(3):
                apart = rows[:, axis, None] - self.xyz[None, :, axis]
                square += apart * apart
            square[np.arange(len(rows)), first + np.arange(len(rows))] = np.inf
            yield first, square
