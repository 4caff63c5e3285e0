"""`jupyter locshare record` and `recordings`: start, list, stop, close, name, describe, delete."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from locshare_ext.cli.publishing import locate_server
from locshare_ext.client.http import Api, path_of

if TYPE_CHECKING:
    from locshare_ext.client.recording import Recording

__all__ = ["CHANGES", "run"]

CHANGES = (
    "stop",
    "close",
    "rename",
    "describe",
    "delete",
)  # options of `recordings`, in the order they are done


def run(options: argparse.Namespace) -> int:
    """Start a recording, or list and change those that there are."""
    if options.command == "record":
        return _record(options)
    from locshare_ext.client.opening import find_recording

    api = Api(locate_server(options))
    asked = [(change, value) for change in CHANGES for value in getattr(options, change)]
    if not asked:
        return _list(_kept(api, options.group))
    for change, value in asked:
        name, *text = value if isinstance(value, list) else [value]
        recording = find_recording(_kept(api, options.group), name)
        _DO[change](recording, *text)
        print(f"{recording.name!r}, id {recording.id}: {_DONE[change]}", file=sys.stderr)
    return 0


def _record(options: argparse.Namespace) -> int:
    from locshare_ext.client.group import Group

    where = {name: value for name in ("server", "token") if (value := getattr(options, name))}
    group = Group(options.group, **where)
    recording = group.record(options.name, since=options.since, description=options.description or "")
    print(f"recording {recording.name!r} of {recording.group} until it is stopped", file=sys.stderr)
    print(recording.id, flush=True)
    return 0


def _kept(api: Api, group: str | None) -> list[Recording]:
    from locshare_ext.client.recording import Recording

    query = None if group is None else {"group": group}
    return [Recording.of_server(api, info) for info in api.get(path_of("recordings"), query)["recordings"]]


def _list(recordings: list[Recording]) -> int:
    import pandas as pd

    if not recordings:
        print("no recordings", file=sys.stderr)
    for one in recordings:
        info = one.info
        begin, end = (
            "..." if ms is None else f"{pd.Timestamp(ms, unit='ms'):%Y-%m-%d %H:%M}"
            for ms in (info["since"], info["until"])
        )
        away = f", interrupted {count} x" if (count := len(info.get("interruptions", ()))) else ""
        whose = one.group or "(import)"
        print(f"{one.id}  {info['state']:7}  {begin} - {end:16} UTC  {whose:16}  {one.name}{away}")
    return 0


_DO: dict[str, Callable[..., object]] = {
    "stop": lambda recording: recording.stop(),
    "close": lambda recording: recording.close(),
    "rename": lambda recording, name: recording.rename(name),
    "describe": lambda recording, text: recording.describe(text),
    "delete": lambda recording: recording.delete(),
}
_DONE = {
    "stop": "stopped; what comes late still joins it for a day",
    "close": "closed",
    "rename": "its name now",
    "describe": "described",
    "delete": "deleted",
}
