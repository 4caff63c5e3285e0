"""`jupyter locshare import` and `export`: files into recordings, trails into files."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from locshare_ext.cli.files import read_file
from locshare_ext.cli.progress import measured
from locshare_ext.cli.publishing import locate_server
from locshare_ext.client.files import kept_beside, upload, write_file
from locshare_ext.client.http import Api, path_of
from locshare_ext.client.origin import choose
from locshare_ext.errors import InvalidInput, NotFound
from locshare_ext.formats.registry import by_name, by_suffix, writable

if TYPE_CHECKING:
    import pandas as pd

    from locshare_ext.client.recording import Recording

__all__ = ["recording_of", "run"]


def run(options: argparse.Namespace) -> int:
    """Import or export, as the command says; SIGTERM ends it as Ctrl-C does, and leaves nothing."""
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        return _import(options) if options.command == "import" else _export(options)
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop(*_: object) -> None:
    sys.exit(128 + signal.SIGTERM)


def _import(options: argparse.Namespace) -> int:
    with contextlib.closing(read_file(options, on_disk=True)) as loaded:
        count = len(loaded.fixes)
        with measured("sending", count, " fixes", scale=True) as progress:
            made = upload(Api(locate_server(options)), loaded, name=options.name, progress=progress)
        print(
            f"{count} fixes of {len(loaded.fixes.members)} members are now the recording "
            f"{made['name']!r}, id {made['id']}",
            file=sys.stderr,
        )
    return 0


def _export(options: argparse.Namespace) -> int:
    from locshare_ext.client.group import Group

    target = Path(options.file)
    found = by_suffix(target) if options.format is None else by_name(options.format, writable())
    if target.exists() and not options.force:
        raise InvalidInput(f"{target} exists; --force replaces it", field="file")
    source = recording_of(options) if options.recording else Group(options.name, **_where(options))
    asked = {name: getattr(options, name) for name in ("last", "since", "until", "clock")}
    frame = source.trails(**asked)
    if frame.empty:
        raise NotFound(f"{options.name} has no fixes in this span", code="nothing_to_export")
    with measured(target.name, len(frame), " fixes") as progress:
        write_file(
            target,
            frame,
            format=found.name,
            precision=options.precision,
            pseudonyms=options.pseudonyms,
            progress=progress,
            **kept_beside(
                source, choose(**asked, tz=source._tz, end=_end(frame) if options.recording else None)
            ),
        )
    members = frame["member"].nunique()
    print(f"{target}: {len(frame)} fixes of {members} members", file=sys.stderr)
    return 0


def recording_of(options: argparse.Namespace) -> Recording:
    """Return the recording on the server that the options name; raises NotFound with near names."""
    from locshare_ext.client.opening import find_recording
    from locshare_ext.client.recording import Recording

    api = Api(locate_server(options))
    kept = api.get(path_of("recordings"))["recordings"]
    return find_recording([Recording.of_server(api, info) for info in kept], options.name)


def _end(frame: pd.DataFrame) -> int:
    """Return the ms where `--last` of a recording ends."""
    return int(frame["time"].iloc[-1].value // 1_000_000)


def _where(options: argparse.Namespace) -> dict[str, str]:
    given = {"server": options.server, "token": options.token}
    return {name: value for name, value in given.items() if value}
