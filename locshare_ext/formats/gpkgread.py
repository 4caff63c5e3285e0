"""Reads our recording file, and says clearly what is wrong with one that cannot be read."""

from __future__ import annotations

import contextlib
import sqlite3
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
import numpy as np
import pyarrow as pa

from locshare_ext.errors import InvalidFile
from locshare_ext.formats import gpkgschema as schema
from locshare_ext.formats.gpkgwrite import checksum_of, geometry_of
from locshare_ext.formats.loaded import Loaded, Progress, SetAside, Table, name_of
from locshare_ext.formats.stored import check_ranges, frame_of_columns
from locshare_ext.formats.trail import dictionary_array, names_in
from locshare_ext.formats.trips import dictionary_of
from locshare_ext.model.clock import ms_from_rfc3339
from locshare_ext.model.event import KINDS, Event
from locshare_ext.model.fix import Scalar
from locshare_ext.model.trail import arrow_schema

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "check_header",
    "check_schema",
    "checksum_of_rows",
    "is_geopackage",
    "open_file",
    "read_event",
    "read_geopackage",
    "read_manifest",
    "read_rows",
]

_CHUNK = 20_000  # rows taken at once
_LONGEST = 1 << 24  # bytes of one value; ours have about a thousand
_IDS = (b"GPKG", b"GP10", b"GP11")


def is_geopackage(head: bytes) -> bool:
    """Return whether a file that begins so (100 bytes) is a GeoPackage."""
    return head.startswith(b"SQLite format 3\0") and head[68:72] in _IDS


def read_geopackage(path: str | Path, *, verify: bool = True, progress: Progress | None = None) -> Loaded:
    """Read a recording file; nothing is written, no other file is made beside it.

    The manifest is the answer's `info`, with `checksum`, the SHA-256 of the content as read.

    verify: compare the checksum and the geometries, and refuse a file that was changed
    since it was written (False: read what is there, as edited). progress: called with
    (rows done, rows in all). Raises InvalidFile when it is no GeoPackage, not one of
    ours, truncated, damaged, changed or of a newer version.
    """
    path = Path(path)
    check_header(path)
    try:
        with contextlib.closing(open_file(path)) as database:
            check_schema(database, path)
            manifest = read_manifest(database, path)
            tables = {
                name: read_rows(database, path, name, verify, progress if name == "fixes" else None)
                for name in schema.COLUMNS
            }
    except sqlite3.Error as error:
        raise InvalidFile(f"{path.name} is damaged: {error}") from error
    checksum = _verified(path, tables, manifest, verify)
    try:
        events = tuple(read_event(row) for row in tables["events"].to_pylist())
        fixes = tables["fixes"]
        for name in ("time", "received"):
            at = fixes.column_names.index(name)
            fixes = fixes.set_column(at, name, fixes.column(name).cast(pa.timestamp("ms", "UTC")))
    except (pa.ArrowInvalid, msgspec.DecodeError, ValueError) as error:
        raise InvalidFile(f"{path.name}: {error}") from None
    check_ranges(fixes, path.name)
    aside = tuple(
        SetAside(row["line"] or 0, row["reason"] or "", row["raw"] or "")
        for row in tables["set_aside"].to_pylist()
    )
    groups = names_in(fixes, "group")

    def frame() -> pd.DataFrame:
        found = frame_of_columns(fixes, gap=round(float(manifest["trip_gap_s"]) * 1000))
        if manifest["groups"] and not len(found):
            found.attrs["groups"] = list(manifest["groups"])
        return found

    return Loaded(
        path=path,
        format="gpkg",
        name=str(manifest.get("name") or name_of(path)),
        group=groups[0] if len(groups) == 1 else "",
        fixes=Table(_in_order(fixes)),
        received_known=manifest.get("received_known") is not False,
        set_aside=aside,
        set_aside_count=len(aside),
        events=events,
        info={**manifest, "checksum": checksum},
        stored_frame=frame,
    )


def _in_order(fixes: pa.Table) -> pa.Table:
    """Return the table of `trail.ARROW_FIELDS` in order of arrival.

    It is numbered anew where recordings that were joined share numbers.
    """
    wanted = arrow_schema()
    for name in ("member", "source"):
        at = fixes.column_names.index(name)
        names, codes = dictionary_of(fixes.column(name).dictionary_encode())
        fixes = fixes.set_column(at, name, dictionary_array(codes, names))
    table = fixes.select(wanted.names).cast(wanted).unify_dictionaries()
    seq = table.column("seq").to_numpy()
    if not np.all(seq[1:] >= seq[:-1]):
        table = table.take(pa.array(np.argsort(seq, kind="stable")))
        seq = table.column("seq").to_numpy()
    if np.all(seq[1:] > seq[:-1]):
        return table
    table = table.sort_by([("received", "ascending"), ("time", "ascending")])
    return table.set_column(0, "seq", pa.array(np.arange(1, len(table) + 1)))


def check_header(path: Path) -> None:
    """Tell the usual faults by the file's first 100 bytes (SQLite file format, 1.3)."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(100)
    if not head.startswith(b"SQLite format 3\0") or len(head) < 100:
        raise InvalidFile(f"{path.name} is no GeoPackage: it does not begin as an SQLite file")
    if not is_geopackage(head):
        raise InvalidFile(
            f"{path.name} is an SQLite file, but no GeoPackage (application_id {head[68:72]!r})"
        )
    page = struct.unpack(">H", head[16:18])[0]
    page = 65536 if page == 1 else page
    expected = page * struct.unpack(">I", head[28:32])[0]
    if size < expected:
        raise InvalidFile(f"{path.name} is truncated: {size:,} of {expected:,} bytes")


def open_file(path: Path) -> sqlite3.Connection:
    """Open a file for reading only, whoever it is from."""
    # a file that some GIS left in WAL mode cannot be opened on read-only media unless immutable
    for options in ("mode=ro", "mode=ro&immutable=1"):
        database = sqlite3.connect(f"file:{quote(str(path.absolute()))}?{options}", uri=True)
        try:
            database.execute("PRAGMA trusted_schema = OFF")  # the file may be from anyone
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError:
            database.close()
            if "immutable" in options or path.with_name(path.name + "-wal").exists():
                raise
        except BaseException:
            database.close()
            raise
        else:
            return database
    raise AssertionError


def check_schema(database: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that is not ours, or whose tables are not plain tables (views may do anything)."""
    kinds = {
        name: (kind, (sql or "").upper())
        for name, kind, sql in database.execute("SELECT name, type, sql FROM sqlite_master")
    }
    if "manifest" not in kinds or "fixes" not in kinds:
        raise InvalidFile(
            f"{path.name} is a GeoPackage, but not a recording of locshare_ext: "
            f"it has no table {'fixes' if 'manifest' in kinds else 'manifest'}"
        )
    for name, columns in schema.COLUMNS.items():
        kind, sql = kinds.get(name, ("nothing", ""))
        if kind != "table" or sql.startswith("CREATE VIRTUAL"):
            raise InvalidFile(f"{path.name}: {name} is no plain table")
        found = {row[1]: row[6] for row in database.execute(f"PRAGMA table_xinfo({name})")}
        wanted = ["fid", *(["geom"] if name == "fixes" else []), *columns]
        if wrong := [column for column in wanted if found.get(column) != 0]:  # 2, 3: generated columns
            raise InvalidFile(f"{path.name}: table {name} has no plain column {wrong[0]!r}")


def read_manifest(database: sqlite3.Connection, path: Path) -> dict[str, Any]:
    """Return the manifest; raises InvalidFile when the file is not ours, or too new."""
    manifest: dict[str, Any] = {}
    for key, value in database.execute("SELECT key, value FROM manifest LIMIT 1000"):
        try:
            manifest[str(key)] = msgspec.json.decode(value)
        except (msgspec.DecodeError, TypeError):
            raise InvalidFile(f"{path.name}: the manifest's {str(key)[:40]!r} is no JSON") from None
    if manifest.get("format") != schema.FORMAT:
        raise InvalidFile(f"{path.name} is a GeoPackage, but not a recording of locshare_ext")
    version = manifest.get("format_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise InvalidFile(f"{path.name}: format_version {version!r} is no version")
    if version > schema.FORMAT_VERSION:
        raise InvalidFile(
            f"{path.name} was written in format {version} by locshare_ext {manifest.get('program_version')}; "
            f"this one reads up to {schema.FORMAT_VERSION}: update locshare_ext",
            code="file_too_new",
        )
    gap = manifest.get("trip_gap_s")
    groups = manifest.get("groups")
    if not isinstance(gap, int | float) or not 0 < gap < 1e9:
        raise InvalidFile(f"{path.name}: the manifest's trip_gap_s {gap!r} is no duration")
    if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
        raise InvalidFile(f"{path.name}: the manifest's groups are no list of names")
    return manifest


def read_rows(
    database: sqlite3.Connection, path: Path, name: str, verify: bool, progress: Progress | None
) -> pa.Table:
    """Return a table's columns; those of `fixes` with the geometries compared."""
    columns = schema.COLUMNS[name]
    shape = pa.schema([(column, schema.arrow_type(kind)) for column, kind in columns.items()])
    total = database.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
    geometry = "geom, " if name == "fixes" else ""
    quoted = ", ".join(f'"{column}"' for column in columns)
    cursor = database.execute(f"SELECT {geometry}{quoted} FROM {name} ORDER BY fid")
    batches: list[pa.RecordBatch] = []
    done = 0
    while rows := cursor.fetchmany(_CHUNK):
        by_column = list(zip(*rows, strict=True))
        geometries = by_column.pop(0) if geometry else ()
        arrays = [
            _array(path, name, field, values, done) for field, values in zip(shape, by_column, strict=True)
        ]
        batch = pa.RecordBatch.from_arrays(arrays, schema=shape)
        if geometry and verify:
            compare_geometries(
                path, geometries, pa.table(batch.to_struct_array().flatten(), names=shape.names), done
            )
        batches.append(batch)
        done += len(rows)
        if progress is not None:
            progress(done, max(total, done))
    return pa.Table.from_batches(batches, schema=shape)


def _array(path: Path, table: str, field: pa.Field, values: Any, done: int) -> Any:
    try:
        return pa.array(values, field.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError):
        kind = {"int64": int, "double": float, "string": str}[str(field.type)]
        row = next(
            (row for row, value in enumerate(values) if value is not None and type(value) is not kind), 0
        )
        raise InvalidFile(
            f"{path.name}: row {done + row + 1} of {table}: {field.name} {str(values[row])[:40]!r} "
            f"is {type(values[row]).__name__}, expected {kind.__name__}"
        ) from None


def compare_geometries(path: Path, geometries: Any, fixes: pa.Table, done: int) -> None:
    expected = geometry_of(fixes)
    size = len(expected) // max(len(geometries), 1)
    if any(type(blob) is not bytes for blob in geometries) or b"".join(geometries) != expected:
        row = next(
            row
            for row, blob in enumerate(geometries)
            if type(blob) is not bytes or blob != expected[row * size : (row + 1) * size]
        )
        raise InvalidFile(
            f"{path.name}: row {done + row + 1} of fixes: the geometry is not at its lat, lon; the file was "
            "changed since it was written",
            code="file_changed",
        )


def _verified(path: Path, tables: Mapping[str, pa.Table], manifest: Mapping[str, Any], verify: bool) -> str:
    checksum = checksum_of_rows(tables)
    if verify and manifest.get("checksum") != checksum:
        raise InvalidFile(
            f"{path.name} was changed since it was written: its content has the SHA-256 {checksum[:12]}…, "
            f"the manifest says {str(manifest.get('checksum'))[:12]}…",
            code="file_changed",
        )
    return checksum


def checksum_of_rows(tables: Mapping[str, pa.Table]) -> str:
    """Return the checksum of a file's tables as read: of all but the checksum itself."""
    keys = tables["manifest"].column("key").to_pylist()
    kept = tables["manifest"].filter(pa.array([key != "checksum" for key in keys], pa.bool_()))
    return checksum_of({**tables, "manifest": kept})


def read_event(row: Mapping[str, Any]) -> Event:
    """Return the event of a row; raises InvalidFile, ValueError, DecodeError."""
    if row["kind"] not in KINDS or row["time"] is None:
        raise InvalidFile(f"event {row['kind']!r} at {row['time']!r} is none; expected {', '.join(KINDS)}")
    data = row["data"]
    return Event(
        kind=row["kind"],
        time=ms_from_rfc3339(row["time"]),
        received=ms_from_rfc3339(row["received"]) if row["received"] else 0,
        member=row["member"],
        text=row["text"],
        data=None if data is None else msgspec.json.decode(data, type=dict[str, Scalar]),
        cursor=row["cursor"],
    )
