"""Writes a trail as GPX 1.1."""

from __future__ import annotations

import re
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.compute as pc

from locshare_ext.formats.atomic import replacing
from locshare_ext.formats.joining import (
    content,
    decimals,
    in_pieces,
    joined,
    moments,
    optional,
    xml,
    xml_texts,
)
from locshare_ext.formats.segments import by_member
from locshare_ext.formats.trail import Trail, trail_of_frame

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CREATOR", "NAMESPACE", "write", "write_gpx"]

CREATOR = "locshare_ext"
NAMESPACE = "urn:locshare-ext:gpx:1"
_GARMIN = "http://www.garmin.com/xmlschemas/TrackPointExtension/v2"
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_BEGIN = f"""<?xml version="1.0" encoding="UTF-8"?>
<gpx version="1.1" creator="{CREATOR}" xmlns="http://www.topografix.com/GPX/1/1"
 xmlns:gpxtpx="{_GARMIN}" xmlns:locshare="{NAMESPACE}">
"""


def write_gpx(frame: pd.DataFrame, path: str | Path, *, name: str = "") -> None:
    """Write a trail frame as GPX 1.1, which is replaced when the whole is written.

    name: of the whole; the recording's if not given. What a GPX holds, `write` says.
    """
    trail = trail_of_frame(frame, name=name)
    with replacing(Path(path)) as beside, beside.open("wb") as file:
        write(trail, file)


def write(trail: Trail, out: IO[bytes]) -> None:
    """Write a trail as GPX 1.1.

    One trk per member, a new trkseg after a gap (over 2 min and 5 times the member's median
    interval). Speed and heading are in Garmin's TrackPointExtension, what GPX has no word for
    in extensions of our own; seq, trip and flags are left out, times are kept to the
    millisecond.
    """
    out.write(_BEGIN.encode())
    if trail.name or trail.group:
        group = f"<locshare:group>{xml(trail.group)}</locshare:group>" if trail.group else ""
        inside = f"<extensions>{group}</extensions>" if group else ""
        titled = f"<name>{xml(trail.name)}</name>" if trail.name else ""
        out.write(f" <metadata>{titled}{inside}</metadata>\n".encode())
    for member, rows, is_after_gap in by_member(trail.table):
        out.write(f" <trk>\n  <name>{xml(member)}</name>\n  <trkseg>\n".encode())
        rows = rows.append_column("_gap", pa.array(is_after_gap))
        for piece in in_pieces(rows):
            out.write(content(_points(piece)))
        out.write(b"  </trkseg>\n </trk>\n")
    out.write(b"</gpx>\n")


def _points(rows: pa.Table) -> Any:
    def numbers(name: str) -> Any:
        return decimals(rows.column(name))

    garmin = _known(
        optional("<gpxtpx:speed>", numbers("speed"), "</gpxtpx:speed>"),
        optional("<gpxtpx:course>", numbers("heading"), "</gpxtpx:course>"),
    )
    time, received = moments(rows.column("time")), moments(rows.column("received"))
    heard = pc.if_else(pc.equal(time, received), None, received)
    told = _known(
        optional("<gpxtpx:TrackPointExtension>", garmin, "</gpxtpx:TrackPointExtension>"),
        optional("<locshare:accuracy>", numbers("accuracy"), "</locshare:accuracy>"),
        optional("<locshare:battery>", numbers("battery"), "</locshare:battery>"),
        optional("<locshare:received>", heard, "</locshare:received>"),
        optional("<locshare:source>", xml_texts(rows.column("source")), "</locshare:source>"),
        optional("<locshare:extra>", _json_in_xml(rows.column("extra")), "</locshare:extra>"),
    )
    return joined(
        pc.if_else(rows.column("_gap"), "  </trkseg>\n  <trkseg>\n", ""),
        '   <trkpt lat="',
        numbers("lat"),
        '" lon="',
        numbers("lon"),
        '">',
        optional("<ele>", numbers("altitude"), "</ele>"),
        "<time>",
        time,
        "</time>",
        optional("<extensions>", told, "</extensions>"),
        "</trkpt>\n",
    )


def _known(*parts: Any) -> Any:
    """Return the parts of each row as one text, null where there is none."""
    texts = joined(*parts)
    return pc.if_else(pc.equal(pc.binary_length(texts), 0), None, texts)


def _json_in_xml(column: Any) -> Any:
    """Return JSON as XML has it: in JSON a character that XML cannot have is written as its number."""
    texts = column.to_pylist()
    return pa.array(
        [None if text is None else escape(_CONTROL.sub(_numbered, text)) for text in texts], pa.utf8()
    )


def _numbered(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
