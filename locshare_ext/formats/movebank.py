"""Writes a trail as CSV in Movebank's words, to be uploaded there or read by move2 and others.

The words are those of Movebank's attribute dictionary: timestamps UTC with milliseconds,
ground-speed m/s, heading degrees from north, heights and errors m.
"""

from __future__ import annotations

from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from locshare_ext.formats.csvwrite import safe_texts
from locshare_ext.formats.joining import in_pieces
from locshare_ext.formats.trail import Trail

__all__ = ["movebank_table", "write"]


def write(trail: Trail, out: IO[bytes]) -> None:
    """Write a trail as Movebank CSV; received, source, battery, trip, seq, flags and extra are left out."""
    is_first = True
    for piece in in_pieces(trail.table) if trail.table.num_rows else [trail.table]:
        options = pacsv.WriteOptions(include_header=is_first, quoting_style="needed")
        pacsv.write_csv(movebank_table(piece, trail.name or trail.group), out, options)
        is_first = False


def movebank_table(rows: pa.Table, study: str) -> pa.Table:
    """Return rows of a trail as Movebank has them; study: what the whole is called there."""
    ms = rows.column("time").cast(pa.timestamp("ms", "UTC"), safe=False).cast(pa.timestamp("ms"))
    names = safe_texts(rows.column("member"))
    constant: Any = pa.array([study] * rows.num_rows, pa.utf8())
    return pa.table(
        {
            "timestamp": pc.strftime(ms, "%Y-%m-%d %H:%M:%S"),
            "location-long": rows.column("lon"),
            "location-lat": rows.column("lat"),
            "height-above-msl": rows.column("altitude"),
            "ground-speed": rows.column("speed"),
            "heading": rows.column("heading"),
            "location-error-numerical": rows.column("accuracy"),
            "sensor-type": pa.array(["gps"] * rows.num_rows, pa.utf8()),
            "individual-local-identifier": names,
            "tag-local-identifier": names,
            "study-name": safe_texts(constant),
        }
    )
