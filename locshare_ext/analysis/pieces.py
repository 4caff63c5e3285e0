"""Movements as straight pieces in earth-centred metres: what encounters are looked for in.

A piece is what lies between two fixes that may be joined, or a fix that is joined to none, of
no length and no time. Times are seconds since `Pieces.epoch`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from locshare_ext.analysis import geodesic
from locshare_ext.analysis.tracks import Span, Tracks

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DEPTH", "Boxes", "Pieces", "ranges"]

LONGEST = 20_000.0  # m of a piece
DEPTH = 8.0  # m that the middle of such a chord lies below the surface
_FIXES = 32  # of a track in a window, about


@dataclass(frozen=True)
class Pieces:
    """Pieces of tracks by (track, time); of one track they do not overlap.

    begin, end: seconds since `epoch` (ns since 1970). start, stop: x, y, z in metres, (n, 3).
    """

    track: NDArray[np.int64]
    begin: NDArray[np.float64]
    end: NDArray[np.float64]
    start: NDArray[np.float64]
    stop: NDArray[np.float64]
    epoch: int

    def at(self, piece: NDArray[np.int64], when: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return x, y, z of pieces at a moment of each, in seconds."""
        begin, took = self.begin[piece], self.end[piece] - self.begin[piece]
        share = np.divide(when - begin, took, out=np.zeros(len(piece)), where=took > 0)
        start = self.start[piece]
        return start + (self.stop[piece] - start) * share[:, None]

    def to_ns(self, seconds: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return moments in ns since 1970, of whole ms."""
        found: NDArray[np.int64] = self.epoch + np.rint(seconds * 1e3).astype(np.int64) * 1_000_000
        return found

    @classmethod
    def of(cls, tracks: Tracks, max_gap: Span | None) -> Pieces:
        """Return the pieces of tracks, those over gaps left out."""
        count = len(tracks.rows)
        epoch = int(tracks.time.min()) if count else 0
        joined = tracks.connected(max_gap)
        is_joined = np.append(joined, False) if count else np.zeros(0, bool)
        is_alone = ~is_joined & ~np.insert(is_joined[:-1], 0, False) if count else is_joined
        first = np.flatnonzero(is_joined | is_alone)
        metres, headings = tracks.ways
        length = np.append(metres, 0.0)[first] * is_joined[first] if count else np.zeros(0)
        parts = np.maximum(np.ceil(length / LONGEST).astype(np.int64), 1)
        at, number = np.repeat(first, parts), ranges(parts)
        of = np.repeat(parts, parts)
        next_at = np.where(is_joined[at], at + 1, at)
        seconds = (tracks.time - epoch) / 1e9
        xyz = geodesic.to_cartesian(tracks.lat, tracks.lon)
        begin, start = _between(tracks, seconds, xyz, at, next_at, number, of, headings, metres)
        end, stop = _between(tracks, seconds, xyz, at, next_at, number + 1, of, headings, metres)
        return cls(tracks.track[at], begin, end, start, stop, epoch)

    def window(self) -> float:
        """Return the seconds that hold some tens of a track's pieces: how long to look at a time.

        A power of two, so that windows have exact borders.
        """
        took = self.end - self.begin
        if not np.any(took > 0):
            return 1.0
        return float(2.0 ** np.round(np.log2(_FIXES * np.median(took[took > 0]))))

    def boxes(self, window: float) -> Boxes:
        """Return what a track may have touched in each window of time, as boxes."""
        first = np.floor(self.begin / window).astype(np.int64)
        last = np.floor(self.end / window).astype(np.int64)
        spanned = last - first + 1
        piece = np.repeat(np.arange(len(first)), spanned)
        number = first[piece] + ranges(spanned)
        track = self.track[piece]
        is_new = np.ones(len(piece), dtype=bool)
        is_new[1:] = (track[1:] != track[:-1]) | (number[1:] != number[:-1])
        begins = np.flatnonzero(is_new)
        low, high = np.minimum(self.start, self.stop), np.maximum(self.start, self.stop)
        if not len(begins):
            return Boxes(track, number, low, high, begins, begins)
        ends = np.append(begins[1:], len(piece)) - 1
        return Boxes(
            track[begins],
            number[begins],
            np.minimum.reduceat(low[piece], begins),
            np.maximum.reduceat(high[piece], begins),
            piece[begins],
            piece[ends] + 1,
        )


@dataclass(frozen=True)
class Boxes:
    """One box for each (track, window): corners in metres, and which pieces are in it."""

    track: NDArray[np.int64]
    window: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    first: NDArray[np.int64]
    behind: NDArray[np.int64]


def ranges(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return 0 .. count - 1 for each count, one after the other."""
    return np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)


def _between(
    tracks: Tracks,
    seconds: NDArray[np.float64],
    xyz: NDArray[np.float64],
    at: NDArray[np.int64],
    next_at: NDArray[np.int64],
    number: NDArray[np.int64],
    of: NDArray[np.int64],
    headings: NDArray[np.float64],
    metres: NDArray[np.float64],
) -> tuple[NDArray[np.float64], Any]:
    """Return when and where the `number`-th of `of` equal parts from a fix to the next begins."""
    share = number / of
    when = np.where(number == of, seconds[next_at], seconds[at] + (seconds[next_at] - seconds[at]) * share)
    where = np.where((number == of)[:, None], xyz[next_at], xyz[at])
    inside = np.flatnonzero((number > 0) & (number < of))
    if len(inside):
        step = at[inside]
        lat, lon = geodesic.destination(
            tracks.lat[step], tracks.lon[step], headings[step], metres[step] * share[inside]
        )
        where[inside] = geodesic.to_cartesian(lat, lon)
    return when, where
