"""`jupyter locshare simulate`: a made-up group, published as phones would."""

from __future__ import annotations

import argparse
import sys
import threading

from locshare_ext.cli.progress import watched
from locshare_ext.cli.publishing import Sender, locate_server
from locshare_ext.client.simulating import PAST, simulated
from locshare_ext.client.times import now_ms
from locshare_ext.errors import InvalidInput

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Publish until the time is over or Ctrl-C."""
    seconds = None if options.minutes is None else options.minutes * 60 + PAST / 1000
    fixes = simulated(
        now_ms() - PAST,
        members=options.members,
        seed=options.seed,
        centre=_place(options.center),
        seconds=seconds,
    )
    sender = Sender(locate_server(options), options.group)
    print(f"Simulating {options.members} members of {options.group!r} (Ctrl-C stops)", file=sys.stderr)
    stop = threading.Event()
    with watched("fixes") as progress:
        sender.play(fixes, shift=False, stop=stop, progress=progress)
    return 0


def _place(text: str) -> tuple[float, float]:
    try:
        lat, lon = (float(part) for part in text.split(","))
    except ValueError:
        raise InvalidInput(
            f"--center {text!r} is not LAT,LON, such as 37.5665,126.978", field="center"
        ) from None
    return lat, lon
