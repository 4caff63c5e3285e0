"""How far a recording can be trusted, member by member."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from locshare_ext.analysis import geodesic
from locshare_ext.analysis.outcome import spans
from locshare_ext.analysis.tracks import Span, Tracks, quantiles, times_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["quality"]

# what a speed looks like that was given in another unit: reported / moved
_UNITS = {"km/h": 3.6, "knots": 3600 / 1852, "mph": 3600 / 1609.344}
_NEAR = 0.1  # of it
_STRETCH = 30 * 10**9  # ns over which speeds are compared: what a receiver trembles is little then
_FAR = 25.0  # m to have got on in such a time, for a ratio to say something
_FEW = 5  # such stretches, below which it does not


def quality(
    frame: pd.DataFrame,
    *,
    max_gap: Span | None = None,
    max_speed: float = 100.0,
    received_known: bool = True,
    set_aside: Mapping[str, int] | None = None,
) -> pd.DataFrame:
    """Return one row per member (of each recording and group) on how good its fixes are.

    fixes: how many. interval, interval_p95: the median and the 95th percentile between
    fixes; rate: fixes per minute while there was no gap. gaps: how many silences longer than
    `max_gap` (see `gaps`), gap_time: together; coverage: the share of its time outside them.
    late_share: how many arrived behind a newer one; delay, delay_p95, delay_max: from `time`
    to `received`, below 0 where a clock is ahead. duplicates: rows that say again what one
    says (member, time, lat, lon); same_time: further rows for a moment, of another place.
    accuracy, accuracy_p95: metres; accuracy_known: the share that has one. future, repaired:
    fixes whose clock was over 60 s, over a day ahead. jumps: steps faster than `max_speed`
    m/s. speed_known: the share of fixes that report a speed; speed_error: the median of
    |reported - moved| in m/s, and speed_ratio that of reported / moved where a member got on by
    25 m, both over half a minute at a time, as a receiver trembles; speed_unit: what the reported
    speed seems to be given in if that is not m/s.
    set_aside: how many fixes of the member were refused, missing where that is not known.

    received_known: false says that `received` is only a copy of `time` (an import): late and
    delay are then unknown. set_aside: numbers by member. Raises InvalidInput for a frame or
    span that is none.

    >>> from locshare_ext import open_recording
    >>> open_recording("walk.gpkg").quality().T
    """
    tracks = Tracks.of(frame)
    fixes = tracks.counts()
    columns: dict[str, Any] = {**tracks.labelled(np.arange(tracks.count)), "fixes": fixes}
    columns |= _rhythm(tracks, max_gap)
    columns |= _arrival(tracks, fixes, received_known=received_known)
    columns |= _repeats(tracks)
    accuracy, every = tracks.every_column("accuracy"), tracks.every_track
    columns["accuracy"] = quantiles(accuracy, every, tracks.count, 0.5)
    columns["accuracy_p95"] = quantiles(accuracy, every, tracks.count, 0.95)
    columns["accuracy_known"] = _share(tracks, ~np.isnan(accuracy), fixes)
    for flag in ("future", "repaired"):
        columns[flag] = tracks.counts(tracks.every_column(flag) > 0)
    too_fast = tracks.is_step & (tracks.speeds > max_speed)
    columns["jumps"] = tracks.step_counts(too_fast)
    columns |= _speeds(tracks, max_gap, fixes, max_speed)
    aside = (
        [pd.NA] * tracks.count
        if set_aside is None
        else [set_aside.get(name, 0) for name in tracks.keys["member"].astype(str)]
    )
    columns["set_aside"] = pd.array(aside, dtype="Int64")
    return pd.DataFrame(columns)


def _rhythm(tracks: Tracks, max_gap: Span | None) -> dict[str, Any]:
    """Return how regularly fixes came."""
    steps, dt = tracks.is_step, tracks.dt.astype(float)
    owner = tracks.track[:-1]
    is_gap = steps & (dt > tracks.limits(max_gap)[owner])
    is_covered = steps & ~is_gap
    gap_time, covered = tracks.sums(dt, is_gap), tracks.sums(dt, is_covered)
    count = tracks.step_counts(is_covered)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate, coverage = count / (covered / 60e9), covered / (covered + gap_time)
    return {
        "interval": spans(tracks.median_intervals()),
        "interval_p95": spans(quantiles(dt[steps], owner[steps], tracks.count, 0.95)),
        "rate": rate,
        "gaps": tracks.step_counts(is_gap),
        "gap_time": spans(gap_time),
        "coverage": coverage,
    }


def _arrival(tracks: Tracks, fixes: NDArray[np.int64], *, received_known: bool) -> dict[str, Any]:
    """Return how late fixes came."""
    late_share = np.full(tracks.count, np.nan)
    delay = np.full(len(tracks.every), np.nan)
    if received_known and "received" in tracks.frame:
        late_share = _share(tracks, tracks.every_column("late") > 0, fixes)
        time, received = times_of(tracks.frame["time"]), times_of(tracks.frame["received"])
        delay = (received - time)[tracks.every].astype(float)
    columns: dict[str, Any] = {"late_share": late_share}
    for name, share in (("delay", 0.5), ("delay_p95", 0.95), ("delay_max", 1.0)):
        columns[name] = spans(quantiles(delay, tracks.every_track, tracks.count, share))
    return columns


def _repeats(tracks: Tracks) -> dict[str, Any]:
    """Return how many rows say again, or contradict, what another of the same moment says."""
    lat, lon = tracks.every_column("lat"), tracks.every_column("lon")
    time = times_of(tracks.frame["time"])[tracks.every]
    order = np.lexsort((lon, lat, time, tracks.every_track))
    track = tracks.every_track[order]
    same_moment = (track[1:] == track[:-1]) & (time[order][1:] == time[order][:-1])
    is_again = same_moment & (lat[order][1:] == lat[order][:-1]) & (lon[order][1:] == lon[order][:-1])

    def count(rows: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(track[1:][rows], minlength=tracks.count)

    return {"duplicates": count(is_again), "same_time": count(same_moment & ~is_again)}


def _speeds(
    tracks: Tracks, max_gap: Span | None, fixes: NDArray[np.int64], max_speed: float
) -> dict[str, Any]:
    """Return the reported speeds beside those by which members really got on, half a minute at a time."""
    known = _share(tracks, ~np.isnan(tracks.every_column("speed")), fixes)
    said = tracks.column("speed")
    reported = (said[1:] + said[:-1]) / 2  # over the step; NaN unless both ends tell
    steps = np.flatnonzero(tracks.connected(max_gap) & (tracks.speeds <= max_speed) & ~np.isnan(reported))
    number = tracks.time[steps] // _STRETCH
    is_new = np.ones(len(steps), dtype=bool)
    is_new[1:] = (np.diff(steps) > 1) | (number[1:] != number[:-1])
    stretch = np.cumsum(is_new) - 1
    begin, end = steps[is_new], np.append(steps[:-1][is_new[1:]], steps[-1:]) + 1
    took = np.bincount(stretch, weights=tracks.dt[steps] / 1e9)
    told = np.bincount(stretch, weights=reported[steps] * tracks.dt[steps] / 1e9)
    moved, _ = geodesic.inverse(tracks.lat[begin], tracks.lon[begin], tracks.lat[end], tracks.lon[end])
    owner, is_far = tracks.track[begin], moved >= _FAR
    ratio = quantiles(told[is_far] / moved[is_far], owner[is_far], tracks.count, 0.5)
    enough = np.bincount(owner[is_far], minlength=tracks.count) >= _FEW
    return {
        "speed_known": known,
        "speed_error": quantiles(np.abs(told - moved) / took, owner, tracks.count, 0.5),
        "speed_ratio": ratio,
        "speed_unit": pd.array(_units(np.where(enough, ratio, np.nan)), dtype="str"),
    }


def _units(ratios: NDArray[np.float64]) -> list[str | None]:
    """Return the unit that makes reported speeds so many times as large; None for m/s and if none does."""
    found: list[str | None] = []
    for ratio in ratios.tolist():
        near = {unit: abs(ratio / factor - 1) for unit, factor in _UNITS.items()}
        unit = min(near, key=near.__getitem__)
        found.append(unit if near[unit] < _NEAR else None)  # NaN is near to none
    return found


def _share(tracks: Tracks, is_so: NDArray[np.bool_], fixes: NDArray[np.int64]) -> NDArray[np.float64]:
    return tracks.counts(is_so) / fixes
