"""A long poll: a request for fixes that waits until there are some."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from locshare_ext.broker.access import Principal
from locshare_ext.broker.live import Log
from locshare_ext.broker.tail import LogEntry
from locshare_ext.errors import InvalidInput, LocShareError, Unavailable
from locshare_ext.server.feed_options import FeedOptions
from locshare_ext.server.site import Site
from locshare_ext.server.streams.page import wanted_of

__all__ = ["LongPoll", "read_wait"]

LONGEST = 30  # s; proxies cut a silent request after 60
_SECONDS = re.compile(r"\d{1,4}(\.\d{1,6})?", re.ASCII)


def read_wait(text: str) -> float:
    """Return how many seconds a query's `wait` asks for; raises InvalidInput."""
    if not _SECONDS.fullmatch(text) or float(text) > LONGEST:
        raise InvalidInput(
            f"wait {text[:40]!r} is not 0-{LONGEST} seconds", code="wait_out_of_range", field="wait"
        )
    return float(text)


class LongPoll:
    """One waiting request: a reader of the log while it waits, closed with its credential.

    seconds: how long it waits, all in all. volatile: fixes that could not be stored, which
    have come instead of others. Raises Unavailable when too many are open, Gone when the
    credential has ended.
    """

    def __init__(
        self,
        site: Site,
        log: Log,
        principal: Principal,
        options: FeedOptions,
        seconds: float,
    ) -> None:
        self.volatile: Sequence[LogEntry] = ()
        self._site, self._log, self._principal, self._options = site, log, principal, options
        self._error: LocShareError | None = None
        self._is_over = False
        self._woken = asyncio.Event()
        site.credentials.check_still(principal)
        site.leases.take(principal, self)
        try:
            site.responses.join(self)
            log.attach(self)
        except LocShareError:
            self.leave()
            raise
        self._end = asyncio.get_running_loop().call_later(seconds, self.give_up)

    async def pause(self, seconds: float) -> None:
        """Wait so long whatever comes, but not over the end; raises as `wait`."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        timer = loop.call_at(until, self._woken.set)
        while loop.time() < until and not (self._is_over or self._error):
            self._woken.clear()
            await self._woken.wait()
        timer.cancel()
        if self._error is not None:
            raise self._error

    async def wait(self, after: int) -> bool:
        """Wait until there is something after a place; False: no longer.

        Raises what has ended it before its time: Gone, Unavailable.
        """
        while self._log.head <= after and not (self._is_over or self.volatile or self._error):
            self._woken.clear()
            await self._woken.wait()
        if self._error is not None:
            raise self._error
        return not self._is_over and not self.volatile

    def leave(self) -> None:
        """Be no reader any more."""
        self._log.detach(self)
        self._site.responses.leave(self)
        self._site.leases.leave(self._principal, self)

    def give_up(self) -> None:
        """End it: the time is over, or the client has gone."""
        self._end.cancel()
        self._is_over = True
        self._woken.set()

    def fail(self, error: LocShareError) -> None:
        """End it with an error; the first says why."""
        if self._error is None:
            self._error = error
            self._woken.set()

    # -- what the log calls

    def wake(self) -> None:
        """There is something new."""
        self._woken.set()

    def offer(self, items: Sequence[LogEntry]) -> None:
        """Take fixes that could not be stored: they are the answer."""
        if not self.volatile:
            self.volatile = wanted_of(items, self._options)
            self._woken.set()

    def close(self, reason: str) -> None:
        """The log is gone."""
        self.stop(reason)

    # -- what the server calls

    def comment(self) -> None:
        """Nothing can be said before the answer."""

    def stop(self, reason: str) -> None:
        """End it from this side."""
        self.fail(Unavailable(reason, code="stream_closed"))
