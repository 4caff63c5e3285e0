"""`jupyter locshare replay`: a file's fixes into a live group, as if they were now."""

from __future__ import annotations

import argparse
import sys

from locshare_ext.cli.files import read_file
from locshare_ext.cli.progress import watched
from locshare_ext.cli.publishing import Sender, locate_server, timed_from_loaded

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Play the file, once or until Ctrl-C."""
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
