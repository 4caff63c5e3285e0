"""Where a group was as a whole, and how far it was spread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from locshare_ext.analysis import geodesic
from locshare_ext.analysis.grids import grid_of
from locshare_ext.analysis.outcome import moments
from locshare_ext.analysis.tracks import Span, Tracks

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["middle", "spread"]


def spread(frame: pd.DataFrame, every: Span = "10s", *, max_gap: Span | None = None) -> pd.DataFrame:
    """Return centre and extent of each group (of each recording) at the multiples of `every`.

    members: how many are known then, at least one. lat, lon: their centre, the mean of their
    places in space put back on the earth; NaN where they are so far apart that there is none.
    spread: the root of the mean square of their geodesic distances from the centre, metres;
    farthest: the largest of them, farthest_member whose it is. Sorted by recording, group,
    time. every, max_gap: as of `resample`, on whose grid it is.

    Raises InvalidInput for a frame or span that is none, and above 50 million rows.

    >>> from locshare_ext import open_recording
    >>> open_recording("walk.gpkg").spread("1min").set_index("time")["spread"].plot()
    """
    tracks = Tracks.of(frame)
    grid = grid_of(tracks, every, max_gap)
    track = tracks.track[grid.at]
    party = tracks.parties()[track]
    order = np.lexsort((track, grid.moment, party))
    party, moment, track = party[order], grid.moment[order], track[order]
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = (party[1:] != party[:-1]) | (moment[1:] != moment[:-1])
    first = np.flatnonzero(is_new)
    row = np.cumsum(is_new) - 1
    members = np.bincount(row, minlength=len(first))
    lat, lon = (values[order] for values in grid.places())
    middle_lat, middle_lon, metres = middle(lat, lon, row, members)
    square = np.bincount(row, weights=metres * metres, minlength=len(first)) / members
    # of each row's members the farthest; -metres first, so that ties go to the first by name
    farthest = np.lexsort((track, -metres, row))[first]
    names = tracks.labelled(track[farthest])
    return pd.DataFrame(
        {
            "recording": names["recording"],
            "group": names["group"],
            "time": moments(moment[first]),
            "members": members,
            "lat": middle_lat,
            "lon": middle_lon,
            "spread": np.sqrt(square),
            "farthest": metres[farthest],
            "farthest_member": names["member"],
        }
    )


def middle(
    lat: NDArray[np.float64], lon: NDArray[np.float64], row: NDArray[np.int64], count: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return lat and lon of the centres of places, and how far each place is from its own.

    row: which centre a place belongs to; count: how many places each has.
    """
    centre = _means(geodesic.to_cartesian(lat, lon), row, count)
    middle_lat, middle_lon = geodesic.from_cartesian(centre)
    nowhere = np.linalg.norm(centre, axis=1) < 1.0  # m: opposite each other
    middle_lat[nowhere], middle_lon[nowhere] = np.nan, np.nan
    metres, _ = geodesic.inverse(middle_lat[row], middle_lon[row], lat, lon)
    return middle_lat, middle_lon, metres


def _means(
    values: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    row: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    count: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return the mean of the rows of each number."""
    columns = [np.bincount(row, weights=column, minlength=len(count)) / count for column in values.T]
    return np.stack(columns, axis=1)
