"""What is open by an invite, and is closed when the invite ends."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Iterable
from typing import Protocol

from locshare_ext.broker.access import Principal
from locshare_ext.errors import LocShareError, Unavailable
from locshare_ext.services.tokens import expired_error

__all__ = ["Holder", "Leases"]

_LOOK = 1.0  # s: no timer is trusted for longer, as clocks are set and laptops sleep


class Holder(Protocol):
    """A connection, stream or long poll."""

    def fail(self, error: LocShareError) -> None:
        """Say why, and end: the credential is no longer taken. Must not raise."""


class Leases:
    """Who holds something open by which invite; used on one event loop.

    most, most_open: holders of one invite at once, of a member's and of an open one.
    clock: ms since 1970 UTC. Runs a timer only while somebody holds something.
    """

    def __init__(self, *, clock: Callable[[], int], most: int = 8, most_open: int = 256) -> None:
        self._clock = clock
        self._most = most
        self._most_open = most_open
        self._holders: dict[str, dict[Holder, None]] = {}  # by the invite's id
        self._ends: list[tuple[int, str]] = []  # a heap of when which invite expires
        self._due: set[str] = set()  # the invites in it; also some that nobody holds any more
        self._timer: asyncio.TimerHandle | None = None

    def count(self, invite_id: str) -> int:
        """Return how many hold something open by an invite."""
        return len(self._holders.get(invite_id, ()))

    def check(self, principal: Principal, count: int) -> None:
        """Raise Unavailable, which names the limit, if an invite may have no more than `count` open."""
        most = self._most_open if principal.member is None else self._most
        if principal.kind == "invite" and count >= most:
            raise Unavailable(
                f"this invite has {most} connections open, as many as one may have: close another first",
                code="too_many_connections",
            )

    def take(self, principal: Principal, holder: Holder) -> None:
        """Note that `holder` is open by a principal's credential; what is no invite has no end.

        Raises Unavailable that names the limit.
        """
        if principal.kind != "invite":
            return
        self.check(principal, self.count(principal.id))
        if principal.id not in self._due and principal.expires is not None:
            self._due.add(principal.id)
            heapq.heappush(self._ends, (principal.expires, principal.id))
        self._holders.setdefault(principal.id, {})[holder] = None
        if self._timer is None:
            self._look_later()

    def leave(self, principal: Principal | None, holder: Holder) -> None:
        """Note that `holder` is closed; no error if it held nothing."""
        holders = None if principal is None else self._holders.get(principal.id)
        if principal is None or holders is None:
            return
        holders.pop(holder, None)
        if not holders:
            del self._holders[principal.id]
        if not self._holders:
            self.stop()

    def end(self, ids: Iterable[str], error: LocShareError) -> None:
        """Close all that is open by these invites."""
        for invite_id in ids:
            for holder in self._holders.pop(invite_id, {}):
                holder.fail(error)

    def stop(self) -> None:
        """End the timer."""
        self._ends.clear()
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_later(self) -> None:
        wait = _LOOK
        if self._ends:
            wait = min(max((self._ends[0][0] - self._clock()) / 1000, 0.0), _LOOK)
        self._timer = asyncio.get_running_loop().call_later(wait, self._look)

    def _look(self) -> None:
        self._timer = None
        now = self._clock()
        while self._ends and self._ends[0][0] <= now:
            expires, invite_id = heapq.heappop(self._ends)
            self._due.discard(invite_id)
            self.end([invite_id], expired_error(expires))
        if self._holders:
            self._look_later()
