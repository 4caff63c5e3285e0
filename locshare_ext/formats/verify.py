"""Whether a recording file is sound: every check by itself, so that one fault hides no other."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from locshare_ext.errors import InvalidFile, InvalidInput
from locshare_ext.formats import gpkgschema as schema
from locshare_ext.formats.gpkgread import (
    check_header,
    check_schema,
    checksum_of_rows,
    open_file,
    read_event,
    read_manifest,
    read_rows,
)
from locshare_ext.formats.gpkgwrite import bounds_of
from locshare_ext.formats.loaded import Progress
from locshare_ext.formats.stored import check_ranges
from locshare_ext.formats.trail import names_in

__all__ = ["Finding", "Verdict", "verify_geopackage"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. is_good: None where it could not be made."""

    check: str
    is_good: bool | None
    text: str


@dataclass
class Verdict:
    """What all checks found. checksum: SHA-256 of the content as read, empty if it could not be."""

    path: Path
    findings: list[Finding] = field(default_factory=list)
    checksum: str = ""
    manifest: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_sound(self) -> bool:
        """Whether every check was made and none failed."""
        return bool(self.findings) and all(one.is_good for one in self.findings)


class _Fault(Exception):
    """A check failed; says why."""


def verify_geopackage(path: str | Path, *, progress: Progress | None = None) -> Verdict:
    """Check a recording file: SQLite, GeoPackage, our tables, values, geometries, counts, checksum.

    Nothing is written. progress: called with (rows done, rows in all).
    """
    path = Path(path)
    verdict = Verdict(path)
    checks = _Checks(path, verdict, progress)
    with checks:
        for title, check in checks.all():
            verdict.findings.append(_found(title, check))
    return verdict


def _is_ours(name: str) -> bool:
    return name in schema.COLUMNS or name.startswith(("gpkg_", "rtree_fixes_geom", "sqlite_"))


def _found(title: str, check: Callable[[], str | None]) -> Finding:
    try:
        text = check()
    except (_Fault, InvalidInput) as error:
        return Finding(title, False, getattr(error, "message", str(error)))
    except (sqlite3.Error, OSError, pa.ArrowException, msgspec.DecodeError, ValueError) as error:
        return Finding(title, False, str(error) or type(error).__name__)
    return (
        Finding(title, None, "not checked, as it needs what failed")
        if text is None
        else Finding(title, True, text)
    )


class _Checks:
    """The checks; each returns what it found, None when an earlier one left it nothing to look at."""

    def __init__(self, path: Path, verdict: Verdict, progress: Progress | None) -> None:
        self._path, self._verdict, self._progress = path, verdict, progress
        self._database: sqlite3.Connection | None = None
        self._tables: dict[str, pa.Table] | None = None
        self._has_tables = False

    def __enter__(self) -> _Checks:
        return self

    def __exit__(self, *_: object) -> None:
        if self._database is not None:
            self._database.close()

    def all(self) -> Iterator[tuple[str, Callable[[], str | None]]]:
        """Yield each check with its title."""
        yield "file", self._file
        yield "SQLite", self._sqlite
        yield "GeoPackage", self._geopackage
        yield "tables", self._plain_tables
        yield "manifest", self._manifest
        yield "content", self._content
        yield "values", self._values
        yield "geometries", self._geometries
        yield "counts", self._counts
        yield "index", self._index
        yield "checksum", self._checksum

    def _file(self) -> str:
        if not self._path.is_file():
            raise _Fault(f"{self._path} does not exist" if not self._path.exists() else "it is no file")
        check_header(self._path)
        with self._path.open("rb") as file:
            is_wal = file.read(20)[18:20] == b"\x02\x02"
        self._database = open_file(self._path)
        size = f"{self._path.stat().st_size:,} bytes"
        return size + (
            ", left in WAL mode by another program: it may not open from read-only media" if is_wal else ""
        )

    def _sqlite(self) -> str | None:
        if self._database is None:
            return None
        rows = self._database.execute("PRAGMA integrity_check(5)").fetchall()
        if rows != [("ok",)]:
            raise _Fault("; ".join(str(row[0]) for row in rows))
        return "every page is sound"

    def _geopackage(self) -> str | None:
        if self._database is None:
            return None
        query = self._database.execute
        if broken := query("PRAGMA foreign_key_check").fetchall():
            raise _Fault(f"{len(broken)} rows refer to others that are not there (first in {broken[0][0]})")
        systems = dict(query("SELECT srs_id, definition FROM gpkg_spatial_ref_sys"))
        if not {-1, 0, 4326} <= systems.keys():
            raise _Fault("gpkg_spatial_ref_sys lacks one of the systems -1, 0 and 4326 (requirement 11)")
        if systems[4326] != schema.WGS84:
            raise _Fault("gpkg_spatial_ref_sys says of 4326 what is not WGS 84: a GIS would move the fixes")
        layers = dict(query("SELECT table_name, data_type FROM gpkg_contents"))
        if layers.get("fixes") != "features":
            raise _Fault("gpkg_contents does not list fixes as a layer")
        there = {row[0] for row in query("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")}
        if missing := [name for name in layers if name not in there]:
            raise _Fault(f"gpkg_contents lists {missing[0]}, which is not there")
        shape = query(
            "SELECT geometry_type_name, srs_id FROM gpkg_geometry_columns WHERE table_name = 'fixes'"
        ).fetchone()
        if shape != ("POINT", 4326):
            raise _Fault(f"the geometry of fixes is {shape}, expected points in EPSG:4326")
        return "a layer of points in EPSG:4326"

    def _plain_tables(self) -> str | None:
        if self._database is None:
            return None
        check_schema(self._database, self._path)
        self._has_tables = True
        for name, columns in schema.COLUMNS.items():
            written = {"fid", "geom", *columns}
            found = [row[1] for row in self._database.execute(f"PRAGMA table_xinfo({name})")]
            if more := [column for column in found if column not in written]:
                raise _Fault(f"{name} has a column that it was not written with: {more[0]}")
        rows = self._database.execute("SELECT name, type, sql FROM sqlite_master").fetchall()
        if more := [name for name, kind, sql in rows if kind == "trigger" and sql not in schema.create_index]:
            raise _Fault(f"it has a trigger that it was not written with: {more[0]}")
        others = [name for name, kind, _ in rows if kind in ("table", "view") and not _is_ours(name)]
        besides = f"; besides, by another program and not looked at: {', '.join(others)}" if others else ""
        return f"{', '.join(schema.COLUMNS)}{besides}"

    def _manifest(self) -> str | None:
        if self._database is None or not self._has_tables:
            return None
        manifest = self._verdict.manifest = read_manifest(self._database, self._path)
        by = f"{manifest.get('program')} {manifest.get('program_version')}"
        format_version, created = manifest["format_version"], manifest.get("created")
        return f"{manifest.get('name')!r}, format {format_version}, written {created} by {by}"

    def _content(self) -> str | None:
        if self._database is None or not self._verdict.manifest:
            return None
        self._tables = {
            name: read_rows(
                self._database, self._path, name, False, self._progress if name == "fixes" else None
            )
            for name in schema.COLUMNS
        }
        return ", ".join(f"{len(rows):,} {name}" for name, rows in self._tables.items())

    def _values(self) -> str | None:
        if self._tables is None:
            return None
        fixes = self._tables["fixes"]
        for name in ("time", "received"):
            at = fixes.column_names.index(name)
            fixes = fixes.set_column(at, name, fixes.column(name).cast(pa.timestamp("ms", "UTC")))
        check_ranges(fixes, "fixes")
        for row in self._tables["events"].to_pylist():
            read_event(row)
        return "all within their ranges"

    def _geometries(self) -> str | None:
        if self._database is None or self._tables is None:
            return None
        read_rows(self._database, self._path, "fixes", True, None)
        box = self._database.execute(
            "SELECT min_x, min_y, max_x, max_y FROM gpkg_contents WHERE table_name = 'fixes'"
        ).fetchone()
        if box != (expected := bounds_of(self._tables["fixes"])):
            raise _Fault(f"gpkg_contents says that fixes lie in {box}, they lie in {expected}")
        return "each at its lat, lon"

    def _counts(self) -> str | None:
        if self._tables is None:
            return None
        keys = ["recording", "group", "member"]
        found = self._tables["fixes"].group_by(keys).aggregate([("seq", "count")])
        counted = sorted(
            map(tuple, zip(*(found.column(name).to_pylist() for name in [*keys, "seq_count"]), strict=True))
        )
        members = self._tables["members"]
        told = sorted(
            map(tuple, zip(*(members.column(name).to_pylist() for name in [*keys, "fixes"]), strict=True))
        )
        if counted != told:
            raise _Fault("members does not say how many fixes each member has")
        said = self._verdict.manifest.get("counts")
        now = {"fixes": len(self._tables["fixes"]), "members": len(names_in(self._tables["fixes"], "member"))}
        if said is not None and said != now:
            raise _Fault(f"the manifest counts {said}, the file has {now}")
        return f"{now['fixes']:,} fixes of {now['members']:,} members"

    def _index(self) -> str | None:
        if self._database is None or self._tables is None:
            return None
        name = "rtree_fixes_geom"
        if not self._database.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)).fetchone():
            return "none (it is an extension)"
        if (answer := self._database.execute(f"SELECT rtreecheck('{name}')").fetchone()[0]) != "ok":
            raise _Fault(str(answer)[:200])
        boxes = self._database.execute(
            f"SELECT id, minx, maxx, miny, maxy FROM {name} ORDER BY id"
        ).fetchall()
        table = self._tables["fixes"]
        fids = [row[0] for row in self._database.execute("SELECT fid FROM fixes ORDER BY fid")]
        if [box[0] for box in boxes] != fids:
            raise _Fault(f"it has {len(boxes):,} entries for {len(fids):,} fixes")
        if boxes:
            _, minx, maxx, miny, maxy = np.array(boxes, dtype=float).T
            lon, lat = table.column("lon").to_numpy(), table.column("lat").to_numpy()
            if not bool(np.all((minx <= lon) & (lon <= maxx) & (miny <= lat) & (lat <= maxy))):
                raise _Fault("an entry does not cover its fix")
        return "covers every fix"

    def _checksum(self) -> str | None:
        if self._tables is None:
            return None
        checksum = self._verdict.checksum = checksum_of_rows(self._tables)
        said = self._verdict.manifest.get("checksum")
        if said != checksum:
            raise InvalidFile(
                f"the content has the SHA-256 {checksum}, the manifest says {said}: it was changed since it "
                "was written"
            )
        return f"SHA-256 {checksum}"
