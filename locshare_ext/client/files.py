"""Recordings as files: reading one, and where one can be written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from locshare_ext.errors import InvalidFile, InvalidInput
from locshare_ext.model.names import near_names

if TYPE_CHECKING:
    from locshare_ext.formats.loaded import Loaded

__all__ = ["check_target", "load_file"]


def load_file(
    path: Path,
    *,
    columns: Mapping[str, str] | str | None = None,
    tz: str | tzinfo | None = None,
    name: str | None = None,
) -> Loaded:
    """Read a recording's file, whatever its format; raises InvalidFile, InvalidInput."""
    from locshare_ext import formats

    _check_exists(path)
    if isinstance(columns, Mapping):
        columns = ",".join(f"{field}={column}" for field, column in columns.items())
    loaded = formats.load(path, columns=columns, tz=tz)
    return loaded if name is None else replace(loaded, name=name)


def check_target(path: Path, *, overwrite: bool) -> Path:
    """Return the path if a recording can be written there.

    Raises InvalidInput for another ending than .gpkg, an absent folder, or a file that is
    there and may not be overwritten.
    """
    if path.suffix.lower() != ".gpkg":
        raise InvalidInput(f"{path.name} should end with .gpkg: it is a GeoPackage", field="path")
    if path.exists() and not overwrite:
        raise InvalidInput(
            f"{path} exists; write to another name, or leave overwrite=False out",
            code="file_exists",
            field="path",
        )
    if not path.parent.is_dir():
        raise InvalidInput(f"{path.parent} is no folder to write to", code="no_folder", field="path")
    return path


def _check_exists(path: Path) -> None:
    if path.is_dir():
        raise InvalidFile(f"{path} is a folder, expected a file", field="path")
    if path.exists():
        return
    folder = path.parent
    near = near_names(path.name, [one.name for one in folder.iterdir()]) if folder.is_dir() else []
    hint = f"; near names: {', '.join(near)}" if near else ""
    raise InvalidFile(f"{path} does not exist{hint}", code="file_not_found", field="path")
