"""Files of fixes in and out; `registry` lists the formats. No I/O but these files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locshare_ext.errors import InvalidInput

if TYPE_CHECKING:
    from datetime import tzinfo

    from locshare_ext.formats.columns import ColumnMap
    from locshare_ext.formats.loaded import Loaded, Progress
    from locshare_ext.formats.registry import Format
    from locshare_ext.formats.trail import Trail

__all__ = ["load", "save"]


def load(
    path: str | Path,
    *,
    format: str | None = None,  # noqa: A002 -- as pandas and GDAL call it
    columns: str | Mapping[str, str] | ColumnMap | None = None,
    tz: str | tzinfo | None = None,
    member: str | None = None,
    encoding: str | None = None,
    on_disk: bool = False,
    progress: Progress | None = None,
) -> Loaded:
    """Read a file of fixes; what it is, its content says unless `format` does.

    columns, tz: of tables (CSV, GeoJSON, Parquet, Arrow), see `csv.read_csv`. member: all fixes
    are of this one. encoding: of a CSV that is not UTF-8, such as cp1252 or
    euc-kr. on_disk: keep them in a temporary file, for files of any size; then close
    the answer's `fixes`. progress: called with (bytes done, bytes in all). Raises InvalidFile
    when it cannot be read, InvalidInput for wrong or missing columns and zones.
    """
    from locshare_ext.formats.columns import ColumnMap
    from locshare_ext.formats.registry import by_name, readable
    from locshare_ext.formats.sniffing import format_of

    path = Path(path)
    found = format_of(path) if format is None else by_name(format, readable())
    if isinstance(columns, Mapping):
        columns = str(ColumnMap(columns))
    asked: dict[str, Any] = {"columns": columns, "tz": tz, "member": member, "encoding": encoding}
    for name, value in asked.items():
        if value is not None and name not in found.options:
            raise InvalidInput(f"{path.name} is {_called(found)}, which needs no {name}=", field=name)
    given = {name: value for name, value in asked.items() if name in found.options}
    if found.name == "gpkg":
        size = path.stat().st_size  # its rows as bytes, so that all formats count the same

        def told(done: int, rows: int) -> None:
            if progress is not None:
                progress(size * done // max(rows, 1), size)

        return _loaded(found, path, progress=told)
    return _loaded(found, path, **given, on_disk=on_disk, progress=progress)


def save(
    path: str | Path,
    trail: Trail,
    *,
    format: str | None = None,  # noqa: A002 -- as pandas and GDAL call it
    progress: Progress | None = None,
) -> Format:
    """Write a trail to a file, in the format that its ending names unless `format` does; returns that.

    The file is there whole or not at all. progress: called with (rows done, rows in all) where a
    format takes long. Raises InvalidInput for an unknown ending, OSError, StoreError.
    """
    from locshare_ext.formats.atomic import replacing
    from locshare_ext.formats.registry import by_name, by_suffix, writable

    path = Path(path)
    found = by_suffix(path) if format is None else by_name(format, writable())
    if found.name == "gpkg":
        from locshare_ext.formats.gpkgwrite import write_trail

        write_trail(path, trail, progress=progress)
        return found
    with replacing(path) as beside, beside.open("wb") as file:
        found.write()(trail, file)
    return found


def _loaded(found: Format, path: Path, **options: Any) -> Loaded:
    loaded: Loaded = found.read()(path, **options)
    return loaded


def _called(found: Format) -> str:
    return "a GeoPackage" if found.name == "gpkg" else found.title.partition(" 1")[0]
