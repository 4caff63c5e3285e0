"""What every column of a stored trail must hold, checked a column at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locshare_ext.errors import InvalidFile

__all__ = ["check_ranges"]

_MAX_MS = (2**63 - 1) // 1_000_000
_HUGE = 1.7976931348623157e308  # the largest finite float64
_NEEDED = ("member", "trip", "seq", "time", "received", "lat", "lon", "late", "future", "repaired")
_BOUNDS: tuple[tuple[str, float, float, str], ...] = (
    ("lat", -90, 90, "[-90, 90] degrees"),
    ("lon", -180, 180, "[-180, 180] degrees"),
    ("altitude", -_HUGE, _HUGE, "metres"),
    ("accuracy", 0, _HUGE, "[0, inf) metres"),
    ("speed", 0, _HUGE, "[0, inf) m/s"),
    ("heading", 0, 359.99999999999997, "[0, 360) degrees"),
    ("battery", 0, 1, "[0, 1]"),
    ("time", -_MAX_MS, _MAX_MS, "the years 1678 to 2261"),
    ("received", -_MAX_MS, _MAX_MS, "the years 1678 to 2261"),
)


def check_ranges(table: pa.Table, what: str) -> None:
    """Raise InvalidFile at the first value of a trail that cannot be; says row and column.

    what: how the error calls the file. Rows count from 1.
    """
    for name in _NEEDED:
        column = table.column(name)
        if column.null_count:
            row = int(np.argmax(column.is_null().to_numpy()))
            raise InvalidFile(f"{what}: row {row + 1}: {name} is missing")
    for name, low, high, expected in _BOUNDS:
        column = table.column(name)
        if not pa.types.is_floating(column.type):
            column = column.cast(pa.int64())
        values: Any = column.drop_null()
        if not len(values):
            continue
        ends = pc.min_max(values)
        is_nan = pa.types.is_floating(values.type) and bool(pc.any(pc.is_nan(values)).as_py())
        if not is_nan and ends["min"].as_py() >= low and ends["max"].as_py() <= high:
            continue
        numbers = column.to_numpy()
        wrong = column.is_valid().to_numpy() & ~((numbers >= low) & (numbers <= high))
        row = int(np.argmax(wrong))
        raise InvalidFile(f"{what}: row {row + 1}: {name} {numbers[row]} is outside {expected}")
