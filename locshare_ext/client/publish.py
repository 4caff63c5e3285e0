"""Publishing from Python: one fix, or a DataFrame of them."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

import msgspec

from locshare_ext.client.http import Api, path_of
from locshare_ext.client.times import ms_from, now_ms
from locshare_ext.errors import InvalidFix, InvalidInput, LocShareError, TooFast
from locshare_ext.model import wire
from locshare_ext.model.fix import Fix
from locshare_ext.model.trail import FRAME_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Published", "Rows", "SetAside", "publish_one", "publish_rows", "rows_of_fixes", "rows_of_frame"]

MAX_BODY = 1 << 20  # bytes; the server takes 2 MiB
# What a client sends of a fix; the other fields are the server's.
FIELDS = tuple(
    name for name in wire.FixInput.__struct_fields__ if name not in ("received", "cursor", "flags")
)
# Columns of our own frames that say what the server will say anew.
_OURS = {*FRAME_COLUMNS, "age", "heard_age", "state", "fixes", "geometry", "flags", "cursor"} - set(FIELDS)


@dataclass(frozen=True, slots=True)
class SetAside:
    """A fix that was not stored. row: its label in the frame. value: what `field` held."""

    row: Any
    field: str | None
    value: Any
    code: str
    message: str

    def __str__(self) -> str:
        return f"row {self.row!r}: {self.message}"


@dataclass(frozen=True, slots=True)
class Rows:
    """Fixes to send. labels: what they are called. unreadable: place -> why its time is none."""

    fixes: list[dict[str, Any]]
    labels: Sequence[Any]
    unreadable: dict[int, InvalidInput] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Published:
    """What became of what was published. cursor: the group's place after it."""

    stored: int = 0
    duplicates: int = 0
    set_aside: list[SetAside] = field(default_factory=list)
    cursor: str | None = None

    def __str__(self) -> str:
        parts = [f"{self.stored} stored"]
        if self.duplicates:
            parts.append(f"{self.duplicates} known already")
        if self.set_aside:
            parts.append(f"{len(self.set_aside)} set aside (first {self.set_aside[0]})")
        return ", ".join(parts)


def publish_one(
    api: Api, group: str, values: Mapping[str, Any], *, member: str, tz: tzinfo | None = None
) -> Published:
    """Publish one fix; `time` is now if it is not among `values`.

    Raises InvalidFix that names the field, the value and what was expected.
    """
    row = _row({**values, "time": now_ms() if values.get("time") is None else values["time"]}, member, tz)
    body = msgspec.json.encode(row)
    decoded = wire.decode_fixes(body)
    if decoded.refused:
        raise decoded.refused[0].error
    answer = api.send("POST", path_of("groups", group, "fixes"), body)
    return Published(answer["stored"], answer["duplicates"], [], answer["cursor"])


def publish_rows(api: Api, group: str, rows: Rows) -> Published:
    """Publish any number of fixes, in bodies of at most 1,000; good ones are stored.

    Over the rate of an invite it waits, with a warning, rather than leave the rest out.
    Raises InvalidFix if not one was good.
    """
    stored = duplicates = 0
    cursor: str | None = None
    aside: list[tuple[int, LocShareError | Mapping[str, Any]]] = [*rows.unreadable.items()]
    for places, body in _bodies(rows, aside):
        try:
            answer = _post_in_time(api, group, body)
        except InvalidInput as error:  # not one was good, for reasons that only the server knows
            aside += _refused_whole(places, error)
            continue
        stored, duplicates = stored + answer["stored"], duplicates + answer["duplicates"]
        cursor = answer["cursor"]
        aside += [(places[one["index"]], one["error"]) for one in answer["set_aside"]]
    aside.sort(key=lambda pair: pair[0])
    set_aside = [_set_aside(place, error, rows) for place, error in aside]
    if set_aside and not stored and not duplicates:
        raise _nothing_good(set_aside)
    return Published(stored, duplicates, set_aside, cursor)


def rows_of_frame(frame: pd.DataFrame, *, member: str, tz: tzinfo | None = None) -> Rows:
    """Return a frame's rows as fixes to send.

    Columns are those of the trail frame or of a fix (`time`, `lat`, `lon`, ...); NaN is
    unknown. member: whose they are when there is no such column. tz: the zone of naive
    times. Raises InvalidInput for a column that is unknown or missing, and when no row has
    a time that can be read.
    """
    if "time" not in frame.columns and frame.index.name == "time":
        frame = frame.reset_index()
    names = [name for name in frame.columns if name not in _OURS]
    for name in names:
        if name not in FIELDS:
            raise _unknown_column(str(name))
    for name in ("time", "lat", "lon"):
        if name not in names:
            raise InvalidInput(f"the frame has no column {name!r}", code=f"{name}_missing", field=name)
    labels = frame.index.tolist()
    columns: dict[str, list[Any]] = {}
    unreadable: dict[int, InvalidInput] = {}
    for name in names:
        columns[name] = _times(frame["time"], tz, unreadable) if name == "time" else _values(frame[name])
    _check_any_readable(unreadable, labels, "row")
    if "extra" in columns:
        columns["extra"] = [_extra(value) for value in columns["extra"]]
    if "member" not in columns:
        columns["member"] = [member] * len(labels)
    keys = tuple(columns)
    rows = [
        {key: value for key, value in zip(keys, values, strict=True) if value is not None}
        for values in zip(*columns.values(), strict=True)
    ]
    return Rows(rows, labels, unreadable)


def rows_of_fixes(fixes: Sequence[Mapping[str, Any] | Fix], *, member: str, tz: tzinfo | None = None) -> Rows:
    """Return fixes, or objects with their fields, as fixes to send.

    Raises InvalidInput for what is neither, and when none has a time that can be read.
    """
    rows = []
    unreadable: dict[int, InvalidInput] = {}
    for index, fix in enumerate(fixes):
        values = {name: getattr(fix, name) for name in FIELDS} if isinstance(fix, Fix) else fix
        if not isinstance(values, Mapping):
            raise InvalidInput(f"fix {index} is {type(fix).__name__}, expected a Fix or a dict of its fields")
        try:
            rows.append(_row(values, member, tz))
        except InvalidInput as error:
            rows.append(dict(values))
            unreadable[index] = error
    _check_any_readable(unreadable, range(len(rows)), "fix")
    return Rows(rows, range(len(rows)), unreadable)


def _row(values: Mapping[str, Any], member: str, tz: tzinfo | None) -> dict[str, Any]:
    """Return one fix to send; what is unknown is left out."""
    row = {name: _plain(value) for name, value in values.items() if not _is_missing(value)}
    if "time" in row:
        row["time"] = ms_from(row["time"], tz=tz)
    row.setdefault("member", member)
    return row


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _plain(value: Any) -> Any:
    """Return a numpy number as Python's."""
    kind = type(value)
    is_scalar = kind.__module__ == "numpy" and not kind.__name__.startswith("datetime")
    return value.item() if is_scalar and hasattr(value, "item") else value


def _values(column: pd.Series[Any]) -> list[Any]:
    """Return a column as Python values, None where it is missing."""
    missing = column.isna().to_numpy()
    values = column.astype(object).tolist()
    return [None if gone else value for value, gone in zip(values, missing, strict=True)]


def _times(
    column: pd.Series[Any], tz: tzinfo | None, unreadable: dict[int, InvalidInput]
) -> list[int | None]:
    """Return a column of moments in ms; where a value is none it stays, and `unreadable` says why."""
    import pandas as pd

    if isinstance(column.dtype, pd.DatetimeTZDtype):
        missing = column.isna().to_numpy()
        utc: Any = column.dt.tz_convert("UTC").dt.tz_localize(None)
        ms = utc.to_numpy("datetime64[ms]").view("int64").tolist()
        return [None if gone else value for value, gone in zip(ms, missing, strict=True)]
    times = _values(column)
    for place, value in enumerate(times):
        try:
            times[place] = None if value is None else ms_from(value, tz=tz)
        except InvalidInput as error:
            unreadable[place] = error
    return times


def _check_any_readable(unreadable: Mapping[int, InvalidInput], labels: Sequence[Any], what: str) -> None:
    """Raise InvalidInput if no time can be read: then the column is wrong and not a row of it."""
    if unreadable and len(unreadable) == len(labels):
        error = unreadable[0]
        raise InvalidInput(f"{what} {labels[0]!r}: {error.message}", code=error.code, field="time")


def _extra(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value) or None
    except msgspec.DecodeError:
        return value  # the check of fixes says what is wrong with it


def _post_in_time(api: Api, group: str, body: bytes) -> Any:
    """Post a body, and again when the server says to wait: what was sent before counted for the rate."""
    while True:
        try:
            return api.send("POST", path_of("groups", group, "fixes"), body)
        except TooFast as error:
            wait = error.details.get("retry_after")
            if not isinstance(wait, int | float):
                raise
            warnings.warn(
                "over the rate that the server takes from an invite; publishing waits", stacklevel=4
            )
            time.sleep(wait)


def _bodies(
    rows: Rows, aside: list[tuple[int, LocShareError | Mapping[str, Any]]]
) -> Iterator[tuple[list[int], bytes]]:
    """Yield bodies of good rows with the rows' places; bad rows go to `aside`."""
    fixes = rows.fixes
    todo = [place for place in range(len(fixes)) if place not in rows.unreadable]
    begin, step = 0, wire.MAX_FIXES
    while begin < len(todo):
        places = todo[begin : begin + step]
        body = msgspec.json.encode([fixes[place] for place in places])
        if len(body) > MAX_BODY and len(places) > 1:
            step = max(1, len(places) // 2)
            continue
        begin += len(places)
        step = wire.MAX_FIXES
        refused = {places[one.index]: one.error for one in wire.decode_fixes(body).refused}
        if refused:
            aside += refused.items()
            places = [place for place in places if place not in refused]
            body = msgspec.json.encode([fixes[place] for place in places])
        if places:
            yield places, body


def _refused_whole(
    places: list[int], error: InvalidInput
) -> list[tuple[int, LocShareError | Mapping[str, Any]]]:
    """Return each row's error of a body that was refused as a whole."""
    each = error.details.get("set_aside")
    if isinstance(each, list):
        return [(places[one["index"]], one["error"]) for one in each]
    return [(place, error) for place in places]


def _set_aside(
    place: int,
    error: LocShareError | Mapping[str, Any],
    rows: Rows,
) -> SetAside:
    shape = wire.error_object(error) if isinstance(error, LocShareError) else error
    name = shape.get("field")
    value = rows.fixes[place].get(name) if isinstance(name, str) else None
    return SetAside(rows.labels[place], name, value, str(shape["code"]), str(shape["message"]))


def _nothing_good(aside: list[SetAside]) -> InvalidFix:
    more = f" (and {len(aside) - 1} more rows)" if len(aside) > 1 else ""
    return InvalidFix(
        f"not one fix could be stored; {aside[0]}{more}",
        code=aside[0].code,
        field=aside[0].field,
        details={"rows": [str(one) for one in aside[:100]]},
    )


def _unknown_column(name: str) -> LocShareError:
    """Return the same words as for an unknown field of a fix, near name included."""
    error = wire.decode_fixes(msgspec.json.encode({name: None})).refused[0].error
    return InvalidInput(error.message.replace("field ", "column ", 1), code="unknown_column", field=name)
