"""Frames made by hand or by chance, and what a slow and plain program says of them."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from hypothesis import strategies as st
from pyproj import Geod

from locshare_ext.formats.frame import empty_frame, frame_from_arrow
from locshare_ext.formats.joined import concat_frames
from tests.formats.helpers import BASE, table_of

__all__ = ["BASE", "GEOD", "empty", "fixes", "frame", "joined", "kinds", "place_at", "seconds", "way"]

GEOD = Geod(ellps="WGS84")


def frame(*rows: dict[str, Any], recording: str = "", group: str = "g", **options: Any) -> pd.DataFrame:
    """Return a trail frame; `at` of a row is in seconds after BASE."""
    timed = [{"time": BASE + round(1000 * row.pop("at", 0)), **row} for row in map(dict, rows)]
    return frame_from_arrow(table_of(*timed), group=group, recording=recording, **options)


def empty() -> pd.DataFrame:
    return empty_frame(group="g")


def joined(*frames: pd.DataFrame) -> pd.DataFrame:
    return concat_frames(frames)


def kinds(table: pd.DataFrame) -> dict[str, str]:
    return {str(name): str(dtype) for name, dtype in table.dtypes.items()}


def seconds(times: pd.Series[Any]) -> list[float]:
    """Return moments as seconds after BASE."""
    return [(time - pd.Timestamp(BASE, unit="ms", tz="UTC")).total_seconds() for time in times]


def way(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Return the metres of a geodesic."""
    return float(GEOD.inv(lon_a, lat_a, lon_b, lat_b)[2])


def place_at(track: list[tuple[int, float, float]], at: float, max_gap: float) -> tuple[float, float] | None:
    """Return where a member of (ms, lat, lon), one for each moment, was at `at` ms; None: in a gap."""
    for (t, lat, lon), (t_next, lat_next, lon_next) in zip(
        track, [*track[1:], (math.inf, 0.0, 0.0)], strict=True
    ):
        if t == at:
            return lat, lon
        if t < at < t_next and t_next - t <= max_gap:
            heading, _, metres = GEOD.inv(lon, lat, lon_next, lat_next)
            if metres / ((t_next - t) / 1000) > 1000:
                return None
            there = GEOD.fwd(lon, lat, heading, metres * (at - t) / (t_next - t))
            return there[1], there[0]
    return None


# a place where members may come near each other: a town, the antimeridian, a pole
CENTRES = ((53.41, -2.97), (-16.8, 180.0), (89.9995, 0.0), (-89.9999, 90.0), (0.0, 0.0))


@st.composite
def fixes(draw: st.DrawFn, *, members: int = 3, most: int = 24, reach: float = 300.0) -> list[dict[str, Any]]:
    """Draw fixes of some members within about `reach` metres and some minutes; in any order."""
    lat, lon = draw(st.sampled_from(CENTRES))
    metres = st.floats(-reach, reach)
    rows = []
    for _ in range(draw(st.integers(0, most))):
        north, east = draw(metres), draw(metres)
        heading = math.degrees(math.atan2(east, north))
        there = GEOD.fwd(lon, lat, heading, math.hypot(east, north))
        rows.append(
            {
                "member": f"m{draw(st.integers(0, members - 1))}",
                "at": draw(st.integers(0, 600)) / draw(st.sampled_from([1, 1, 8])),
                "lat": there[1],
                "lon": there[0],
            }
        )
    return rows
