"""Files of fixes in and out: CSV, GPX, and our recording file, a GeoPackage. No I/O but these files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from locshare_ext.errors import InvalidFile, InvalidInput

if TYPE_CHECKING:
    from datetime import tzinfo

    from locshare_ext.formats.columns import ColumnMap
    from locshare_ext.formats.loaded import Loaded, Progress

__all__ = ["load"]

_HEAD = 4096  # bytes that tell what a file is


def load(
    path: str | Path,
    *,
    columns: str | Mapping[str, str] | ColumnMap | None = None,
    tz: str | tzinfo | None = None,
    member: str | None = None,
    progress: Progress | None = None,
) -> Loaded:
    """Read a file of fixes; what it is, its content says: GeoPackage of ours, GPX, else CSV.

    columns, tz: for CSV, see `csv.read_csv`. member: all fixes are of this one (CSV, GPX).
    progress: called with (bytes done, bytes in all). Raises InvalidFile when it cannot be read,
    InvalidInput for wrong or missing columns and zones.
    """
    path = Path(path)
    head = _head(path)
    if head.startswith(b"SQLite format 3\0"):
        from locshare_ext.formats.geopackage import read_geopackage

        _only_csv(path, "a GeoPackage", columns=columns, member=member)
        size = path.stat().st_size  # its rows as bytes, so that all formats count the same

        def told(done: int, rows: int) -> None:
            if progress is not None:
                progress(size * done // max(rows, 1), size)

        return read_geopackage(path, progress=told)
    if _is_xml(head):
        from locshare_ext.formats.gpx import read_gpx

        _only_csv(path, "GPX", columns=columns)
        return read_gpx(path, member=member, progress=progress)
    from locshare_ext.formats.columns import ColumnMap
    from locshare_ext.formats.csv import read_csv

    said = str(ColumnMap(columns)) if isinstance(columns, Mapping) else columns
    return read_csv(path, said, tz=tz, member=member, progress=progress)


def _head(path: Path) -> bytes:
    if path.is_dir():
        raise InvalidFile(f"{path} is a folder, expected a file", field="path")
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except FileNotFoundError:
        raise InvalidFile(f"{path} does not exist", code="file_not_found", field="path") from None
    if not head.strip(b"\0 \t\r\n"):
        raise InvalidFile(f"{path.name} is empty; expected GPX, CSV or a GeoPackage")
    for magic, what in ((b"PK\x03\x04", "a ZIP archive"), (b"\x1f\x8b", "gzip"), (b"%PDF", "a PDF")):
        if head.startswith(magic):
            raise InvalidFile(f"{path.name} is {what}; expected GPX, CSV or a GeoPackage (unpack it first)")
    if head.lstrip()[:1] in (b"{", b"["):
        raise InvalidFile(f"{path.name} is JSON; expected GPX, CSV or a GeoPackage")
    return head


def _is_xml(head: bytes) -> bool:
    text = (
        head.decode("utf-16", "ignore") if head[:2] in (b"\xff\xfe", b"\xfe\xff") else head.decode("latin-1")
    )
    return text.removeprefix("ï»¿").lstrip("\ufeff \t\r\n").startswith("<")


def _only_csv(path: Path, what: str, **given: object) -> None:
    for name, value in given.items():
        if value is not None:
            raise InvalidInput(f"{path.name} is {what}, which needs no {name}=", field=name)
