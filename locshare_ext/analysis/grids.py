"""Trails on a common grid of moments, without inventing anything where there was silence."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from locshare_ext.analysis import geodesic
from locshare_ext.analysis.outcome import moments
from locshare_ext.analysis.tracks import Span, Tracks, span_ns, times_of
from locshare_ext.errors import InvalidInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MOST_ROWS", "Grid", "grid_of", "resample"]

MOST_ROWS = 50_000_000  # that one answer may have; about 1 GB for each ten columns
_FLAGS = ("late", "future", "repaired")
_LINEAR = ("altitude", "speed", "battery")
_MEASURED = ("accuracy", "extra")  # of a fix, and of nothing between two
_MADE = {"time", "lat", "lon", "heading", "received", *_LINEAR, *_MEASURED}


class Grid:
    """Places of tracks at the moments of a grid.

    tracks: whose. at: the place in `tracks.rows` of the fix at or before each moment; share:
    how far it is from there to the next, in [0, 1), 0 at the fix itself. moment: ns. All are
    by track and time.
    """

    def __init__(
        self, tracks: Tracks, at: NDArray[np.int64], moment: NDArray[np.int64], share: NDArray[np.float64]
    ) -> None:
        self.tracks = tracks
        self.at = at
        self.moment = moment
        self.share = share

    def places(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return lat and lon, within 1 mm of the geodesics between the fixes."""
        lat, lon = self.tracks.lat, self.tracks.lon
        found = lat[self.at], lon[self.at]
        between, step = self._between
        behind = step + 1
        found[0][between], found[1][between] = geodesic.along(
            lat[step], lon[step], lat[behind], lon[behind], self.share[between]
        )
        return found

    def linear(self, name: str) -> NDArray[np.float64]:
        """Return a number, between fixes in proportion; NaN where one of them does not tell."""
        values = self.tracks.column(name)
        found = values[self.at]
        between, step = self._between
        found[between] += (values[step + 1] - values[step]) * self.share[between]
        return found

    def headings(self) -> NDArray[np.float64]:
        """Return the heading, between fixes the shorter way round; [0, 360)."""
        values = self.tracks.column("heading")
        found = values[self.at]
        between, step = self._between
        turn = np.mod(values[step + 1] - values[step] + 180.0, 360.0) - 180.0
        found[between] = np.mod(values[step] + turn * self.share[between], 360.0)
        return np.where(found >= 360.0, 0.0, found)  # -1e-17 % 360 is 360.0

    @cached_property
    def _between(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which of the moments lie between two fixes, and the place in `tracks.rows` of the first of both."""
        between = np.flatnonzero(self.share)
        return between, self.at[between]


def grid_of(tracks: Tracks, every: Span, max_gap: Span | None, *, most: int = MOST_ROWS) -> Grid:
    """Return where each track was at the multiples of `every` since 1970 UTC.

    A moment in a gap, or before the first or after the last fix, is left out. Raises
    InvalidInput when there would be more than `most`.
    """
    step = span_ns(every, "every")
    is_joined = np.append(tracks.connected(max_gap), False) if len(tracks.rows) else np.zeros(0, bool)
    end = np.append(tracks.time[1:], 0)[: len(tracks.time)]
    first = -(-tracks.time // step)  # rounds up
    last = np.where(is_joined, -(-end // step) - 1, tracks.time // step)  # up to, without the next fix
    count = np.maximum(last - first + 1, 0)
    rows = int(count.sum())
    if rows > most:
        raise InvalidInput(
            f"every={every!s} gives {rows:,} rows, more than {most:,}; "
            "choose a longer one, fewer members or a shorter time",
            field="every",
        )
    at = np.repeat(np.arange(len(count)), count)
    number = np.arange(rows) - np.repeat(np.cumsum(count) - count, count)
    moment = (first[at] + number) * step
    share = np.zeros(rows)
    between = np.flatnonzero(moment != tracks.time[at])
    share[between] = (moment - tracks.time[at])[between] / tracks.dt[at[between]]
    return Grid(tracks, at, moment, share)


def resample(frame: pd.DataFrame, every: Span = "1s", *, max_gap: Span | None = None) -> pd.DataFrame:
    """Return the trails at the multiples of `every`, as a trail frame with `interpolated`.

    every: text such as `1s` or a timedelta; the grid is the same for all members: multiples
    since 1970 UTC (of `1h` full hours UTC). max_gap: the longest silence that is filled; None:
    five times the member's median interval, 2 min at least. In a gap, and across a step faster
    than 1,000 m/s, there are no rows, as nobody measured any.

    Places lie on the geodesic between the fixes, across the antimeridian and near the poles
    too; altitude, speed and battery are in proportion, the heading turns the shorter way; each
    is NaN where one of both fixes does not tell. Where `interpolated`, accuracy is NaN, extra
    missing and no flag set; source and seq are those of the fix before, and received is when
    both fixes had arrived. Columns of your own are those of the fix before.

    Raises InvalidInput for a frame or span that is none, and above 50 million rows.

    >>> from locshare_ext import open_recording
    >>> open_recording("walk.gpkg").resample("10s", max_gap="2min")[["member", "time", "lat", "lon"]]
    """
    tracks = Tracks.of(frame)
    grid = grid_of(tracks, every, max_gap)
    order = _order(grid, frame)
    rows = tracks.rows[grid.at[order]]
    is_between = grid.share[order] > 0
    columns = {name: frame[name].array.take(rows) for name in frame if name not in _MADE}
    columns |= _made(grid, frame, order)
    columns |= {name: columns[name] & ~is_between for name in _present(frame, _FLAGS)}
    measured = np.where(is_between, -1, rows)  # of no row
    for name in _present(frame, _MEASURED):
        columns[name] = frame[name].set_axis(range(len(frame))).reindex(measured).array
    found = pd.DataFrame({name: columns[name] for name in frame} | {"interpolated": is_between}, copy=False)
    found.attrs.update(_attrs(frame, found, every))
    return found


def _made(grid: Grid, frame: pd.DataFrame, order: NDArray[np.int64]) -> dict[Any, Any]:
    """Return the columns that tell of places between two fixes, too."""
    lat, lon = grid.places()
    columns: dict[Any, Any] = {"time": moments(grid.moment[order]), "lat": lat[order], "lon": lon[order]}
    for name in _present(frame, _LINEAR):
        columns[name] = grid.linear(name)[order]
    if "heading" in frame:
        columns["heading"] = grid.headings()[order]
    if "received" in frame:
        columns["received"] = moments(_received(grid)[order])
    return columns


def _present(frame: pd.DataFrame, names: Iterable[str]) -> list[str]:
    return [name for name in names if name in frame]


def _order(grid: Grid, frame: pd.DataFrame) -> NDArray[np.int64]:
    """Return the order by (time, member, seq), as of a trail frame."""
    track = grid.tracks.track[grid.at]
    keys = grid.tracks.keys
    rank = keys["member"].astype(str).rank(method="dense").to_numpy(np.int64) if len(keys) else track
    return np.lexsort((track, rank[track] if len(keys) else track, grid.moment))


def _received(grid: Grid) -> NDArray[np.int64]:
    """Return when a place was known, ns: when the later of both fixes had arrived."""
    received = times_of(grid.tracks.frame["received"])[grid.tracks.rows]
    found = received[grid.at]
    between = np.flatnonzero(grid.share)
    found[between] = np.maximum(found[between], received[grid.at[between] + 1])
    return found


def _attrs(frame: pd.DataFrame, found: pd.DataFrame, every: Span) -> dict[str, Any]:
    """Return the attrs of the frame, with the interval and grid of the new one."""
    attrs = {str(name): value for name, value in frame.attrs.items()}
    if "interval" in attrs:
        ends = [
            found["time"].iloc[place].isoformat(timespec="milliseconds") for place in (0, -1)[: len(found)]
        ]
        attrs["interval"] = "/".join(end.replace("+00:00", "Z") for end in ends)
    attrs["resampled"] = str(pd.Timedelta(every))
    return attrs
