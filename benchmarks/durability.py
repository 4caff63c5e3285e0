"""kill -9 of the server at random moments under load: what was receipted is there, and nothing is twice."""

from __future__ import annotations

import asyncio
import json
import os
import random
import selectors
import signal
import socket
import sqlite3
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.receipts import DESTINATION, PUBLISHERS
from benchmarks.report import Report
from benchmarks.serving import Served, serve
from benchmarks.websocket import send_frame, stomp_frame
from locshare_ext.model.store import Selection
from locshare_ext.store import SQLiteStore

__all__ = ["run"]

KILLS = 100
LONGEST = 0.6  # s of load before a kill
SIZES = (1, 7, 100)  # fixes of a body
RUN = 10_000_000  # ms between the first fixes of two runs
BEGIN = 1_763_806_275_000  # ms

Key = tuple[str, int]  # member, time


def run(report: Report) -> None:
    """Kill the server 100 times; one file lives through all of them."""
    kills = KILLS if report.options.rounds > 1 else KILLS // 10
    chance = random.Random(5)
    receipted: set[Key] = set()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.sqlite3"
        for kill in range(kills):
            with serve(store=path) as served:
                receipted |= _until_killed(served, kill, chance.random() * LONGEST)
        times, twice = asyncio.run(_read(path))
        with sqlite3.connect(path) as conn:
            [(said,)] = conn.execute("PRAGMA integrity_check").fetchall()
        conn.close()
    report.note("durability", f"{kills} kills", f"{len(receipted):,} receipted, {len(times):,} stored")
    report.judge("durability", "receipted and lost", len(receipted - times), most=0)
    report.judge("durability", "stored twice", twice, most=0)
    report.judge("durability", "complaints of integrity_check", int(said != "ok"), most=0)


def _until_killed(served: Served, kill: int, seconds: float) -> set[Key]:
    """Publish until a moment, kill the server there; returns what it had receipted."""
    with selectors.DefaultSelector() as selector:
        publishers = [_Publisher(n, kill, served.connect()) for n in range(PUBLISHERS)]
        for one in publishers:
            selector.register(one.sock, selectors.EVENT_READ, one)
            one.send()
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            for key, _ in selector.select(left):
                key.data.receive()
    os.kill(served.pid, signal.SIGKILL)
    for one in publishers:
        one.drain()
    return {key for one in publishers for key in one.receipted}


class _Publisher:
    """Sends a body, waits for its receipt, sends the next; remembers what was receipted."""

    def __init__(self, number: int, kill: int, sock: socket.socket) -> None:
        self.sock = sock
        self.receipted: list[Key] = []
        self._member, self._size = f"m{number}", SIZES[number % len(SIZES)]
        self._next = BEGIN + kill * RUN
        self._sent: list[Key] = []
        self._read = b""

    def send(self) -> None:
        self._sent = [(self._member, self._next + n) for n in range(self._size)]
        self._next += self._size
        fixes = [{"member": name, "time": at, "lat": 37.5, "lon": 127.0} for name, at in self._sent]
        body = json.dumps(fixes).encode()
        headers = [("destination", DESTINATION), ("content-length", str(len(body))), ("receipt", "r")]
        self.sock.sendall(send_frame(stomp_frame("SEND", headers, body)))

    def receive(self) -> None:
        if self._take(self.sock.recv(65536)):
            self.send()

    def drain(self) -> None:
        """Read what the server had sent before its end."""
        self.sock.settimeout(10)
        try:
            while data := self.sock.recv(65536):
                self._take(data)
        except ConnectionError:
            pass
        self.sock.close()

    def _take(self, data: bytes) -> bool:
        """Note what came; returns whether that was the receipt."""
        self._read += data
        if b"ERROR\n" in self._read:
            raise RuntimeError(self._read.decode(errors="replace"))
        if b"\0" not in self._read:
            return False
        assert b"RECEIPT\n" in self._read
        self.receipted += self._sent
        self._sent, self._read = [], b""
        return True


async def _read(path: Path) -> tuple[set[Key], int]:
    """Return what is stored, and how many of it are there twice, or have an offset twice."""
    store = SQLiteStore(path)
    [info] = await store.logs()
    table = await store.trails(info.name, Selection())
    await store.close()
    keys = set(zip(table["member"].to_pylist(), table["time"].to_pylist(), strict=True))
    offsets = len(np.unique(table["seq"].to_numpy()))
    return keys, 2 * table.num_rows - len(keys) - offsets
