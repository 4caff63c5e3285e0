"""Writes a trail as GeoJSON: a Point feature per fix."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc

from locshare_ext.formats.joining import content, decimals, in_pieces, joined, json_texts, moments
from locshare_ext.formats.trail import Trail
from locshare_ext.model.trail import FRAME_COLUMNS

__all__ = ["write", "write_geojson"]


def write_geojson(trail: Trail, out: IO[bytes]) -> None:
    """Write a trail as a FeatureCollection (RFC 7946), [lon, lat] or [lon, lat, altitude].

    All columns but lat and lon are properties, unknown is null, times are RFC 3339 text to the
    millisecond, `extra` is JSON within text.
    """
    about = {"name": trail.name, "group": trail.group, "received_known": trail.received_known, "version": 1}
    out.write(b'{"type": "FeatureCollection",\n"locshare": ')
    out.write(json.dumps(about, ensure_ascii=False).encode() + b',\n"features": [')
    is_first = True
    for piece in in_pieces(trail.table):
        lines = content(_features(piece))
        out.write(lines[1:] if is_first else lines)
        is_first = False
    out.write(b"\n]}\n")


write = write_geojson


def _features(rows: pa.Table) -> Any:
    place = ["[", decimals(rows.column("lon")), ", ", decimals(rows.column("lat"))]
    altitude = decimals(rows.column("altitude"))
    height = pc.binary_join_element_wise(", ", altitude, "")
    return joined(
        ',\n{"type": "Feature", "geometry": {"type": "Point", "coordinates": ',
        *place,
        height,
        ']}, "properties": {',
        *_properties(rows),
        "}}",
    )


def _properties(rows: pa.Table) -> Iterator[Any]:
    separator = ""
    for name in rows.column_names:
        if name not in ("lat", "lon"):
            yield f"{separator}{json.dumps(name, ensure_ascii=False)}: "
            yield pc.fill_null(_value(name, rows.column(name)), "null")
            separator = ", "


def _value(name: str, column: Any) -> Any:
    kind = column.type
    if pa.types.is_timestamp(kind):
        text = moments(column) if kind.tz is not None or name in FRAME_COLUMNS else column.cast(pa.utf8())
        return joined_or_null('"', text, '"')
    if pa.types.is_floating(kind):
        return decimals(column.cast(pa.float64()))
    if pa.types.is_integer(kind):
        return column.cast(pa.utf8())
    if pa.types.is_boolean(kind):
        return pc.if_else(column, "true", "false")
    if pa.types.is_dictionary(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return json_texts(column)
    return json_texts(column.cast(pa.utf8()))


def joined_or_null(before: str, text: Any, after: str) -> Any:
    """Return texts between two others, null where they are null."""
    return pc.binary_join_element_wise(before, text, after, "")
