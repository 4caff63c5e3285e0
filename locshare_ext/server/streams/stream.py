"""A connection that a group's log is followed on: what it is owed goes out in one write per turn."""

from __future__ import annotations

import asyncio
from typing import Protocol

from locshare_ext.broker.access import Principal
from locshare_ext.broker.live import Log
from locshare_ext.errors import LocShareError, Unavailable
from locshare_ext.server.feed_options import FeedOptions
from locshare_ext.server.progress import Progress, Sending
from locshare_ext.server.site import Site
from locshare_ext.server.streams.reader import Form, GroupReader

__all__ = ["Stream", "Wire"]


class Wire(Sending, Protocol):
    """What is below a stream."""

    def write(self, data: bytes) -> None:
        """Send; when not all can go, `Stream.drained` is called later."""


class Stream:
    """One client that is served by one reader; belongs to the loop it was made on.

    A client that takes nothing holds nothing but what is unsent: its reader keeps its place,
    and after `stall` seconds without progress the connection is cut. Kinds of connections say
    in `shut` and `cut` how they end.
    """

    def __init__(self, site: Site, wire: Wire, address: str, principal: Principal | None = None) -> None:
        self.site = site
        self.address = address
        self.principal = principal
        self._wire = wire
        self._loop = asyncio.get_running_loop()
        self._reader: GroupReader | None = None
        self._out: list[bytes] = []
        self._owed = 0  # bytes of _out
        self._is_woken = False
        self._is_listed = False  # to be served in this turn
        self._error: LocShareError | None = None  # to end with, once what is owed is written
        self._is_gone = False  # nothing may be written any more
        self._progress = Progress(wire, site.limits.stall, self._on_stall)

    # -- of a kind of connection

    def shut(self, error: LocShareError) -> None:
        """Write why it ends, and end it when that has gone out."""
        raise NotImplementedError

    def cut(self) -> None:
        """Close TCP now."""
        raise NotImplementedError

    # -- what its kind and the site call

    @property
    def is_proved(self) -> bool:
        """Whether a credential was shown."""
        return self.principal is not None

    @property
    def is_full(self) -> bool:
        """Whether so much is unsent that nothing more is to be added."""
        return self.is_over or self._wire.unsent + self._owed > self.site.limits.unsent

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be sent."""
        return self._is_gone or self._error is not None

    async def follow(self, log: Log, options: FeedOptions, form: Form) -> None:
        """Say hello and serve a group from now on; ends with an error when that cannot be."""
        reader = GroupReader(self, log, options, form)
        if self.is_over:
            return
        self._reader = reader
        try:
            await reader.start()
        except LocShareError as error:
            self.fail(error)
        except Exception as error:
            self.broken(error)

    @property
    def cursor(self) -> str | None:
        """The place up to which all has gone out, None when nothing is followed."""
        return None if self._reader is None else self._reader.cursor

    def unfollow(self) -> None:
        """Follow no more; no error if nothing was."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.stop()

    def fail(self, error: LocShareError) -> None:
        """Say why, and end: the credential is no longer taken, or what came is wrong."""
        if self.is_over:
            return
        self.site.log.debug("stream ended: %s", error.code)
        self._error = error
        self.unfollow()
        self._list()

    def stop(self, reason: str) -> None:
        """End it from this side, and say why."""
        self.fail(Unavailable(reason, code="stream_closed"))

    def broken(self, error: Exception) -> None:
        """End it after a bug of ours, and say so if that is to be had."""
        self.site.log.error("a stream failed", exc_info=error)
        if not self.is_over:
            self._out.clear()  # what is left may be what failed
            self._owed = 0
            self.fail(LocShareError("something went wrong in the server; its log says what"))
            return
        self._is_gone = True
        self.unfollow()
        self.cut()

    def drained(self) -> None:
        """What was unsent has gone out."""
        self._progress.stop()
        if self._is_woken or self._out:
            self._list()

    def gone(self) -> None:
        """The connection has ended, by whichever side."""
        self._is_gone = True
        self._out.clear()
        self.unfollow()
        self._progress.stop()
        self.site.leases.leave(self.principal, self)

    # -- what its reader calls

    def woken(self, reader: GroupReader) -> None:
        """Ask the reader at the end of this turn, or when there is room."""
        self._is_woken = True
        self._list()

    def let_go(self, reader: GroupReader) -> None:
        """Ask it no more."""
        self._is_woken = False

    def send_framed(self, data: bytes) -> None:
        """Send at the end of this turn, before what the reader has."""
        if not self.is_over:
            self._out.append(data)
            self._owed += len(data)
            self._list()

    def serve(self) -> None:
        """Write all that is owed in one write; called once per loop turn."""
        self._is_listed = False
        if self._is_gone:
            return
        wire, limits = self._wire, self.site.limits
        unsent = wire.unsent
        if unsent and self._error is None:
            self._progress.watch()
            if unsent > limits.unsent:
                return
        out, self._out, self._owed = self._out, [], 0
        # the reader keeps its place while something is unsent, and `drained` comes here again
        if self._is_woken and not unsent and self._error is None and self._reader is not None:
            data = self._reader.take(limits.turn)
            self._is_woken = self._reader.is_behind
            if data:
                out.append(data)
        if out:
            wire.write(out[0] if len(out) == 1 else b"".join(out))
        if self._error is not None:
            self._is_gone = True  # nothing may follow
            self.shut(self._error)
        elif wire.unsent:
            self._progress.watch()
        elif self._is_woken:
            self._list()

    # -- inside

    def _list(self) -> None:
        if not self._is_listed and not self._is_gone:
            self._is_listed = True
            self.site.turn.add(self)

    def _on_stall(self) -> None:
        self.site.log.debug("stream ended: it read nothing for %s s", self.site.limits.stall)
        self._is_gone = True
        self.cut()
