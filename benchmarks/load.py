"""The load generator: subscribers and publishers in a process of their own, on the other processor.

It stays out of the way: bare non-blocking sockets and one epoll; what arrives is not parsed,
an expression finds the key of each body wherever it lies in the bytes, and who received what
when is only noted. Order, losses and delays are worked out with numpy after the run. Its own
share of a processor is part of the outcome: near 1 it was the limit, and not the server.

As a program it reads a `Plan` as JSON and prints an `Outcome` as JSON; `generate` runs it.
"""

from __future__ import annotations

import gc
import json
import select
import subprocess
import sys
import time
from array import array
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.checking import KEY_LENGTH, check, keys_in
from benchmarks.opening import Peer, Target, open_all
from benchmarks.processes import LOAD_CPU, PYTHON, Tree, busy_seconds, open_files, pin
from benchmarks.websocket import send_frame, stomp_frame

__all__ = ["Outcome", "Plan", "generate"]

BUFFER = 1 << 18
UNDER_WAY = 20_000  # deliveries, of a saturated run
PATIENCE = 3.0  # s without a delivery after which what is missing counts as lost
SAMPLING = 0.25  # s between looks at the server's memory


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do to a server.

    rate: messages/s of each publisher, 0 for as many as go through with `UNDER_WAY`
    deliveries under way. body: bytes of a body at least. warm: subscribers opened first,
    whose memory does not count. settle: s of rest before the memory is read. stalled:
    subscribers that never read. fill: bytes that each reader is sent before the
    measurement begins.
    """

    target: Target
    subscribers: int
    publishers: int
    seconds: float
    rate: float = 0.0
    body: int = 200
    warm: int = 0
    settle: float = 0.0
    stalled: int = 0
    fill: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it.

    delivered, published: per s. cost: us of the server's CPU for a delivery. server, load:
    processors that the two kept busy. others: those that everything else did, which disturbs.
    lost, doubled, disordered: messages, over all subscribers. p50, p99, worst: ms from
    publishing to receiving. opened: connections made and subscribed per s. each: bytes of the
    server's memory for a subscriber, 0 where it had no rest. most: bytes of its memory at the
    highest.
    """

    delivered: float
    published: float
    cost: float
    server: float
    load: float
    others: float
    lost: int
    doubled: int
    disordered: int
    closed: int
    errors: int
    p50: float
    p99: float
    worst: float
    opened: float
    each: float
    most: int

    @property
    def faults(self) -> str:
        """Say what went wrong; empty when each message came once and in its order."""
        names = ("lost", "doubled", "disordered", "closed", "errors")
        found = [(name, getattr(self, name)) for name in names]
        return ", ".join(f"{count} {name}" for name, count in found if count)


def generate(plan: Plan) -> Outcome:
    """Carry a plan out in a process of its own."""
    done = subprocess.run(
        [PYTHON, "-m", "benchmarks.load"],
        cwd=Path(__file__).parents[1],
        input=json.dumps(asdict(plan)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Outcome(**json.loads(done.stdout))


# ns, deliveries, publications, then seconds of CPU: the server's, ours, everybody's
_Reading = tuple[int, int, int, float, float, float]


class Messages:
    """Makes publications: fixes of one member per publisher, each a millisecond after the last."""

    def __init__(self, plan: Plan) -> None:
        self._begin = int(time.time() * 1000) - 3_600_000
        self._heads, self._tail = [], b""
        for publisher in range(plan.publishers):
            head, self._tail = _around(plan, publisher)
            self._heads.append(head)

    def make(self, publisher: int, number: int) -> bytes:
        """Return the bytes of a publisher's message."""
        return b'%s%013d,"extra":{"k":"%04x%012x"%s' % (
            self._heads[publisher],
            self._begin + number,
            publisher,
            number,
            self._tail,
        )


def _around(plan: Plan, publisher: int) -> tuple[bytes, bytes]:
    """Return what stands before the time and after the key in all messages of a publisher."""
    lead = (
        b'{"member":"m%04d","lat":37.5665,"lon":126.978,"accuracy":5.0,"speed":1.4,"heading":270.0,'
        b'"source":"bench","time":' % publisher
    )
    varying = len('1763806275123,"extra":{"k":"0123456789abcdef"')
    fill = max(0, plan.body - len(lead) - varying - len(',"pad":""}}'))
    tail = b',"pad":"' + b"x" * fill + b'"}}'
    body = lead + b"?" * varying + tail
    if plan.target.dialect == "stomp":
        headers = [
            ("destination", plan.target.destination),
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
        ]
        body = stomp_frame("SEND", headers, body)
    before, after = send_frame(body).split(b"?" * varying)
    return before, after


class Traffic:
    """Messages between peers that are open already, and what is noted of them."""

    def __init__(self, plan: Plan, subscribers: list[Peer], publishers: list[Peer]) -> None:
        self._subscribers = subscribers
        self._publishers = publishers
        self._messages = Messages(plan)
        self._server = Tree(plan.target.pid)
        self._buffer = bytearray(BUFFER)
        self._view = memoryview(self._buffer)
        self._peers = {peer.sock.fileno(): peer for peer in (*subscribers, *publishers)}
        self._epoll = select.epoll()
        for fd in self._peers:
            self._epoll.register(fd, select.EPOLLIN)
        self._unsent: set[Peer] = set()
        self.sent = [array("q") for _ in publishers]  # ns, when each message was made
        self.published = self.delivered = self.closed = self.errors = 0
        self.most = self._server.memory()

    def run(self, seconds: float, rate: float = 0.0) -> dict[str, Any]:
        """Publish for some seconds; returns rates and costs, the first moments left out."""
        clock, count = time.monotonic_ns, max(1, len(self._subscribers))
        begin, before = clock(), self.published
        counting = begin + int(min(1.0, seconds / 4) * 1e9)
        end, sample = begin + int(seconds * 1e9), begin
        interval = 1e9 / (rate * len(self._publishers)) if rate else 0.0
        window = max(16, UNDER_WAY // count)
        start: _Reading | None = None
        moved, seen = begin, self.delivered
        while (now := clock()) < end:
            if start is None and now >= counting:
                start = self._reading(now)
            if now >= sample:
                self.most, sample = max(self.most, self._server.memory()), now + int(SAMPLING * 1e9)
            if interval:
                due = int((now - begin) / interval) + 1 - (self.published - before)
                wait = max(0.0, (begin + (self.published - before + due) * interval - now) / 1e9)
            else:
                due, wait = window - (self.published - self.delivered // count), 0.001
                if self.delivered != seen:
                    moved, seen = now, self.delivered
                elif now - moved > PATIENCE * 1e9:
                    break  # lost for good
            self._publish(due)
            self._receive(min(wait, 0.05))
        return self._since(start or self._reading(begin))

    def fill(self, size: int) -> None:
        """Publish as fast as it goes until each reader was sent so many bytes, and all have them."""
        wanted = self.published + size // len(self._messages.make(0, 0))
        limit = time.monotonic() + PATIENCE
        while (before := self.published) < wanted and time.monotonic() < limit:
            self.run(0.25)
            if self.published != before:
                limit = time.monotonic() + PATIENCE
        self.drain()

    def drain(self) -> None:
        """Receive what is under way, until all is there or nothing comes any more."""
        limit = time.monotonic() + PATIENCE
        whole, seen = self.published * len(self._subscribers), self.delivered
        while self.delivered < whole and time.monotonic() < limit:
            self._flush()
            self._receive(0.02)
            if self.delivered != seen:
                limit, seen = time.monotonic() + PATIENCE, self.delivered
        self.most = max(self.most, self._server.memory())

    def close(self) -> None:
        self._epoll.close()
        for peer in self._peers.values():
            peer.sock.close()

    def _reading(self, now: int) -> _Reading:
        own, server, every = time.process_time(), self._server.cpu_seconds(), busy_seconds()
        return now, self.delivered, self.published, server, own, every

    def _since(self, start: _Reading) -> dict[str, Any]:
        end = self._reading(time.monotonic_ns())
        span, delivered, published, server, load, every = (b - a for a, b in zip(start, end, strict=True))
        return {
            "delivered": delivered / span * 1e9,
            "published": published / span * 1e9,
            "cost": server / max(1, delivered) * 1e6,
            "server": server / span * 1e9,
            "load": load / span * 1e9,
            "others": max(0.0, every - server - load) / span * 1e9,
            "begin": start[0],
        }

    def _publish(self, count: int) -> None:
        clock, total = time.monotonic_ns, len(self._publishers)
        for _ in range(min(count, 4096)):
            which = self.published % total
            publisher = self._publishers[which]
            publisher.unsent += self._messages.make(which, len(self.sent[which]))
            self.sent[which].append(clock())
            self.published += 1
            self._unsent.add(publisher)
        if self._unsent:
            self._flush()

    def _flush(self) -> None:
        for peer in list(self._unsent):
            try:
                del peer.unsent[: peer.sock.send(peer.unsent)]
            except BlockingIOError:
                continue
            except OSError:
                peer.unsent.clear()
            if not peer.unsent:
                self._unsent.discard(peer)

    def _receive(self, wait: float) -> None:
        clock, view, peers = time.monotonic_ns, self._view, self._peers
        for fd, _ in self._epoll.poll(wait, 4096):
            peer = peers[fd]
            kept = len(peer.tail)
            view[:kept] = peer.tail
            try:
                size = peer.sock.recv_into(view[kept:])
            except BlockingIOError:
                continue
            except OSError:
                size = 0
            if not size:
                self._epoll.unregister(fd)
                self.closed += 1
                continue
            end = kept + size
            keys = keys_in(view[:end])
            if keys:
                count = len(keys) // 16
                peer.keys += keys
                peer.counts.append(count)
                peer.times.append(clock())
                self.delivered += count
            elif self._buffer.find(b"ERROR\n", 0, end) >= 0:
                self.errors += 1
                print(f"the server said {bytes(view[: min(end, 400)])!r}", file=sys.stderr)
            # one byte less than a key, so none is found twice
            peer.tail = bytes(view[max(0, end - KEY_LENGTH + 1) : end])


def carry_out(plan: Plan) -> Outcome:
    """Open the peers, let them talk, and say what came of it."""
    publishers, _ = open_all(plan.target, plan.publishers, subscribe=False)
    warm, _ = open_all(plan.target, plan.warm, subscribe=True)
    server = Tree(plan.target.pid)
    time.sleep(plan.settle)
    before = server.memory()
    subscribers, opened = open_all(plan.target, plan.subscribers, subscribe=True)
    time.sleep(plan.settle)
    each = (server.memory() - before) / max(1, plan.subscribers) if plan.settle else 0.0
    stalled, _ = open_all(plan.target, plan.stalled, subscribe=True, stalled=True)
    traffic = Traffic(plan, [*warm, *subscribers], publishers)
    gc.collect()
    gc.disable()
    if plan.fill:
        traffic.fill(plan.fill)
    rates = traffic.run(plan.seconds, plan.rate)
    traffic.drain()
    since = rates.pop("begin")
    traffic.close()
    for peer in stalled:
        peer.sock.close()
    found = check([*warm, *subscribers], traffic.sent, since)
    return Outcome(
        **rates,
        **found,
        closed=traffic.closed,
        errors=traffic.errors,
        opened=opened,
        each=each,
        most=traffic.most,
    )


def main() -> None:
    open_files()
    pin(LOAD_CPU)
    told = json.load(sys.stdin)
    plan = Plan(**{**told, "target": Target(**told["target"])})
    print(json.dumps(asdict(carry_out(plan))))


if __name__ == "__main__":
    main()
