"""Brokers that keep fixes for watchers who are away: our log, and one that keeps everything in memory."""

from __future__ import annotations

import contextlib
import importlib.util
import socket
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from locshare_ext.client.discovery import server_from_url
from locshare_ext.client.http import Api, path_of
from locshare_ext.comparison.processes import Child, Probe, server_cpus
from locshare_ext.comparison.served import Served, serving
from locshare_ext.errors import InvalidInput, ServerUnreachable
from locshare_ext.stomp import Frame

__all__ = ["BOUNDED_LOG", "COILMQ", "KEEPERS", "Keeper", "is_available", "keeping"]

BOUNDED_LOG = "our log: bounded in memory, all on disk"
COILMQ = "CoilMQ: everything in memory"
KEEPERS = (BOUNDED_LOG, COILMQ)

_GROUP = "hikers"
_PAGE = 1000  # fixes that one POST and one GET may carry
_WAIT = 60.0  # s
_MESSAGE = b"MESSAGE\n"


class Keeper(Protocol):
    """A broker that runs as a process of its own, told to keep fixes for watchers who are away."""

    probe: Probe

    def expect(self, watchers: int) -> None:
        """Let so many watchers come, and go again; what is kept from now on is for each of them."""

    def keep(self, fixes: Sequence[bytes]) -> None:
        """Take fixes, JSON each, in order; returns when it has them."""

    def returned(self, watcher: int, count: int) -> int:
        """Let one watcher return: how many fixes it is given, at most `count`."""

    def file_size(self) -> int:
        """Return the bytes that it has on disk."""


def is_available(name: str) -> bool:
    """Return whether a broker of `KEEPERS` can be started here."""
    return name == BOUNDED_LOG or importlib.util.find_spec("coilmq") is not None


def keeping(name: str) -> AbstractContextManager[Keeper]:
    """Start one of `KEEPERS`, empty; raises InvalidInput when it is not installed."""
    if name == BOUNDED_LOG:
        return _log()
    if name != COILMQ:
        raise InvalidInput(f"{name!r} is none of {', '.join(map(repr, KEEPERS))}", field="brokers")
    if not is_available(name):
        raise InvalidInput("CoilMQ is missing: pip install 'locshare-ext[bench]'", field="brokers")
    return _coilmq()


@contextlib.contextmanager
def _log() -> Iterator[Keeper]:
    with serving() as served:
        log = _Log(served)
        try:
            yield log
        finally:
            log.close()


class _Log:
    """A group of our server; a watcher who is away is a cursor that the watcher itself has."""

    def __init__(self, served: Served) -> None:
        server = server_from_url(served.base, served.token)
        self.probe = served.probe
        self._api, self._served = Api(lambda: server), served
        self._path = path_of("groups", _GROUP, "fixes")
        self._cursors: list[str] = []

    def expect(self, watchers: int) -> None:
        if watchers and not self._cursors:
            self._api.send("POST", self._path, b'{"member":"first","time":1763806275123,"lat":0,"lon":0}')
        while len(self._cursors) < watchers:
            self._cursors.append(self._api.get(self._path, {"after": "now"})["cursor"])

    def keep(self, fixes: Sequence[bytes]) -> None:
        for begin in range(0, len(fixes), _PAGE):
            self._api.send("POST", self._path, b"[%b]" % b",".join(fixes[begin : begin + _PAGE]))

    def returned(self, watcher: int, count: int) -> int:
        cursor, found = self._cursors[watcher], 0
        while found < count:
            page = self._api.get(self._path, {"after": cursor, "limit": _PAGE})
            if not page["fixes"]:
                break
            cursor, found = page["cursor"], found + len(page["fixes"])
        return found

    def file_size(self) -> int:
        return self._served.store_size()

    def close(self) -> None:
        self._api.close()


@contextlib.contextmanager
def _coilmq() -> Iterator[Keeper]:
    with tempfile.TemporaryDirectory(prefix="locshare-bench-") as name:
        log = Path(name) / "coilmq.log"
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = int(free.getsockname()[1])
        address = ("-b", "127.0.0.1", "-p", str(port))
        with Child("CoilMQ", "coilmq.start", *address, log=log, cpus=server_cpus()) as child:
            with _connected(port, child):  # it listens
                pass
            yield _CoilMQ(child, port)


class _CoilMQ:
    """Queues of CoilMQ: a message is for one consumer, so each watcher has a queue with all fixes."""

    def __init__(self, child: Child, port: int) -> None:
        self.probe = Probe(child.pid)
        self._child, self._port = child, port
        self._watchers = 0

    def expect(self, watchers: int) -> None:
        self._watchers = watchers

    def keep(self, fixes: Sequence[bytes]) -> None:
        for watcher in range(self._watchers):
            for begin in range(0, len(fixes), _PAGE):
                self._send(_queue(watcher), fixes[begin : begin + _PAGE])

    def returned(self, watcher: int, count: int) -> int:
        with _connected(self._port, self._child) as consumer:
            subscription = (("id", "0"), ("destination", _queue(watcher)), ("ack", "auto"))
            consumer.sendall(Frame("SUBSCRIBE", subscription).encode("1.1"))
            found, tail = 0, b""
            while found < count:
                data = tail + _received(consumer, self._child)
                found += data.count(_MESSAGE)
                tail = data[1 - len(_MESSAGE) :]  # a command may be cut
            return found

    def file_size(self) -> int:
        return 0

    def _send(self, destination: str, bodies: Sequence[bytes]) -> None:
        # One at a time, as it loses its thread when a frame's NUL comes in a later piece. And over
        # a connection that ends: it also keeps all that it has read on one, which is not asked here.
        headers = (("destination", destination), ("content-type", "application/json"), ("receipt", "kept"))
        with _connected(self._port, self._child) as sender:
            for body in bodies:
                sender.sendall(Frame("SEND", headers, body).encode("1.1"))
                _wait_for(sender, b"receipt-id:kept\n", self._child)


def _queue(watcher: int) -> str:
    return f"/queue/{_GROUP}.{watcher:04d}"


@contextlib.contextmanager
def _connected(port: int, child: Child) -> Iterator[socket.socket]:
    with _opened(port, child) as sock:
        sock.settimeout(_WAIT)
        # 1.1: its 1.2 takes no `host` but its machine's full name
        hello = (("accept-version", "1.1"), ("host", "127.0.0.1"))
        sock.sendall(Frame("CONNECT", hello).encode(None))
        _wait_for(sock, b"CONNECTED\n", child)
        yield sock


def _opened(port: int, child: Child) -> socket.socket:
    limit = time.monotonic() + _WAIT
    while True:
        child.check()
        try:
            return socket.create_connection(("127.0.0.1", port), _WAIT)
        except OSError:
            if time.monotonic() > limit:
                raise ServerUnreachable(f"CoilMQ does not listen after {_WAIT:g} s") from None
        time.sleep(0.02)  # it prints nothing when it is ready


def _wait_for(sock: socket.socket, wanted: bytes, child: Child) -> None:
    data = b""
    while wanted not in data:
        data = data[-len(wanted) :] + _received(sock, child)
        if data.startswith(b"ERROR\n"):
            raise ServerUnreachable(f"CoilMQ answered {data[:200]!r}")


def _received(sock: socket.socket, child: Child) -> bytes:
    try:
        data = sock.recv(1 << 16)
    except TimeoutError:
        raise ServerUnreachable(f"CoilMQ has sent nothing for {_WAIT:g} s") from None
    if not data:
        raise child.failure()
    return data
