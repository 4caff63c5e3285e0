"""Where members stopped: the same rule for a whole frame and for one fix after the other.

A track is cut into stays. A stay begins with a fix, and lasts while the fixes after it are within
`radius` metres of that fix and no gap is between them; the first that is not begins the next stay. A
stop is a stay that lasts long enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from locshare_ext.analysis import geodesic
from locshare_ext.analysis.outcome import moments, spans
from locshare_ext.analysis.pieces import ranges
from locshare_ext.analysis.tracks import Span, Tracks, span_ns
from locshare_ext.errors import InvalidInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Place", "check_radius", "is_elsewhere", "stops"]

MOST_RADIUS = 10_000.0  # m: up to there a chord is as long as the way on the surface, to the mm

Place = Sequence[float]  # x, y, z in metres


def stops(
    frame: pd.DataFrame, *, radius: float = 30.0, lasting: Span = "2min", max_gap: Span | None = None
) -> pd.DataFrame:
    """Return one row for each time that a member stayed within `radius` metres for `lasting`.

    radius: from the fix with which the stay began, above 0, up to 10,000; take more than the
    accuracy of the fixes. begin, end: the moments of its first and its last fix; duration.
    fixes: how many, one for each moment; lat, lon: their middle. max_gap: as of `gaps`; a gap
    ends a stop, as nobody knows where the member was. Sorted by recording, group, member, begin.

    One pass in the order of time, which is what makes the same numbers possible live. Where
    stays are wanted that do not depend on how one began, ask MovingPandas or trackintel
    (`to_movingpandas()`). Raises InvalidInput for a frame, radius or span that is none.

    >>> from locshare_ext import open_recording
    >>> open_recording("walk.gpkg").stops(radius=50, lasting="5min")[["member", "begin", "duration"]]
    """
    square = check_radius(radius) ** 2
    shortest = span_ns(lasting, "lasting")
    tracks = Tracks.of(frame)
    xyz = geodesic.to_cartesian(tracks.lat, tracks.lon)
    first = _beginnings(tracks, xyz, square, max_gap)
    last = np.append(first[1:], len(tracks.rows))[: len(first)] - 1
    is_stop = tracks.time[last] - tracks.time[first] >= shortest
    first, last = first[is_stop], last[is_stop]
    fixes = last - first + 1
    row, at = np.repeat(np.arange(len(first)), fixes), np.repeat(first, fixes) + ranges(fixes)
    middle = np.stack(
        [np.bincount(row, weights=axis[at], minlength=len(first)) / fixes for axis in xyz.T], axis=1
    )
    lat, lon = geodesic.from_cartesian(middle)
    begin, end = tracks.time[first], tracks.time[last]
    return pd.DataFrame(
        {
            **tracks.labelled(tracks.track[first]),
            "begin": moments(begin),
            "end": moments(end),
            "duration": spans(end - begin),
            "fixes": fixes,
            "lat": lat,
            "lon": lon,
        }
    )


def check_radius(radius: float) -> float:
    """Return the radius of a stop if it is one; raises InvalidInput."""
    is_number = isinstance(radius, int | float) and not isinstance(radius, bool)
    if not is_number or not 0 < radius <= MOST_RADIUS:
        raise InvalidInput(f"radius {radius!r} is outside (0, {MOST_RADIUS:,.0f}] metres", field="radius")
    return float(radius)


def is_elsewhere(begin: Place, now: Place, square: float) -> bool:
    """Return whether a place is farther from that where a stay began than its radius, given squared."""
    x, y, z = now[0] - begin[0], now[1] - begin[1], now[2] - begin[2]
    return x * x + y * y + z * z > square


def _beginnings(
    tracks: Tracks, xyz: NDArray[np.float64], square: float, max_gap: Span | None
) -> NDArray[np.int64]:
    """Return the places in `rows` where stays begin."""
    if not len(tracks.rows):
        return np.zeros(0, np.int64)
    is_broken = np.ones(len(tracks.rows), dtype=bool)  # another track, or a gap
    is_broken[1:] = ~tracks.is_step | (tracks.dt > tracks.limits(max_gap)[tracks.track[:-1]])
    found: list[int] = []
    places = xyz.tolist()  # ten times as quick, one by one, as an array
    begin = places[0]
    for at, (place, is_new) in enumerate(zip(places, is_broken.tolist(), strict=True)):
        if is_new or is_elsewhere(begin, place, square):
            found.append(at)
            begin = place
    return np.array(found, np.int64)
