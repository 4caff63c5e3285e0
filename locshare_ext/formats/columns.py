"""Which column of a table is which field: told explicitly, or guessed to be confirmed."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from locshare_ext.errors import InvalidInput
from locshare_ext.formats.times import NEEDS_UNIT, NEEDS_ZONE, UNITS_OF_TIME, TimeReader, Unit
from locshare_ext.model.names import near_names

__all__ = [
    "DEGREES",
    "FIELDS",
    "SCALES",
    "ColumnMap",
    "Guess",
    "guess_columns",
    "needs_unit",
    "parse_columns",
    "time_column",
]

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
_UNITS: tuple[Unit | None, ...] = (None, *UNITS_OF_TIME)
_TIMES: dict[str, tuple[str, Unit | None]] = {
    field if unit is None else f"{field}_{unit}": (field, unit)
    for field in ("time", "received")
    for unit in _UNITS
}
# field with its unit in the name -> (field, how many of it a degree has)
DEGREES: dict[str, tuple[str, float]] = {
    "lat": ("lat", 1.0),
    "lon": ("lon", 1.0),
    "lat_e7": ("lat", 1e7),
    "lon_e7": ("lon", 1e7),
}
FIELDS: tuple[str, ...] = ("member", *_TIMES, *DEGREES, *SCALES, "source")
_EXTRA = "extra."

# field -> headers that mean it, the surest first; written without anything but letters and digits
_ALIASES: dict[str, str] = {
    "member": (
        "member vehicleid vehicleref vehicle deviceid device devicename individuallocalidentifier animalid"
        " participant person rider username user userid uid trackerid tracker tid trackid track name id"
    ),
    "time": (
        "time timestamp datetime timeutc datetimeutc utc fixtime devicetime gpstime eventtime tst recordedat"
        " recordedattime locationtime trackedat when date ts t"
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
_SMALLEST = 1e8  # numbers below are no moments of the years since 1973 in any unit
_LARGEST: dict[Unit, float] = {"s": 1e11, "ms": 1e14, "us": 1e17}
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
    battery_percent, lat_e7, lon_e7, time_s, time_ms, time_us, time_ns) or `extra.KEY`, right the
    column's header. An item with a comma is put in double quotes. Without `member` all rows are of
    one member. needed: the fields that have to be among them.
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


def time_column(columns: ColumnMap, field: str = "time") -> tuple[str, Unit | None] | None:
    """Return the header of `time` or `received` and the unit of its numbers; None if it has none."""
    for name, (plain, unit) in _TIMES.items():
        if plain == field and name in columns.columns:
            return columns.columns[name], unit
    return None


def needs_unit(field: str, header: str, message: str) -> InvalidInput:
    """Return the error for a column of numbers whose unit since 1970 nobody said."""
    ways = ", ".join(f"{field}_{unit}={header} ({name})" for unit, name in UNITS_OF_TIME.items())
    return InvalidInput(f"{message}; say {ways}", code=NEEDS_UNIT, field="columns")


def guess_columns(
    header: Sequence[str], rows: Sequence[Sequence[str]], number: Callable[[str], float] = float
) -> Guess:
    """Return which column looks like which field, by its name and the values of some rows.

    number: reads one as the table writes them; raises ValueError.
    """
    samples = {
        name: [row[place].strip() for row in rows if len(row) > place and row[place].strip()]
        for place, name in enumerate(header)
        if header.count(name) == 1
    }
    header = list(samples)
    plain = {name: re.sub(r"[^a-z0-9]", "", name.casefold()) for name in header}
    found: dict[str, str] = {}
    doubts: list[str] = []
    for field, aliases in _ALIASES.items():
        if _plain(field) in {_plain(known) for known in found}:
            continue
        for alias in aliases.split():
            fitting = [name for name in header if plain[name] == alias and name not in found.values()]
            name = next((name for name in fitting if _fits(field, samples[name], number)), None)
            if name is not None:
                found[field] = name
                break
    if "battery" in found and any(number(value) > 1 for value in samples[found["battery"]]):
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
    doubts += _with_units(found, samples)
    order = [field for field in FIELDS if field in found]
    plain_found = {_plain(known) for known in found}
    missing = tuple(field for field in ("time", "lat", "lon") if field not in plain_found)
    return Guess(
        ColumnMap({field: found[field] for field in order}),
        missing,
        "time" in found and _is_naive(samples[found["time"]]),
        tuple(doubts),
    )


def _plain(name: str) -> str:
    """Return the field without its unit."""
    for known in (SCALES, DEGREES):
        if name in known:
            return known[name][0]
    return _TIMES[name][0] if name in _TIMES else name


def _with_units(found: dict[str, str], samples: Mapping[str, list[str]]) -> Iterator[str]:
    """Give columns of numbers the unit that looks right; yield a sentence on each, as it is a guess."""
    for field in ("time", "received"):
        values = samples[found[field]] if field in found else []
        if not values or not all(_is_number(value, math.inf, float) for value in values):
            continue
        largest = max(abs(float(value)) for value in values)
        unit: Unit = next((unit for unit, limit in _LARGEST.items() if largest < limit), "ns")
        found[f"{field}_{unit}"] = header = found.pop(field)
        yield f"the numbers of {header!r} look like {UNITS_OF_TIME[unit]} since 1970: is that so?"


def _fits(field: str, values: list[str], number: Callable[[str], float]) -> bool:
    """Return whether a column's values could be this field."""
    if field == "member":
        return len(values) < 3 or len(set(values)) < len(values)  # else it numbers the rows
    if field in ("time", "received"):
        return all(_is_time(value) for value in values)
    limit = {"lat": 90.0, "lon": 180.0}.get(field, math.inf)
    return field not in _NUMERIC or all(_is_number(value, limit, number) for value in values)


def _is_number(text: str, limit: float, number: Callable[[str], float]) -> bool:
    try:
        return abs(number(text)) <= limit
    except ValueError:
        return False


def _is_time(text: str) -> bool:
    try:
        TimeReader().read(text)
    except InvalidInput as error:
        return error.code == NEEDS_ZONE or (error.code == NEEDS_UNIT and float(text) >= _SMALLEST)
    return True


def _is_naive(texts: list[str]) -> bool:
    for text in texts:
        try:
            TimeReader().read(text)
        except InvalidInput as error:
            if error.code == NEEDS_ZONE:
                return True
    return False
