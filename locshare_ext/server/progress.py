"""Who takes nothing of what is sent, for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from locshare_ext.server.pipe import StreamPipe

if TYPE_CHECKING:
    from tornado.iostream import IOStream

__all__ = ["Progress", "Sending", "cut_unread"]


class Sending(Protocol):
    """Something that bytes go out on."""

    @property
    def unsent(self) -> int:
        """Bytes that the kernel has not taken yet."""

    @property
    def reached(self) -> int:
        """Bytes that are known to have reached the client, ever."""


class Progress:
    """Watches one connection while something is unsent; used on its loop.

    seconds: without a byte that has reached the client; then `on_stall` is called, once.
    """

    __slots__ = ("_on_stall", "_seconds", "_timer", "_wire")

    def __init__(self, wire: Sending, seconds: float, on_stall: Callable[[], None]) -> None:
        self._wire = wire
        self._seconds = seconds
        self._on_stall = on_stall
        self._timer: asyncio.TimerHandle | None = None

    def watch(self) -> None:
        """Look whether there is progress from now on; no matter if it does already."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._seconds, self._look, self._wire.reached)

    def stop(self) -> None:
        """Look no more: nothing is unsent, or the connection has ended."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self, reached: int) -> None:
        self._timer = None
        if not self._wire.unsent:
            return
        if self._wire.reached == reached:
            self._on_stall()
        else:
            self.watch()


def cut_unread(stream: IOStream, sent: asyncio.Future[Any], seconds: float) -> None:
    """Close the connection of an answer if nothing of it reaches the client for a while.

    stream: tornado's, which would hold what is unsent for as long as the client likes. sent:
    done when it is out.
    """
    if not sent.done():
        pipe = StreamPipe(stream)
        progress = Progress(pipe, seconds, pipe.close)
        progress.watch()
        sent.add_done_callback(lambda _: progress.stop())
