"""How fast members were, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from locshare_ext.analysis.outcome import spans
from locshare_ext.analysis.tracks import Tracks

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["speeds"]

_SHARES = {"p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}


def speeds(frame: pd.DataFrame, *, moving: float = 0.5) -> pd.DataFrame:
    """Return one row per member (of each recording and group) on its speeds, in m/s.

    All are by displacement from fix to fix inside trips. tracked: the time inside trips; moving_time:
    how long the member was at `moving` m/s or faster, moving_share: of `tracked`. mean: over
    `tracked`; moving_mean: while moving. p05, p25, p50, p75, p95: while moving the member was so
    fast or slower for 5, 25 ... per cent of the time, however its fixes are spaced. max: of the
    fastest step. NaN where there is none to tell of.

    What phones report as `speed` is another thing; `quality` sets it beside this. Raises
    InvalidInput for a frame that is none.

    >>> from locshare_ext import open_recording
    >>> open_recording("walk.gpkg").speeds()[["member", "moving_time", "p50", "p95"]]
    """
    tracks = Tracks.of(frame)
    inside = tracks.in_trip()
    metres, dt = tracks.ways[0], tracks.dt.astype(float)
    in_motion = inside & (tracks.speeds >= moving)
    tracked, moving_time = tracks.sums(dt, inside), tracks.sums(dt, in_motion)
    fastest = np.full(tracks.count, -np.inf)
    np.maximum.at(fastest, tracks.track[:-1][inside], tracks.speeds[inside])
    with np.errstate(divide="ignore", invalid="ignore"):
        columns = {
            "moving_share": moving_time / tracked,
            "mean": tracks.sums(metres, inside) / (tracked / 1e9),
            "moving_mean": tracks.sums(metres, in_motion) / (moving_time / 1e9),
        }
    columns |= _quantiles(tracks.track[:-1][in_motion], tracks.speeds[in_motion], dt[in_motion], tracks.count)
    return pd.DataFrame(
        {
            **tracks.labelled(np.arange(tracks.count)),
            "tracked": spans(tracked),
            "moving_time": spans(moving_time),
            **columns,
            "max": np.where(np.isfinite(fastest), fastest, np.nan),
        }
    )


def _quantiles(
    track: NDArray[np.int64], speed: NDArray[np.float64], dt: NDArray[np.float64], count: int
) -> dict[str, NDArray[np.float64]]:
    """Return for each share the least speed that was not passed for that share of a track's time."""
    order = np.lexsort((speed, track))
    track, speed = track[order], speed[order]
    total = np.cumsum(dt[order])
    bounds = np.searchsorted(track, np.arange(count + 1))
    has = np.flatnonzero(np.diff(bounds))
    before = np.append(0.0, total)[bounds[has]]
    whole = total[bounds[has + 1] - 1] - before
    found = {name: np.full(count, np.nan) for name in _SHARES}
    for name, share in _SHARES.items():
        at = np.searchsorted(total, before + share * whole)
        found[name][has] = speed[np.clip(at, bounds[has], bounds[has + 1] - 1)]
    return found
