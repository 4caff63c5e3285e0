"""How much ground was covered: the cells of the earth that were visited, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from locshare_ext.analysis.outcome import moments
from locshare_ext.analysis.tracks import Tracks, times_of
from locshare_ext.errors import InvalidInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Cells", "coverage"]

_RADIUS = 6_371_007.2  # m of the sphere whose surface is as large as the earth's
_LEAST, _MOST = 1.0, 100_000.0  # m
_SHIFT = 32  # bits of a key below a cell's band


class Cells:
    """The earth in bands of latitude `size` metres high, each cut into cells about as wide as high."""

    def __init__(self, size: float) -> None:
        is_number = isinstance(size, int | float) and not isinstance(size, bool)
        if not is_number or not _LEAST <= size <= _MOST:
            raise InvalidInput(f"cell {size!r} is outside [1, {_MOST:,.0f}] metres", field="cell")
        self._bands = round(np.pi * _RADIUS / size)
        self._height = 180.0 / self._bands  # degrees

    def of(self, lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the keys of the cells in which places lie."""
        band = np.clip(np.floor((lat + 90.0) / self._height), 0, self._bands - 1).astype(np.int64)
        count = self._counts(band)
        column = np.floor((lon + 180.0) / 360.0 * count).astype(np.int64) % count
        return (band << _SHIFT) | column

    def areas(self, keys: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the areas of cells, m2."""
        band = keys >> _SHIFT
        low, high = (np.radians((band + n) * self._height - 90.0) for n in (0, 1))
        zone: NDArray[np.float64] = 2 * np.pi * _RADIUS**2 * (np.sin(high) - np.sin(low))
        return zone / self._counts(band)

    def middles(self, keys: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return lat and lon of the middles of cells."""
        band, column = keys >> _SHIFT, keys & ((1 << _SHIFT) - 1)
        lat = np.asarray((band + 0.5) * self._height - 90.0, np.float64)
        return lat, (column + 0.5) * 360.0 / self._counts(band) - 180.0

    def _counts(self, band: NDArray[np.int64]) -> NDArray[np.int64]:
        middle = np.radians((band + 0.5) * self._height - 90.0)
        counts = np.maximum(np.rint(np.cos(middle) * 2 * self._bands), 1)
        return np.asarray(counts, np.int64)


def coverage(frame: pd.DataFrame, cell: float = 100.0) -> pd.DataFrame:
    """Return one row for each cell that a member came to for the first time, by time.

    cell: metres, about the side of one, 1 to 100,000. time: of the first fix in it; lat, lon:
    its middle. cells, area (m2): what the member has visited so far, this one included;
    group_cells, group_area: what its group has; is_new: whether nobody of the group was there
    before. Every fix counts, and only fixes: what lies between two of them was not seen, so
    choose cells that are longer than the way from fix to fix.

    Raises InvalidInput for a frame or cell that is none.

    >>> from locshare_ext import open_recording
    >>> open_recording("walk.gpkg").coverage(50).set_index("time")["group_area"].plot()
    """
    cells = Cells(cell)
    tracks = Tracks.of(frame)
    time = times_of(frame["time"])[tracks.every]
    seq = frame["seq"].to_numpy("int64") if "seq" in frame else np.arange(len(frame))
    order = np.lexsort((tracks.every_track, seq[tracks.every], time))
    track = tracks.every_track[order]
    keys = cells.of(tracks.every_column("lat")[order], tracks.every_column("lon")[order])
    number, found = pd.factorize(keys)
    party = tracks.parties()[track]
    is_first = _is_first(track * max(len(found), 1) + number)
    is_new = _is_first(party * max(len(found), 1) + number)[is_first]
    track, party, keys = track[is_first], party[is_first], keys[is_first]
    area = cells.areas(keys)
    lat, lon = cells.middles(keys)
    return pd.DataFrame(
        {
            **tracks.labelled(track),
            "time": moments(time[order][is_first]),
            "lat": lat,
            "lon": lon,
            "is_new": is_new,
            "cells": _so_far(track, np.ones(len(track), np.int64)),
            "area": _so_far(track, area),
            "group_cells": _so_far(party, is_new.astype(np.int64)),
            "group_area": _so_far(party, area * is_new),
        }
    )


def _is_first(values: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return whether each value comes for the first time."""
    return ~pd.Series(values).duplicated().to_numpy(bool)


def _so_far(of: NDArray[np.int64], values: NDArray[np.int64] | NDArray[np.float64]) -> pd.Series[float]:
    """Return the sum of values so far, of each number of `of`."""
    return pd.Series(values).groupby(of).cumsum()
