"""One STOMP connection: what it asks for, done; what it is owed, sent in one write per turn."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine, Iterable
from typing import Any, Protocol

import msgspec

from locshare_ext.broker.access import PUBLISH, WATCH, Principal, require
from locshare_ext.errors import (
    AccessDenied,
    FrameError,
    FrameTooLarge,
    InvalidInput,
    LocShareError,
    NotAuthenticated,
    StoreError,
    TooLarge,
    Unavailable,
)
from locshare_ext.model.wire import error_object
from locshare_ext.server.destinations import parse_destination
from locshare_ext.server.feed import Feed, FeedOptions
from locshare_ext.server.frames import TEXT, message
from locshare_ext.server.listener import FreeListener
from locshare_ext.server.site import PROTOCOL, Site
from locshare_ext.services.groups import Batch, Group, Stored
from locshare_ext.stomp import (
    ClientEvent,
    ConnectRequest,
    Disconnect,
    Due,
    Limits,
    Send,
    ServerConnection,
    State,
    Subscribe,
    Unsubscribe,
    user_headers,
)

__all__ = ["Session", "Wire"]

_MAX_TARGETS = 64  # destinations whose groups are remembered
_numbers = itertools.count(1)
_JSON_ENCODE = msgspec.json.Encoder().encode


class Wire(Protocol):
    """The WebSocket below a session."""

    @property
    def unsent(self) -> int:
        """Bytes that the kernel has not taken yet."""

    @property
    def sent(self) -> int:
        """Bytes that it has taken, ever."""

    def write_framed(self, data: bytes) -> None:
        """Write framed messages; when not all can go, `Session.drained` is called later."""

    def allow_frames(self, most: int) -> None:
        """Take larger messages from now on, in bytes."""

    def ping_peer(self) -> None:
        """Send a WebSocket ping."""

    def close_peer(self, code: int, reason: str) -> None:
        """Begin the close handshake."""

    def abort(self) -> None:
        """Close TCP now."""


class Session:
    """A client's connection, from CONNECT to its end; used on the loop it was made on.

    principal: by Jupyter's identity at the upgrade, None when CONNECT must bring one.
    """

    def __init__(self, site: Site, wire: Wire, principal: Principal | None, address: str) -> None:
        self._site = site
        self._wire = wire
        self._loop = asyncio.get_running_loop()
        self.limits = site.limits
        self.address = address
        self.principal = principal
        self.opcode = TEXT
        self._connection = ServerConnection(
            limits=_stomp_limits(site),
            heart_beat=(site.limits.heart_beat,) * 2,
            server=f"locshare-ext/{_version()}",
        )
        self._feeds: dict[str, Feed | FreeListener] = {}
        self._targets: dict[str, Group | str] = {}  # destination -> its open group or free topic
        self._out: list[bytes] = []
        self._owed = 0  # bytes of _out
        self._woken: dict[Feed, None] = {}
        self._is_listed = False  # to be served in this turn
        self._pending: dict[asyncio.Task[Stored], int] = {}
        self._drained = asyncio.Event()
        self._close: tuple[int, str] | None = None  # once all is written
        self._is_gone = False
        self._timer: asyncio.TimerHandle | None = self._loop.call_later(site.limits.connect, self._on_timer)
        self._stall: asyncio.TimerHandle | None = None
        site.joined(self)

    # -- what the socket calls

    def receive(self, data: bytes, opcode: int) -> Coroutine[Any, Any, None] | None:
        """Take received bytes; a coroutine is returned when the next must wait for it."""
        if self._connection.state is State.OPENING:
            self.opcode = opcode
        events: list[ClientEvent | FrameError] = self._read(data)
        while events:
            for number, event in enumerate(events):
                if not (isinstance(event, Send) and self._send_at_once(event)):
                    return self._go_on(events[number:])
            events = self._read(b"")
        return None

    def heard(self) -> None:
        """Note a sign of life that is no data, such as a pong."""
        self._connection.heard(self._loop.time())

    def drained(self) -> None:
        """What was unsent has gone out."""
        self._drained.set()
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        if self._woken or self._out:
            self._list()

    def gone(self) -> None:
        """The connection has ended: leave everything."""
        self._is_gone = True
        self._drained.set()
        for feed in self._feeds.values():
            feed.stop()
        self._feeds.clear()
        self._woken.clear()
        self._out.clear()
        for timer in (self._timer, self._stall):
            if timer is not None:
                timer.cancel()
        self._site.left(self)

    # -- what the site and the feeds call

    @property
    def version(self) -> str:
        """The agreed version of STOMP."""
        return self._connection.version or "1.0"

    @property
    def is_full(self) -> bool:
        """Whether so much is unsent that nothing more is to be added."""
        return self._is_gone or self._close is not None or self._wire.unsent > self.limits.unsent

    @property
    def owed(self) -> int:
        """Bytes that wait for the end of this turn."""
        return self._owed

    @property
    def is_proved(self) -> bool:
        """Whether a credential was shown."""
        return self.principal is not None

    def ping(self) -> None:
        """Keep proxies from cutting a silent connection."""
        if not self.is_full:
            self._wire.ping_peer()

    def stop(self, reason: str) -> None:
        """End the session from this side: ERROR, then close."""
        if self._close is None and not self._is_gone:
            if self._connection.state is State.CONNECTED:
                self._end(self._connection.error(reason), 1001, reason)
            else:
                self._end(b"", 1001, reason)

    def woken(self, feed: Feed) -> None:
        """Serve a feed at the end of this turn."""
        self._woken[feed] = None
        self._list()

    def send(self, frame: bytes) -> None:
        """Send one STOMP frame at the end of this turn, before what feeds have."""
        self.send_framed(message(frame, self.opcode))

    def send_framed(self, data: bytes) -> None:
        """Send what stands in WebSocket messages already."""
        self._out.append(data)
        self._owed += len(data)
        self._list()

    def receipt(self, receipt: str, headers: Iterable[tuple[str, str]] = ()) -> None:
        """Send a RECEIPT."""
        if self._connection.state is not State.OPENING:
            self.send(self._connection.receipt(receipt, headers))

    def fail(self, error: LocShareError, receipt: str | None = None) -> None:
        """Send ERROR, then close; nothing that comes later is read."""
        if self._close is not None or self._is_gone:
            return
        self._site.log.debug("STOMP connection ended: %s", error.code)
        if isinstance(error, FrameError):
            frame = self._connection.error_for(error)
        else:
            shape = _JSON_ENCODE({"error": error_object(error)})
            headers = [("code", error.code), ("content-type", "application/json")]
            frame = self._connection.error(error.message, body=shape, receipt=receipt, headers=headers)
        self._end(frame, _close_code(error), error.message)

    def serve(self) -> None:
        """Write all that is owed in one write; called once per loop turn."""
        self._is_listed = False
        if self._is_gone:
            return
        wire = self._wire
        if wire.unsent > self.limits.unsent and self._close is None:
            self._watch_progress()
            return
        out, self._out, self._owed = self._out, [], 0
        if self._woken and self._close is None:
            self._take(out)
        if out:
            wire.write_framed(out[0] if len(out) == 1 else b"".join(out))
            self._connection.sent(self._loop.time())
        if self._close is not None:
            code, reason = self._close
            wire.close_peer(code, reason)
            return
        if self._woken:
            self._list()

    def broken(self, error: Exception) -> None:
        """End the connection after a bug of ours."""
        self._site.log.error("a STOMP connection failed", exc_info=error)
        self._wire.abort()

    # -- inside

    def _list(self) -> None:
        if not self._is_listed and not self._is_gone:
            self._is_listed = True
            self._site.turn.add(self)

    def _take(self, out: list[bytes]) -> None:
        woken, self._woken = self._woken, {}
        room = self.limits.turn
        for feed in woken:
            if room <= 0:
                self._woken[feed] = None
                continue
            data = feed.take(room)
            if data:
                out.append(data)
                room -= len(data)
            if feed.is_behind:
                self._woken[feed] = None

    def _watch_progress(self) -> None:
        if self._stall is None:
            self._stall = self._loop.call_later(self.limits.stall, self._on_stall, self._wire.sent)

    def _on_stall(self, sent: int) -> None:
        self._stall = None
        if self._wire.unsent <= self.limits.unsent:
            return
        if self._wire.sent == sent:
            self._site.log.debug("STOMP connection ended: it read nothing for %s s", self.limits.stall)
            self._wire.abort()
            return
        self._watch_progress()

    def _end(self, frame: bytes, code: int, reason: str) -> None:
        if frame:
            self.send(frame)
        self._close = (code, reason)
        self._list()

    def _read(self, data: bytes) -> list[ClientEvent | FrameError]:
        try:
            return list(self._connection.receive_data(data, self._loop.time()))
        except FrameError as error:
            return [error]

    async def _go_on(self, events: list[ClientEvent | FrameError]) -> None:
        """Do what is asked, one after the other."""
        while events:
            for event in events:
                if self._close is not None or self._is_gone:
                    return
                try:
                    await self._do(event)
                except LocShareError as error:
                    await self._settle()
                    self.fail(error, getattr(event, "receipt", None))
                    return
            events = self._read(b"")
        while self.is_full and not self._is_gone and self._close is None:
            self._drained.clear()
            self._list()
            await self._drained.wait()

    async def _do(self, event: ClientEvent | FrameError) -> None:
        if isinstance(event, Send):
            await self._send(event)
            return
        await self._settle()  # an answer says that all before it was done
        if isinstance(event, FrameError):
            raise event
        if isinstance(event, ConnectRequest):
            self._connect(event)
        elif isinstance(event, Subscribe):
            await self._subscribe(event)
        elif isinstance(event, Unsubscribe):
            self._unsubscribe(event)
        elif isinstance(event, Disconnect):
            self._disconnect(event)
        else:
            name = type(event).__name__.upper()
            raise InvalidInput(
                f"{name} is not supported yet: subscriptions are `ack:auto`, and there are no transactions",
                code="not_supported",
            )

    async def _settle(self) -> None:
        if self._pending:
            await asyncio.wait(list(self._pending))

    def _connect(self, event: ConnectRequest) -> None:
        principal = self.principal
        if event.passcode:
            principal = self._site.credentials.check(event.passcode, self.address)
        elif principal is None:
            raise NotAuthenticated(
                "CONNECT has no passcode, and the WebSocket came without an identity", field="passcode"
            )
        assert principal is not None  # noqa: S101 -- check returns one or raises
        self.principal = principal
        self._site.log.info("STOMP connection of %s", principal.kind)
        # several frames may come in one message
        self._wire.allow_frames(self.limits.drain)
        extra = (("locshare-protocol", PROTOCOL),)
        self.send(self._connection.accept(f"s{next(_numbers)}", principal.id, extra))
        self._arm_timer()

    def _disconnect(self, event: Disconnect) -> None:
        frame = b""
        if event.receipt is not None:
            frame = self._connection.receipt(event.receipt)
        self._end(frame, 1000, "")

    # -- SEND

    def _send_at_once(self, event: Send) -> bool:
        """Send to an open group without waiting for the store; False when that cannot be."""
        target = self._targets.get(event.destination)
        if (
            target is None
            or self._close is not None
            or event.transaction is not None
            or len(self._pending) >= self.limits.pending
            or self.is_full
        ):
            return False
        if isinstance(target, str):
            if event.receipt is not None and self._pending:
                return False  # an answer says that all before it was done
            self._tell(target, event)
            return True
        assert self.principal is not None  # noqa: S101 -- SEND comes after CONNECT
        try:
            batch = self._site.groups.admit(self.principal, target, event.body)
        except LocShareError:
            return False  # found again, and answered, after what is under way
        self._store(target, batch, event.receipt)
        return True

    async def _send(self, event: Send) -> None:
        assert self.principal is not None  # noqa: S101
        if event.transaction is not None:
            raise InvalidInput(
                "transactions are not supported yet", code="not_supported", field="transaction"
            )
        target = parse_destination(event.destination)
        if target.kind == "events":
            raise AccessDenied(
                f"{target.text} is written by the server; send fixes to /topic/group.{target.name}",
                code="read_only",
                field="destination",
            )
        if len(self._targets) >= _MAX_TARGETS:
            self._targets.clear()
        if target.kind == "free":
            require(self.principal, None, PUBLISH)
            await self._settle()
            self._targets[event.destination] = target.name
            self._tell(target.name, event)
            return
        require(self.principal, target.name, PUBLISH)
        group = await self._site.groups.open(target.name)
        batch = self._site.groups.admit(self.principal, group, event.body)
        while len(self._pending) >= self.limits.pending:
            await asyncio.wait(list(self._pending), return_when=asyncio.FIRST_COMPLETED)
        self._targets[event.destination] = group
        self._store(group, batch, event.receipt)

    def _tell(self, topic: str, event: Send) -> None:
        """Pass a message on to who listens to a free topic now."""
        headers = user_headers(event.headers)
        self._site.topics.publish(topic, event.body, event.content_type, headers)
        if event.receipt is not None:
            self.receipt(event.receipt)

    def _store(self, group: Group, batch: Batch, receipt: str | None) -> None:
        task = self._loop.create_task(self._site.groups.append(group, batch))
        self._pending[task] = len(batch.fixes)
        task.add_done_callback(lambda done: self._stored(done, receipt))

    def _stored(self, task: asyncio.Task[Stored], receipt: str | None) -> None:
        self._pending.pop(task, None)
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            if receipt is not None and self._close is None and not self._is_gone:
                self.receipt(receipt, _stored_headers(task.result()))
            return
        if isinstance(error, StoreError):
            # watchers got it, marked volatile; who asked for a receipt learns that it is not kept
            self._site.log.warning("a batch was not stored: %s", error.message)
            if receipt is None:
                return
            error = StoreError(
                f"recording failed: {error.message}; watchers get the fixes, but they are not kept",
                code=error.code,
            )
        if not isinstance(error, LocShareError):
            self._site.log.error("a batch was not stored", exc_info=error)
            error = Unavailable("something went wrong in the server; its log says what")
        self.fail(error, receipt)

    # -- SUBSCRIBE

    async def _subscribe(self, event: Subscribe) -> None:
        assert self.principal is not None  # noqa: S101
        target = parse_destination(event.destination)
        if event.ack != "auto":
            raise InvalidInput(
                f"ack {event.ack!r} is not supported yet; expected auto", code="not_supported", field="ack"
            )
        name = event.id if event.named else None
        if target.kind == "free":
            require(self.principal, None, WATCH)
            listener = FreeListener(self, self._site.topics, target.name, name)
            self._feeds[event.id] = listener
            if event.receipt is not None:
                self.receipt(event.receipt, (("locshare-protocol", PROTOCOL),))
            return
        require(self.principal, target.name, WATCH)
        options = FeedOptions.read(dict(event.headers[::-1]))
        group = await self._site.groups.open(target.name)
        feed = Feed(self, group.log, name, target.text, options, wants_fixes=target.kind == "fixes")
        self._feeds[event.id] = feed
        await feed.start(event.receipt)

    def _unsubscribe(self, event: Unsubscribe) -> None:
        feed = self._feeds.pop(event.id, None)
        if feed is not None:
            feed.stop()
            if isinstance(feed, Feed):
                self._woken.pop(feed, None)
        if event.receipt is not None:
            self.receipt(event.receipt)

    # -- time

    def _arm_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        deadline = self._connection.next_deadline()
        self._timer = None if deadline is None else self._loop.call_at(deadline, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._connection.state is State.CLOSED or self._is_gone:
            return
        if self._connection.state is not State.CONNECTED:
            self.fail(
                InvalidInput(f"CONNECT did not come within {self.limits.connect:g} s", code="connect_timeout")
            )
            return
        due = self._connection.on_time(self._loop.time())
        if due is Due.TIMEOUT:
            self._site.log.debug("STOMP connection ended: its heart-beats stopped")
            self._end(b"", 1002, "no heart-beat")
            return
        if due is Due.BEAT and not self.is_full:
            self.send(self._connection.beat())
        self._arm_timer()


def _stored_headers(stored: Stored) -> tuple[tuple[str, str], ...]:
    return (
        ("stored", str(stored.stored)),
        ("duplicates", str(stored.duplicates)),
        ("set-aside", str(len(stored.refused))),
        ("cursor", stored.cursor),
    )


def _stomp_limits(site: Site) -> Limits:
    limits = site.limits
    return Limits(
        frame=limits.frame,
        frame_before_connect=limits.frame_before_connect,
        headers=limits.headers,
        header_line=limits.header_line,
        subscriptions=limits.subscriptions,
    )


def _close_code(error: LocShareError) -> int:
    if isinstance(error, FrameTooLarge | TooLarge):
        return 1009
    if isinstance(error, AccessDenied | NotAuthenticated):
        return 1008
    if isinstance(error, Unavailable):
        return 1013
    return 1002


def _version() -> str:
    from locshare_ext.version import __version__

    return __version__
