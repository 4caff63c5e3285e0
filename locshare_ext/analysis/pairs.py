"""How far members were from each other, moment by moment."""

from __future__ import annotations

import numpy as np
import pandas as pd

from locshare_ext.analysis import geodesic
from locshare_ext.analysis.grids import grid_of
from locshare_ext.analysis.meetings import may_pair
from locshare_ext.analysis.outcome import moments
from locshare_ext.analysis.pieces import ranges
from locshare_ext.analysis.tracks import Span, Tracks
from locshare_ext.errors import InvalidInput

__all__ = ["MOST_PAIRS", "distances"]

MOST_PAIRS = 20_000_000  # rows of one answer


def distances(frame: pd.DataFrame, every: Span = "10s", *, max_gap: Span | None = None) -> pd.DataFrame:
    """Return the geodesic distance of each two members at the multiples of `every`, in metres.

    One row for each moment and pair, sorted by time, member_a, member_b: time, member_a,
    member_b, distance, recording_a and so on. every, max_gap: as of `resample`, on whose grid
    it is; a moment in a gap of one of both is left out. Which members make a pair: as of
    `encounters`, which is the better question when only those matter who are near.

    Raises InvalidInput for a frame or span that is none, and above 20 million rows.

    >>> from locshare_ext import open_recording
    >>> near = open_recording("walk.gpkg").distances("1min")
    >>> near.pivot_table(index="time", columns=["member_a", "member_b"], values="distance", observed=True)
    """
    tracks = Tracks.of(frame)
    grid = grid_of(tracks, every, max_gap)
    track = tracks.track[grid.at]
    order = np.lexsort((track, grid.moment))
    moment = grid.moment[order]
    following = np.searchsorted(moment, moment, side="right") - np.arange(len(moment)) - 1
    rows = int(following.sum())
    if rows > MOST_PAIRS:
        raise InvalidInput(
            f"every={every!s} gives {rows:,} rows, more than {MOST_PAIRS:,}; choose a longer one, fewer "
            "members or a shorter time, or ask for encounters(within=...)",
            field="every",
        )
    first = np.repeat(np.arange(len(moment)), following)
    a, b = order[first], order[first + 1 + ranges(following)]
    is_pair = may_pair(tracks, track[a], track[b])
    a, b = a[is_pair], b[is_pair]
    lat, lon = grid.places()
    metres, _ = geodesic.inverse(lat[a], lon[a], lat[b], lon[b])
    one, other = tracks.labelled(track[a], "_a"), tracks.labelled(track[b], "_b")
    return pd.DataFrame(
        {
            "time": moments(grid.moment[a]),
            "member_a": one["member_a"],
            "member_b": other["member_b"],
            "distance": metres,
            "recording_a": one["recording_a"],
            "recording_b": other["recording_b"],
            "group_a": one["group_a"],
            "group_b": other["group_b"],
        }
    )
