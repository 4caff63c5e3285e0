"""Trail frames as other tables: GeoDataFrame, Arrow, Movebank."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from locshare_ext.analysis.libraries import load
from locshare_ext.analysis.tracks import check
from locshare_ext.model.movebank import MOVEBANK_COLUMNS, MOVEBANK_SENSOR

if TYPE_CHECKING:
    import geopandas
    import pyarrow as pa

__all__ = ["to_arrow", "to_geodataframe", "to_movebank"]

CRS = "EPSG:4326"


def to_geodataframe(frame: pd.DataFrame) -> geopandas.GeoDataFrame:
    """Return a GeoDataFrame of the same rows and columns, with points in EPSG:4326.

    Nothing is lost; lat and lon stay as columns, and points have no altitude. trackintel,
    lonboard, kepler.gl and geopandas' own writers take it. Raises InvalidInput for a frame
    that is none, and when geopandas is missing: pip install "locshare-ext[geo]".

    >>> from locshare_ext import open_recording
    >>> open_recording("walk.gpkg").to_geodataframe().to_crs(32652)
    """
    gpd = load("geopandas", "geo")
    check(frame)
    points = gpd.points_from_xy(frame["lon"], frame["lat"], crs=CRS)
    found: geopandas.GeoDataFrame = gpd.GeoDataFrame(frame.copy(), geometry=points)
    found.attrs.update(frame.attrs)
    return found


def to_arrow(frame: pd.DataFrame) -> pa.Table:
    """Return an Arrow table of the same rows and columns; `to_pandas()` gives the frame back.

    Categories are dictionaries, times timestamps of nanoseconds in UTC, and attrs travel in the
    schema's metadata. DuckDB and polars read it without a copy. Raises InvalidInput for a frame
    that is none.
    """
    import pyarrow as pa

    check(frame)
    return pa.Table.from_pandas(frame, preserve_index=False)


def to_movebank(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with Movebank's column names, as its CSV files have them.

    One row per fix, in the frame's order; timestamp is text, UTC with milliseconds; study-name is
    the recording, of a live trail the group. Movebank has no place for received, source, trip,
    seq, battery, the flags and extra. `to_csv(path, index=False)` makes a file that Movebank
    imports. Raises InvalidInput for a frame that is none.

    >>> from locshare_ext import open_recording
    >>> open_recording("walk.gpkg").to_movebank().to_csv("movebank.csv", index=False)
    """
    check(frame)
    return pd.DataFrame({term: _movebank(frame, term, name) for term, name in MOVEBANK_COLUMNS.items()})


def _movebank(frame: pd.DataFrame, term: str, name: str) -> Any:
    rows = len(frame)
    if term == "sensor-type":
        return pd.array([MOVEBANK_SENSOR] * rows, dtype="str")
    if name == "time":
        text = frame["time"].dt.tz_convert("UTC").dt.strftime("%Y-%m-%d %H:%M:%S.%f")
        return text.astype("str").str.slice(stop=-3).array  # ms of the us
    if name == "recording":
        return (
            _texts(frame, "recording").where(_texts(frame, "recording") != "", _texts(frame, "group")).array
        )
    if name == "member":
        return _texts(frame, "member").array
    return frame[name].to_numpy("float64") if name in frame else np.full(rows, np.nan)


def _texts(frame: pd.DataFrame, name: str) -> pd.Series[str]:
    """Return a column as text, empty where the frame does not have it."""
    if name not in frame:
        return pd.Series("", index=frame.index, dtype="str")
    return frame[name].astype("str")
