"""Playing fixes into a group, as phones would: what `demo`, `simulate` and `replay` share."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from locshare_ext.cli.ages import hasten
from locshare_ext.client.discovery import Server, find_server, server_from_url
from locshare_ext.client.playback import Played, play, timed_from_table
from locshare_ext.client.simulating import caught_up
from locshare_ext.client.simulator import TimedFix
from locshare_ext.errors import InvalidInput

if TYPE_CHECKING:
    from locshare_ext.formats.loaded import Loaded

__all__ = ["Sender", "locate_server", "server_of_process", "timed_from_loaded"]


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


def timed_from_loaded(loaded: Loaded) -> Iterator[TimedFix]:
    """Return a file's fixes in the order in which they arrived, or were measured if that is unknown."""
    return timed_from_table(loaded.table, clock="received" if loaded.received_known else "time")


class Sender:
    """Sends fixes to one group of one server: over STOMP, or by POST where that is blocked."""

    def __init__(self, locate: Callable[[], Server], group: str) -> None:
        from locshare_ext.client.ladder import AUTO, TRANSPORT, check_transport
        from locshare_ext.client.publisher import Publisher

        self._locate = locate
        self._group = group
        wish = check_transport(os.environ.get(TRANSPORT), field=TRANSPORT)
        self._publisher = Publisher(locate, group, transport=wish or AUTO)

    def play(
        self,
        fixes: Iterable[TimedFix],
        *,
        speed: float = 1.0,
        shift: bool = True,
        stop: threading.Event | None = None,
        progress: Callable[[Played], None] | None = None,
    ) -> Played:
        """Send each fix when it is due; those due before now go out at once without `shift`.

        A group that begins with this, faster than it was, ages as much faster, see `hasten`.
        """
        stop = stop or threading.Event()
        with contextlib.closing(self._publisher):
            if shift and speed > 1:
                hasten(self._locate, self._group, speed, stop)
            upcoming = fixes if shift else caught_up(iter(fixes), self._publisher.publish)
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
