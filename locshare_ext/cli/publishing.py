"""Playing fixes into a group, as phones would: what `demo`, `simulate` and `replay` share."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from locshare_ext.client.discovery import Server, find_server, server_from_url
from locshare_ext.client.playback import Played, play, timed_from_table
from locshare_ext.client.simulator import TimedFix, simulate
from locshare_ext.errors import InvalidInput

if TYPE_CHECKING:
    from locshare_ext.formats.loaded import Loaded

__all__ = ["Sender", "locate_server", "server_of_process", "simulated", "timed_from_loaded"]

PAST = 5 * 60_000  # ms of trail that a simulated group has from the start


def locate_server(options: argparse.Namespace) -> Callable[[], Server]:
    """Return how to find the server that the options name, or the one that runs here."""
    if options.server:
        given = server_from_url(options.server, options.token)
        return lambda: given
    if options.token:
        raise InvalidInput("--token needs --server, the address that it is for", field="token")
    return find_server


def server_of_process(pid: int) -> Callable[[], Server]:
    """Return how to find the server with this process id."""
    from jupyter_core.paths import jupyter_runtime_dir

    environment = {"LOCSHARE_RUNTIME": os.path.join(jupyter_runtime_dir(), f"locshare-{pid}.json")}
    return lambda: find_server(environment)


def simulated(
    *,
    members: int = 8,
    seed: int = 1,
    centre: tuple[float, float] | None = None,
    seconds: float | None = None,
) -> Iterator[TimedFix]:
    """Return a simulated group whose first minutes lie in the past, so that it has trails at once.

    members: half of them walk, an eighth are buses, the others cycle.
    """
    if members < 1:
        raise InvalidInput(f"members {members} is below 1", field="members")
    buses, walkers = members // 8, (members + 1) // 2
    more: dict[str, Any] = {} if centre is None else {"centre": centre}
    return simulate(
        start=int(time.time() * 1000) - PAST,
        seed=seed,
        walkers=walkers,
        cyclists=members - walkers - buses,
        buses=buses,
        seconds=None if seconds is None else seconds + PAST / 1000,
        **more,
    )


def timed_from_loaded(loaded: Loaded) -> Iterator[TimedFix]:
    """Return a file's fixes in the order in which they arrived, or were measured if that is unknown."""
    return timed_from_table(loaded.table, clock="received" if loaded.received_known else "time")


class Sender:
    """Sends fixes over STOMP to one group of one server."""

    def __init__(self, locate: Callable[[], Server], group: str) -> None:
        from locshare_ext.client.publisher import StompPublisher

        self._publisher = StompPublisher(locate, group)

    def play(
        self,
        fixes: Iterable[TimedFix],
        *,
        speed: float = 1.0,
        shift: bool = True,
        stop: threading.Event | None = None,
        progress: Callable[[Played], None] | None = None,
    ) -> Played:
        """Send each fix when it is due; those due before now go out at once without `shift`."""
        stop = stop or threading.Event()
        with contextlib.closing(self._publisher):
            upcoming = fixes if shift else self._catch_up(iter(fixes), stop)
            return play(
                upcoming,
                self._publisher.publish,
                speed=speed,
                shift=shift,
                stop=stop,
                progress=progress,
                on_failure=lambda error: print(error, file=sys.stderr),
            )

    def close(self) -> None:
        """Stop waiting for the server, from any thread."""
        self._publisher.close()

    def _catch_up(self, fixes: Iterator[TimedFix], stop: threading.Event) -> Iterator[TimedFix]:
        """Publish what is due before now; yield the others."""
        batch: list[dict[str, Any]] = []
        for due, fix in fixes:
            if due < time.time() * 1000 and not stop.is_set():
                batch.append(fix)
                continue
            if batch:
                self._publisher.publish(batch)
                batch = []
            yield due, fix
        if batch:
            self._publisher.publish(batch)
