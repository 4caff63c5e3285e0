"""`jupyter locshare replay`: a file into a live group as if it were now, or a recording on the server."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from locshare_ext.cli.files import read_file
from locshare_ext.cli.phones import check_phone_options, outing_of, send_as_phones
from locshare_ext.cli.progress import measured, watched
from locshare_ext.cli.publishing import Sender, locate_server, timed_from_loaded
from locshare_ext.client.playback import timed_from_table
from locshare_ext.client.simulator import TimedFix
from locshare_ext.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["run"]

LOOK = 0.5  # s between two looks how far the server is


def run(options: argparse.Namespace) -> int:
    """Play it, once or until Ctrl-C."""
    check_phone_options(options)
    if options.apps is not None:
        return _as_phones(options)
    return _on_server(options) if options.recording else _from_file(options)


def _from_file(options: argparse.Namespace) -> int:
    if options.group is None:
        raise InvalidInput(
            f"--to GROUP says where {options.name} goes. On a topic of its own the server replays what it "
            "keeps: jupyter locshare import FILE, then jupyter locshare replay NAME --recording",
            field="to",
        )
    for name in ("start", "max_gap", "clock"):
        if getattr(options, name) is not None:
            said = name.replace("_", "-")
            raise InvalidInput(f"--{said} goes with --recording, a recording on the server", field=said)
    options.file = options.name
    loaded = read_file(options)
    print(
        f"Playing {loaded.path.name} into {options.group!r} at {options.speed:g}x (Ctrl-C stops)",
        file=sys.stderr,
    )
    locate = locate_server(options)
    while True:
        with watched("fixes", loaded.table.num_rows) as progress:
            sender = Sender(locate, options.group)
            sender.play(timed_from_loaded(loaded), speed=options.speed, progress=progress)
        if not options.loop:
            return 0


def _as_phones(options: argparse.Namespace) -> int:
    """Play a file, or what the server keeps, as the apps of phones that go the same way now."""
    from locshare_ext.client.phones.clock import RunningClock

    for name in ("start", "max_gap", "clock"):
        if getattr(options, name) is not None:
            said = name.replace("_", "-")
            raise InvalidInput(f"--{said} does not go with --as", field=said)
    if options.group is None:
        raise InvalidInput(f"--into GROUP says where {options.name} goes", field="into")
    table = _table(options)
    if not table.num_rows:
        raise NotFound(f"{options.name} has no fixes", code="nothing_to_replay")
    members = sorted(set(table.column("member").unique().to_pylist()))
    times = table.column("time").to_numpy()
    first, last = int(times.min()), int(times.max())
    expires = f"{(last - first) / 60_000 / options.speed + 60:.0f}min"
    outing = outing_of(options, members, seed=1, expires=expires)
    print(
        f"Playing {options.name} into {options.group!r} at {options.speed:g}x as {len(members)} phones with "
        f"{', '.join(app.name for app in outing.apps)} (Ctrl-C stops)",
        file=sys.stderr,
    )

    def begin() -> tuple[Iterator[TimedFix], RunningClock]:
        return timed_from_table(table, clock="time"), RunningClock(first, options.speed)

    while True:
        send_as_phones(options, outing, begin, table.num_rows)
        if not options.loop:
            return 0


def _table(options: argparse.Namespace) -> pa.Table:
    """Return the fixes of a file, or of a recording that the server keeps."""
    if not options.recording and Path(options.name).exists():
        options.file = options.name
        return read_file(options).table
    from locshare_ext.cli.transfer import recording_of

    try:
        return recording_of(options)._table()
    except NotFound as error:
        if options.recording:
            raise
        raise NotFound(f"there is no file {options.name}, and {error.message}", code=error.code) from None


def _on_server(options: argparse.Namespace) -> int:
    from locshare_ext.cli.transfer import recording_of

    recording = recording_of(options)
    replay = recording.replay(
        options.speed,
        clock=options.clock or "time",
        start=options.start,
        loop=options.loop,
        max_gap=options.max_gap,
        into=options.group,
    )
    where = replay.topic if options.group is None else f"{replay.topic} and into {options.group!r}"
    print(f"Replaying {recording.name!r} on {where} at {options.speed:g}x (Ctrl-C ends it)", file=sys.stderr)
    print(f"In a notebook: follow_replay({replay.id!r})", file=sys.stderr)
    try:
        info = replay.info
        span = info["end"] - info["begin"]
        with measured("s of the recording", span // 1000, "s") as progress:
            while (info := replay.info)["state"] != "ended":
                progress((info["playhead"] - info["begin"]) // 1000, span // 1000)
                time.sleep(LOOK)
    except KeyboardInterrupt:
        replay.stop()
        raise
    print(f"{info['delivered']} fixes; it stays while somebody looks at it", file=sys.stderr)
    return 0
