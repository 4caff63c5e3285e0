"""One life of a watch, over whichever transport: from connecting until it ends, on one thread."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from locshare_ext.client.connection import PATIENCE, SILENT, Connection
from locshare_ext.client.discovery import Server
from locshare_ext.client.incoming import decode_objects
from locshare_ext.errors import LocShareError, NotFound, ServerUnreachable
from locshare_ext.model.event import Event
from locshare_ext.model.names import events_topic, replay_of, topic_of
from locshare_ext.transports import (
    Discontinuity,
    Fixes,
    Following,
    Hello,
    Item,
    Stated,
    open_transport,
)
from locshare_ext.transports.bodies import read_event

__all__ = ["WAIT", "Life", "StompLife", "StreamLife", "Taker", "open_life"]

BATCH = 33  # ms between two arrays of fixes at most: one per frame of a map
WAIT = 25.0  # s that a long poll waits; proxies cut a silent request after 60
UNKNOWN_PAUSE = 2.0  # s between two looks whether an unknown group has begun


class Taker(Protocol):
    """What is told of a life, on the thread in its `run`."""

    def place(self) -> str:
        """Return where to go on: a cursor, or `start`."""

    def on_hello(self, cursor: str | None) -> None:
        """The server serves from this place on."""

    def on_fixes(self, body: bytes, read: str | None) -> None:
        """Fixes came, as JSON; read: the place after them, if they have one."""

    def on_mark(self, said: Mapping[str, Any], read: str | None) -> None:
        """A replay says how it goes on: its object of type `discontinuity` or `state`."""

    def on_unknown(self, error: NotFound) -> None:
        """The group has not begun yet; it is looked for again."""

    def on_event(self) -> None:
        """Something has happened besides fixes, and more than a sign of life."""


class Life(Protocol):
    """Begins with `run`, and cannot be begun again."""

    def run(self) -> None:
        """Follow the group until this ends; returns when `abort` ended it, else raises LocShareError."""

    def abort(self) -> None:
        """End it from any thread; `run` returns soon."""


def open_life(
    rung: str, server: Server, group: str, taker: Taker, patience: float = PATIENCE, wait: float = WAIT
) -> Life:
    """Return a life over a transport; nothing is sent before `run`.

    patience: s that it may take until the hello came. wait: s that a long poll waits.
    """
    if rung == "stomp":
        return StompLife(server, group, taker, patience)
    return StreamLife(rung, server, group, taker, patience, wait)


class StompLife:
    """A STOMP connection, subscribed to the fixes and, of a group, to the events."""

    def __init__(self, server: Server, group: str, taker: Taker, patience: float = PATIENCE) -> None:
        self._topic = topic_of(group)
        self._events = events_topic(group) if replay_of(group) is None else None
        self._taker = taker
        self._connection = Connection(server, self, patience)

    def run(self) -> None:
        """Follow until it ends, see `Life.run`."""
        self._connection.run()

    def abort(self) -> None:
        """End it, see `Life.abort`."""
        self._connection.abort()

    def on_connected(self, connection: Connection) -> None:
        """Subscribe where the taker is."""
        connection.subscribe(self._topic, "fixes", {"after": self._taker.place(), "batch": str(BATCH)})
        if self._events is not None:
            connection.subscribe(self._events, "events", {"after": "now"})

    def on_receipt(self, headers: dict[str, str]) -> None:
        """The subscription's is the hello."""
        if headers.get("receipt-id") == "fixes":
            self._connection.settle()
            self._taker.on_hello(headers.get("cursor"))

    def on_message(self, headers: dict[str, str], body: bytes) -> None:
        """Hand on what came."""
        if headers.get("subscription") == "events":
            _tell_event(self._taker, read_event(body))
            return
        state, read = headers.get("replay-state"), headers.get("message-id")
        if state is None:
            self._taker.on_fixes(body, read)
        elif state == "restored":
            fixes = decode_objects(body)
            self._taker.on_mark({"type": "state", "state": state, "fixes": fixes}, read)
        else:
            self._taker.on_mark(decode_objects(body)[0], read)


class StreamLife:
    """One of the transports over plain HTTP, on an event loop that runs on the thread in `run`.

    The loop runs only while something is waited for: what the taker calls may run one itself.
    """

    def __init__(
        self,
        rung: str,
        server: Server,
        group: str,
        taker: Taker,
        patience: float = PATIENCE,
        wait: float = WAIT,
    ) -> None:
        self._rung, self._server, self._group = rung, server, group
        self._taker = taker
        self._patience, self._wait = patience, wait
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[object] | None = None
        self._is_aborted = False

    def run(self) -> None:
        """Follow until it ends, see `Life.run`."""
        with asyncio.Runner() as runner, contextlib.suppress(asyncio.CancelledError):
            with self._lock:
                if self._is_aborted:
                    return
                self._loop = runner.get_loop()
            transport = open_transport(
                self._rung, self._server, group=self._group, reconnect=False, wait=self._wait
            )
            try:
                self._follow(runner, transport.follow)
            finally:
                with self._lock:
                    self._loop = None
                runner.run(transport.aclose())

    def abort(self) -> None:
        """End it, see `Life.abort`."""
        with self._lock:
            self._is_aborted = True
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._cancel)

    def _follow(self, runner: asyncio.Runner, follow: Callable[..., Following]) -> None:
        taker = self._taker
        while not self._is_aborted:
            try:
                following = follow(after=taker.place(), batch=BATCH, events=True)
                taker.on_hello(self._hello(runner, following).cursor)
                while True:
                    item = runner.run(self._next(following, None))
                    if isinstance(item, Fixes):
                        taker.on_fixes(item.body, item.cursor)
                    elif isinstance(item, Discontinuity | Stated):
                        taker.on_mark(item.said, item.cursor)
                    elif isinstance(item, Event):
                        _tell_event(taker, item)
            except NotFound as error:
                if error.code != "group_not_found":
                    raise
                taker.on_unknown(error)
                runner.run(self._rest(UNKNOWN_PAUSE))

    def _hello(self, runner: asyncio.Runner, following: Following) -> Hello:
        try:
            first = runner.run(self._next(following, self._patience))
        except TimeoutError:
            said = f"nothing comes of {self._server.url} over {self._rung} within {self._patience:.0f} s"
            raise ServerUnreachable(said, code=SILENT) from None
        if not isinstance(first, Hello):
            raise LocShareError(f"{self._rung} began with {type(first).__name__}", code="protocol_mismatch")
        return first

    async def _next(self, following: Following, limit: float | None) -> Item:
        self._task = asyncio.current_task()
        self._check()
        async with asyncio.timeout(limit):
            return await anext(following)

    async def _rest(self, seconds: float) -> None:
        self._task = asyncio.current_task()
        self._check()
        await asyncio.sleep(seconds)

    def _check(self) -> None:
        if self._is_aborted:
            raise asyncio.CancelledError

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()


def _tell_event(taker: Taker, event: Event | None) -> None:
    if event is not None and event.kind != "alive":  # signs of life come all the time, and are no news
        taker.on_event()
