"""Queues under any order of what may happen: nothing is lost, nothing is with two consumers."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from locshare_ext.broker import memory_queues
from locshare_ext.broker.memory_queues import MemoryQueues
from locshare_ext.broker.queues import Consumption, Delivery, QueueLimits, QueueMessage
from locshare_ext.errors import Unavailable

STEPS = ("publish", "publish", "join", "join auto", "leave", "ack", "nack", "shut", "open", "turn", "turn")


class Worker:
    """A consumer that remembers what it holds."""

    def __init__(self, is_auto: bool, done: list[int]) -> None:
        self.is_auto = is_auto
        self.is_shut = False
        self.held: dict[int, Delivery] = {}
        self.done = done
        self.seat: Consumption | None = None

    def offer(self, delivery: Delivery) -> bool:
        if self.is_shut:
            return False
        if self.is_auto:
            self.done.append(int(delivery.message.body))
        else:
            assert delivery.tag not in self.held
            self.held[delivery.tag] = delivery
        return True

    def lost(self, reason: str) -> None:
        self.held.clear()


async def turns() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


class Game:
    """A queue, its workers, and what has become of each message."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.queues = MemoryQueues(QueueLimits(messages=most))
        self.workers: list[Worker] = []
        self.done: list[int] = []
        self.sent = 0

    async def play(self, steps: list[tuple[str, int]]) -> None:
        for what, number in steps:
            if what == "turn":
                await turns()
            elif what == "publish":
                await self.publish()
            elif what.startswith("join"):
                await self.join(what == "join auto", number)
            elif self.workers:
                await self.work(what, self.workers[number % len(self.workers)], number)
            self.check()
        await self.end()

    async def publish(self) -> None:
        try:
            await self.queues.publish("a", QueueMessage(b"%d" % self.sent))
        except Unavailable:
            assert self.sent - len(self.done) == self.most
        else:
            self.sent += 1

    async def join(self, is_auto: bool, number: int) -> None:
        worker = Worker(is_auto, self.done)
        worker.seat = await self.queues.consume("a", worker, prefetch=1 + number % 3, auto=is_auto)
        self.workers.append(worker)

    async def work(self, what: str, worker: Worker, number: int) -> None:
        assert worker.seat is not None
        if what == "leave":
            self.workers.remove(worker)
            worker.seat.leave()
        elif what == "shut":
            worker.is_shut = True
        elif what == "open":
            worker.is_shut = False
            worker.seat.ready()
        else:
            tags = list(worker.held)[: 1 + number % 2]
            found = [int(worker.held.pop(tag).message.body) for tag in tags]
            if what == "ack":
                self.done += found
                await worker.seat.ack(tags)
            else:
                await worker.seat.nack(tags)

    def check(self) -> None:
        held = [int(one.message.body) for worker in self.workers for one in worker.held.values()]
        assert len(set(held)) == len(held)
        assert not set(held) & set(self.done)
        assert len(set(self.done)) == len(self.done)

    async def end(self) -> None:
        """Let one worker do what is left."""
        for worker in self.workers:
            assert worker.seat is not None
            worker.seat.leave()
        await self.join(True, 0)
        await turns()
        assert sorted(self.done) == list(range(self.sent))
        await self.queues.close()


@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 20)), max_size=80), st.integers(1, 20))
@settings(max_examples=150, deadline=None)
def test_nothing_is_lost_and_nothing_is_done_twice(steps: list[tuple[str, int]], most: int) -> None:
    asyncio.run(Game(most).play(steps))


async def test_many_who_come_and_go(monkeypatch: Any) -> None:
    monkeypatch.setattr(memory_queues, "FIRST_DELAY", 0.001)
    steps = [(STEPS[(number * 7) % len(STEPS)], number) for number in range(5000)]
    await Game(1000).play(steps)
