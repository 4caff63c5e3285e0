"""When members were by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from locshare_ext.analysis.meetings import check_within, near_stretches
from locshare_ext.analysis.outcome import moments, spans
from locshare_ext.analysis.pieces import Pieces
from locshare_ext.analysis.tracks import Span, Tracks, span_ns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    # whose, and from when to when in seconds
    Stretches = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]

__all__ = ["alone"]

_SAME = 1e-4  # s between two stretches that are one


def alone(
    frame: pd.DataFrame, *, beyond: float, lasting: Span = "0s", max_gap: Span | None = None
) -> pd.DataFrame:
    """Return one row for each time that a member was farther than `beyond` metres from everybody.

    beyond: above 0, up to 100,000. lasting: the shortest to be told, such as `5min`. max_gap:
    as of `encounters`. In a gap a member is nowhere: it is not alone then, and nobody is near
    it. begin, end: to the ms, also between fixes; duration. These and the `encounters` within
    the same distance fill the time in which the member was somewhere. Sorted by recording,
    group, member, begin.

    Raises InvalidInput for a frame, distance or span that is none.

    >>> from locshare_ext import open_recording
    >>> open_recording("walk.gpkg").alone(beyond=200, lasting="5min")
    """
    limit = check_within(beyond, "beyond")
    shortest = max(span_ns(lasting, "lasting", least=0), 1)
    tracks = Tracks.of(frame)
    pieces = Pieces.of(tracks, max_gap)
    first, second, near_begin, near_end = near_stretches(tracks, pieces, limit)
    track, begin, end = _outside(
        (pieces.track, pieces.begin, pieces.end),
        (
            np.concatenate([first, second]),
            np.concatenate([near_begin, near_begin]),
            np.concatenate([near_end, near_end]),
        ),
    )
    begin_ns, end_ns = pieces.to_ns(begin), pieces.to_ns(end)
    is_told = end_ns - begin_ns >= shortest
    begin_ns, end_ns = begin_ns[is_told], end_ns[is_told]
    return pd.DataFrame(
        {
            **tracks.labelled(track[is_told]),
            "begin": moments(begin_ns),
            "end": moments(end_ns),
            "duration": spans(end_ns - begin_ns),
        }
    )


def _outside(there: Stretches, near: Stretches) -> Stretches:
    """Return the stretches (track, begin, end) that some of `there` cover and none of `near`."""
    track = np.concatenate([there[0], there[0], near[0], near[0]])
    when = np.concatenate([there[1], there[2], near[1], near[2]])
    ones, others = np.ones(len(there[0]), np.int64), np.ones(len(near[0]), np.int64)
    is_there = np.concatenate([ones, -ones, 0 * others, 0 * others])
    is_near = np.concatenate([0 * ones, 0 * ones, others, -others])
    order = np.lexsort((when, track))
    track, when = track[order], when[order]
    # of each track as many end as begin, so that the sums are right across all of them
    is_outside = (np.cumsum(is_there[order]) > 0) & (np.cumsum(is_near[order]) == 0)
    at = np.flatnonzero(is_outside[:-1] & (when[1:] - when[:-1] > _SAME) & (track[1:] == track[:-1]))
    begin, end, track = when[at], when[at + 1], track[at]
    is_new = np.ones(len(at), dtype=bool)
    is_new[1:] = (track[1:] != track[:-1]) | (begin[1:] > end[:-1] + _SAME)
    is_last = np.append(is_new[1:], True) if len(at) else is_new
    return track[is_new], begin[is_new], end[is_last]
