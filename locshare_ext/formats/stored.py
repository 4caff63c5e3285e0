"""A trail frame out of a file's columns, checked a column at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locshare_ext.errors import InvalidFile
from locshare_ext.formats.frame import FLAG_COLUMNS, STR, attrs_of, category, utc_times
from locshare_ext.formats.trips import sort_order
from locshare_ext.model.fix import NUMBERS
from locshare_ext.model.trail import FRAME_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["check_ranges", "frame_of_columns", "str_of_arrow"]

_TEXTS = ("recording", "group", "member", "trip", "source")

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


def frame_of_columns(table: pa.Table, *, gap: int) -> pd.DataFrame:
    """Return the trail frame of a table that has its columns; `time`, `received` as Arrow times.

    gap: the silence that parts trips, ms, for `attrs`; trips stay as they are written.
    """
    import pandas as pd

    columns: dict[str, Any] = {
        name: _category(table.column(name), _by_number if name == "trip" else str) for name in _TEXTS
    }
    columns["seq"] = table.column("seq").to_numpy()
    for name in ("time", "received"):
        columns[name] = utc_times(table.column(name).cast(pa.int64()).to_numpy())
    for name in ("lat", "lon", *NUMBERS):
        columns[name] = table.column(name).to_numpy(zero_copy_only=False).astype(float, copy=False)
    for name in FLAG_COLUMNS:
        columns[name] = table.column(name).to_numpy(zero_copy_only=False).astype(bool, copy=False)
    columns["extra"] = str_of_arrow(table.column("extra"))
    frame = pd.DataFrame(columns, columns=list(FRAME_COLUMNS))
    time: Any = table.column("time").cast(pa.int64()).to_numpy()
    order = sort_order(time, frame["member"].cat.codes.to_numpy(), frame["seq"].to_numpy())
    if order is not None:  # somebody sorted it by something else
        frame = frame.take(order).reset_index(drop=True)
    recordings = [name for name in frame["recording"].cat.categories if name]
    frame.attrs.update(
        attrs_of(frame, recordings=recordings, groups=list(frame["group"].cat.categories), gap=gap)
    )
    return frame


def str_of_arrow(texts: Any) -> Any:
    """Return Arrow text as pandas text with NaN for missing."""
    dtype: Any = STR
    return dtype.__from_arrow__(texts.cast(pa.large_utf8()))


def _category(column: pa.ChunkedArray, key: Callable[[str], Any]) -> pd.Categorical[Any]:
    """Return text as a category, its names sorted by `key`."""
    encoded = column.combine_chunks().dictionary_encode()
    found = encoded.dictionary.to_pylist()
    names = sorted(set(found), key=key)
    place = {name: number for number, name in enumerate(names)}
    turned = np.array([*(place[name] for name in found), -1], dtype=np.int32)
    return category(turned[encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)], names)


def _by_number(name: str) -> tuple[str, int]:
    member, hyphen, number = name.rpartition("-")
    return (member, int(number)) if hyphen and number.isascii() and number.isdigit() else (name, 0)
