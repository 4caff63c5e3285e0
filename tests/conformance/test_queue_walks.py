"""Random walks over one queue: whatever its consumers do, no message is lost, doubled or comes back."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.conformance.conftest import VERSIONS, Open
from tests.conformance.helpers import ack, choice
from tests.support.raw import RawStomp, Received

STEPS = 60


class Worker:
    """One connection that takes from the queue; `pending`: what it has not settled, as it came."""

    def __init__(self, walk: Walk, client: RawStomp) -> None:
        self.walk = walk
        self.client = client
        self.mode = ""  # not subscribed
        self.pending: list[Received] = []
        self.count = 0

    def do(self, command: str, headers: dict[str, str], body: bytes = b"") -> None:
        """Send a frame and wait for its receipt; messages may come before that."""
        self.count += 1
        receipt = f"r{self.count}"
        self.client.send(command, {**headers, "receipt": receipt}, body)
        while (frame := self.client.next()) is not None:
            if frame["receipt-id"] == receipt:
                assert frame.command == "RECEIPT", frame
                return
            self.take(frame)
        raise AssertionError(f"closed instead of a receipt for {command}")

    def take(self, frame: Received) -> None:
        """Note a message, which nobody else may have, and nobody may have consumed."""
        assert frame.command == "MESSAGE", frame
        assert frame.text in self.walk.waiting, f"{frame.text} was consumed already"
        assert all(frame.text != other.text for worker in self.walk.workers for other in worker.pending)
        assert (frame["redelivered"] == "true") == (frame.text in self.walk.seen)
        self.walk.seen.add(frame.text)
        if self.mode == "auto":
            self.walk.waiting.remove(frame.text)
        else:
            self.pending.append(frame)

    def look(self) -> None:
        """Take what has come."""
        for frame in self.client.sync():
            self.take(frame)

    def subscribe(self, mode: str, window: int) -> None:
        self.mode = mode
        headers = {"id": "w", "destination": self.walk.queue, "ack": mode}
        self.do("SUBSCRIBE", {**headers, **({} if mode == "auto" else {"prefetch-count": str(window)})})

    def unsubscribe(self) -> None:
        self.do("UNSUBSCRIBE", {"id": "w"})
        self.mode, self.pending = "", []

    def settle(self, command: str, index: int, **headers: str) -> list[Received]:
        """ACK or NACK one of those that wait; returns what that stands for."""
        message = self.pending[index]
        settled = self.pending[: index + 1] if self.mode == "client" else [message]
        self.pending = [one for one in self.pending if one not in settled]  # before: they may come again
        if command == "ACK" and not headers:
            self.walk.waiting -= {one.text for one in settled}
        self.do(command, ack(message, self.client.version, **headers))
        return settled


class Walk:
    """One queue, its workers, and what must be in it. waiting: sent and not consumed."""

    def __init__(self, connect: Callable[[], RawStomp], queue: str, seed: int) -> None:
        self.connect = connect
        self.queue = queue
        self.random = random.Random(seed)
        self.waiting: set[str] = set()
        self.seen: set[str] = set()  # delivered before
        self.numbers = iter(range(10_000))
        self.workers: list[Worker] = []
        self.workers += [Worker(self, connect()) for _ in range(3)]

    def step(self) -> None:
        worker = self.random.choice(self.workers)
        steps = [self.send, self.send, self.transact]
        if not worker.mode:
            steps += [self.join] * 3
        if worker.mode:
            steps += [self.leave]
        if worker.pending:
            steps += [self.acknowledge] * 4 + [self.refuse, self.vanish]
        self.random.choice(steps)(worker)
        for one in self.workers:
            one.look()

    def send(self, worker: Worker, **headers: str) -> str:
        body = str(next(self.numbers))
        if not headers:
            self.waiting.add(body)
        worker.do("SEND", {"destination": self.queue, **headers}, body.encode())
        return body

    def join(self, worker: Worker) -> None:
        mode = self.random.choice(("auto", "client", "client-individual", "client-individual"))
        worker.subscribe(mode, self.random.randint(1, 4))

    def leave(self, worker: Worker) -> None:
        worker.unsubscribe()

    def vanish(self, worker: Worker) -> None:
        """TCP ends; another connection takes the place."""
        worker.mode, worker.pending = "", []
        worker.client.socket.close()
        worker.client = self.connect()

    def acknowledge(self, worker: Worker) -> None:
        worker.settle("ACK", self.random.randrange(len(worker.pending)))

    def refuse(self, worker: Worker) -> None:
        if worker.client.version == "1.0":
            return  # no NACK there
        worker.settle("NACK", self.random.randrange(len(worker.pending)))

    def transact(self, worker: Worker) -> None:
        """Send, and perhaps acknowledge, in a transaction that is committed or not."""
        before = list(worker.pending)
        worker.do("BEGIN", {"transaction": "t"})
        bodies = {self.send(worker, transaction="t") for _ in range(2)}
        done: set[str] = set()
        if before:
            index = self.random.randrange(len(before))
            done = {one.text for one in worker.settle("ACK", index, transaction="t")}
        if self.random.random() < 0.5:
            self.waiting -= done
            self.waiting |= bodies
            worker.do("COMMIT", {"transaction": "t"})
        else:
            # what came meanwhile came after them
            worker.pending = before + [one for one in worker.pending if one not in before]
            worker.do("ABORT", {"transaction": "t"})


@choice("queues: each message is consumed once, however often it is delivered")
@pytest.mark.parametrize("seed", range(12))
def test_walks(connect: Open, queue: str, seed: int) -> None:
    named = VERSIONS[seed % 3]
    walk = Walk(lambda: connect(named), queue, seed)
    for _ in range(STEPS):
        walk.step()
    for worker in walk.workers:
        if worker.mode:
            worker.unsubscribe()
    last = walk.workers[0]
    last.subscribe("auto", 0)
    while walk.waiting:
        frame = last.client.next()
        assert frame is not None
        last.take(frame)
    assert last.client.sync() == []
