"""Trail frames for the libraries of movement research, and what is lost on the way there."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from locshare_ext.analysis import geodesic
from locshare_ext.analysis.libraries import load, without_deprecations
from locshare_ext.analysis.tracks import KEYS, check, times_of
from locshare_ext.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from movingpandas import TrajectoryCollection
    from numpy.typing import NDArray
    from traja import TrajaDataFrame

__all__ = ["not_in_movingpandas", "renamed", "to_movingpandas", "to_traja"]

REASONS = ("of a moment of which another arrived after it", "alone in its trip")
SAME_TIME, ALONE = range(2)

# what libraries call member, trip, time, lat and lon where they cannot be told; of some, only these
# names are offered, as they do not run with pandas 3 (see the README)
NAMES: dict[str, dict[str, str]] = {
    "scikit-mobility": {"member": "uid", "trip": "tid", "time": "datetime", "lon": "lng"},
    "trackintel": {"member": "user_id", "time": "tracked_at"},
    "ptrail": {"member": "traj_id", "time": "DateTime"},
    "pymove": {"member": "id", "trip": "tid", "time": "datetime"},
}
_NAIVE = ("scikit-mobility", "ptrail", "pymove")  # want times without a zone; they get UTC


def renamed(frame: pd.DataFrame, library: str) -> pd.DataFrame:
    """Return the frame with the column names that a library wants, all rows and columns kept.

    library: `scikit-mobility` (uid, tid, datetime, lat, lng), `trackintel` (user_id,
    tracked_at), `ptrail` (traj_id, DateTime) or `pymove` (id, tid, datetime). Where one wants
    times without a zone they are UTC; these stay of nanoseconds.

    Raises InvalidInput for another name.

    >>> from locshare_ext import analysis, open_recording
    >>> analysis.renamed(open_recording("walk.gpkg").trails(), "scikit-mobility").to_csv("walk.csv")
    """
    if library not in NAMES:
        raise InvalidInput(f"library {library!r} is unknown; expected {', '.join(NAMES)}", field="library")
    check(frame)
    found = frame.rename(columns=NAMES[library])
    if library in _NAIVE:
        column = NAMES[library]["time"]
        found[column] = found[column].dt.tz_convert("UTC").dt.tz_localize(None)
    return found


def not_in_movingpandas(frame: pd.DataFrame, *, by: str = "trip") -> pd.DataFrame:
    """Return the rows that a MovingPandas collection cannot have, with `reason` as a category.

    It knows one fix for each moment, and no trajectory of one fix. by: the column whose values
    are trajectories. Raises InvalidInput.
    """
    check(frame)
    reasons = _reasons(frame, by)
    lost = frame[reasons >= 0]
    return lost.assign(reason=pd.Categorical.from_codes(reasons[reasons >= 0], pd.Index(REASONS)))


def to_movingpandas(frame: pd.DataFrame, *, by: str = "trip") -> TrajectoryCollection:
    """Return a MovingPandas collection with one trajectory for each trip.

    by: the column whose values are trajectories, such as `member` to have one for each, over
    its gaps. Times lose their zone, which MovingPandas does not have: they are UTC. What it
    cannot have is left out, and a warning says how many fixes that are and why; which they
    are, `not_in_movingpandas` tells.

    The reported speeds are the column `speed`; those by displacement get another name,
    `add_speed(name="moved")`. Lengths are metres, by haversine. Raises InvalidInput for a frame
    that is none, and when MovingPandas is missing: pip install "locshare-ext[movement]".

    >>> from locshare_ext import open_recording
    >>> open_recording("walk.gpkg").to_movingpandas().get_start_locations()
    """
    movingpandas = load("movingpandas", "movement")
    from locshare_ext.analysis.tables import to_geodataframe

    check(frame)
    reasons = _reasons(frame, by)
    _tell(reasons, "MovingPandas")
    points = to_geodataframe(frame[reasons < 0])
    points["time"] = points["time"].dt.tz_convert("UTC").dt.tz_localize(None)
    for name in (by, *KEYS):  # MovingPandas groups by them, and would find those that are gone
        if name in points and isinstance(points[name].dtype, pd.CategoricalDtype):
            points[name] = points[name].cat.remove_unused_categories()
    with without_deprecations():
        found: TrajectoryCollection = movingpandas.TrajectoryCollection(
            points.set_index("time"), by, obj_id_col="member"
        )
    return found


def to_traja(frame: pd.DataFrame, member: str) -> TrajaDataFrame:
    """Return the fixes of one member as a TrajaDataFrame: x, y in metres, time in seconds.

    traja knows neither the earth nor dates: x (east) and y (north) are on an azimuthal
    equidistant map around the member's centre, true to scale from there (0.1 % off at 500 km);
    time counts from the first fix; all other columns stay. Of fixes of one moment the last that
    arrived is kept, and a warning says how many are not. Its `units` are m and s.

    Raises InvalidInput for a frame that is none, and when traja is missing: pip install
    "locshare-ext[movement]"; NotFound when nobody of that name is in the frame.
    """
    traja = load("traja", "movement")
    check(frame)
    mine = frame[(frame["member"] == member).to_numpy(bool)]
    if not len(mine):
        raise NotFound(f"member {member!r} is not in the frame", code="member_not_found", field="member")
    reasons = _same_time(mine, "member")
    _tell(reasons, "traja")
    mine = mine[reasons < 0].reset_index(drop=True)
    x, y = _flat(mine["lat"].to_numpy("float64"), mine["lon"].to_numpy("float64"))
    seconds = (times_of(mine["time"]) - times_of(mine["time"])[0]) / 1e9
    columns = {"x": x, "y": y, "time": seconds}
    rest = {str(name): mine[name] for name in mine.columns if name not in columns}
    with without_deprecations():
        found: TrajaDataFrame = traja.TrajaDataFrame(
            pd.DataFrame({**columns, **rest}), spatial_units="m", time_units="s", time_col="time"
        )
    return found


def _flat(lat: Any, lon: Any) -> tuple[Any, Any]:
    """Return x, y in metres on an azimuthal equidistant map around the places' centre."""
    middle_lat, middle_lon = geodesic.from_cartesian(geodesic.to_cartesian(lat, lon).mean(axis=0)[None])
    metres, heading = geodesic.inverse(
        np.broadcast_to(middle_lat, lat.shape), np.broadcast_to(middle_lon, lon.shape), lat, lon
    )
    return metres * np.sin(np.radians(heading)), metres * np.cos(np.radians(heading))


def _reasons(frame: pd.DataFrame, by: str) -> NDArray[np.int8]:
    """Return for each row why it cannot be in a collection, a place in REASONS; -1: it can."""
    if by not in frame:
        raise InvalidInput(f"the frame has no column {by!r}", field="by")
    reasons = _same_time(frame, by)
    number, _ = pd.factorize(frame[by])
    left = np.bincount(number[(reasons < 0) & (number >= 0)], minlength=int(number.max(initial=0)) + 1)
    reasons[(reasons < 0) & (left[number] < 2)] = ALONE
    return reasons


def _same_time(frame: pd.DataFrame, by: str) -> NDArray[np.int8]:
    """Return SAME_TIME for the rows of a moment that another of the same trajectory follows, else -1."""
    number, _ = pd.factorize(frame[by])
    time = times_of(frame["time"])
    seq = frame["seq"].to_numpy("int64") if "seq" in frame else np.arange(len(frame))
    order = np.lexsort((seq, time, number))
    again = (number[order][1:] == number[order][:-1]) & (time[order][1:] == time[order][:-1])
    reasons = np.full(len(frame), -1, dtype=np.int8)
    reasons[order[:-1][again]] = SAME_TIME
    return reasons


def _tell(reasons: NDArray[np.int8], library: str) -> None:
    """Warn of the rows that a library does not get, with how many and why."""
    counts = [int((reasons == number).sum()) for number in range(len(REASONS))]
    if not any(counts):
        return
    parts = [f"{count:,} {why}" for count, why in zip(counts, REASONS, strict=True) if count]
    warnings.warn(
        f"{library} cannot have {sum(counts):,} of {len(reasons):,} fixes: {'; '.join(parts)}", stacklevel=3
    )
