"""What callers hand to a layer, as checked columns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from locshare_ext.errors import InvalidInput
from locshare_ext.widget.trail_log import NUMBERS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["check_own_name", "column_of", "columns_of_frame", "ms_column", "value_column"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

RESERVED = frozenset({"member", "x", "y", "lat", "lon", "time", "received", "age"})
LONGEST_NAME = 64
LAST_MS = 8_640_000_000_000_000  # that a page's clock can tell, ECMA-262 21.4.1.1
# what others call what has a name here already
ELSEWHERE = {
    "latitude": "lat",
    "longitude": "lon",
    "lng": "lon",
    "timestamp": "time",
    "bearing": "heading",
}
# lowest and highest of the known numbers, and what is said of them
BOUNDS = {
    "speed": (0.0, np.inf, ">= 0 m/s"),
    "accuracy": (0.0, np.inf, ">= 0 m"),
    "battery": (0.0, 1.0, "within [0, 1]"),
    "heading": (0.0, 360.0, "within [0, 360] degrees"),
}


def column_of(
    name: str, values: npt.ArrayLike, count: int, dtype: Any, limit: float | None = None
) -> npt.NDArray[Any]:
    """Return values as a column of `count` numbers; a single one stands for every row.

    limit: the largest magnitude allowed (degrees); then NaN is refused too.
    Raises InvalidInput.
    """
    try:
        column = np.asarray(values, dtype=dtype)
    except (TypeError, ValueError):
        raise InvalidInput(f"{name} is {type(values).__name__}, expected numbers", field=name) from None
    if column.ndim == 0:
        column = np.full(count, column, dtype)
    if column.shape != (count,):
        raise InvalidInput(f"{name} has shape {column.shape}, expected ({count},) as members", field=name)
    if limit is not None and not (np.abs(column) <= limit).all():
        wrong = column[~(np.abs(column) <= limit)][0]
        raise InvalidInput(f"{name} {wrong} is outside [-{limit:g}, {limit:g}] degrees", field=name)
    return column


def check_own_name(name: str) -> None:
    """Raise InvalidInput for a column that is a known one misspelt: it would be shown, and do nothing."""
    meant = ELSEWHERE.get(name.casefold()) or next(
        (known for known in (*NUMBERS, "received") if name != known and _is_slip(name.casefold(), known)),
        None,
    )
    if meant is not None:
        raise InvalidInput(
            f"{name!r} is no known column; did you mean {meant}? One of your own needs a name less alike",
            field=name,
        )


def _is_slip(word: str, meant: str) -> bool:
    """Whether one letter is missing, too many or another, or two beside each other are swapped.

    The first letter counts as right: a sensor's `reading` is no heading.
    """
    if word[:1] != meant[:1]:
        return False
    while word and meant and word[0] == meant[0]:
        word, meant = word[1:], meant[1:]
    while word and meant and word[-1] == meant[-1]:
        word, meant = word[:-1], meant[:-1]
    return max(len(word), len(meant)) <= 1 or (len(word) == 2 and word == meant[::-1])


def value_column(name: str, values: Any, count: int) -> npt.NDArray[Any]:
    """Return a column of numbers (float32, NaN is unknown) or texts (objects, None is unknown).

    Text is what is no number: also truth values and pandas' categories. A single value stands
    for every row. Raises InvalidInput.
    """
    if name in RESERVED or not name.isprintable() or not 0 < len(name) <= LONGEST_NAME:
        raise InvalidInput(
            f"a column cannot be called {name!r}; expected 1-{LONGEST_NAME} printable characters "
            f"other than {', '.join(sorted(RESERVED))}",
            field=name,
        )
    if hasattr(values, "to_numpy") and getattr(values.dtype, "kind", "O") in "iuf":
        values = values.to_numpy(np.float32, na_value=np.nan)
    column = np.asarray(values)
    if name not in NUMBERS and column.dtype.kind not in "iuf" and not _holds_numbers(column):
        return _text_column(name, column, count)
    numbers = column_of(name, column, count, np.float32)
    low, high, wanted = BOUNDS.get(name, (-np.inf, np.inf, "a finite number, or NaN for unknown"))
    is_wrong = np.isinf(numbers) | (numbers < low) | (numbers > high)
    if is_wrong.any():
        raise InvalidInput(f"{name} {numbers[is_wrong][0]:g} is not {wanted}", field=name)
    return numbers


def _holds_numbers(column: npt.NDArray[Any]) -> bool:
    """Whether objects are numbers and unknown ones, such as pandas' missing values."""
    if column.dtype != object:
        return False
    return all(
        value is None or (isinstance(value, int | float) and not isinstance(value, bool))
        for value in column.ravel()
    )


def _text_column(name: str, values: npt.NDArray[Any], count: int) -> npt.NDArray[Any]:
    if values.dtype.kind not in "bUSO":
        raise InvalidInput(f"{name} is {values.dtype}, expected numbers or texts", field=name)
    if values.ndim == 0:
        values = np.full(count, values)
    if values.shape != (count,):
        raise InvalidInput(f"{name} has shape {values.shape}, expected ({count},) as members", field=name)
    import pandas as pd

    column = np.empty(count, object)
    unknown = pd.isna(values.astype(object))
    column[:] = [
        None if is_unknown else str(value) for value, is_unknown in zip(values, unknown, strict=True)
    ]
    return column


def ms_column(name: str, values: Any, count: int, unknown: int | None = None) -> Ints:
    """Return moments as int64 ms since 1970 UTC; a single one stands for every row.

    Takes numbers (ms), datetimes with a zone, datetime64 (UTC) and pandas' columns.
    unknown: what stands for NaN and NaT, None where a moment has to be known. Raises InvalidInput.
    """
    if isinstance(values, datetime):
        values = _ms_of(name, values)
    if getattr(getattr(values, "dtype", None), "tz", None) is not None:  # a pandas column or index
        values = (values.dt if hasattr(values, "dt") else values).tz_convert("UTC")
        values = (values.dt if hasattr(values, "dt") else values).tz_localize(None).to_numpy()
    elif isinstance(values, list | tuple) and values and isinstance(values[0], datetime):
        values = [_ms_of(name, value) for value in values]
    column = np.asarray(values)
    if column.dtype.kind == "M":
        moments = column.astype("datetime64[ms]")
        column, is_unknown = moments.astype(np.int64), np.isnat(moments)
    elif column.dtype.kind not in "iuf":
        raise InvalidInput(
            f"{name} is {column.dtype}, expected ms since 1970, datetimes with a zone or datetime64",
            field=name,
        )
    else:
        is_unknown = np.isnan(column)
    if unknown is None and is_unknown.any():
        raise InvalidInput(f"{name} is unknown in {is_unknown.sum()} of {column.size} fixes", field=name)
    column = np.where(is_unknown, unknown or 0, column)
    if (is_wrong := np.abs(column) > LAST_MS).any():
        raise InvalidInput(f"{name} {column[is_wrong][0]} is no moment in ms since 1970", field=name)
    return column_of(name, column, count, np.int64)


def columns_of_frame(
    frame: pd.DataFrame, more: Sequence[str] = ()
) -> tuple[list[str], Ints, Ints, Floats, Floats, dict[str, Any]]:
    """Return member names, time, received, lat, lon, and the known numbers and `more` of a trail frame.

    Raises InvalidInput naming a column that is missing.
    """
    for name in ("member", "time", "lat", "lon", *more):
        if name not in frame:
            others = [
                column for column in map(str, frame.columns) if ELSEWHERE.get(column.casefold()) == name
            ]
            hint = f"; rename {others[0]!r} to it" if others else ""
            raise InvalidInput(f"column {name!r} is missing from the frame{hint}", field=name)
    count = len(frame)
    received = (
        ms_column("received", frame["received"], count, unknown=0)
        if "received" in frame
        else np.zeros(count, np.int64)
    )
    wanted = dict.fromkeys([*(name for name in NUMBERS if name in frame), *more])
    numbers = {name: value_column(name, frame[name], count) for name in wanted}
    return (
        [str(name) for name in frame["member"]],
        ms_column("time", frame["time"], count),
        received,
        column_of("lat", frame["lat"], count, np.float64, 90.0),
        column_of("lon", frame["lon"], count, np.float64, 180.0),
        numbers,
    )


def _ms_of(name: str, moment: datetime) -> int:
    if moment.tzinfo is None:
        raise InvalidInput(f"{name} {moment} has no time zone", field=name)
    return round(moment.timestamp() * 1000)
