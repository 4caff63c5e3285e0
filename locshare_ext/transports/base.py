"""What all transports share: following with reconnection, publishing, opening and closing."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, ClassVar, Protocol, Self

from locshare_ext.errors import LocShareError
from locshare_ext.model.event import Event
from locshare_ext.model.fix import Fix
from locshare_ext.model.names import group_slug, replay_of
from locshare_ext.transports.address import Server
from locshare_ext.transports.backoff import Backoff
from locshare_ext.transports.http import Http
from locshare_ext.transports.items import Item, Published, Traffic, Wish, encode_fixes, members_text
from locshare_ext.transports.refusals import is_passing

__all__ = ["Following", "Line", "Overrun", "Settings", "Transport"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How a transport behaves; see `open_transport`."""

    interval: float = 1.0
    wait: float = 25.0
    reconnect: bool = True
    backoff: Backoff = field(default_factory=Backoff)
    on_lost: Callable[[LocShareError, float], None] | None = None
    as_browser: bool = False


class Line(Protocol):
    """One life of a watch, from its hello until it ends."""

    @property
    def place(self) -> str:
        """Where to begin again: after all that was returned."""

    async def next(self) -> Sequence[Item]:
        """Wait for what comes next, the hello first; may be empty, may be cancelled and called again.

        Raises the error that ended it, ServerUnreachable when there was no reason.
        """

    async def close(self) -> None:
        """Let go of what it holds; twice is no error."""


class Overrun(Exception):
    """A line has let go of what came, as nobody took it and an answer was waited for behind it."""


class Following:
    """What comes of a group, one item after the other; `async for`, or `anext` with a time-out.

    Nothing is read ahead beyond what came in one piece and the socket's own buffers: who takes
    no items lets the server wait. Used by one task at a time, on the transport's loop.
    cursor: the place to resume from after the last item that was taken, None before the hello.
    """

    def __init__(
        self, transport: Transport, wish: Wish, after: str, previous: Following | None = None
    ) -> None:
        self.cursor: str | None = None
        self._previous = previous  # to be ended first
        self._transport = transport
        self._wish = wish
        self._place = after  # of all that was received, taken or not
        self._ready: deque[Item] = deque()
        self._line: Line | None = None
        self._attempt = 0
        self._again = 0.0  # the loop's clock: not before
        self._is_over = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        while not self._ready:
            if self._is_over:
                raise StopAsyncIteration
            await self._receive()
        item = self._ready.popleft()
        if not (self._transport.events_apart and isinstance(item, Event)):
            self.cursor = item.cursor
        return item

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop following; the transport can publish, and follow anew. Twice is no error."""
        self._is_over = True
        self._ready.clear()
        await self._end_previous()
        await self._hang_up()

    async def _receive(self) -> None:
        await self._end_previous()
        try:
            if self._line is None:
                pause = self._again - asyncio.get_running_loop().time()
                if pause > 0:
                    await asyncio.sleep(pause)
                self._line = await self._transport._watch(self._wish, self._place)
            items = await self._line.next()
            self._place = self._line.place
        except Overrun:
            await self._hang_up()
            return
        except LocShareError as error:
            await self._hang_up()
            if not (self._transport.settings.reconnect and is_passing(error)):
                self._is_over = True
                raise
            self._lost(error)
            return
        if items:
            self._attempt = 0
            self._ready.extend(items)

    async def _end_previous(self) -> None:
        previous, self._previous = self._previous, None
        if previous is not None:
            await previous.aclose()

    async def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    def _lost(self, error: LocShareError) -> None:
        pause = self._transport._pause(error, self._attempt)
        self._attempt += 1
        self._again = asyncio.get_running_loop().time() + pause


class Transport(ABC):
    """One way to watch a group and to publish to it; made by `open_transport`, used on one loop.

        async with open_transport("sse", link) as transport:
            async for item in transport.follow(after="start"):
                ...

    name: the word for it. events_apart: whether events come beside the fixes, not in the log's
    order, each with a place of its own. traffic: what it has cost so far.
    """

    name: ClassVar[str]
    events_apart: ClassVar[bool] = False

    def __init__(self, server: Server, group: str, settings: Settings) -> None:
        self.server = server
        self.group = group if replay_of(group) else group_slug(group)
        self.settings = settings
        self.traffic = Traffic()
        self._http = Http(server, self.group, self.traffic, as_browser=settings.as_browser)
        self._following: Following | None = None
        self._is_closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<{self.name} to {self.group!r} on {self.server.url}>"

    def follow(
        self,
        after: str | None = None,
        *,
        members: Sequence[str] | str | None = None,
        batch: int | None = None,
        conflate: bool = False,
        last: bool = False,
        events: bool = False,
    ) -> Following:
        """Watch the group from a place on; the connection is made when the first item is asked for.

        after: a cursor, `start` or `now` (None). members: whose fixes and events, None for all.
        batch: ms between arrays. conflate: of each array only each member's newest fix. last:
        begin with each member's newest fix. events: yield events too; over STOMP, which has a
        topic of its own for them, they come beside the fixes and not in the log's order, and
        what is resumed from is the cursor of the last Fixes.

        The first item is a Hello. What is lost is taken up again at its cursor, without a hole
        and without a duplicate, and with a Hello again, unless `reconnect` is off.
        Iterating raises InvalidInput, NotAuthenticated, AccessDenied, NotFound or Gone for what
        will not change by itself; without `reconnect` also Unavailable, TooFast and
        ServerUnreachable. A transport follows once at a time: a new call ends the one before.
        """
        self._check_open()
        wish = Wish(members_text(members), batch, conflate, last, events)
        self._following = Following(self, wish, "now" if after is None else after, self._following)
        return self._following

    async def publish(
        self, fixes: Fix | Mapping[str, Any] | Sequence[Fix | Mapping[str, Any]] | bytes
    ) -> Published:
        """Send one fix or several, and return what became of them once they are committed.

        fixes: with the fields of a fix, `time` in ms since 1970 UTC; bytes: their JSON. With
        `reconnect` what could not be done is tried again: fixes that were stored already count
        as duplicates then. Raises InvalidInput when not one fix was good, and as `follow`.
        """
        self._check_open()
        body = encode_fixes(fixes)
        attempt = 0
        while True:
            try:
                return await self._publish(body)
            except LocShareError as error:
                if not (self.settings.reconnect and is_passing(error)):
                    raise
                pause = self._pause(error, attempt)
            attempt += 1
            await asyncio.sleep(pause)

    async def aclose(self) -> None:
        """End all connections; twice is no error."""
        self._is_closed = True
        following, self._following = self._following, None
        await self._close()
        if following is not None:
            await following.aclose()
        await self._http.close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise RuntimeError(f"{self!r} is closed")

    def _pause(self, error: LocShareError, attempt: int) -> float:
        """Return the seconds to wait after an error, and tell who wants to know."""
        asked = error.details.get("retry_after", 0)
        pause = self.settings.backoff.pause(attempt, float(asked) if isinstance(asked, int | float) else 0.0)
        if self.settings.on_lost is not None:
            self.settings.on_lost(error, pause)
        return pause

    # -- of a kind of transport

    @abstractmethod
    async def _watch(self, wish: Wish, after: str) -> Line:
        """Begin to follow; raises LocShareError."""

    @abstractmethod
    async def _publish(self, body: bytes) -> Published:
        """Send a body once; raises LocShareError."""

    async def _close(self) -> None:  # noqa: B027 -- for those who hold something
        """Close what is open besides the connections of HTTP."""
