"""`jupyter locshare simulate`: a made-up group, published as phones would."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Iterator
from typing import Any

from locshare_ext.cli.phones import check_phone_options, outing_of, send_as_phones
from locshare_ext.cli.progress import watched
from locshare_ext.cli.publishing import Sender, locate_server
from locshare_ext.client.simulating import PAST, simulated, simulated_names
from locshare_ext.client.simulator import TimedFix
from locshare_ext.client.times import now_ms
from locshare_ext.errors import InvalidInput

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Publish until the time is over or Ctrl-C."""
    check_phone_options(options)
    if options.rate is not None and options.rate > 1:
        raise InvalidInput(
            f"--rate {options.rate:g} is above 1: a simulated phone measures once a second at most",
            field="rate",
        )
    return _publish(options) if options.apps is None else _as_phones(options)


def _publish(options: argparse.Namespace) -> int:
    seconds = None if options.minutes is None else options.minutes * 60 + PAST / 1000
    fixes = simulated(now_ms() - PAST, seconds=seconds, **_about(options))
    sender = Sender(locate_server(options), options.group)
    print(f"Simulating {options.members} members of {options.group!r} (Ctrl-C stops)", file=sys.stderr)
    stop = threading.Event()
    with watched("fixes") as progress:
        sender.play(fixes, shift=False, stop=stop, progress=progress)
    return 0


def _as_phones(options: argparse.Namespace) -> int:
    from locshare_ext.client.phones.clock import RunningClock

    minutes, speed = options.minutes, options.speed
    about = _about(options)
    members = simulated_names(options.members)
    # the invites outlive the simulation, and end by themselves if nobody could revoke them
    expires = "7d" if minutes is None else f"{minutes / speed + 60:.0f}min"
    outing = outing_of(options, members, seed=options.seed, expires=expires)
    print(
        f"Simulating {options.members} phones of {options.group!r} with "
        f"{', '.join(app.name for app in outing.apps)} (Ctrl-C stops)",
        file=sys.stderr,
    )

    def begin() -> tuple[Iterator[TimedFix], RunningClock]:
        now = now_ms()
        seconds = None if minutes is None else minutes * 60
        return simulated(now, seconds=seconds, is_sent_at_once=True, **about), RunningClock(now, speed)

    return send_as_phones(options, outing, begin)


def _about(options: argparse.Namespace) -> dict[str, Any]:
    every = None if options.rate is None else 1 / options.rate
    about = {"members": options.members, "seed": options.seed, "centre": _place(options.center)}
    return {**about, "every": every}


def _place(text: str) -> tuple[float, float]:
    try:
        lat, lon = (float(part) for part in text.split(","))
    except ValueError:
        raise InvalidInput(
            f"--center {text!r} is not LAT,LON, such as 37.5665,126.978", field="center"
        ) from None
    return lat, lon
