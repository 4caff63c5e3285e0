"""Writes a trail as KML 2.2 with Google's gx:Track: a member is a placemark that moves."""

from __future__ import annotations

from itertools import pairwise
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locshare_ext.formats.joining import content, decimals, in_pieces, joined, moments, optional, xml
from locshare_ext.formats.segments import by_member
from locshare_ext.formats.trail import Trail

__all__ = ["write"]

_ARRAYS = {"speed": "Speed, m/s", "accuracy": "Accuracy, m", "battery": "Battery, 0-1"}
_BEGIN = """<?xml version="1.0" encoding="UTF-8"?>
<kml xmlns="http://www.opengis.net/kml/2.2" xmlns:gx="http://www.google.com/kml/ext/2.2">
<Document>
"""


def write(trail: Trail, out: IO[bytes]) -> None:
    """Write a trail as KML: per member a gx:MultiTrack, a gx:Track between gaps.

    Heading is in gx:angles, speed, accuracy and battery in the track's arrays. Kept are times
    to the millisecond; received, source, extra, seq, trip and flags are not. A track whose
    altitudes are not all known lies on the ground.
    """
    out.write(_BEGIN.encode())
    if trail.name or trail.group:
        out.write(f" <name>{xml(trail.name or trail.group)}</name>\n".encode())
    if trail.description:
        out.write(f" <description>{xml(trail.description)}</description>\n".encode())
    fields = "".join(
        f'<gx:SimpleArrayField name="{name}" type="float"><displayName>{title}</displayName>'
        "</gx:SimpleArrayField>"
        for name, title in _ARRAYS.items()
    )
    out.write(f' <Schema id="fix">{fields}</Schema>\n'.encode())
    for member, rows, is_after_gap in by_member(trail.table):
        out.write(f" <Placemark><name>{xml(member)}</name>\n".encode())
        out.write(b" <gx:MultiTrack><gx:interpolate>0</gx:interpolate>\n")
        starts = [0, *np.flatnonzero(is_after_gap).tolist(), rows.num_rows]
        for start, end in pairwise(starts):
            _track(rows.slice(start, end - start), out)
        out.write(b" </gx:MultiTrack></Placemark>\n")
    out.write(b"</Document>\n</kml>\n")


def _track(rows: pa.Table, out: IO[bytes]) -> None:
    has_height = rows.column("altitude").null_count == 0
    mode = "absolute" if has_height else "clampToGround"
    out.write(f"  <gx:Track><altitudeMode>{mode}</altitudeMode>\n".encode())
    _all(rows, out, lambda piece: joined("   <when>", moments(piece.column("time")), "</when>\n"))
    _all(rows, out, lambda piece: _coordinates(piece, has_height))
    if rows.column("heading").null_count < rows.num_rows:
        _all(rows, out, _angles)
    out.write(b'   <ExtendedData><SchemaData schemaUrl="#fix">\n')
    for name in _ARRAYS:
        if rows.column(name).null_count < rows.num_rows:
            out.write(f'    <gx:SimpleArrayData name="{name}">\n'.encode())
            _all(rows, out, lambda piece, name=name: _value(piece.column(name)))
            out.write(b"    </gx:SimpleArrayData>\n")
    out.write(b"   </SchemaData></ExtendedData>\n  </gx:Track>\n")


def _all(rows: pa.Table, out: IO[bytes], how: Any) -> None:
    for piece in in_pieces(rows):
        out.write(content(how(piece)))


def _coordinates(rows: pa.Table, has_height: bool) -> Any:
    place = joined("   <gx:coord>", decimals(rows.column("lon")), " ", decimals(rows.column("lat")))
    height = optional(" ", decimals(rows.column("altitude")), "") if has_height else " 0"
    return joined(place, height, "</gx:coord>\n")


def _angles(rows: pa.Table) -> Any:
    # one for each moment: where it is unknown the element is empty (KML Reference, gx:Track)
    known = optional("   <gx:angles>", decimals(rows.column("heading")), " 0 0</gx:angles>\n")
    return pc.fill_null(known, "   <gx:angles/>\n")


def _value(column: Any) -> Any:
    known = optional("     <gx:value>", decimals(column), "</gx:value>\n")
    return pc.fill_null(known, "     <gx:value/>\n")
