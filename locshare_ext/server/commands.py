"""What a STOMP client asks for: CONNECT, SEND, SUBSCRIBE and the rest, done and answered."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from locshare_ext.broker.access import PUBLISH, WATCH, require
from locshare_ext.errors import (
    AccessDenied,
    FrameError,
    InvalidInput,
    InvalidName,
    LocShareError,
    NotAuthenticated,
    StoreError,
    Unavailable,
)
from locshare_ext.model.names import member_name
from locshare_ext.server.destinations import parse_destination
from locshare_ext.server.feed import Feed, FeedOptions
from locshare_ext.server.listener import FreeListener
from locshare_ext.server.site import PROTOCOL, Site
from locshare_ext.services.groups import Batch, Group, Stored
from locshare_ext.stomp import (
    ClientEvent,
    ConnectRequest,
    Disconnect,
    Send,
    Subscribe,
    Unsubscribe,
    user_headers,
)

if TYPE_CHECKING:
    from locshare_ext.server.session import Session

__all__ = ["Commands"]

_MAX_TARGETS = 64  # destinations whose groups are remembered


class Commands:
    """Does for one session what its client asks for, in the order that it came.

    SENDs to groups are under way to the store together, up to `limits.pending`; whatever
    is answered otherwise waits for them, so that an answer says that all before it was done.
    """

    def __init__(self, site: Site, session: Session) -> None:
        self._site = site
        self._session = session
        self._feeds: dict[str, Feed | FreeListener] = {}  # by the subscription's id
        self._targets: dict[str, Group | str] = {}  # destination -> its open group or free topic
        self._pending: set[asyncio.Task[Stored]] = set()

    def leave(self) -> None:
        """End all subscriptions; what is under way to the store goes on."""
        for feed in self._feeds.values():
            feed.stop()
        self._feeds.clear()

    async def do(self, event: ClientEvent | FrameError) -> None:
        """Do one thing, and answer it; raises LocShareError for what becomes an ERROR."""
        if isinstance(event, Send):
            await self._send(event)
            return
        await self.settle()  # an answer says that all before it was done
        if isinstance(event, FrameError):
            raise event
        if isinstance(event, ConnectRequest):
            self._connect(event)
        elif isinstance(event, Subscribe):
            await self._subscribe(event)
        elif isinstance(event, Unsubscribe):
            self._unsubscribe(event)
        elif isinstance(event, Disconnect):
            self._session.part(event.receipt)
        else:
            name = type(event).__name__.upper()
            raise InvalidInput(
                f"{name} is not supported yet: subscriptions are `ack:auto`, and there are no transactions",
                code="not_supported",
            )

    async def settle(self) -> None:
        """Wait until all that is under way to the store is answered."""
        if self._pending:
            await asyncio.wait(set(self._pending))

    def _connect(self, event: ConnectRequest) -> None:
        principal = self._session.principal
        if event.passcode:
            principal = self._site.credentials.check(event.passcode, self._session.address)
        elif principal is None:
            raise NotAuthenticated(
                "CONNECT has no passcode, and the WebSocket came without an identity", field="passcode"
            )
        assert principal is not None  # noqa: S101 -- check returns one or raises
        if principal.kind == "kernel" and event.login:  # kernels share a secret, so each says its name
            principal = replace(principal, id=f"kernel:{_kernel_name(event.login)}")
        self._site.log.info("STOMP connection of %s", principal.kind)
        self._session.accept(principal)

    # -- SEND

    def send_at_once(self, event: Send) -> bool:
        """Send to an open group without waiting for the store; False when that cannot be."""
        target = self._targets.get(event.destination)
        if (
            target is None
            or self._session.is_over
            or event.transaction is not None
            or len(self._pending) >= self._session.limits.pending
            or self._session.is_full
        ):
            return False
        if isinstance(target, str):  # a free topic
            if event.receipt is not None and self._pending:
                return False  # an answer says that all before it was done
            self._tell(target, event)
            return True
        if self._site.groups.get(target.slug) is not target:
            return False  # deleted, or made room: to be opened anew
        assert self._session.principal is not None  # noqa: S101 -- SEND comes after CONNECT
        try:
            batch = self._site.groups.admit(self._session.principal, target, event.body)
        except LocShareError:
            return False  # found again, and answered, after what is under way
        self._store(target, batch, event.receipt)
        return True

    async def _send(self, event: Send) -> None:
        assert self._session.principal is not None  # noqa: S101
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
            require(self._session.principal, None, PUBLISH)
            await self.settle()
            self._targets[event.destination] = target.name
            self._tell(target.name, event)
            return
        require(self._session.principal, target.name, PUBLISH)
        group = await self._site.groups.open(target.name)
        batch = self._site.groups.admit(self._session.principal, group, event.body)
        while len(self._pending) >= self._session.limits.pending:
            await asyncio.wait(set(self._pending), return_when=asyncio.FIRST_COMPLETED)
        self._targets[event.destination] = group
        self._store(group, batch, event.receipt)

    def _tell(self, topic: str, event: Send) -> None:
        """Pass a message on to who listens to a free topic now."""
        headers = user_headers(event.headers)
        self._site.topics.publish(topic, event.body, event.content_type, headers)
        if event.receipt is not None:
            self._session.receipt(event.receipt)

    def _store(self, group: Group, batch: Batch, receipt: str | None) -> None:
        task = asyncio.get_running_loop().create_task(self._site.groups.append(group, batch))
        self._pending.add(task)
        task.add_done_callback(lambda done: self._stored(done, receipt))

    def _stored(self, task: asyncio.Task[Stored], receipt: str | None) -> None:
        self._pending.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            if receipt is not None and not self._session.is_over:
                self._session.receipt(receipt, _stored_headers(task.result()))
            return
        if isinstance(error, StoreError):
            # watchers got it, marked volatile; who asked for a receipt learns that it is not kept
            self._site.store_failed(f"a batch was not stored: {error.message}")
            if receipt is None:
                return
            error = StoreError(
                f"recording failed: {error.message}; watchers get the fixes, but they are not kept",
                code=error.code,
            )
        if not isinstance(error, LocShareError):
            self._site.log.error("a batch was not stored", exc_info=error)
            error = Unavailable("something went wrong in the server; its log says what")
        self._session.fail(error, receipt)

    # -- SUBSCRIBE

    async def _subscribe(self, event: Subscribe) -> None:
        assert self._session.principal is not None  # noqa: S101
        target = parse_destination(event.destination)
        if event.ack != "auto":
            raise InvalidInput(
                f"ack {event.ack!r} is not supported yet; expected auto", code="not_supported", field="ack"
            )
        name = event.id if event.named else None
        if target.kind == "free":
            require(self._session.principal, None, WATCH)
            listener = FreeListener(self._session, self._site.topics, target.name, name)
            self._feeds[event.id] = listener
            if event.receipt is not None:
                self._session.receipt(event.receipt, (("locshare-protocol", PROTOCOL),))
            return
        require(self._session.principal, target.name, WATCH)
        options = FeedOptions.read(dict(event.headers[::-1]))
        group = await self._site.groups.open(target.name)
        feed = Feed(self._session, group.log, name, target.text, options, wants_fixes=target.kind == "fixes")
        self._feeds[event.id] = feed
        await feed.start(event.receipt)

    def _unsubscribe(self, event: Unsubscribe) -> None:
        feed = self._feeds.pop(event.id, None)
        if feed is not None:
            feed.stop()
            if isinstance(feed, Feed):
                self._session.let_go(feed)
        if event.receipt is not None:
            self._session.receipt(event.receipt)


def _stored_headers(stored: Stored) -> tuple[tuple[str, str], ...]:
    return (
        ("stored", str(stored.stored)),
        ("duplicates", str(stored.duplicates)),
        ("set-aside", str(len(stored.refused))),
        ("cursor", stored.cursor),
    )


def _kernel_name(login: str) -> str:
    try:
        return member_name(login)
    except InvalidName as error:
        raise InvalidName(error.message.replace("member", "login", 1), field="login") from None
