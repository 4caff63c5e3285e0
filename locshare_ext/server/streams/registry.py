"""Which long polls and SSE responses are open: how many may be, and what keeps them alive."""

from __future__ import annotations

import asyncio
from typing import Protocol

from locshare_ext.errors import Unavailable

__all__ = ["OpenResponse", "Responses"]


class OpenResponse(Protocol):
    """An HTTP response that is not finished yet."""

    def comment(self) -> None:
        """Keep proxies from cutting it while it is silent, if its kind can."""

    def stop(self, reason: str) -> None:
        """End it from this side."""


class Responses:
    """The open responses of one server; runs one timer for all while there are any.

    most: over it `join` refuses. every: s between comments.
    """

    def __init__(self, most: int, every: float) -> None:
        self._most = most
        self._every = every
        self._open: set[OpenResponse] = set()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._open)

    def check(self) -> None:
        """Raise Unavailable, which names the limit, if there may be no more."""
        if len(self._open) >= self._most:
            raise Unavailable(
                f"there are {self._most} long polls and event streams open already",
                code="too_many_connections",
            )

    def join(self, response: OpenResponse) -> None:
        """Note one; raises Unavailable that names the limit."""
        self.check()
        self._open.add(response)
        if self._timer is None:
            self._later()

    def leave(self, response: OpenResponse) -> None:
        """Forget one; no error if it is not known."""
        self._open.discard(response)
        if not self._open and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def stop(self, reason: str) -> None:
        """End all."""
        for response in list(self._open):
            response.stop(reason)

    def _later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._every, self._comment)

    def _comment(self) -> None:
        for response in list(self._open):
            response.comment()
        self._later()
