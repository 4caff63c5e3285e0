"""Queues: each message is for one consumer; what they all can do, whichever broker is behind.

The methods of `Queues` and `Consumption` wait for the broker, so that one in another
process can stand behind them; `broker.memory_queues` keeps them in this one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from locshare_ext.broker.topics import check_name, is_pattern
from locshare_ext.errors import InvalidInput

__all__ = [
    "Consumer",
    "Consumption",
    "Delivery",
    "Prepared",
    "QueueLimits",
    "QueueMessage",
    "Queues",
    "check_queue",
]


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """How much may wait: messages and bytes of one queue, those delivered but not settled too.

    queues: how many there may be; one without messages and consumers does not count.
    total: bytes of all queues together.
    """

    messages: int = 10_000
    bytes: int = 16 << 20
    queues: int = 1000
    total: int = 64 << 20


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """What was sent to a queue. headers: those of its sender."""

    body: bytes
    content_type: str | None = None
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return 200 + len(self.body) + sum(len(name) + len(value) for name, value in self.headers)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message on its way to a consumer.

    id: the message's, the same each time. tag: this delivery's, by which it is settled.
    count: how often it was delivered, 1 the first time.
    """

    message: QueueMessage
    id: str
    tag: int
    count: int


class Consumer(Protocol):
    """Who takes messages. Both calls come on the loop and must not raise."""

    def offer(self, delivery: Delivery) -> bool:
        """Take a message; False: no room, `Consumption.ready` is called when there is."""

    def lost(self, reason: str) -> None:
        """The queues ended; nothing more comes, and nothing can be settled."""


class Consumption(Protocol):
    """A consumer's place at a queue."""

    async def ack(self, tags: Sequence[int]) -> None:
        """Settle deliveries: their messages are done."""

    async def nack(self, tags: Sequence[int]) -> None:
        """Give deliveries back: another consumer gets them, or the same one after a while."""

    def ready(self) -> None:
        """Say that there is room again, after an offer that was refused."""

    def leave(self) -> None:
        """Take no more; all that is not settled goes back in its old order, marked as redelivered."""


class Prepared(Protocol):
    """Messages for which there is room; one of both methods must be called."""

    async def commit(self) -> None:
        """Let the messages into their queues, in order; returns when the broker has them."""

    def cancel(self) -> None:
        """Drop them."""


class Queues(Protocol):
    """All queues of a broker; made by their first use, gone when nobody uses them."""

    async def prepare(self, messages: Sequence[tuple[str, QueueMessage]]) -> Prepared:
        """Keep room for messages (and the names of their queues): for all or for none.

        Raises Unavailable that names the limit when there is no room.
        """

    async def publish(self, name: str, message: QueueMessage) -> None:
        """Put a message into a queue; returns when the broker has it. Raises as `prepare`."""

    async def consume(self, name: str, consumer: Consumer, *, prefetch: int, auto: bool) -> Consumption:
        """Offer messages to a consumer from now on, at most `prefetch` that are not settled.

        auto: what it takes is settled by that. Raises Unavailable over the number of queues.
        """

    async def close(self) -> None:
        """End it all: consumers are told; twice is no error."""


def check_queue(name: str) -> str:
    """Return a queue's name, what follows `/queue/`; raises InvalidInput for one that cannot be."""
    check_name(name, "queue")
    if is_pattern(name):
        raise InvalidInput(
            f"queue {name[:80]!r} has a wildcard; a queue is named in full",
            code="destination_invalid",
            field="destination",
        )
    return name
