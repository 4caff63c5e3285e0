"""Which requests are being answered: a server that ends waits for them."""

from __future__ import annotations

import asyncio
import contextlib

__all__ = ["Underway"]


class Underway:
    """The requests under way; used on one event loop."""

    def __init__(self) -> None:
        self._requests: set[object] = set()
        self._ended: asyncio.Event | None = None  # while somebody waits

    def __len__(self) -> int:
        return len(self._requests)

    def add(self, request: object) -> None:
        """Note one."""
        self._requests.add(request)

    def discard(self, request: object) -> None:
        """Forget one that was answered, or that nobody waits for; no error if it is not known."""
        self._requests.discard(request)
        if not self._requests and self._ended is not None:
            self._ended.set()

    async def wait(self, seconds: float) -> None:
        """Return when there are none, at the latest after so many seconds."""
        if not self._requests:
            return
        self._ended = asyncio.Event()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), seconds)
        self._ended = None
