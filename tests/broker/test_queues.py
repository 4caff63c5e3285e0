"""Queues in memory: one consumer per message, nothing lost, everything bounded."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest

from locshare_ext.broker import memory_queues
from locshare_ext.broker.memory_queues import MemoryQueues
from locshare_ext.broker.queues import Delivery, QueueLimits, QueueMessage, check_queue
from locshare_ext.errors import InvalidInput, Unavailable


class Taker:
    """Takes what it has room for."""

    def __init__(self, room: int = 1000) -> None:
        self.room = room
        self.got: list[Delivery] = []
        self.reason: str | None = None
        self._came = asyncio.Event()

    def offer(self, delivery: Delivery) -> bool:
        if len(self.got) >= self.room:
            return False
        self.got.append(delivery)
        self._came.set()
        return True

    def lost(self, reason: str) -> None:
        self.reason = reason

    @property
    def bodies(self) -> list[int]:
        return [int(one.message.body) for one in self.got]

    @property
    def tags(self) -> list[int]:
        return [one.tag for one in self.got]

    async def has(self, count: int) -> list[Delivery]:
        async with asyncio.timeout(5):
            while len(self.got) < count:
                self._came.clear()
                await self._came.wait()
        return self.got


def message(number: int, size: int = 0) -> QueueMessage:
    return QueueMessage(b"%0*d" % (size, number))


async def turns(count: int = 3) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.fixture
async def queues() -> AsyncIterator[MemoryQueues]:
    made = MemoryQueues()
    yield made
    await made.close()


async def put(queues: MemoryQueues, *numbers: int, name: str = "a") -> None:
    for number in numbers:
        await queues.publish(name, message(number))


async def join(queues: MemoryQueues, taker: Taker, prefetch: int = 100, auto: bool = False, name: str = "a"):
    return await queues.consume(name, taker, prefetch=prefetch, auto=auto)


async def test_messages_wait_for_a_consumer_in_order(queues):
    await put(queues, *range(5))
    taker = Taker()
    await join(queues, taker)
    await turns()
    assert taker.bodies == [0, 1, 2, 3, 4]
    assert [one.count for one in taker.got] == [1] * 5
    assert len({one.id for one in taker.got}) == 5


async def test_each_message_goes_to_one_consumer_in_turn(queues):
    takers = [Taker() for _ in range(3)]
    for taker in takers:
        await join(queues, taker)
    await put(queues, *range(9))
    await turns()
    assert [taker.bodies for taker in takers] == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]


async def test_a_consumer_gets_no_more_than_its_prefetch(queues):
    one, two = Taker(), Taker()
    seat = await join(queues, one, prefetch=2)
    await join(queues, two, prefetch=3)
    await put(queues, *range(8))
    await turns()
    assert (one.bodies, two.bodies) == ([0, 2], [1, 3, 4])
    await seat.ack(one.tags[:1])
    await turns()
    assert one.bodies == [0, 2, 5]


async def test_who_leaves_gives_back_in_the_old_order(queues):
    one = Taker()
    seat = await join(queues, one, prefetch=3)
    await put(queues, *range(6))
    await turns()
    await seat.ack(one.tags[1:2])
    await turns()
    assert one.bodies == [0, 1, 2, 3]
    seat.leave()
    seat.leave()
    two = Taker()
    await join(queues, two)
    await turns()
    assert two.bodies == [0, 2, 3, 4, 5]
    assert [one.count for one in two.got] == [2, 2, 2, 1, 1]
    assert one.got[0].id == two.got[0].id


async def test_what_is_refused_goes_to_another_at_once(queues):
    one, two = Taker(), Taker()
    seat = await join(queues, one)
    await put(queues, 0)
    await turns()
    await join(queues, two)
    await seat.nack(one.tags)
    await turns()
    assert (one.bodies, two.bodies) == ([0], [0])
    assert two.got[0].count == 2


async def test_what_the_only_consumer_refuses_comes_again_ever_later(queues, monkeypatch):
    monkeypatch.setattr(memory_queues, "FIRST_DELAY", 0.01)
    loop = asyncio.get_running_loop()
    taker = Taker()
    seat = await join(queues, taker)
    await put(queues, 0)
    times = []
    for number in range(4):
        await taker.has(number + 1)
        times.append(loop.time())
        await seat.nack(taker.tags[-1:])
    waits = [late - early for early, late in itertools.pairwise(times)]
    assert [wait >= least for wait, least in zip(waits, (0.009, 0.019, 0.039), strict=True)] == [True] * 3
    assert [one.count for one in taker.got] == [1, 2, 3, 4]
    await put(queues, 1)  # what comes behind it passes
    await turns()
    assert taker.bodies[-1] == 1


async def test_a_new_consumer_gets_at_once_what_others_refused(queues, monkeypatch):
    monkeypatch.setattr(memory_queues, "FIRST_DELAY", 60)
    monkeypatch.setattr(memory_queues, "LONGEST_DELAY", 60)
    one, two = Taker(), Taker()
    seat = await join(queues, one)
    await put(queues, 0)
    await turns()
    await seat.nack(one.tags)
    await turns()
    await join(queues, two)
    await turns()
    assert two.bodies + one.bodies[1:] == [0]


async def test_a_consumer_without_room_is_passed_over_until_it_is_ready(queues):
    one, two = Taker(room=1), Taker()
    seat = await join(queues, one, auto=True)
    await join(queues, two, auto=True)
    await put(queues, *range(4))
    await turns()
    assert (one.bodies, two.bodies) == ([0], [1, 2, 3])
    one.room = 2
    await put(queues, 4)
    seat.ready()
    await put(queues, 5)
    await turns()
    assert sorted(one.bodies + two.bodies) == [0, 1, 2, 3, 4, 5]
    assert len(one.bodies) == 2


async def test_what_is_taken_automatically_is_not_given_back(queues):
    one, two = Taker(), Taker()
    seat = await join(queues, one, auto=True)
    await put(queues, 0, 1)
    await turns()
    seat.leave()
    await join(queues, two)
    await turns()
    assert two.bodies == []


async def test_unused_queues_vanish(queues):
    taker = Taker()
    seat = await join(queues, taker)
    await put(queues, 0)
    await put(queues, 1, name="b")
    await turns()
    assert len(queues) == 2
    await seat.ack(taker.tags)
    seat.leave()
    assert len(queues) == 1
    (await join(queues, Taker(), name="b")).leave()
    assert len(queues) == 1  # it still has its message


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        (QueueLimits(messages=3), "limit of 3 messages"),
        (QueueLimits(bytes=620), "limit of 620 bytes"),
        (QueueLimits(total=620), "together they have the limit of 620 bytes"),
    ],
)
async def test_a_full_queue_says_so_and_takes_again_when_there_is_room(limits, text):
    queues = MemoryQueues(limits)
    await put(queues, 0, 1, 2)
    with pytest.raises(Unavailable, match=text):
        await put(queues, 3)
    taker = Taker()
    seat = await join(queues, taker)
    await turns()
    with pytest.raises(Unavailable, match=text):  # what is not settled counts
        await put(queues, 3)
    await seat.ack(taker.tags[:1])
    await put(queues, 3)
    await queues.close()


async def test_too_many_queues():
    queues = MemoryQueues(QueueLimits(queues=2))
    await put(queues, 0, name="a")
    await put(queues, 0, name="b")
    with pytest.raises(Unavailable, match="2 queues"):
        await put(queues, 0, name="c")
    with pytest.raises(Unavailable, match="2 queues"):
        await join(queues, Taker(), name="c")
    assert len(queues) == 2
    await queues.close()


async def test_room_is_kept_for_all_or_for_none():
    queues = MemoryQueues(QueueLimits(messages=2))
    with pytest.raises(Unavailable):
        await queues.prepare([("b", message(0)), ("a", message(1)), ("a", message(2)), ("a", message(3))])
    assert len(queues) == 0
    room = await queues.prepare([("a", message(1)), ("a", message(2))])
    with pytest.raises(Unavailable):
        await put(queues, 3)
    taker = Taker()
    await join(queues, taker)
    await turns()
    assert taker.bodies == []
    await room.commit()
    await turns()
    assert taker.bodies == [1, 2]
    room = await queues.prepare([("b", message(1))])
    room.cancel()
    assert len(queues) == 1
    await queues.close()


async def test_closing_tells_the_consumers(queues):
    taker = Taker()
    seat = await join(queues, taker)
    await put(queues, 0)
    await turns()
    await queues.close()
    await queues.close()
    assert taker.reason == "the server is stopping"
    await seat.ack(taker.tags)
    seat.leave()
    with pytest.raises(Unavailable):
        await put(queues, 1)
    with pytest.raises(Unavailable):
        await join(queues, taker)


@pytest.mark.parametrize("name", ["", "a.*", "#", "x" * 256])
def test_names_that_are_none(name):
    with pytest.raises(InvalidInput):
        check_queue(name)


def test_names_that_are():
    assert check_queue("work.*x") == "work.*x"
