"""Watchers over plain HTTP, event streams and long polls: at rest, and one event for all of them.

As a program it reads a `Plan` as JSON and prints a `Found` as JSON; `watch` runs it. Who was
answered by a long poll asks again at once, as any client does.
"""

from __future__ import annotations

import json
import re
import select
import socket
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from benchmarks.processes import LOAD_CPU, PYTHON, Tree, open_files, pin

__all__ = ["Found", "Plan", "watch"]

PATIENCE = 30.0  # s for anything that the server owes
PAUSE = 0.5  # s between events, in which all have asked again
AT_ONCE = 50  # connections whose greeting is waited for
CURSOR = re.compile(rb'"cursor":"([0-9a-z-]+)","gap"')
LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do to a server.

    path: of a watcher, `{after}` for where it begins. publish: where an event is posted.
    count: watchers. warm: how many of them are opened before memory counts. settle, rest: s
    before memory is read, and in which the CPU time of doing nothing is.
    """

    pid: int
    port: int
    kind: Literal["sse", "poll"]
    path: str
    publish: str
    token: str
    count: int
    warm: int
    settle: float
    rest: float
    events: int


@dataclass(frozen=True, slots=True)
class Found:
    """What came of it.

    each: bytes of the server's memory for a watcher. idle: processors kept busy at rest. first,
    last: ms from posting an event until the first and the last had it, the median of all
    events; worst: of the last. cost: ms of the server's CPU for an event, until all wait again.
    """

    each: float
    idle: float
    first: float
    last: float
    worst: float
    cost: float


def watch(plan: Plan) -> Found:
    """Carry a plan out in a process of its own."""
    done = subprocess.run(
        [PYTHON, "-m", "benchmarks.watchers"],
        cwd=Path(__file__).parents[1],
        input=json.dumps(asdict(plan)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Found(**json.loads(done.stdout))


class Watcher:
    """A connection: what it asks, and what it was told."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.sock = connect(plan.port)
        self._read = b""
        self.seen = 0  # events
        self.ask("now")

    def ask(self, after: str) -> None:
        self.sock.sendall(request(self._plan, "GET", self._plan.path.replace("{after}", after)))

    def receive(self) -> bytes:
        """Take what came; a long poll that was answered asks again."""
        data = self.sock.recv(1 << 16)
        if not data:
            raise RuntimeError(f"the server closed a watcher after {self._read[-300:]!r}")
        if self._plan.kind == "sse":
            self.seen += data.count(b'"source":"bench"')
            return data
        self._read += data
        head, end, body = self._read.partition(b"\r\n\r\n")
        if end and (found := LENGTH.search(head)) and len(body) >= int(found[1]):
            if b" 200 " not in head[:20]:
                raise RuntimeError(f"the server said {self._read[:400]!r}")
            self.seen += body.count(b'"source":"bench"')
            self._read = b""
            place = CURSOR.search(body)
            self.ask(place[1].decode() if place else "now")
        return data


def connect(port: int) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), PATIENCE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def request(plan: Plan, method: str, path: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{plan.port}"]
    if plan.token:
        lines.append(f"X-Locshare-Token: {plan.token}")
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def open_some(plan: Plan, count: int) -> list[Watcher]:
    """Open watchers; of streams the greeting is awaited, so that not all come at once."""
    found: list[Watcher] = []
    while len(found) < count:
        some = [Watcher(plan) for _ in range(min(AT_ONCE, count - len(found)))]
        if plan.kind == "sse":
            for watcher in some:
                read = b""
                while b"\r\n\r\n" not in read:
                    read += watcher.receive()
        found += some
    return found


class Publisher:
    """Posts events on a connection of its own."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._sock = connect(plan.port)
        self._time = int(time.time() * 1000) - 3_600_000

    def publish(self, number: int) -> None:
        body = b'{"member":"m0","time":%d,"lat":37.5665,"lon":126.978,"source":"bench","extra":{"n":%d}}'
        body %= (self._time + number, number)
        self._sock.sendall(request(self._plan, "POST", self._plan.publish, body))

    def answer(self) -> None:
        data = self._sock.recv(1 << 16)
        if b" 200 " not in data[:20]:
            raise RuntimeError(f"the server said {data[:400]!r}")


def rest(watchers: list[Watcher], seconds: float) -> None:
    """Let time pass; long polls that end are asked again."""
    peers = {watcher.sock.fileno(): watcher for watcher in watchers}
    epoll = select.epoll()
    for fd in peers:
        epoll.register(fd, select.EPOLLIN)
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        for fd, _ in epoll.poll(left):
            peers[fd].receive()
    epoll.close()


def tell_all(watchers: list[Watcher], publisher: Publisher, number: int) -> tuple[float, float]:
    """Publish one event; returns the ms until the first and the last had it."""
    peers = {watcher.sock.fileno(): watcher for watcher in watchers}
    epoll = select.epoll()
    for fd in peers:
        epoll.register(fd, select.EPOLLIN)
    wanted = {fd: watcher.seen + 1 for fd, watcher in peers.items()}
    begin, first, last = time.perf_counter(), 0.0, 0.0
    publisher.publish(number)
    while wanted:
        ready = epoll.poll(PATIENCE)
        if not ready:
            raise RuntimeError(f"{len(wanted)} watchers were told nothing within {PATIENCE:.0f} s")
        for fd, _ in ready:
            peers[fd].receive()
            if fd in wanted and peers[fd].seen >= wanted[fd]:
                last = (time.perf_counter() - begin) * 1000
                first = first or last
                del wanted[fd]
    epoll.close()
    publisher.answer()
    return first, last


def carry_out(plan: Plan) -> Found:
    server, publisher = Tree(plan.pid), Publisher(plan)
    publisher.publish(0)  # the group is made by it
    publisher.answer()
    watchers = open_some(plan, plan.warm)
    time.sleep(plan.settle)
    before = server.memory()
    watchers += open_some(plan, plan.count - plan.warm)
    time.sleep(plan.settle)
    each = (server.memory() - before) / (plan.count - plan.warm)
    idle = server.cpu_seconds()
    rest(watchers, plan.rest)
    idle = (server.cpu_seconds() - idle) / plan.rest
    tell_all(watchers, publisher, 1)  # the first one warms what it needs
    time.sleep(PAUSE)
    busy, told = server.cpu_seconds(), []
    for number in range(plan.events):
        told.append(tell_all(watchers, publisher, 2 + number))
        time.sleep(PAUSE)
    cost = (server.cpu_seconds() - busy) / plan.events * 1000
    firsts, lasts = zip(*told, strict=True)
    for watcher in watchers:
        watcher.sock.close()
    return Found(each, idle, statistics.median(firsts), statistics.median(lasts), max(lasts), cost)


def main() -> None:
    open_files()
    pin(LOAD_CPU)
    print(json.dumps(asdict(carry_out(Plan(**json.load(sys.stdin))))))


if __name__ == "__main__":
    main()
