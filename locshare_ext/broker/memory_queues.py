"""Queues in the memory of this process, bounded; gone with it."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from locshare_ext.broker.queues import Consumer, Delivery, QueueLimits, QueueMessage
from locshare_ext.errors import Unavailable

__all__ = ["MemoryQueues"]

FIRST_DELAY = 0.02  # s until a message that all consumers refused is offered again; doubles each time
LONGEST_DELAY = 10.0  # s


@dataclass(slots=True, eq=False)
class _Item:
    """A message in a queue. refused: who gave it back since it was last open to all."""

    number: int
    message: QueueMessage
    count: int = 0
    refusals: int = 0
    refused: set[_Seat] = field(default_factory=set)

    def __lt__(self, other: _Item) -> bool:
        return self.number < other.number


class MemoryQueues:
    """Keep queues in memory; the contract is `Queues`. Belongs to one event loop.

    A message that was given back goes to a consumer that has not refused it yet, at once.
    When there is none, it waits FIRST_DELAY s, twice as long each time up to LONGEST_DELAY,
    and the messages behind it pass: who refuses a message for ever costs no more than a
    delivery every ten seconds, and holds up nothing.
    """

    def __init__(self, limits: QueueLimits | None = None) -> None:
        self.limits = limits or QueueLimits()
        self._queues: dict[str, _Queue] = {}
        self._numbers = itertools.count(1)
        self._size = 0  # bytes of all queues
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._queues)

    async def prepare(self, messages: Sequence[tuple[str, QueueMessage]]) -> _Room:
        """Keep room for messages, for all or for none."""
        return self._prepare(messages)

    async def publish(self, name: str, message: QueueMessage) -> None:
        """Put a message into a queue."""
        self._prepare([(name, message)]).admit()

    async def consume(self, name: str, consumer: Consumer, *, prefetch: int, auto: bool) -> _Seat:
        """Offer messages to a consumer from now on."""
        self._check_open()
        return self._open(name).join(consumer, prefetch, auto)

    async def close(self) -> None:
        """Drop all queues and tell their consumers."""
        self._is_closed = True
        queues, self._queues = self._queues, {}
        self._size = 0
        for queue in queues.values():
            queue.close("the server is stopping")

    def _prepare(self, messages: Sequence[tuple[str, QueueMessage]]) -> _Room:
        self._check_open()
        room = _Room(messages, self._numbers)
        try:
            for name, message in messages:
                queue = self._open(name)
                self._check_room(queue, message)
                queue.count(1, message.size)
                room.queues.append(queue)
        except Unavailable:
            room.cancel()
            raise
        return room

    def _check_open(self) -> None:
        if self._is_closed:
            raise Unavailable("the server is stopping", code="queues_closed")

    def _check_room(self, queue: _Queue, message: QueueMessage) -> None:
        limits = self.limits
        if queue.messages >= limits.messages:
            what = f"queue {queue.name[:80]!r} is full: it has its limit of {limits.messages} messages"
        elif queue.size + message.size > limits.bytes:
            what = f"queue {queue.name[:80]!r} is full: more than the limit of {limits.bytes} bytes"
        elif self._size + message.size > limits.total:
            what = f"the queues are full: together they have the limit of {limits.total} bytes"
        else:
            return
        queue.check_use()
        raise Unavailable(what, code="queue_full", field="destination")

    def _open(self, name: str) -> _Queue:
        queue = self._queues.get(name)
        if queue is None:
            if len(self._queues) >= self.limits.queues:
                raise Unavailable(
                    f"there are {self.limits.queues} queues already, which is the limit",
                    code="too_many_queues",
                    field="destination",
                )
            queue = self._queues[name] = _Queue(name, self._sized, self._vanish)
        return queue

    def _vanish(self, queue: _Queue) -> None:
        if self._queues.get(queue.name) is queue:
            del self._queues[queue.name]

    def _sized(self, difference: int) -> None:
        self._size += difference


class _Room:
    """Room that is kept for messages."""

    def __init__(self, messages: Sequence[tuple[str, QueueMessage]], numbers: itertools.count[int]) -> None:
        self.queues: list[_Queue] = []  # of the messages for which there is room so far
        self._messages = messages
        self._numbers = numbers

    async def commit(self) -> None:
        """Let the messages into their queues."""
        self.admit()

    def admit(self) -> None:
        """Let the messages into their queues."""
        for queue, (_, message) in zip(self.queues, self._messages, strict=True):
            queue.put(_Item(next(self._numbers), message))

    def cancel(self) -> None:
        """Give the room back."""
        for queue, (_, message) in zip(self.queues, self._messages, strict=False):
            queue.count(-1, -message.size)


class _Queue:
    """One queue: what waits in it, by the order that it came in, and who takes of it."""

    def __init__(self, name: str, sized: Callable[[int], None], on_unused: Callable[[_Queue], None]) -> None:
        self.name = name
        self.messages = 0  # in it, delivered but unsettled, and to be let in
        self.size = 0  # their bytes
        self._sized = sized
        self._on_unused = on_unused
        self._waiting: list[_Item] = []  # a heap
        self._given_back: list[_Item] = []  # for who has not refused them yet
        self._delayed: dict[_Item, asyncio.TimerHandle] = {}
        self._seats: set[_Seat] = set()
        self._free: deque[_Seat] = deque()  # those with room, whose turn it is first
        self._is_listed = False
        self._is_closed = False

    def check_use(self) -> None:
        """Vanish when there is nothing in it and nobody at it."""
        if not self.messages and not self._seats:
            self._on_unused(self)

    def count(self, messages: int, size: int) -> None:
        """Count messages that come or go."""
        if self._is_closed:
            return
        self.messages += messages
        self.size += size
        self._sized(size)
        self.check_use()

    def put(self, item: _Item) -> None:
        """Let a message in that is counted already."""
        if self._is_closed:
            return
        heappush(self._waiting, item)
        self.deliver_soon()

    def done(self, item: _Item) -> None:
        """Forget a message: it is settled."""
        self.count(-1, -item.message.size)

    def give_back(self, items: Sequence[_Item], refused_by: _Seat | None) -> None:
        """Take messages back: as they were, or because a consumer refuses them."""
        for item in items:
            if refused_by is None:
                heappush(self._waiting, item)
                continue
            item.refusals += 1
            item.refused.add(refused_by)
            self._given_back.append(item)
        self.deliver_soon()

    def join(self, consumer: Consumer, prefetch: int, auto: bool) -> _Seat:
        """Let a consumer take part."""
        seat = _Seat(self, consumer, prefetch, auto)
        self._seats.add(seat)
        self.free(seat)
        self._open_to_all()
        return seat

    def part(self, seat: _Seat, items: Sequence[_Item]) -> None:
        """Let a consumer go; its messages go back."""
        self._seats.discard(seat)
        self._open_to_all()
        self.give_back(items, None)
        self.check_use()

    def free(self, seat: _Seat) -> None:
        """Count a consumer among those with room."""
        if not seat.is_free and not self._is_closed:
            seat.is_free = True
            self._free.append(seat)
        self.deliver_soon()

    def close(self, reason: str) -> None:
        """Drop all, and tell the consumers."""
        self._is_closed = True
        for timer in self._delayed.values():
            timer.cancel()
        self._delayed.clear()
        self._waiting.clear()
        self._given_back.clear()
        self._free.clear()
        seats, self._seats = self._seats, set()
        for seat in seats:
            seat.lost(reason)

    def deliver_soon(self) -> None:
        """Deliver what can be in the next loop turn, once for all that came in this one."""
        if not self._is_listed and not self._is_closed and (self._waiting or self._given_back):
            self._is_listed = True
            asyncio.get_running_loop().call_soon(self._deliver)

    def _deliver(self) -> None:
        self._is_listed = False
        given_back, self._given_back = sorted(self._given_back), []
        for item in given_back:
            if not self._pass_on(item):
                self._delay(item)
        while self._waiting and self._free:
            seat = self._free[0]
            if self._can_take(seat) and seat.take(self._waiting[0]):
                heappop(self._waiting)
                self._free.rotate(-1)
            else:
                self._free.popleft().is_free = False

    def _pass_on(self, item: _Item) -> bool:
        """Give a refused message to a consumer with room that has not refused it."""
        for seat in tuple(self._free):
            if seat not in item.refused and self._can_take(seat) and seat.take(item):
                self._free.remove(seat)
                self._free.append(seat)
                return True
        return False

    def _can_take(self, seat: _Seat) -> bool:
        return seat in self._seats and seat.has_room

    def _delay(self, item: _Item) -> None:
        delay = min(FIRST_DELAY * 2 ** min(item.refusals - 1, 20), LONGEST_DELAY)
        self._delayed[item] = asyncio.get_running_loop().call_later(delay, self._open_one, item)

    def _open_one(self, item: _Item) -> None:
        del self._delayed[item]
        item.refused.clear()
        self.put(item)

    def _open_to_all(self) -> None:
        """Offer what was delayed again: consumers came or went."""
        delayed, self._delayed = self._delayed, {}
        for item, timer in delayed.items():
            timer.cancel()
            item.refused.clear()
            self._waiting.append(item)
        heapify(self._waiting)
        self.deliver_soon()


class _Seat:
    """A consumer at a queue, with what it has not settled."""

    def __init__(self, queue: _Queue, consumer: Consumer, prefetch: int, auto: bool) -> None:
        self.is_free = False  # among those of the queue with room
        self._queue = queue
        self._consumer = consumer
        self._prefetch = prefetch
        self._auto = auto
        self._unsettled: dict[int, _Item] = {}
        self._tags = itertools.count(1)

    @property
    def has_room(self) -> bool:
        """Whether it may get one more."""
        return len(self._unsettled) < self._prefetch

    def take(self, item: _Item) -> bool:
        """Offer a message; False: there is no room at the consumer."""
        tag = next(self._tags)
        self._unsettled[tag] = item
        item.count += 1
        if not self._consumer.offer(Delivery(item.message, f"q-{item.number}", tag, item.count)):
            item.count -= 1
            self._unsettled.pop(tag, None)
            return False
        if self._auto and self._unsettled.pop(tag, None) is not None:
            self._queue.done(item)
        return True

    async def ack(self, tags: Sequence[int]) -> None:
        """Settle deliveries; those that are settled already are no error."""
        for item in self._settle(tags):
            self._queue.done(item)
        self._queue.free(self)

    async def nack(self, tags: Sequence[int]) -> None:
        """Give deliveries back as refused."""
        self._queue.give_back(self._settle(tags), self)
        self._queue.free(self)

    def ready(self) -> None:
        """Take offers again."""
        self._queue.free(self)

    def leave(self) -> None:
        """Take no more; what is not settled goes back. Twice is no error."""
        self._prefetch = 0
        unsettled, self._unsettled = self._unsettled, {}
        self._queue.part(self, list(unsettled.values()))

    def lost(self, reason: str) -> None:
        """Tell the consumer that the queue is gone."""
        self._prefetch = 0
        self._unsettled.clear()
        self._consumer.lost(reason)

    def _settle(self, tags: Sequence[int]) -> list[_Item]:
        found = [self._unsettled.pop(tag, None) for tag in tags]
        return [item for item in found if item is not None]
