"""CSVs of programs whose columns, units and zone are documented, so that nobody need say them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from locshare_ext.formats.columns import ColumnMap
from locshare_ext.model.fix import NUMBERS
from locshare_ext.model.trail import ARROW_FIELDS, FRAME_COLUMNS

__all__ = ["Preset", "preset_of"]

_WIRE_COLUMNS = tuple(name for name, _ in ARROW_FIELDS)  # of trails as CSV from the server
_TEXT = 256  # characters of an attribute that are kept


@dataclass(frozen=True, slots=True)
class Preset:
    """How a program writes CSV.

    name: as in the registry. columns: which are which. tz: the zone of its times, None when
    that has to be said. source: of its fixes. completed: takes (cells, numbers, extra) of a
    row, changes the numbers and returns extra, for what no column map can say. absorbing: the
    place of a column whose text is written without quotes, commas and all.
    """

    name: str
    columns: ColumnMap
    tz: str | None = None
    source: str = ""
    completed: Callable[[list[str], dict[str, float], Any], Any] | None = None
    absorbing: int | None = None
    remark: str = ""

    @property
    def is_own(self) -> bool:
        """Whether this package wrote it."""
        return self.name == "csv"

    @property
    def is_quoted(self) -> bool:
        """Whether its texts may have an apostrophe in front, as this package writes them."""
        return self.name in ("csv", "movebank")

    def mended(self, cells: list[str], width: int) -> list[str]:
        """Return a row that is too long with the surplus put together where it came from."""
        if self.absorbing is None:
            return cells
        at, surplus = self.absorbing, len(cells) - width
        return [*cells[:at], ",".join(cells[at : at + surplus + 1]), *cells[at + surplus + 1 :]]


def preset_of(header: Sequence[str]) -> Preset | None:
    """Return the preset for a header, None if it is nobody's that is known."""
    names = tuple(header)
    for own, times in ((FRAME_COLUMNS, ("time", "received")), (_WIRE_COLUMNS, ("time_ms", "received_ms"))):
        if names[: len(own)] == own:
            fields = {name: name for name in ("member", "source", "lat", "lon", *NUMBERS)}
            fields |= {field: field.removesuffix("_ms") for field in times}
            return Preset("csv", ColumnMap(fields))
    found = {name.casefold(): name for name in names}
    if {"deviceid", "fixtime", "servertime", "latitude", "longitude", "protocol"} <= found.keys():
        return _traccar(names, found)
    # R writes its names with dots, its API with underscores
    hyphened = {re.sub(r"[^a-z0-9]+", "-", name): header for name, header in found.items()}
    if {"timestamp", "location-long", "location-lat", "individual-local-identifier"} <= hyphened.keys():
        return _movebank(hyphened)
    return None


# Traccar: org.traccar.model.Position; speed is in knots, the times of its tables are UTC.
# A report's times are in its user's zone, which the file does not name.
_TRACCAR = {
    "member": "deviceid",
    "time": "fixtime",
    "received": "servertime",
    "lat": "latitude",
    "lon": "longitude",
    "altitude": "altitude",
    "accuracy": "accuracy",
    "speed_knots": "speed",
    "heading": "course",
}


def _traccar(names: tuple[str, ...], found: dict[str, str]) -> Preset:
    lower = [name.casefold() for name in names]
    is_report = "fixTime" in names
    kept = ["valid", "protocol", "address", "network"]
    if is_report:  # its attributes are columns of their own, which nothing but their place tells
        first = lower.index("accuracy") + 1 if "accuracy" in lower else len(names)
        kept = ["valid", "protocol", "address", *lower[first:]]
    columns = {field: found[name] for field, name in _TRACCAR.items() if name in found}
    places = {name: lower.index(name) for name in lower}

    def completed(cells: list[str], numbers: dict[str, float], _: Any) -> dict[str, Any] | None:
        if numbers.get("accuracy") == 0:  # Traccar's default: not told
            del numbers["accuracy"]
        extra: dict[str, Any] = {
            name: _value(cells[places[name]]) for name in kept if name in places and cells[places[name]]
        }
        if "attributes" in places:
            extra.update(_attributes(cells[places["attributes"]]))
        level = extra.pop("batteryLevel", extra.pop("batterylevel", None))
        if isinstance(level, int | float) and not isinstance(level, bool) and 0 <= level <= 100:
            numbers["battery"] = level / 100
        return {key: value for key, value in extra.items() if value is not None} or None

    return Preset(
        "traccar",
        ColumnMap(columns),
        tz=None if is_report else "UTC",
        source="traccar",
        completed=completed,
        absorbing=places.get("address") if is_report else None,
        remark="" if is_report else "times without a zone are taken as UTC, in which Traccar keeps them",
    )


def _attributes(text: str) -> dict[str, Any]:
    """Return what is simple of Traccar's attributes, a JSON object."""
    try:
        found = msgspec.json.decode(text, type=dict[str, Any]) if text.strip() else {}
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return {"attributes": text[:_TEXT]}
    return {
        key: value[:_TEXT] if isinstance(value, str) else value
        for key, value in found.items()
        if isinstance(value, str | int | float | bool)
    }


def _value(text: str) -> Any:
    if text in ("true", "false", "t", "f"):
        return text[0] == "t"
    try:
        return msgspec.json.decode(text, type=int | float)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return text[:_TEXT]


# Movebank's attribute dictionary: timestamps are UTC, ground-speed is m/s, heading degrees from north
_MOVEBANK = {
    "member": ("individual-local-identifier",),
    "time": ("timestamp",),
    "lat": ("location-lat",),
    "lon": ("location-long",),
    "altitude": ("height-above-msl", "height-above-ellipsoid"),
    "accuracy": ("eobs-horizontal-accuracy-estimate", "location-error-numerical"),
    "speed": ("ground-speed", "eobs-speed"),
    "heading": ("heading",),
}
_MOVEBANK_KEPT = (
    "event-id",
    "visible",
    "sensor-type",
    "tag-local-identifier",
    "individual-taxon-canonical-name",
    "study-name",
    "external-temperature",
    "tag-voltage",
    "gps:satellite-count",
    "gps:hdop",
    "comments",
)


def _movebank(found: dict[str, str]) -> Preset:
    columns: dict[str, str] = {}
    for field, names in _MOVEBANK.items():
        name = next((found[name] for name in names if name in found), None)
        if name is not None:
            columns[field] = name
    plain = {name: re.sub(r"[^a-z0-9]+", "-", name) for name in _MOVEBANK_KEPT}
    columns |= {f"extra.{name}": found[key] for name, key in plain.items() if key in found}
    return Preset("movebank", ColumnMap(columns), tz="UTC", source="movebank")
