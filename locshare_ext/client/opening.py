"""Recordings from files, many of them as one frame, and one of many by its name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locshare_ext.client.files import load_file
from locshare_ext.client.recording import Recording
from locshare_ext.client.times import check_zone
from locshare_ext.errors import InvalidInput, NotFound
from locshare_ext.model.names import near_names

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["find_recording", "open_recording", "read_trails"]


def open_recording(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002 -- as pandas and GDAL call it
    columns: Mapping[str, str] | str | None = None,
    tz: str | tzinfo | None = None,
    member: str | None = None,
    encoding: str | None = None,
    name: str | None = None,
) -> Recording:
    """Open a recording from a file.

    A GeoPackage of ours, GPX, CSV, GeoJSON, Parquet, Arrow, or a file of GeoLife, the OwnTracks
    Recorder, Google, Traccar or Movebank. What a file is, its content says, unless `format` does.
    columns: for a table of somebody else, such as
    "member=vehicle_id,time=timestamp,lat=latitude,lon=longitude". tz: the zone of times in a file
    that name none. member: whose fixes they all are, for files that do not say. encoding: of a CSV
    that is not UTF-8, such as cp1252 or euc-kr. Raises
    InvalidFile, InvalidInput.
    """
    zone = check_zone(tz)
    if not isinstance(path, str | os.PathLike):
        raise InvalidInput(f"path {path!r} is not the path of a file", field="path")
    loaded = load_file(
        Path(path), format=format, columns=columns, tz=tz, member=member, encoding=encoding, name=name
    )
    return Recording.of_file(loaded, tz=zone)


def read_trails(recordings: Iterable[str | os.PathLike[str] | Recording], **options: Any) -> pd.DataFrame:
    """Return the trails of many recordings as one frame, with shared categories.

    recordings: files as `open_recording` takes them, or recordings. options: as of
    `Recording.trails`. Trips stay unique over all of them. Raises InvalidFile, InvalidInput.
    """
    from locshare_ext.formats.joined import concat_frames

    if isinstance(recordings, str | bytes | Recording) or not isinstance(recordings, Iterable):
        recordings = [recordings]
    opened = [one if isinstance(one, Recording) else open_recording(one) for one in recordings]
    return concat_frames([one.trails(**options) for one in opened])


def find_recording(recordings: Sequence[Recording], name_or_id: str) -> Recording:
    """Return the newest recording of a name, or the one of an id; raises NotFound with near names."""
    for one in reversed(recordings):
        if name_or_id in (one.id, one.name):
            return one
    near = near_names(name_or_id, [one.name for one in recordings])
    hint = f"; near names: {', '.join(near)}" if near else ""
    raise NotFound(
        f"recording {name_or_id!r} does not exist{hint}",
        code="recording_not_found",
        field="recording",
        details={"near": near},
    )
