"""What a file holds, checked as if it had been sent: fixes, and the events among them."""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from locshare_ext.errors import InvalidFile, InvalidInput
from locshare_ext.model.clock import NEWEST
from locshare_ext.model.event import Event
from locshare_ext.model.fix import NUMBERS, Fix
from locshare_ext.model.names import member_name
from locshare_ext.model.trail import ARROW_FIELDS, arrow_schema
from locshare_ext.model.wire import MAX_EXTRA, MAX_SOURCE

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["MAX_EVENTS", "Waiting", "fixes_of_table"]

MAX_EVENTS = 100_000  # of one import
MAX_TEXT = 2000  # characters of one's text, as of a note


class Waiting:
    """Events that wait for their places among fixes; raises InvalidFile for one that none can be."""

    def __init__(self, events: Sequence[Event]) -> None:
        if len(events) > MAX_EVENTS:
            raise InvalidFile(f"{len(events):,} events, expected at most {MAX_EVENTS:,}", field="events")
        checked = [_event(number, one) for number, one in enumerate(events)]
        self._events = deque(sorted(checked, key=lambda one: one.received))

    def among(self, fixes: Sequence[Fix]) -> list[Fix | Event]:
        """Return fixes with the events that were known before them, which wait no more."""
        batch: list[Fix | Event] = []
        for fix in fixes:
            while self._events and self._events[0].received < fix.received:
                batch.append(self._events.popleft())
            batch.append(fix)
        return batch

    def take(self, most: int) -> list[Event]:
        """Return the next so many, which wait no more."""
        return [self._events.popleft() for _ in range(min(len(self._events), most))]


def fixes_of_table(table: pa.Table, first: int, now: int, received_known: bool) -> list[Fix]:
    """Return a table's rows as fixes, checked as if they had been sent."""
    columns = {name: _typed(table, name) for name, _ in ARROW_FIELDS if name in table.column_names}
    empty = [None] * table.num_rows
    fixes: list[Fix] = []
    for row in range(table.num_rows):
        at = {name: columns.get(name, empty)[row] for name, _ in ARROW_FIELDS}
        try:
            fixes.append(_fix(at, now, received_known))
        except (ValueError, TypeError, InvalidInput) as error:
            raise InvalidFile(f"row {first + row}: {error}", details={"row": first + row}) from None
    return fixes


def _typed(table: pa.Table, name: str) -> list[Any]:
    """Return a column's values in the type that it should have; raises InvalidFile if it has another."""
    import pyarrow as pa
    import pyarrow.types as kinds

    column, wanted = table.column(name), arrow_schema().field(name).type
    found = column.type
    is_text = kinds.is_dictionary(wanted) or kinds.is_string(wanted)
    if is_text:
        wanted = pa.utf8()
        fits = kinds.is_dictionary(found) or kinds.is_string(found) or kinds.is_large_string(found)
    elif kinds.is_boolean(wanted):
        fits = kinds.is_boolean(found)
    elif name in ("time", "received") and kinds.is_timestamp(found) and found.tz is not None:
        column, fits = column.cast(pa.timestamp("ms", found.tz), safe=False), True
    else:
        fits = kinds.is_integer(found) or kinds.is_floating(found)
    try:
        if fits or kinds.is_null(found):
            return list(column.cast(wanted).to_pylist())
        reason = ""
    except (pa.ArrowException, ValueError) as error:
        reason = f": {error}"
    raise InvalidFile(f"column {name!r} is {found}, expected {wanted}{reason}", field=name)


def _fix(at: dict[str, Any], now: int, received_known: bool) -> Fix:
    time, lat, lon = at["time"], at["lat"], at["lon"]
    if time is None or lat is None or lon is None:
        raise ValueError("time, lat or lon is missing")
    if not -90 <= lat <= 90 or not -180 <= lon <= 180:
        raise ValueError(f"lat {lat}, lon {lon} is outside [-90, 90], [-180, 180] degrees")
    received = at["received"] if received_known and at["received"] is not None else time
    for name, moment in (("time", time), ("received", received)):
        if not -NEWEST <= moment <= NEWEST:
            raise ValueError(f"{name} {moment} is out of range; expected milliseconds since 1970")
    numbers: dict[str, Any] = {name: _number(name, at[name]) for name in NUMBERS}
    extra = json.loads(at["extra"]) if at["extra"] else None
    if extra is not None and not isinstance(extra, dict):
        raise ValueError("extra is not a JSON object")
    for key, value in (extra or {}).items():
        if isinstance(value, dict | list):
            raise ValueError(f"extra.{key[:40]} is not text, a number, true, false or null")
    source = at["source"] or "import"
    if len(source) > MAX_SOURCE or not source.isprintable():
        raise ValueError(f"source {source[:40]!r} is not 1-{MAX_SOURCE} printable characters")
    return Fix(
        member=member_name(at["member"]),
        time=int(time),
        lat=float(lat),
        lon=float(lon),
        source=source,
        extra=extra,
        received=int(received),
        flags=tuple(flag for flag in ("future", "repaired") if at[flag]),
        **numbers,
    )


def _number(name: str, value: float | None) -> float | None:
    if value is None or math.isnan(value):
        return None
    low, high = _RANGES[name]
    if not low <= value < high:
        raise ValueError(f"{name} {value} is out of range")
    return float(value)


_RANGES = {
    "altitude": (-math.inf, math.inf),
    "accuracy": (0, math.inf),
    "speed": (0, math.inf),
    "heading": (0, 360),
    "battery": (0, math.nextafter(1, 2)),
}


def _event(number: int, event: Event) -> Event:
    """Return an event without its place in another log."""
    received = event.received or event.time
    for name, moment in (("time", event.time), ("received", received)):
        if not -NEWEST <= moment <= NEWEST:
            raise InvalidFile(f"event {number}: {name} {moment} is out of range", field="events")
    if event.text is not None and len(event.text) > MAX_TEXT:
        raise InvalidFile(
            f"event {number}: text has {len(event.text):,} characters, expected at most {MAX_TEXT:,}",
            field="events",
        )
    if event.data is not None and len(msgspec.json.encode(event.data)) > MAX_EXTRA:
        raise InvalidFile(f"event {number}: data has over {MAX_EXTRA} bytes of JSON", field="events")
    try:
        member = None if event.member is None else member_name(event.member)
    except InvalidInput as error:
        raise InvalidFile(f"event {number}: {error.message}", field="events") from None
    return msgspec.structs.replace(event, received=received, member=member, cursor=None)
