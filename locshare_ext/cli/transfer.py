"""`jupyter locshare import` and `export`: files into recordings, trails into files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from locshare_ext.cli.files import read_file
from locshare_ext.cli.progress import measured
from locshare_ext.cli.publishing import locate_server
from locshare_ext.client.http import Api, path_of
from locshare_ext.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    import pandas as pd

    from locshare_ext.client.group import Group
    from locshare_ext.client.recording import Recording

__all__ = ["run"]

ENDINGS = (".gpx", ".csv", ".gpkg", ".parquet")


def run(options: argparse.Namespace) -> int:
    """Import or export, as the command says."""
    return _import(options) if options.command == "import" else _export(options)


def _import(options: argparse.Namespace) -> int:
    loaded = read_file(options.file, options.columns, options.tz)
    params = {"name": options.name or loaded.name, "received_known": int(loaded.received_known)}
    made = Api(locate_server(options)).upload(path_of("recordings"), loaded.table, params)
    members = loaded.table["member"].combine_chunks().dictionary
    print(
        f"{loaded.table.num_rows} fixes of {len(members)} members are now the recording "
        f"{made['name']!r}, id {made['id']}",
        file=sys.stderr,
    )
    return 0


def _export(options: argparse.Namespace) -> int:
    from locshare_ext.client.group import Group

    target = Path(options.file)
    if target.suffix.lower() not in ENDINGS:
        raise InvalidInput(
            f"{target.name} ends with {target.suffix or 'nothing'!r}, expected {', '.join(ENDINGS)}",
            field="file",
        )
    if target.exists() and not options.force:
        raise InvalidInput(f"{target} exists; --force replaces it", field="file")
    source = _recording(options) if options.recording else Group(options.name, **_where(options))
    frame = source.trails(last=options.last, since=options.since, until=options.until, clock=options.clock)
    if frame.empty:
        raise NotFound(f"{options.name} has no fixes in this span", code="nothing_to_export")
    _write(frame, target, source)
    members = frame["member"].nunique()
    print(f"{target}: {len(frame)} fixes of {members} members", file=sys.stderr)
    return 0


def _recording(options: argparse.Namespace) -> Recording:
    from locshare_ext.client.opening import find_recording
    from locshare_ext.client.recording import Recording

    api = Api(locate_server(options))
    kept = api.get(path_of("recordings"))["recordings"]
    return find_recording([Recording.of_server(api, info) for info in kept], options.name)


def _where(options: argparse.Namespace) -> dict[str, str]:
    given = {"server": options.server, "token": options.token}
    return {name: value for name, value in given.items() if value}


def _write(frame: pd.DataFrame, target: Path, source: Group | Recording) -> None:
    """Write a trail frame in the format that the file's ending names."""
    suffix = target.suffix.lower()
    if suffix == ".parquet":
        frame.to_parquet(target)
    elif suffix == ".csv":
        from locshare_ext.formats.trailcsv import write_csv

        write_csv(frame, target)
    elif suffix == ".gpx":
        from locshare_ext.formats.gpxwrite import write_gpx

        write_gpx(frame, target, name=source.title)
    else:
        from locshare_ext.formats.gpkgwrite import write_geopackage

        with measured(target.name, len(frame), " fixes") as progress:
            write_geopackage(target, frame, name=source.title, progress=progress)
