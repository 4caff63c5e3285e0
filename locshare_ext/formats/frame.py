"""The trail frame: one row per fix in pandas, made of the Arrow table of trails and back.

What its columns are is a contract; the README tells it under "The trail frame". Everything
here is a pure function; any thread may call it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from locshare_ext.errors import InvalidInput
from locshare_ext.formats import keys
from locshare_ext.formats.trips import dictionary_of, sort_order, trip_codes
from locshare_ext.formats.units import UNITS
from locshare_ext.model.fix import NUMBERS
from locshare_ext.model.trail import FRAME_COLUMNS, TRIP_GAP, arrow_schema

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "FRAME_VERSION",
    "STR",
    "UNITS",
    "arrow_from_frame",
    "attrs_of",
    "category",
    "empty_frame",
    "frame_from_arrow",
    "gap_ms",
    "trip_codes",
    "utc_times",
]

FRAME_VERSION = 1
FLAG_COLUMNS = ("late", "future", "repaired")
# text with NaN for missing: what pandas 3 calls `str`
STR = pd.StringDtype(storage="pyarrow", na_value=np.nan)
_NS = 1_000_000  # ns in a ms
_MAX_MS = (2**63 - 1) // _NS  # datetime64[ns] ends in 2262


def frame_from_arrow(
    table: pa.Table,
    *,
    group: str,
    recording: str = "",
    trip_gap: int | timedelta | str = TRIP_GAP,
    extra: Sequence[str] = (),
) -> pd.DataFrame:
    """Return the trail frame of a table with `trail.ARROW_FIELDS`, in any order.

    group, recording: what these columns say; recording is empty for live trails.
    trip_gap: the silence after which a member's next trip begins; ms, timedelta or text
    such as `30min`. extra: keys of `extra` that become columns of their own, called
    `extra.KEY` where a column has that name already; numbers as float64, others as text.
    Times that nanoseconds cannot hold (before 1678, after 2261) are moved to the nearest
    that they can, and counted in `attrs["clamped"]`.
    """
    gap = gap_ms(trip_gap)
    table = _conformed(table)
    time = _int64(table, "time")
    members, member_codes = dictionary_of(table.column("member"))
    order = sort_order(time, member_codes, _int64(table, "seq"))
    if order is not None:
        table, time, member_codes = table.take(pa.array(order)), time[order], member_codes[order]
    trips, trip = trip_codes(time, member_codes, members, gap)
    sources, source = dictionary_of(table.column("source"))
    rows = len(time)
    one = np.zeros(rows, dtype=np.int8)
    received = _int64(table, "received")
    columns: dict[str, Any] = {
        "recording": category(one, [recording] if rows else []),
        "group": category(one, [group] if rows else []),
        "member": category(member_codes, members),
        "trip": category(trip, trips),
        "source": category(source, sources),
        "seq": _int64(table, "seq"),
        "time": utc_times(time),
        "received": utc_times(received),
    }
    for name in ("lat", "lon", *NUMBERS):
        columns[name] = _float64(table, name)
    for name in FLAG_COLUMNS:
        columns[name] = table.column(name).to_numpy(zero_copy_only=False).astype(bool, copy=False)
    columns["extra"] = _str(table.column("extra"))
    frame = pd.DataFrame(columns, columns=list(FRAME_COLUMNS), copy=False)
    for column, values in keys.columns_of_keys(table.column("extra"), extra, taken=FRAME_COLUMNS):
        frame[column] = values
    frame.attrs.update(attrs_of(frame, recordings=[recording] if recording else [], groups=[group], gap=gap))
    if clamped := int(np.count_nonzero(np.abs(time) > _MAX_MS)):
        frame.attrs["clamped"] = clamped
    return frame


def empty_frame(*, group: str = "", recording: str = "", extra: Sequence[str] = ()) -> pd.DataFrame:
    """Return a trail frame without rows; columns, dtypes and attrs are as of any other."""
    return frame_from_arrow(arrow_schema().empty_table(), group=group, recording=recording, extra=extra)


def arrow_from_frame(frame: pd.DataFrame) -> pa.Table:
    """Return the Arrow table (`trail.ARROW_FIELDS`, ascending by seq) of a trail frame.

    A frame of your own needs member, time, lat and lon; what else is absent is unknown,
    seq counts the rows from 1, received is time. Raises InvalidInput for missing columns
    and for times without a zone.
    """
    for name in ("member", "time", "lat", "lon"):
        if name not in frame.columns:
            raise InvalidInput(f"the frame has no column {name!r}; expected {', '.join(FRAME_COLUMNS)}")
    rows = len(frame)
    arrays: dict[str, Any] = {
        "seq": frame["seq"].to_numpy("int64") if "seq" in frame else np.arange(1, rows + 1),
        "member": _text(frame["member"]),
        "source": _text(frame["source"]) if "source" in frame else pa.nulls(rows, pa.utf8()),
        "time": _ms(frame["time"]),
        "received": _ms(frame["received"] if "received" in frame else frame["time"]),
        "extra": _text(frame["extra"]) if "extra" in frame else pa.nulls(rows, pa.utf8()),
    }
    for name in ("lat", "lon", *NUMBERS):
        values = frame[name].to_numpy("float64") if name in frame else np.full(rows, np.nan)
        arrays[name] = pa.array(values, from_pandas=True)  # NaN is null on the wire
    for name in FLAG_COLUMNS:
        arrays[name] = frame[name].to_numpy(bool) if name in frame else np.zeros(rows, dtype=bool)
    schema = arrow_schema()
    table = pa.table({name: _cast(arrays[name], schema.field(name).type) for name in schema.names})
    seq = _int64(table, "seq")
    if np.all(seq[1:] >= seq[:-1]):
        return table
    return table.take(pa.array(np.argsort(seq, kind="stable")))


def attrs_of(frame: pd.DataFrame, *, recordings: list[str], groups: list[str], gap: int) -> dict[str, Any]:
    """Return what a trail frame's `attrs` hold: plain JSON values only."""
    interval = ""
    if len(frame):
        ends = (frame["time"].iloc[0], frame["time"].iloc[-1])
        interval = "/".join(end.isoformat(timespec="milliseconds").replace("+00:00", "Z") for end in ends)
    return {
        "recordings": recordings,
        "groups": groups,
        "interval": interval,
        "trip_gap_s": gap / 1000,
        "crs": "EPSG:4326",
        "units": dict(UNITS),
        "version": FRAME_VERSION,
    }


def category(codes: NDArray[Any], names: Sequence[str]) -> pd.Categorical[Any]:
    """Return text as a category: `names[code]` in each row, missing where the code is -1."""
    categories = pd.Index(pd.array(list(names), dtype=STR))
    found: pd.Categorical[Any] = pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(categories))
    return found


def utc_times(ms: NDArray[np.int64]) -> pd.Series[pd.Timestamp]:
    """Return integer ms since 1970 as datetime64[ns, UTC], clamped to what that can hold."""
    if len(ms) and (ms.max() > _MAX_MS or ms.min() < -_MAX_MS):
        ms = np.clip(ms, -_MAX_MS, _MAX_MS)
    return pd.Series((ms * _NS).view("datetime64[ns]"), copy=False).dt.tz_localize("UTC")


def gap_ms(gap: int | timedelta | str) -> int:
    """Return a duration in ms: an int is ms, timedelta and text such as `30min` are read.

    Raises InvalidInput when it is none or not above 0.
    """
    try:
        value = int(gap) if isinstance(gap, int | np.integer) else int(pd.Timedelta(gap).value // _NS)
    except (TypeError, ValueError, OverflowError):
        value = 0
    if value <= 0:
        raise InvalidInput(
            f"trip_gap {gap!r} is no duration above 0; expected ms, a timedelta or text such as '30min'",
            field="trip_gap",
        )
    return value


def _conformed(table: pa.Table) -> pa.Table:
    """Return the table with the columns and types of ARROW_FIELDS in their order."""
    schema = arrow_schema()
    if missing := [name for name in schema.names if name not in table.column_names]:
        raise InvalidInput(f"the table has no column {', '.join(missing)}")
    table = table.select(schema.names)
    if table.schema.equals(schema):
        return table.unify_dictionaries()
    columns = [_cast(table.column(field.name), field.type) for field in schema]
    return pa.table(columns, schema=schema).unify_dictionaries()


def _cast(values: Any, wanted: pa.DataType) -> Any:
    if isinstance(values, np.ndarray):
        values = pa.array(values)
    if values.type.equals(wanted):
        return values
    if pa.types.is_dictionary(wanted) and not pa.types.is_dictionary(values.type):
        return values.cast(wanted.value_type).dictionary_encode().cast(wanted)
    return values.cast(wanted)


def _int64(table: pa.Table, name: str) -> NDArray[np.int64]:
    values: NDArray[np.int64] = table.column(name).to_numpy()
    if values.dtype != np.int64:  # nulls turn it into float64
        raise InvalidInput(f"column {name!r} has missing values", field=name)
    return values


def _float64(table: pa.Table, name: str) -> NDArray[np.float64]:
    values: NDArray[np.float64] = table.column(name).to_numpy()
    return values


def _ms(times: pd.Series[Any]) -> NDArray[np.int64]:
    if not isinstance(times.dtype, pd.DatetimeTZDtype):
        raise InvalidInput(
            f"column {times.name!r} is {times.dtype}, expected times with a zone "
            "(pandas: `.dt.tz_localize('UTC')`)",
            field=str(times.name),
        )
    if times.isna().any():
        raise InvalidInput(f"column {times.name!r} has missing times", field=str(times.name))
    in_utc: Any = times.dt.tz_convert("UTC").dt.tz_localize(None).dt.as_unit("ms").to_numpy()
    ms: NDArray[np.int64] = in_utc.view("int64")
    return ms


def _str(column: pa.ChunkedArray) -> Any:
    """Return Arrow text as pandas text with NaN, without a Python object per row."""
    dtype: Any = STR
    return dtype.__from_arrow__(column.cast(pa.large_utf8()))


def _text(values: pd.Series[Any]) -> Any:
    """Return text as Arrow: a category as its dictionary, so that no row is looked at."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes = values.cat.codes.to_numpy()
        names = pa.array(values.cat.categories.astype(str).tolist(), pa.utf8())
        return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32), mask=codes < 0), names)
    missing = values.isna().to_numpy()
    return pa.array(values.astype(str).to_numpy(object), pa.utf8(), mask=missing)
