"""What a STOMP client asks for: CONNECT, SEND, SUBSCRIBE and the rest, done and answered."""

from __future__ import annotations

from dataclasses import replace

from locshare_ext.broker.access import WATCH, require
from locshare_ext.errors import (
    FrameError,
    InvalidInput,
    InvalidName,
    NotAuthenticated,
)
from locshare_ext.model.names import member_name
from locshare_ext.server.site import PROTOCOL, Site
from locshare_ext.server.stomp.destinations import parse_destination
from locshare_ext.server.stomp.feed import Feed, FeedOptions
from locshare_ext.server.stomp.listener import FreeListener
from locshare_ext.server.stomp.peer import Peer
from locshare_ext.server.stomp.sending import Sending
from locshare_ext.stomp import (
    ClientEvent,
    ConnectRequest,
    Disconnect,
    Send,
    Subscribe,
    Unsubscribe,
)

__all__ = ["Commands"]


class Commands:
    """Does for one session what its client asks for, in the order that it came."""

    def __init__(self, site: Site, session: Peer) -> None:
        self._site = site
        self._session = session
        self._feeds: dict[str, Feed | FreeListener] = {}  # by the subscription's id
        self.sending = Sending(site, session, session.on_room)

    def leave(self) -> None:
        """End all subscriptions; what is under way to the store goes on."""
        for feed in self._feeds.values():
            feed.stop()
        self._feeds.clear()

    def at_once(self, event: ClientEvent | FrameError) -> bool:
        """Do one thing without waiting for anything; False when that cannot be, and nothing was done."""
        return isinstance(event, Send) and self.sending.at_once(event)

    def must_wait(self, event: ClientEvent | FrameError) -> bool:
        """Whether a thing could be done at once later: the intake is told to go on then."""
        return isinstance(event, Send) and self.sending.is_full

    def flush(self) -> None:
        """Pass on what `at_once` has gathered; called when it is called no more in this turn."""
        self.sending.flush()

    async def do(self, event: ClientEvent | FrameError) -> None:
        """Do one thing, and answer it; raises LocShareError for what becomes an ERROR."""
        if isinstance(event, Send):
            await self.sending.do(event)
            return
        await self.sending.settle()  # an answer says that all before it was done
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


def _kernel_name(login: str) -> str:
    try:
        return member_name(login)
    except InvalidName as error:
        raise InvalidName(error.message.replace("member", "login", 1), field="login") from None
