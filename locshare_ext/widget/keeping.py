"""What is kept of a range that was chosen on a map's timeline: a recording, or a file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from locshare_ext.errors import LocShareError
from locshare_ext.model.clock import datetime_from_ms

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FileNotWritten", "HasTrails", "export_range", "record_range"]


class FileNotWritten(LocShareError):
    """A range could not be saved as a file."""

    default_code = "file_not_written"


class HasTrails(Protocol):
    """What a range can be saved of: a group, which may be recorded too, or a recording."""

    @property
    def title(self) -> str:
        """What people call it."""

    def trails(self, *, since: Any, until: Any, clock: str) -> pd.DataFrame:
        """Return the trail frame of a range."""


def record_range(group: Any, start: int, end: int) -> str:
    """Keep a range (ms) of a group as a recording; returns its name."""
    name = f"{group.title} {datetime_from_ms(start):%Y-%m-%d %H:%M}"[-64:].strip()
    return str(group.record(name, since=start, until=end).name)


def export_range(source: HasTrails, start: int, end: int, clock: str) -> str:
    """Save the fixes of a range (ms, both ends included) as a GeoPackage; returns the file's name.

    It goes into the folder that the kernel works in, under a name that is free. Raises FileNotWritten.
    """
    from locshare_ext.client.files import write_file

    frame = source.trails(since=start, until=end, clock=clock)
    path = _free(f"{_plain(source.title)}-{datetime_from_ms(start):%Y%m%dT%H%M%S}", ".gpkg")
    is_known = bool(getattr(source, "received_known", True))
    try:
        write_file(path, frame, format="gpkg", name=path.stem, received_known=is_known)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise FileNotWritten(f"the file could not be written: {why}", details={"why": why}) from error
    return path.name


def _plain(title: str) -> str:
    """Return a title as the name of a file on any system."""
    return re.sub(r"[^\w-]+", "-", title).strip("-") or "range"


def _free(stem: str, suffix: str) -> Path:
    """Return a path that does not exist yet."""
    path, number = Path(stem + suffix), 1
    while path.exists():
        number += 1
        path = Path(f"{stem}-{number}{suffix}")
    return path
