"""What was answered as taken while the store failed, kept in memory until it is back."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from locshare_ext.broker.access import Principal
from locshare_ext.errors import LocShareError, TooFast, Unavailable
from locshare_ext.model.report import Report

__all__ = ["Held"]

_MOST = 10_000  # reports; beyond them the oldest are lost
_LARGEST = 4096  # bytes of a request: nobody fills the memory
_SOON, _SELDOM = 0.5, 30.0  # s between looks


class Held:
    """Stores reports later, for apps that hear 200 whatever happens and so never send again.

    take: stores one. still: whom a credential names by then; raises Gone if it has ended. is_well:
    whether the store seems to work; without it nothing is tried, as watchers see each try. What
    is held when the server ends is lost: `close` says how much that is. Used on one event loop.
    """

    def __init__(
        self,
        take: Callable[[Principal, Report], Awaitable[object]],
        *,
        still: Callable[[Principal], Principal],
        is_well: Callable[[], bool],
        soon: float = _SOON,
    ) -> None:
        self._take = take
        self._still = still
        self._is_well = is_well
        self._soon = soon
        self._reports: deque[tuple[Principal, Report]] = deque(maxlen=_MOST)
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._reports)

    def keep(self, principal: Principal, report: Report, size: int) -> bool:
        """Hold a report of a request of so many bytes; False if it is too large for that."""
        if size > _LARGEST:
            return False
        self._reports.append((principal, report))
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())
        return True

    async def settle(self) -> None:
        """Wait until nothing is held."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def close(self) -> int:
        """Stop; returns how many reports are lost by that."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        lost = len(self._reports)
        self._reports.clear()
        return lost

    async def _run(self) -> None:
        pause = self._soon
        while self._reports:
            await asyncio.sleep(pause)
            if not self._is_well():
                pause = self._soon
                continue
            while self._reports:
                principal, report = held = self._reports[0]
                try:
                    await self._take(self._still(principal), report)
                except (Unavailable, TooFast):
                    pause = min(2 * pause, _SELDOM)
                    break
                except LocShareError:
                    pass  # its invite has ended meanwhile, or there is no room for it
                if self._reports and self._reports[0] is held:  # else it was one too many meanwhile
                    self._reports.popleft()
