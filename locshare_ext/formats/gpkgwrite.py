"""Writes our recording file: the tables, the index, the checksum."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locshare_ext.errors import StoreError
from locshare_ext.formats import gpkgschema as schema
from locshare_ext.formats.atomic import replacing
from locshare_ext.formats.joining import moments
from locshare_ext.formats.loaded import Progress, SetAside, name_of
from locshare_ext.formats.rtree import fill_rtree
from locshare_ext.formats.times import text_of_ms
from locshare_ext.formats.trail import Trail, names_in, trail_of_frame, trail_of_table
from locshare_ext.formats.units import UNITS
from locshare_ext.model.event import Event
from locshare_ext.version import __version__

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CHECKSUM_RULE", "bounds_of", "checksum_of", "geometry_of", "write_geopackage", "write_trail"]

_CHUNK = 20_000  # rows between two calls of `progress`
_NO_INTEGER = -(2**63)

CHECKSUM_RULE = (
    "SHA-256 over, for the tables fixes, events, members, set_aside and manifest (without checksum), ordered "
    "by fid, each column in order but fid and geom: the line 'TABLE.COLUMN TYPE ROWS' and a line feed in "
    "UTF-8, then the values little-endian. INTEGER, BOOLEAN: int64, -2^63 for NULL. DOUBLE: float64, "
    "0x7ff8000000000000 for NULL. TEXT, DATETIME: the length in bytes of each in UTF-8 as int32, -1 for "
    "NULL; then all bytes."
)


@dataclass(frozen=True, slots=True)
class _Content:
    """All tables of a file as they are stored, in the order of the checksum."""

    tables: dict[str, pa.Table]
    geometry: bytes


def write_geopackage(
    path: str | Path,
    frame: pd.DataFrame | pa.Table,
    *,
    name: str | None = None,
    group: str = "",
    description: str = "",
    received_known: bool = True,
    events: Iterable[Event] = (),
    set_aside: Iterable[SetAside] = (),
    info: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> str:
    """Write a trail frame as a recording file; returns its checksum.

    frame: or an Arrow table of `trail.ARROW_FIELDS`, then `name` and `group` say what its
    recording and group are. name: of the whole, the file's stem if not given. The others are
    as of `Trail` and `write_trail`.
    """
    path = Path(path)
    name = name or name_of(path)
    said: dict[str, Any] = {
        "description": description,
        "received_known": received_known,
        "events": tuple(events),
        "set_aside": tuple(set_aside),
        "info": info or {},
    }
    if isinstance(frame, pa.Table):
        trail = trail_of_table(frame, group=group, recording=name, **said)
    else:
        trail = trail_of_frame(frame, name=name, **said)
    return write_trail(path, trail, progress=progress)


def write_trail(path: Path, trail: Trail, *, progress: Progress | None = None) -> str:
    """Write a trail as a recording file; returns its checksum.

    The file appears whole or not at all, replaces one of that name, and needs no other
    file beside it (no WAL): it opens from read-only media. Columns that are no trail
    frame's own are left out, times are kept to the millisecond. progress: called with
    (rows done, rows in all). Takes a while: not for an event loop. Raises StoreError when
    SQLite cannot write, OSError when the folder is missing or not writable.
    """
    name = trail.name or name_of(path)
    fixes = _fixes(trail.table)
    manifest = _manifest(trail, name)
    tables = {
        "fixes": fixes,
        "events": _table("events", [_event_row(event) for event in trail.events]),
        "members": _table("members", _member_rows(trail.table)),
        "set_aside": _table("set_aside", [(one.line, one.reason, one.raw) for one in trail.set_aside]),
        "manifest": _table("manifest", sorted({**trail.info, **manifest}.items()), as_json=True),
    }
    checksum = checksum_of(tables)
    sealed = pa.concat_tables(
        [tables["manifest"], _table("manifest", [("checksum", checksum)], as_json=True)]
    )
    content = _Content({**tables, "manifest": sealed}, geometry_of(fixes))
    with replacing(path) as beside:
        try:
            _write(beside, content, name, trail.description, progress)
        except sqlite3.Error as error:
            raise StoreError(f"{path} could not be written: {error}") from error
    return checksum


def checksum_of(tables: Mapping[str, pa.Table]) -> str:
    """Return the SHA-256 in hex over stored tables, as CHECKSUM_RULE tells."""
    digest = hashlib.sha256()
    for name, columns in schema.COLUMNS.items():
        for column, kind in columns.items():
            values = tables[name].column(column)
            digest.update(f"{name}.{column} {kind} {len(values)}\n".encode())
            if kind == "DOUBLE":
                digest.update(values.to_numpy().astype("<f8") + 0.0)  # null is NaN already
            elif kind in ("INTEGER", "BOOLEAN"):
                digest.update(pc.fill_null(values, _NO_INTEGER).to_numpy().astype("<i8"))
            else:
                lengths = pc.fill_null(pc.binary_length(values), -1)
                digest.update(lengths.to_numpy().astype("<i4"))
                for chunk in values.chunks:
                    digest.update(b"".join(chunk.drop_null().cast(pa.binary()).to_pylist()))
    return digest.hexdigest()


def _write(path: Path, content: _Content, name: str, description: str, progress: Progress | None) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        # what is lost with a half-written file is the file beside the target, nothing else
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")
        for statement in schema.create_core:
            database.execute(statement)
        database.execute("BEGIN")
        for table, rows in content.tables.items():
            database.execute(schema.create_table(table))
            marks = ", ".join("?" * (len(schema.COLUMNS[table]) + (2 if table == "fixes" else 1)))
            geometry = content.geometry if table == "fixes" else None
            for done, stored in _stored(rows, schema.COLUMNS[table], geometry):
                if geometry is not None and progress is not None:
                    progress(done, len(rows))
                database.executemany(f"INSERT INTO {table} VALUES ({marks})", stored)
        if progress is not None:
            progress(len(content.tables["fixes"]), len(content.tables["fixes"]))
        _describe(database, content.tables["fixes"], name, description)
        _index(database, content.tables["fixes"])
        database.execute("COMMIT")


def _stored(
    rows: pa.Table, names: Iterable[str], geometry: bytes | None
) -> Iterator[tuple[int, Iterator[Any]]]:
    """Yield how many rows come before, and rows as they are stored, some thousands at a time."""
    size = len(schema.HEADER) + 16
    for start in range(0, len(rows), _CHUNK):
        piece = rows.slice(start, _CHUNK)
        count = len(piece)
        columns: list[Any] = [piece.column(name).to_pylist() for name in names]
        if geometry is not None:
            columns.insert(
                0, [geometry[at : at + size] for at in range(start * size, (start + count) * size, size)]
            )
        yield start, zip(range(start + 1, start + count + 1), *columns, strict=True)


def _describe(database: sqlite3.Connection, fixes: pa.Table, name: str, description: str) -> None:
    """Tell any GIS what there is: layers, their bounding box and reference system."""
    box = bounds_of(fixes)
    add = "INSERT INTO gpkg_contents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    now = text_of_ms(time.time_ns() // 1_000_000)
    for table in schema.COLUMNS:
        if table == "fixes":
            database.execute(add, (table, "features", "fixes", description or name, now, *box, 4326))
        else:
            database.execute(add, (table, "attributes", table, "", now, None, None, None, None, None))
    database.execute("INSERT INTO gpkg_geometry_columns VALUES ('fixes', 'geom', 'POINT', 4326, 0, 0)")


def bounds_of(fixes: pa.Table) -> tuple[float | None, ...]:
    """Return the least lon and lat, then the greatest, in degrees; None for no fixes."""
    lat, lon = (pc.min_max(fixes.column(name)).as_py() for name in ("lat", "lon"))
    return lon["min"], lat["min"], lon["max"], lat["max"]


def _index(database: sqlite3.Connection, fixes: pa.Table) -> None:
    try:
        database.execute("CREATE VIRTUAL TABLE rtree_fixes_geom USING rtree(id, minx, maxx, miny, maxy)")
    except sqlite3.OperationalError:
        return  # an SQLite without that module: the index is an extension, the file is valid without
    lon, lat = fixes.column("lon").to_numpy(), fixes.column("lat").to_numpy()
    fill_rtree(database, "rtree_fixes_geom", np.arange(1, len(fixes) + 1), lon, lat)
    for statement in schema.create_index:
        database.execute(statement)


def _fixes(table: pa.Table) -> pa.Table:
    """Return the rows of `fixes` as they are stored."""
    columns: dict[str, Any] = {}
    for name, kind in schema.COLUMNS["fixes"].items():
        column = table.column(name)
        if kind == "DATETIME":
            columns[name] = moments(column)
        elif kind == "DOUBLE":  # 0.0 and -0.0 are one value in SQLite
            columns[name] = pa.array(column.to_numpy() + 0.0, from_pandas=True)
        else:
            columns[name] = column
    types = {name: schema.arrow_type(kind) for name, kind in schema.COLUMNS["fixes"].items()}
    return pa.table({name: values.cast(types[name]) for name, values in columns.items()})


def _table(name: str, rows: Iterable[Any], *, as_json: bool = False) -> pa.Table:
    rows = list(rows)
    if as_json:
        rows = [(key, json.dumps(value, ensure_ascii=False, sort_keys=True)) for key, value in rows]
    columns = schema.COLUMNS[name]
    by_column = list(zip(*rows, strict=True)) or [()] * len(columns)
    return pa.table(
        {
            column: pa.array(values, schema.arrow_type(kind))
            for (column, kind), values in zip(columns.items(), by_column, strict=True)
        }
    )


def _event_row(event: Event) -> tuple[Any, ...]:
    data = None if event.data is None else msgspec.json.encode(event.data).decode()
    received = text_of_ms(event.received) if event.received else None
    return event.kind, text_of_ms(event.time), received, event.member, event.text, data, event.cursor


def _member_rows(table: pa.Table) -> list[tuple[Any, ...]]:
    keys = ["recording", "group", "member"]
    plain = pa.table({name: table.column(name).cast(pa.utf8()) for name in (*keys, "trip")})
    plain = plain.append_column("time", table.column("time").cast(pa.int64()))
    found = plain.group_by(keys).aggregate(
        [("time", "count"), ("trip", "count_distinct"), ("time", "min"), ("time", "max")]
    )
    columns = [*keys, "time_count", "trip_count_distinct", "time_min", "time_max"]
    rows = sorted(zip(*(found.column(name).to_pylist() for name in columns), strict=True))
    return [(*rest, _text(first), _text(last)) for *rest, first, last in rows]


def _text(ns: int) -> str:
    return text_of_ms(ns // 1_000_000)


def _manifest(trail: Trail, name: str) -> dict[str, Any]:
    times = trail.table.column("time").cast(pa.int64())
    interval = ""
    if len(times):
        interval = "/".join(_text(ns) for ns in (times[0].as_py(), times[len(times) - 1].as_py()))
    return {
        "format": schema.FORMAT,
        "format_version": schema.FORMAT_VERSION,
        "program": "locshare_ext",
        "program_version": __version__,
        "created": text_of_ms(time.time_ns() // 1_000_000),
        "name": name,
        "description": trail.description,
        "recordings": trail.recordings,
        "groups": trail.groups or ([trail.group] if trail.group else []),
        "interval": interval,
        "trip_gap_s": trail.trip_gap / 1000,
        "received_known": trail.received_known,
        "units": dict(UNITS),
        "crs": "EPSG:4326",
        "checksum_rule": CHECKSUM_RULE,
        "counts": {"fixes": trail.table.num_rows, "members": len(names_in(trail.table, "member"))},
    }


def geometry_of(fixes: pa.Table) -> bytes:
    """Return the geometry blobs of all rows, one after another."""
    size = len(schema.HEADER)
    blobs = np.empty(len(fixes), dtype=[("header", f"V{size}"), ("lon", "<f8"), ("lat", "<f8")])
    blobs["header"] = np.void(schema.HEADER)
    blobs["lon"], blobs["lat"] = fixes.column("lon").to_numpy(), fixes.column("lat").to_numpy()
    return blobs.tobytes()
