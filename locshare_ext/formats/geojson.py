"""GeoJSON in and out (RFC 7946): a feature is a fix; lines with times are trails.

Ours has one Point feature per fix, the trail frame's columns as properties. Of other programs'
it has to be said which property is which, except `coordTimes` of lines, which only mean one thing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any

from locshare_ext.errors import InvalidFile, InvalidInput
from locshare_ext.formats.columns import ColumnMap, guess_columns, needs_unit, parse_columns, time_column
from locshare_ext.formats.csvplan import Plan, add_row, check_units, make_plan
from locshare_ext.formats.geojsonwrite import write_geojson
from locshare_ext.formats.jsonread import elements
from locshare_ext.formats.loaded import Loaded, Progress, as_member, name_of
from locshare_ext.formats.presets import preset_of
from locshare_ext.formats.reading import reading
from locshare_ext.formats.rows import FixRows
from locshare_ext.formats.times import NEEDS_UNIT, TimeReader, zone_of
from locshare_ext.model.trail import FRAME_COLUMNS

__all__ = ["is_geojson", "read_geojson", "write_geojson"]

_MOST = 8_000_000  # values of one feature: a line of a million points
_TIMES = ("coordTimes", "times")  # of lines; written by togeojson and others
_LAT, _LON = "latitude of the geometry", "longitude of the geometry"  # as columns beside the properties
_HEIGHT = "height of the geometry"
_NAMED = ("name", "member", "id")


def is_geojson(head: bytes) -> bool:
    """Return whether JSON that begins so looks like GeoJSON."""
    return b'"Feature' in head or (b'"features"' in head and b'"geometry"' in head)


def read_geojson(
    path: str | Path,
    columns: str | ColumnMap | None = None,
    *,
    tz: str | tzinfo | None = None,
    member: str | None = None,
    on_disk: bool = False,
    progress: Progress | None = None,
) -> Loaded:
    """Read the features of a GeoJSON file: points as fixes, lines with times as trails.

    columns: which property is which, as for CSV, without lat and lon; ours and lines need none.
    Raises InvalidFile; InvalidInput, with a guess, where it must be said which is which.
    """
    path = Path(path)
    chosen = _with_place(columns)
    with reading(on_disk=on_disk, unit="feature") as rows:
        adding = _Adding(rows, path, chosen, tz, member)
        number = 0
        for key, value in elements(path, ("features",), ("locshare", "crs"), most=_MOST, progress=progress):
            if key == "features":
                number += 1
                adding.feature(number, value)
            elif key == "locshare" and isinstance(value, dict):
                adding.about = value
            elif key == "crs":
                _check_crs(path, value)
        rows.check(path, "features")
        if not len(rows) and not adding.about:
            raise InvalidFile(f"{path.name} has no points with times")
        known = adding.has_received and (not adding.is_own or rows.has_received)
        rows.keeps_seq = adding.is_own
        rows.finish(received_known=known)
    return Loaded(
        path=path,
        format="geojson",
        name=str(adding.about.get("name") or name_of(path))[:64],
        group=str(adding.about.get("group") or "")[:64],
        fixes=rows,
        received_known=known,
        set_aside=tuple(rows.set_aside),
        set_aside_count=rows.set_aside_count,
        remarks=(*adding.remarks(), *rows.remarks()),
    )


class _Adding:
    """Turns features into fixes."""

    def __init__(
        self,
        rows: FixRows,
        path: Path,
        columns: ColumnMap | None,
        tz: str | tzinfo | None,
        member: str | None,
    ) -> None:
        self.about: Mapping[str, Any] = {}  # what ours say of themselves
        self.has_received = False
        self.is_own = False
        self._rows, self._path, self._columns, self._member = rows, path, columns, member
        self._zone = zone_of(tz)
        told = None if columns is None else time_column(columns)
        self._times_column, unit = told or ("coordTimes", None)
        self._times = TimeReader(self._zone, unit=unit, column=self._times_column)
        self._plan: Plan | None = None
        self._header: list[str] = []
        self._height: int | None = None  # where altitude stands, or what stands for it
        self._others = 0

    def feature(self, number: int, feature: Any) -> None:
        """Add the fixes of one feature."""
        geometry = feature.get("geometry") if isinstance(feature, dict) else None
        if not isinstance(geometry, dict):
            self._rows.put_aside(number, "the feature has no geometry", _text(feature))
            return
        properties = feature.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        kind, places = geometry.get("type"), geometry.get("coordinates")
        try:
            if kind == "Point":
                self._point(number, places, properties)
            elif kind in ("LineString", "MultiLineString"):
                self._lines(number, kind, places, properties, feature)
            else:
                self._others += 1
        except InvalidFile:
            raise
        except InvalidInput as error:
            if error.code in ("columns_needed", "time_needs_zone") or error.field in ("columns", "tz"):
                raise
            self._rows.put_aside(number, error.message, _text(feature))

    def remarks(self) -> Iterator[str]:
        """Yield a sentence on what is neither a point nor a line."""
        if self._others:
            yield f"{self._others:,} features that are neither points nor lines are not read"

    def _point(self, number: int, place: Any, properties: Mapping[str, Any]) -> None:
        lon, lat, height = _coordinates(place)
        plan = self._plan or self._new_plan(properties)
        cells = [_cell(properties.get(name)) for name in self._header]
        cells[plan.lat], cells[plan.lon] = repr(lat), repr(lon)
        if height is not None and self._height is not None and not cells[self._height]:
            cells[self._height] = repr(height)
        add_row(self._rows, plan, number, cells)

    def _new_plan(self, properties: Mapping[str, Any]) -> Plan:
        """Return the plan for the properties that all points are taken to have."""
        self.is_own = self._columns is None and set(FRAME_COLUMNS) <= {*properties, "lat", "lon"}
        columns, self._header = self._columns, [*properties, _LAT, _LON, _HEIGHT]
        preset = None
        if self.is_own:
            self._header = list(FRAME_COLUMNS)
            preset = preset_of(self._header)
            columns = preset.columns if preset else None
        elif columns is not None:
            wanted = [name for name in columns.columns.values() if name not in self._header]
            self._header += wanted  # what the first feature lacks, others may have
            if not any(name.partition("_")[0] == "altitude" for name in columns.columns):
                columns = ColumnMap({**columns.columns, "altitude": _HEIGHT})
        if columns is None:
            raise _columns_needed(self._path, properties)
        self._plan = make_plan(
            self._path,
            self._header,
            columns,
            zone=self._zone,
            number=_number,
            delimiter=",",
            preset=preset,
            member=self._member,
            otherwise=self._member or name_of(self._path),
            is_quoted=False,
        )
        check_units(self._plan, [[_cell(properties.get(name)) for name in self._header]])
        self.has_received |= self._plan.received is not None
        self._height = self._header.index("altitude") if self.is_own else self._header.index(_HEIGHT)
        return self._plan

    def _lines(
        self, number: int, kind: str, places: Any, properties: Mapping[str, Any], feature: Mapping[str, Any]
    ) -> None:
        lines = [places] if kind == "LineString" else places
        self._times.column, times = _times_of(properties, self._times_column)
        if times is None or not isinstance(lines, list):
            raise InvalidInput("the line has no coordTimes: when its points were passed is not known")
        if kind == "LineString":
            times = [times]
        if len(times) != len(lines):
            raise InvalidInput(f"{len(times)} lists of times for {len(lines)} lines")
        named = _NAMED if self._columns is None else (self._columns.columns.get("member", ""), *_NAMED)
        name = self._member or _line_name(properties, feature, name_of(self._path), named)
        for line, moments in zip(lines, times, strict=True):
            if not isinstance(line, list) or not isinstance(moments, list) or len(line) != len(moments):
                raise InvalidInput("a line has not as many times as points")
            for place, moment in zip(line, moments, strict=True):
                self._line_point(number, name, place, moment)

    def _line_point(self, number: int, member: str, place: Any, moment: Any) -> None:
        try:
            lon, lat, height = _coordinates(place)
            numbers = {} if height is None else {"altitude": height}
            self._rows.add(number, member, self._times.read(_cell(moment)), lat, lon, numbers)
        except InvalidFile:
            raise
        except InvalidInput as error:
            if error.field == "tz":
                raise
            if error.code == NEEDS_UNIT:
                raise needs_unit("time", self._times.column, error.message) from None
            self._rows.put_aside(number, error.message, f"{place}, {moment}"[:1000])


def _with_place(columns: str | ColumnMap | None) -> ColumnMap | None:
    """Return the map with lat and lon of the geometry."""
    if columns is None:
        return None
    if isinstance(columns, str):
        columns = parse_columns(columns, needed=("time",))
    return ColumnMap({**columns.columns, "lat": _LAT, "lon": _LON})


def _coordinates(place: Any) -> tuple[float, float, float | None]:
    """Return lon, lat and the height or None of a position."""
    is_place = isinstance(place, list) and len(place) >= 2
    if not is_place or not all(
        isinstance(one, int | float) and not isinstance(one, bool) for one in place[:3]
    ):
        raise InvalidInput(f"coordinates {_text(place)[:80]} are not [lon, lat]", field="coordinates")
    try:
        return float(place[0]), float(place[1]), float(place[2]) if len(place) > 2 else None
    except OverflowError:
        raise InvalidInput("coordinates are too large to be degrees", field="coordinates") from None


def _times_of(properties: Mapping[str, Any], column: str) -> tuple[str, list[Any] | None]:
    """Return a line's times and their name: what was told, else those that mean one thing only."""
    inside = properties.get("coordinateProperties")
    for found in (inside if isinstance(inside, dict) else {}, properties):
        for name in (column, *_TIMES):
            if isinstance(found.get(name), list):
                return name, found[name]
    return column, None


def _line_name(
    properties: Mapping[str, Any], feature: Mapping[str, Any], otherwise: str, named: Sequence[str]
) -> str:
    for name in named:
        if isinstance(value := properties.get(name, feature.get(name)), str | int):
            return as_member(str(value), otherwise)
    return otherwise


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return value if isinstance(value, str) else _text(value)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:1000]


def _number(text: str) -> float:
    if "_" in text:
        raise ValueError(text)
    return float(text)


def _check_crs(path: Path, crs: Any) -> None:
    """Refuse another reference system than WGS 84, which GeoJSON of before 2016 could name."""
    name = crs.get("properties", {}).get("name", "") if isinstance(crs, dict) else ""
    if isinstance(name, str) and name and not name.endswith((":CRS84", ":4326")):
        raise InvalidFile(f"{path.name} is in {name[:80]}, expected WGS 84 (EPSG:4326)", field="crs")


def _columns_needed(path: Path, properties: Mapping[str, Any]) -> InvalidInput:
    guess = guess_columns(list(properties), [[_cell(value) for value in properties.values()]])
    text = ",".join(f"{field}={name}" for field, name in guess.columns.columns.items())
    looks = f'; it looks like columns="{text}"' if text else f"; it has {', '.join(properties)[:500]}"
    return InvalidInput(
        f"{path.name}: say which property is which{looks}", code="columns_needed", field="columns"
    )
