"""The silences of members: where a trail says nothing, and nothing may be drawn across."""

from __future__ import annotations

import numpy as np
import pandas as pd

from locshare_ext.analysis import geodesic
from locshare_ext.analysis.outcome import moments, spans
from locshare_ext.analysis.tracks import Span, Tracks

__all__ = ["gaps"]


def gaps(frame: pd.DataFrame, *, max_gap: Span | None = None) -> pd.DataFrame:
    """Return one row per silence of a member longer than `max_gap`, by member and time.

    max_gap: text such as `5min` or a timedelta; None: five times the member's median
    interval, 2 min at least, as on the map. begin, end: the moments of the fixes on either
    side; duration. distance: metres between these. ends_trip: whether a new trip begins after
    it. seq_before, seq_after: which fixes these are.

    Raises InvalidInput for a frame or span that is none.

    >>> from locshare_ext import open_recording
    >>> open_recording("walk.gpkg").gaps(max_gap="5min")[["member", "begin", "duration"]]
    """
    tracks = Tracks.of(frame)
    at = np.flatnonzero(tracks.is_step & (tracks.dt > tracks.limits(max_gap)[tracks.track[:-1]]))
    lat, lon = tracks.lat, tracks.lon
    metres, _ = geodesic.inverse(lat[at], lon[at], lat[at + 1], lon[at + 1])
    seq = frame["seq"].to_numpy("int64") if "seq" in frame else np.arange(len(frame))
    return pd.DataFrame(
        {
            **tracks.labelled(tracks.track[at]),
            "begin": moments(tracks.time[at]),
            "end": moments(tracks.time[at + 1]),
            "duration": spans(tracks.dt[at]),
            "distance": metres,
            "ends_trip": ~tracks.in_trip()[at],
            "seq_before": seq[tracks.rows[at]],
            "seq_after": seq[tracks.rows[at + 1]],
        }
    )
