"""SUBSCRIBE, UNSUBSCRIBE, ACK and NACK: a session's subscriptions, whatever they are to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from locshare_ext.broker.access import WATCH, Principal, require
from locshare_ext.broker.live import Log
from locshare_ext.errors import Conflict, InvalidInput
from locshare_ext.server.feed_options import FeedOptions
from locshare_ext.server.replaying import find_replay
from locshare_ext.server.site import PROTOCOL, Site
from locshare_ext.server.stomp.acked import AckedFeed
from locshare_ext.server.stomp.acks import Acks, Ledger, Subscription, make_ledger
from locshare_ext.server.stomp.destinations import Destination, parse_destination
from locshare_ext.server.stomp.feed import Feed
from locshare_ext.server.stomp.form import AckedForm, MessageForm
from locshare_ext.server.stomp.listener import FreeListener
from locshare_ext.server.stomp.options import read_durable_name, read_prefetch, refuse_group_headers
from locshare_ext.server.stomp.peer import Peer
from locshare_ext.server.stomp.queued import QueueSubscription
from locshare_ext.server.streams.reader import Kind
from locshare_ext.services.groups import Group
from locshare_ext.services.places import Holder
from locshare_ext.stomp import Ack, Nack, Subscribe, Unsubscribe

__all__ = ["Subscriptions"]

PREFETCH = 1000  # MESSAGEs of a topic that may wait for an ACK
QUEUE_PREFETCH = 100  # the same of a queue: what waits there could be another consumer's


class Subscriptions:
    """The subscriptions of one session, and what waits for an ACK in them."""

    def __init__(self, site: Site, session: Peer) -> None:
        self._site = site
        self._session = session
        self._open: dict[str, Subscription] = {}  # by the subscription's id
        self.acks = Acks(session, self._open)

    def leave(self) -> None:
        """End all; what waits for an ACK is not acknowledged."""
        for subscription in self._open.values():
            subscription.stop()
        self._open.clear()

    async def subscribe(self, event: Subscribe) -> None:
        """Begin a subscription; its RECEIPT is the hello. Raises LocShareError."""
        principal = self._session.principal
        assert principal is not None  # noqa: S101 -- SUBSCRIBE comes after CONNECT
        target = parse_destination(event.destination)
        headers = dict(event.headers[::-1])
        prefetch = self._prefetch(principal, headers, target)
        ledger = make_ledger(event.id, event.ack, self._session.version, prefetch)
        if target.kind in ("fixes", "events"):
            await self._follow(principal, event, target, headers, ledger)
            return
        if target.kind == "replay":
            await self._follow_replay(principal, event, target, headers, ledger)
            return
        require(principal, None, WATCH)
        refuse_group_headers(headers, event.destination)
        name = event.id if event.named else None
        if target.kind == "queue":
            queued = QueueSubscription(self._session, self._site.queues, target.name, name, ledger, prefetch)
            self._open[event.id] = queued
            await queued.start()
        else:
            listener = FreeListener(self._session, self._site.topics, target.name, name, ledger)
            self._open[event.id] = listener
        if event.receipt is not None:
            self._session.receipt(event.receipt, (("locshare-protocol", PROTOCOL),))

    def unsubscribe(self, event: Unsubscribe) -> None:
        """End one, and answer."""
        subscription = self._open.pop(event.id, None)
        if subscription is not None:
            subscription.stop()
        if event.receipt is not None:
            self._session.receipt(event.receipt)

    async def settle(self, event: Ack | Nack) -> None:
        """Do what an ACK or NACK asks for, and answer; raises InvalidInput for a MESSAGE that is none."""
        await self.acks.claim(event).settle()
        if event.receipt is not None:
            self._session.receipt(event.receipt)

    def _prefetch(self, principal: Principal, headers: Mapping[str, str], target: Destination) -> int:
        limits = self._session.limits
        most = limits.prefetch
        if principal.kind == "invite":
            most = min(most, limits.invite_prefetch)
        return read_prefetch(headers, QUEUE_PREFETCH if target.kind == "queue" else PREFETCH, most)

    async def _follow(
        self,
        principal: Principal,
        event: Subscribe,
        target: Destination,
        headers: Mapping[str, str],
        ledger: Ledger | None,
    ) -> None:
        require(principal, target.name, WATCH)
        options, durable = FeedOptions.read(headers), read_durable_name(headers)
        group = await self._site.groups.open(target.name)
        kind: Kind = "fixes" if target.kind == "fixes" else "events"
        holder = None
        if ledger is not None and durable is not None:
            group.log.place(options.after, "now")  # before the place is taken from another
            holder, options = await self._resume(principal, group, target, options, durable)
        await self._begin(event, target, group.log, options, kind, ledger, holder)

    async def _follow_replay(
        self,
        principal: Principal,
        event: Subscribe,
        target: Destination,
        headers: Mapping[str, str],
        ledger: Ledger | None,
    ) -> None:
        if "durable-name" in headers:
            raise InvalidInput(
                "durable-name is for groups; a replay is kept nowhere",
                code="header_not_allowed",
                field="durable-name",
            )
        options = FeedOptions.read(headers)
        replay = find_replay(self._site, principal, target.name, WATCH, field="destination")
        await self._begin(event, target, replay.log, options, None, ledger, None)

    async def _begin(
        self,
        event: Subscribe,
        target: Destination,
        log: Log,
        options: FeedOptions,
        kind: Kind | None,
        ledger: Ledger | None,
        holder: Holder | None,
    ) -> None:
        session = self._session
        name = event.id if event.named else None
        shape = (name, session.version, session.opcode, target.text)
        is_batched = options.batch is not None
        if ledger is None:
            form = MessageForm(*shape, is_batched=is_batched)
            feed = Feed(session, log, options, form, kind)
        else:
            acked = AckedForm(*shape, is_batched=is_batched, ledger=ledger)
            feed = AckedFeed(session, log, options, acked, kind, ledger=ledger, place=holder)
        self._open[event.id] = feed
        if session.is_over:  # it ended while the group was opened: nobody else would stop it
            self.leave()
            return
        await feed.begin(event.receipt)

    async def _resume(
        self, principal: Principal, group: Group, target: Destination, options: FeedOptions, name: str
    ) -> tuple[Holder, FeedOptions]:
        """Take the place of a durable name, and begin there if it is remembered."""

        def on_taken() -> None:
            self._session.fail(
                Conflict(
                    f"another subscription took over the durable-name {name!r} of {target.text}",
                    code="durable_name_taken",
                    field="durable-name",
                )
            )

        # no durable name has a slash
        key = name if target.kind == "fixes" else f"{name}/events"
        holder, known = await self._site.places.hold(group.slug, principal.id, key, on_taken)
        if known is not None:
            options = replace(options, after=f"{known.epoch}-{known.upto}")
        return holder, options
