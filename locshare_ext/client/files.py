"""Recordings as files: which format a file is, and what is written of a recording."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locshare_ext.errors import InvalidFile, InvalidInput
from locshare_ext.model.names import near_names

if TYPE_CHECKING:
    import pyarrow as pa

    from locshare_ext.client.recording import Recording
    from locshare_ext.formats.loaded import Loaded

__all__ = ["load", "write_recording"]

_SUFFIXES = (".gpkg", ".gpx", ".csv", ".tsv", ".txt")


def load(
    path: Path,
    *,
    columns: Mapping[str, str] | str | None = None,
    tz: str | tzinfo | None = None,
    name: str | None = None,
) -> Loaded:
    """Read a recording's file by its suffix; raises InvalidFile, InvalidInput."""
    from dataclasses import replace

    _check_exists(path)
    suffix = path.suffix.lower()
    if columns is not None and suffix not in (".csv", ".tsv", ".txt"):
        raise InvalidInput(f"columns= is for CSV; {path.name} is none", field="columns")
    loaded = _read(path, suffix, columns, tz)
    return loaded if name is None else replace(loaded, name=name)


def _read(path: Path, suffix: str, columns: Mapping[str, str] | str | None, tz: Any) -> Loaded:
    if suffix == ".gpkg":
        from locshare_ext.formats.geopackage import read_geopackage

        return read_geopackage(path)
    if suffix == ".gpx":
        from locshare_ext.formats.gpx import read_gpx

        return read_gpx(path)
    if suffix in _SUFFIXES:
        from locshare_ext.formats.csv import read_csv

        said = columns if columns is None or isinstance(columns, str) else _column_text(columns)
        return read_csv(path, said, tz=tz)
    raise InvalidFile(
        f"{path.name} ends with {suffix or 'nothing'!r}; expected .gpkg, .gpx or .csv", field="path"
    )


def write_recording(
    recording: Recording, table: pa.Table, loaded: Loaded | None, path: Path, *, overwrite: bool
) -> Path:
    """Write a recording as a GeoPackage."""
    from locshare_ext.formats.geopackage import write_geopackage

    if path.suffix.lower() != ".gpkg":
        raise InvalidInput(f"{path.name} should end with .gpkg: it is a GeoPackage", field="path")
    if path.exists() and not overwrite:
        raise InvalidInput(
            f"{path} exists; write to another name, or say overwrite=True", code="file_exists", field="path"
        )
    write_geopackage(path, table, name=recording.name, group=recording.group)
    return path


def _check_exists(path: Path) -> None:
    if path.is_dir():
        raise InvalidFile(f"{path} is a folder, expected a file", field="path")
    if path.exists():
        return
    folder = path.parent
    others = [one.name for one in folder.iterdir()] if folder.is_dir() else []
    near = near_names(path.name, others)
    hint = f"; near names: {', '.join(near)}" if near else ""
    raise InvalidFile(f"{path} does not exist{hint}", code="file_not_found", field="path")


def _column_text(columns: Mapping[str, str]) -> str:
    return ",".join(f"{field}={column}" for field, column in columns.items())
