"""A STOMP subscription to a queue."""

from __future__ import annotations

from collections.abc import Sequence

from locshare_ext.broker.queues import Consumption, Delivery, Queues
from locshare_ext.server.stomp.acks import Ledger
from locshare_ext.server.stomp.frames import framed
from locshare_ext.server.stomp.peer import Peer
from locshare_ext.stomp import encode_message

__all__ = ["QueueSubscription"]


class QueueSubscription:
    """Takes messages of a queue while the connection keeps up, and no more than it may hold.

    With ack:auto a message is settled when it is on its way to the socket; otherwise by ACK.
    What is not settled goes back to the queue at the end.
    """

    def __init__(
        self,
        session: Peer,
        queues: Queues,
        name: str,
        subscription: str | None,
        ledger: Ledger | None,
        prefetch: int,
    ) -> None:
        self._session = session
        self._queues = queues
        self._name = name
        self._subscription = subscription
        self._ledger = ledger
        self._prefetch = prefetch
        self._consumption: Consumption | None = None
        self._is_closed = False

    async def start(self) -> None:
        """Take part in the queue; raises Unavailable when there are too many of them."""
        consumption = await self._queues.consume(
            self._name, self, prefetch=self._prefetch, auto=self._ledger is None
        )
        if self._is_closed:
            consumption.leave()
        self._consumption = consumption

    @property
    def ledger(self) -> Ledger | None:
        """What waits for an ACK."""
        return self._ledger

    # -- a consumer of the queue

    def offer(self, delivery: Delivery) -> bool:
        """Send a message, if the connection keeps up."""
        session = self._session
        if self._is_closed or session.is_over:
            return False
        if session.is_full or session.owed > session.limits.unsent:
            session.woken(self)  # asked again when it has drained
            return False
        session.send_framed(framed(self._encode(delivery), session.opcode))
        return True

    def lost(self, reason: str) -> None:
        """The queue is gone: the session says so and ends."""
        self._is_closed = True
        self._session.stop(reason)

    # -- for the session

    def take(self, most: int) -> bytes:
        """Say that there is room again; what comes of it is sent by `offer`."""
        if self._consumption is not None and not self._is_closed:
            self._consumption.ready()
        return b""

    @property
    def is_behind(self) -> bool:
        """Never: messages are offered."""
        return False

    async def settle(self, tokens: Sequence[int], *, is_ack: bool) -> None:
        """Settle messages, or give them back."""
        if self._consumption is None:
            return
        if is_ack:
            await self._consumption.ack(tokens)
        else:
            await self._consumption.nack(tokens)

    def stop(self) -> None:
        """Leave the queue; what is not settled goes back."""
        self._is_closed = True
        self._session.let_go(self)
        if self._consumption is not None:
            self._consumption.leave()

    def _encode(self, delivery: Delivery) -> bytes:
        message, headers = delivery.message, delivery.message.headers
        if delivery.count > 1:
            headers = (("redelivered", "true"), ("delivery-count", str(delivery.count)), *headers)
        if self._ledger is not None:
            headers = (*self._ledger.add(delivery.id, delivery.tag, delivery.count), *headers)
        return encode_message(
            version=self._session.version,
            destination=f"/queue/{self._name}",
            subscription=self._subscription,
            message_id=delivery.id,
            content_type=message.content_type,
            body=message.body,
            headers=headers,
        )
