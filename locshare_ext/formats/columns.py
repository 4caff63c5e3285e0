"""Which column of a table is which field: told explicitly, or guessed to be confirmed."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from locshare_ext.errors import InvalidInput
from locshare_ext.formats.times import NEEDS_ZONE, TimeReader
from locshare_ext.model.names import near_names

__all__ = ["FIELDS", "SCALES", "ColumnMap", "Guess", "guess_columns", "parse_columns"]

KNOT = 1852 / 3600  # m/s
MILE = 1609.344
FOOT = 0.3048
# field with its unit in the name -> (field, what to multiply by)
SCALES: dict[str, tuple[str, float]] = {
    "altitude": ("altitude", 1.0),
    "altitude_ft": ("altitude", FOOT),
    "accuracy": ("accuracy", 1.0),
    "accuracy_ft": ("accuracy", FOOT),
    "speed": ("speed", 1.0),
    "speed_kmh": ("speed", 1 / 3.6),
    "speed_knots": ("speed", KNOT),
    "speed_mph": ("speed", MILE / 3600),
    "heading": ("heading", 1.0),
    "battery": ("battery", 1.0),
    "battery_percent": ("battery", 0.01),
}
_TIMES = ("time", "time_s", "time_ms", "received", "received_s", "received_ms")
FIELDS: tuple[str, ...] = ("member", *_TIMES, "lat", "lon", *SCALES, "source")
_EXTRA = "extra."

# field -> headers that mean it, the surest first; written without anything but letters and digits
_ALIASES: dict[str, str] = {
    "member": (
        "member vehicleid vehicleref vehicle deviceid device devicename individuallocalidentifier animalid"
        " participant person rider username user userid uid trackerid tracker tid trackid track name id"
    ),
    "time": (
        "time timestamp datetime timeutc datetimeutc utc fixtime devicetime gpstime eventtime tst recordedat"
        " recordedattime locationtime date ts t"
    ),
    "received": "received receivedat servertime arrivedat",
    "lat": "lat latitude locationlat latdeg latitudedeg y",
    "lon": "lon lng long longitude locationlong locationlon londeg longitudedeg x",
    "altitude": "altitude alt ele elevation altitudem heightabovemsl height",
    "accuracy": "accuracy acc horizontalaccuracy hacc accuracym",
    "speed": "speedms speedmps",
    "speed_kmh": "speedkmh speedkph kmh",
    "speed_knots": "speedknots speedkn sog",
    "speed_mph": "speedmph mph",
    "heading": "heading bearing course cog direction headingdeg track",
    "battery": "battery batt batterylevel",
    "battery_percent": "batterypercent batterypct",
}
_UNIT_UNKNOWN = ("speed", "velocity", "vel", "groundspeed")
_NUMERIC = ("lat", "lon", *SCALES)


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Field -> header of its column; `extra.KEY` keeps a column as a key of `extra`."""

    columns: Mapping[str, str]

    def __str__(self) -> str:
        return ",".join(
            f'"{part}"' if "," in (part := f"{name}={header}") else part
            for name, header in self.columns.items()
        )


@dataclass(frozen=True, slots=True)
class Guess:
    """A proposal that a person has to confirm; nothing applies it by itself.

    columns: what looks right, as `parse_columns` reads it. missing: fields that are needed
    and were not found. needs_zone: whether the times have no zone. doubts: sentences.
    """

    columns: ColumnMap
    missing: tuple[str, ...]
    needs_zone: bool
    doubts: tuple[str, ...]


def parse_columns(text: str, *, needed: Sequence[str] = ("time", "lat", "lon")) -> ColumnMap:
    """Read `member=vehicle_id,time=timestamp,lat=latitude,lon=longitude,heading=bearing`.

    Left stands a field (with its unit if that is not ours: speed_kmh, altitude_ft,
    battery_percent, time_s, time_ms) or `extra.KEY`, right the column's header. An item
    with a comma is put in double quotes. Without `member` all rows are of one member. needed:
    the fields that have to be among them.
    Raises InvalidInput that says which item is wrong.
    """
    columns: dict[str, str] = {}
    for item in next(csv.reader([text], skipinitialspace=True), []):
        name, equals, header = item.partition("=")
        name, header = name.strip(), header.strip()
        if not equals or not name or not header:
            raise InvalidInput(
                f"columns: {item!r} is not FIELD=COLUMN, such as lat=latitude", field="columns"
            )
        if name not in FIELDS and not (name.startswith(_EXTRA) and len(name) > len(_EXTRA)):
            near = [field for field, aliases in _ALIASES.items() if name.casefold() in aliases.split()]
            near = near or near_names(name, FIELDS, 1)
            hint = f"did you mean {near[0]}?" if near else f"expected {', '.join(FIELDS)} or extra.KEY"
            raise InvalidInput(f"columns: {name!r} is no field; {hint}", field="columns")
        plain = _plain(name)
        if other := next((known for known in columns if _plain(known) == plain), None):
            raise InvalidInput(f"columns: {other} and {name} say the same twice", field="columns")
        columns[name] = header
    missing = [name for name in needed if name not in {_plain(known) for known in columns}]
    if missing:
        raise InvalidInput(
            f"columns {text!r} do not say which column is {' and '.join(missing)}", field="columns"
        )
    return ColumnMap(columns)


def guess_columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Guess:
    """Return which column looks like which field, by its name and the values of some rows."""
    samples = {
        name: [row[place].strip() for row in rows if len(row) > place and row[place].strip()]
        for place, name in enumerate(header)
    }
    plain = {name: re.sub(r"[^a-z0-9]", "", name.casefold()) for name in header}
    found: dict[str, str] = {}
    doubts: list[str] = []
    for field, aliases in _ALIASES.items():
        if _plain(field) in {_plain(known) for known in found}:
            continue
        for alias in aliases.split():
            fitting = [name for name in header if plain[name] == alias and name not in found.values()]
            name = next((name for name in fitting if _fits(field, samples[name])), None)
            if name is not None:
                found[field] = name
                break
    if "battery" in found and any(float(value) > 1 for value in samples[found["battery"]]):
        found["battery_percent"] = found.pop("battery")
    if "speed" not in {_plain(field) for field in found}:
        doubts += [
            f"column {name!r} has speeds of an unknown unit: "
            f"add speed={name} (m/s), speed_kmh={name}, speed_knots={name} or speed_mph={name}"
            for name in header
            if plain[name] in _UNIT_UNKNOWN and name not in found.values()
        ]
    if "member" not in found:
        doubts.append("no column looks like a member's name: all rows are taken as of one member")
    order = [field for field in FIELDS if field in found]
    missing = tuple(field for field in ("time", "lat", "lon") if field not in found)
    return Guess(
        ColumnMap({field: found[field] for field in order}),
        missing,
        "time" in found and _is_naive(samples[found["time"]]),
        tuple(doubts),
    )


def _plain(name: str) -> str:
    """Return the field without its unit."""
    if name in SCALES:
        return SCALES[name][0]
    return name.removesuffix("_ms").removesuffix("_s") if name in _TIMES else name


def _fits(field: str, values: list[str]) -> bool:
    """Return whether a column's values could be this field."""
    if field == "member":
        return len(values) < 3 or len(set(values)) < len(values)  # else it numbers the rows
    if field in ("time", "received"):
        return all(_is_time(value) for value in values)
    limit = {"lat": 90.0, "lon": 180.0}.get(field, math.inf)
    return field not in _NUMERIC or all(_is_number(value, limit) for value in values)


def _is_number(text: str, limit: float) -> bool:
    try:
        return abs(float(text)) <= limit
    except ValueError:
        return False


def _is_time(text: str) -> bool:
    try:
        TimeReader().read(text)
    except InvalidInput as error:
        return error.code == NEEDS_ZONE
    return True


def _is_naive(texts: list[str]) -> bool:
    for text in texts:
        try:
            TimeReader().read(text)
        except InvalidInput as error:
            if error.code == NEEDS_ZONE:
                return True
    return False
