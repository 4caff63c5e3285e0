"""A trail frame as tracks: one for each member of a recording, one position for each moment.

Everything here is pure; any thread may call it. Times are integer nanoseconds since 1970 UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from locshare_ext.analysis import geodesic
from locshare_ext.errors import InvalidInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "GAP_FACTOR",
    "IMPOSSIBLE",
    "KEYS",
    "SHORTEST_GAP",
    "TRIP_GAP",
    "Span",
    "Tracks",
    "quantiles",
    "span_ns",
    "times_of",
]

KEYS = ("recording", "group", "member")
NEEDED = ("member", "time", "lat", "lon")
GAP_FACTOR = 5  # times the median interval
SHORTEST_GAP = 120 * 10**9  # ns; see `Tracks.limits`
TRIP_GAP = 30 * 60 * 10**9  # ns, where a frame has no trips of its own
IMPOSSIBLE = 1000.0  # m/s: what would be faster is an error of the position, not a way that was gone

Span = str | timedelta


@dataclass(frozen=True)
class Tracks:
    """The fixes of a frame by track, each track by time.

    keys: one row for each track, in order: recording, group, member as categories. Tracks
    of one member in two recordings are two.
    every: the frame's rows in order of (track, time, seq); every_track: whose they are.
    rows: those of them that are left with one for each moment of a track, the last that
    arrived; track, time (ns), lat, lon (degrees): theirs.
    """

    frame: pd.DataFrame
    keys: pd.DataFrame
    every: NDArray[np.int64]
    every_track: NDArray[np.int64]
    rows: NDArray[np.int64]
    track: NDArray[np.int64]
    time: NDArray[np.int64]
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Tracks:
        """Return the tracks of a trail frame, or of any with member, time, lat and lon.

        Raises InvalidInput for missing columns and values, and for times without a zone.
        """
        check(frame)
        keys, track = _tracks(frame)
        time = times_of(frame["time"])
        seq = frame["seq"].to_numpy("int64") if "seq" in frame else np.arange(len(frame))
        every = _order(track, time, seq)
        every_track, every_time = track[every], time[every]
        is_last = np.ones(len(every), dtype=bool)
        is_last[:-1] = (every_track[1:] != every_track[:-1]) | (every_time[1:] != every_time[:-1])
        rows = every[is_last]
        return cls(
            frame,
            keys,
            every,
            every_track,
            rows,
            track[rows],
            time[rows],
            frame["lat"].to_numpy("float64")[rows],
            frame["lon"].to_numpy("float64")[rows],
        )

    @property
    def count(self) -> int:
        """How many tracks there are."""
        return len(self.keys)

    @cached_property
    def bounds(self) -> NDArray[np.int64]:
        """Where each track begins in `rows`, and behind the last where it ends."""
        return np.searchsorted(self.track, np.arange(self.count + 1))

    @cached_property
    def is_step(self) -> NDArray[np.bool_]:
        """Whether a fix and the next are of one track; one shorter than `rows`."""
        found: NDArray[np.bool_] = self.track[1:] == self.track[:-1]
        return found

    @cached_property
    def dt(self) -> NDArray[np.int64]:
        """The ns from each fix to the next; nonsense where `is_step` is false."""
        return np.diff(self.time)

    @cached_property
    def ways(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The geodesic from each fix to the next: metres, and heading at its start in degrees.

        0 where `is_step` is false.
        """
        metres, headings = np.zeros(len(self.dt)), np.zeros(len(self.dt))
        at = np.flatnonzero(self.is_step)
        lat, lon = self.lat, self.lon
        metres[at], headings[at] = geodesic.inverse(lat[at], lon[at], lat[at + 1], lon[at + 1])
        return metres, headings

    @cached_property
    def speeds(self) -> NDArray[np.float64]:
        """The speed from each fix to the next, m/s; NaN where `is_step` is false."""
        speeds = np.full(len(self.dt), np.nan)
        np.divide(self.ways[0], self.dt / 1e9, out=speeds, where=self.is_step)
        return speeds

    def median_intervals(self) -> NDArray[np.float64]:
        """Return each track's median interval between fixes in ns, NaN with fewer than two."""
        return quantiles(self.dt[self.is_step], self.track[:-1][self.is_step], self.count, 0.5)

    def limits(self, max_gap: Span | None) -> NDArray[np.float64]:
        """Return for each track the longest silence (ns) that is no gap.

        None: five times its median interval, 2 min at least, as on the map.
        """
        if max_gap is not None:
            return np.full(self.count, float(span_ns(max_gap, "max_gap")))
        return np.fmax(GAP_FACTOR * self.median_intervals(), SHORTEST_GAP)  # fmax: NaN gives way

    def connected(self, max_gap: Span | None) -> NDArray[np.bool_]:
        """Return which steps may be interpolated: over no gap, and not faster than can be."""
        limit = self.limits(max_gap)[self.track[:-1]]
        found: NDArray[np.bool_] = self.is_step & (self.dt <= limit)
        lat, lon = self.lat, self.lon
        # nearly all steps are far below it, which is seen without a geodesic
        least = geodesic.at_most(lat[:-1], lon[:-1], lat[1:], lon[1:])
        at = np.flatnonzero(found & (least > IMPOSSIBLE * (self.dt / 1e9)))
        metres, _ = geodesic.inverse(lat[at], lon[at], lat[at + 1], lon[at + 1])
        found[at] = ~(metres / (self.dt[at] / 1e9) > IMPOSSIBLE)
        return found

    def in_trip(self) -> NDArray[np.bool_]:
        """Return which steps lie inside a trip."""
        if "trip" not in self.frame:
            inside: NDArray[np.bool_] = self.is_step & (self.dt <= TRIP_GAP)
            return inside
        trip = self.frame["trip"].astype("category").cat.codes.to_numpy()[self.rows]
        found: NDArray[np.bool_] = self.is_step & (trip[1:] == trip[:-1])
        return found

    def sums(self, values: NDArray[Any], steps: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the sum of a value of steps by track."""
        weights = values[steps].astype(np.float64)
        return np.bincount(self.track[:-1][steps], weights=weights, minlength=self.count).astype(np.float64)

    def column(self, name: str) -> NDArray[np.float64]:
        """Return a number of each of `rows`, NaN where the frame has no such column."""
        if name not in self.frame:
            return np.full(len(self.rows), np.nan)
        return self.frame[name].to_numpy("float64", na_value=np.nan)[self.rows]

    def every_column(self, name: str) -> NDArray[np.float64]:
        """Return a number of each of `every`, NaN where the frame has no such column."""
        if name not in self.frame:
            return np.full(len(self.every), np.nan)
        return self.frame[name].to_numpy("float64", na_value=np.nan)[self.every]

    def counts(self, of: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """Return by track how many of `every` there are, or are true."""
        return np.bincount(self.every_track if of is None else self.every_track[of], minlength=self.count)

    def step_counts(self, steps: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return by track how many steps are true."""
        return np.bincount(self.track[:-1][steps], minlength=self.count)

    def parties(self) -> NDArray[np.int64]:
        """Return for each track the number of its group in its recording."""
        recording, group = (self.keys[name].cat.codes.to_numpy(np.int64) for name in ("recording", "group"))
        is_other = np.ones(self.count, dtype=bool)  # keys are sorted: a group's tracks lie together
        is_other[1:] = (recording[1:] != recording[:-1]) | (group[1:] != group[:-1])
        return np.cumsum(is_other) - 1

    def labelled(self, track: NDArray[Any], suffix: str = "") -> dict[str, Any]:
        """Return recording, group and member of tracks as columns."""
        return {name + suffix: self.keys[name].array.take(track) for name in KEYS}


def check(frame: pd.DataFrame) -> None:
    """Raise InvalidInput unless a frame has all that a track needs, in every row."""
    for name in NEEDED:
        if name not in frame.columns:
            raise InvalidInput(f"the frame has no column {name!r}; expected a trail frame", field=name)
        if missing := int(frame[name].isna().sum()):
            raise InvalidInput(
                f"column {name!r} is missing in {missing:,} of {len(frame):,} rows", field=name
            )


def times_of(times: pd.Series[Any]) -> NDArray[np.int64]:
    """Return aware times as ns since 1970 UTC; raises InvalidInput for those without a zone."""
    if not isinstance(times.dtype, pd.DatetimeTZDtype):
        raise InvalidInput(
            f"column {times.name!r} is {times.dtype}, expected times with a zone "
            "(pandas: `.dt.tz_localize('UTC')`)",
            field=str(times.name),
        )
    return times.to_numpy("datetime64[ns]").view("int64")


def span_ns(span: Span, field: str, *, least: int = 1) -> int:
    """Return a span such as `30s` or a timedelta in ns; raises InvalidInput for what is none."""
    try:
        found = pd.Timedelta(span)
        ns = int(found.as_unit("ns").value) if found == found else -1
    except (TypeError, ValueError, OverflowError):
        ns = -1
    if ns < least or isinstance(span, int | float):
        raise InvalidInput(
            f"{field} {str(span)[:40]!r} is no span of {'at least 0' if least == 0 else 'above 0'}; "
            "expected text such as '30s' or a timedelta",
            field=field,
        )
    return ns


def quantiles(
    values: NDArray[Any], track: NDArray[np.int64], count: int, share: float
) -> NDArray[np.float64]:
    """Return the quantile of values by track, as numpy's default; NaN for a track without any.

    NaN values do not count.
    """
    is_known = ~np.isnan(values)
    values, track = values[is_known].astype(float), track[is_known]
    order = np.lexsort((values, track))
    values, track = values[order], track[order]
    bounds = np.searchsorted(track, np.arange(count + 1))
    size = np.diff(bounds)
    found = np.full(count, np.nan)
    has = size > 0
    place = (size[has] - 1) * share
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, size[has] - 1)
    first = bounds[:-1][has]
    below, above = values[first + low], values[first + high]
    found[has] = below + (above - below) * (place - low)
    return found


def _tracks(frame: pd.DataFrame) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Return the keys of all tracks, sorted, and the number of each row's track."""
    columns: dict[str, pd.Categorical[Any]] = {}
    for name in KEYS:
        if name in frame:
            columns[name] = pd.Categorical(frame[name])
        else:
            columns[name] = pd.Categorical.from_codes(np.zeros(len(frame), np.int8), pd.Index([""]))
    combined = np.zeros(len(frame), np.int64)
    for column in columns.values():
        combined = combined * (len(column.categories) + 1) + column.codes + 1
    number, found = pd.factorize(combined)
    codes: dict[str, NDArray[np.int64]] = {}
    rest = found
    for name, column in reversed(columns.items()):
        rest, code = np.divmod(rest, len(column.categories) + 1)
        codes[name] = code - 1
    keys = pd.DataFrame(
        {name: pd.Categorical.from_codes(codes[name], dtype=column.dtype) for name, column in columns.items()}
    )
    in_order = keys.astype(object).fillna("").astype(str).sort_values(list(KEYS)).index.to_numpy()
    place = np.empty(len(found), np.int64)
    place[in_order] = np.arange(len(found))
    return keys.take(in_order).reset_index(drop=True), place[number]


def _order(track: NDArray[np.int64], time: NDArray[np.int64], seq: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the order of rows by (track, time, seq); quick when they are by time already."""
    if np.all(time[1:] >= time[:-1]):
        narrow = track.astype(np.int16) if not len(track) or track.max() < 2**15 else track
        order = np.argsort(narrow, kind="stable")  # of 16 bits a radix sort
        same = (track[order][1:] == track[order][:-1]) & (time[order][1:] == time[order][:-1])
        if not np.any(same & (seq[order][1:] < seq[order][:-1])):
            return order
    return np.lexsort((seq, time, track))
