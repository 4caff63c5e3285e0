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

from locshare_ext.errors import InvalidInput, StoreError
from locshare_ext.formats import gpkgschema as schema
from locshare_ext.formats.atomic import replacing
from locshare_ext.formats.frame import UNITS, frame_from_arrow
from locshare_ext.formats.loaded import Progress, SetAside, name_of
from locshare_ext.formats.times import text_of_ms
from locshare_ext.model.event import Event
from locshare_ext.model.trail import FRAME_COLUMNS, TRIP_GAP
from locshare_ext.version import __version__

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CHECKSUM_RULE", "checksum_of", "geometry_of", "write_geopackage"]

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
    recording and group are. name: of the whole, the file's stem if not given.

    The file appears whole or not at all, replaces one of that name, and needs no other
    file beside it (no WAL): it opens from read-only media. Columns that are no trail
    frame's own are left out, times are kept to the millisecond. info: plain JSON values
    for the manifest. progress: called with (rows done, rows in all). Takes a while: not
    for an event loop. Raises InvalidInput when it is no trail frame, StoreError when
    SQLite cannot write, OSError when the folder is missing or not writable.
    """
    path = Path(path)
    name = name or name_of(path)
    if isinstance(frame, pa.Table):
        frame = frame_from_arrow(frame, group=group, recording=name)
    if missing := [column for column in FRAME_COLUMNS if column not in frame.columns]:
        raise InvalidInput(f"this is no trail frame: it has no column {missing[0]!r}")
    fixes = _fixes(frame)
    manifest = _manifest(frame, name, description, received_known)
    tables = {
        "fixes": fixes,
        "events": _table("events", [_event_row(event) for event in events]),
        "members": _table("members", _member_rows(frame)),
        "set_aside": _table("set_aside", [(one.line, one.reason, one.raw) for one in set_aside]),
        "manifest": _table("manifest", sorted({**(info or {}), **manifest}.items()), as_json=True),
    }
    checksum = checksum_of(tables)
    sealed = pa.concat_tables(
        [tables["manifest"], _table("manifest", [("checksum", checksum)], as_json=True)]
    )
    content = _Content({**tables, "manifest": sealed}, geometry_of(fixes))
    with replacing(path) as beside:
        try:
            _write(beside, content, name, description, progress)
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
            columns: list[Any] = [rows.column(column).to_pylist() for column in schema.COLUMNS[table]]
            if table == "fixes":
                columns.insert(0, _cut(content.geometry))
            marks = ", ".join("?" * (len(columns) + 1))
            stored = zip(range(1, len(rows) + 1), *columns, strict=True)
            told = stored if table != "fixes" else _telling(stored, len(rows), progress)
            database.executemany(f"INSERT INTO {table} VALUES ({marks})", told)
        _describe(database, content.tables["fixes"], name, description)
        _index(database)
        database.execute("COMMIT")


def _telling(rows: Iterator[Any], total: int, progress: Progress | None) -> Iterator[Any]:
    for number, row in enumerate(rows):
        if progress is not None and number % _CHUNK == 0:
            progress(number, total)
        yield row
    if progress is not None:
        progress(total, total)


def _describe(database: sqlite3.Connection, fixes: pa.Table, name: str, description: str) -> None:
    """Tell any GIS what there is: layers, their bounding box and reference system."""
    box: tuple[Any, ...] = (None, None, None, None)
    if len(fixes):
        lat, lon = pc.min_max(fixes.column("lat")).as_py(), pc.min_max(fixes.column("lon")).as_py()
        box = (lon["min"], lat["min"], lon["max"], lat["max"])
    add = "INSERT INTO gpkg_contents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    now = text_of_ms(time.time_ns() // 1_000_000)
    for table in schema.COLUMNS:
        if table == "fixes":
            database.execute(add, (table, "features", "fixes", description or name, now, *box, 4326))
        else:
            database.execute(add, (table, "attributes", table, "", now, None, None, None, None, None))
    database.execute("INSERT INTO gpkg_geometry_columns VALUES ('fixes', 'geom', 'POINT', 4326, 0, 0)")


def _index(database: sqlite3.Connection) -> None:
    try:
        database.execute("CREATE VIRTUAL TABLE rtree_fixes_geom USING rtree(id, minx, maxx, miny, maxy)")
    except sqlite3.OperationalError:
        return  # an SQLite without that module: the index is an extension, the file is valid without
    database.execute("INSERT INTO rtree_fixes_geom SELECT fid, lon, lon, lat, lat FROM fixes")
    for statement in schema.create_index:
        database.execute(statement)


def _fixes(frame: pd.DataFrame) -> pa.Table:
    """Return the rows of `fixes` as they are stored."""
    columns: dict[str, Any] = {}
    for name, kind in schema.COLUMNS["fixes"].items():
        column = frame[name]
        if kind == "DATETIME":
            ms = column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[ms]")
            columns[name] = pc.binary_join_element_wise(
                pc.strftime(pa.array(ms), "%Y-%m-%dT%H:%M:%S"), "Z", ""
            )
        elif kind == "DOUBLE":  # 0.0 and -0.0 are one value in SQLite
            columns[name] = pa.array(column.to_numpy("float64") + 0.0, from_pandas=True)
        elif kind == "TEXT":
            columns[name] = _texts(column)
        else:
            columns[name] = pa.array(column.to_numpy("int64"))
    types = {name: schema.arrow_type(kind) for name, kind in schema.COLUMNS["fixes"].items()}
    return pa.table({name: values.cast(types[name]) for name, values in columns.items()})


def _texts(column: Any) -> Any:
    if hasattr(column.dtype, "categories"):
        codes = column.cat.codes.to_numpy()
        names = pa.array(column.cat.categories.astype(str).tolist(), pa.utf8())
        return names.take(pa.array(codes, mask=codes < 0))
    return pa.array(column, from_pandas=True)


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


def _member_rows(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    grouped = frame.groupby(["recording", "group", "member"], observed=True)
    found = grouped.agg(
        fixes=("seq", "size"), trips=("trip", "nunique"), first=("time", "min"), last=("time", "max")
    )
    rows: Any = found.itertuples(name=None)
    return [(*key, fixes, trips, _text(first), _text(last)) for key, fixes, trips, first, last in rows]


def _text(moment: Any) -> str:
    return text_of_ms(moment.value // 1_000_000)


def _manifest(frame: pd.DataFrame, name: str, description: str, received_known: bool) -> dict[str, Any]:
    return {
        "format": schema.FORMAT,
        "format_version": schema.FORMAT_VERSION,
        "program": "locshare_ext",
        "program_version": __version__,
        "created": text_of_ms(time.time_ns() // 1_000_000),
        "name": name,
        "description": description,
        "recordings": [str(text) for text in frame["recording"].cat.categories if text],
        "groups": [str(text) for text in frame["group"].cat.categories],
        "interval": str(frame.attrs.get("interval", "")),
        "trip_gap_s": frame.attrs.get("trip_gap_s", TRIP_GAP / 1000),
        "received_known": received_known,
        "units": dict(UNITS),
        "crs": "EPSG:4326",
        "checksum_rule": CHECKSUM_RULE,
    }


def geometry_of(fixes: pa.Table) -> bytes:
    """Return the geometry blobs of all rows, one after another."""
    size = len(schema.HEADER)
    blobs = np.empty(len(fixes), dtype=[("header", f"V{size}"), ("lon", "<f8"), ("lat", "<f8")])
    blobs["header"] = np.void(schema.HEADER)
    blobs["lon"], blobs["lat"] = fixes.column("lon").to_numpy(), fixes.column("lat").to_numpy()
    return blobs.tobytes()


def _cut(blobs: bytes) -> list[bytes]:
    size = len(schema.HEADER) + 16
    return [blobs[start : start + size] for start in range(0, len(blobs), size)]
