"""Fixes stored/s with receipts, and how long a receipt takes, beside plain SQLite commits of the same rows.

The reference writes the same number of columns with executemany, one transaction for as
many fixes as one body of ours holds: what the disk and SQLite allow without a server.
"""

from __future__ import annotations

import selectors
import socket
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.report import Report
from benchmarks.serving import fix_body, serve
from benchmarks.websocket import send_frame, stomp_frame

SECONDS = 5.0
PUBLISHERS = 8
DESTINATION = "/topic/group.bench"


def sqlite_alone(batch: int) -> float:
    """Return rows/s of bare SQLite in WAL mode, `batch` rows a transaction."""
    with tempfile.TemporaryDirectory() as folder:
        database = sqlite3.connect(Path(folder) / "bare.sqlite3", isolation_level=None)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=NORMAL")
        columns = [f"c{n}" for n in range(14)]
        database.execute(f"CREATE TABLE fix (id INTEGER PRIMARY KEY, {', '.join(columns)})")
        insert = f"INSERT INTO fix ({', '.join(columns)}) VALUES ({', '.join('?' * 14)})"
        rows, stored = [(1, 1_763_806_275_123, 37.5, 126.9, *(1.5,) * 10)] * batch, 0
        end = time.perf_counter() + 2
        begin = time.perf_counter()
        while (now := time.perf_counter()) < end:
            database.execute("BEGIN")
            database.executemany(insert, rows)
            database.execute("COMMIT")
            stored += batch
        database.close()
        return stored / (now - begin)


class Publisher:
    """Sends a body, waits for its receipt, sends the next."""

    def __init__(self, member: int, batch: int, sock: socket.socket) -> None:
        self.member, self.batch, self.sock = member, batch, sock
        self.sent = self.stored = 0
        self.waits: list[float] = []
        self.begun = 0.0
        self._read = b""

    def send(self) -> None:
        fixes = [fix_body(self.member, self.sent + n) for n in range(self.batch)]
        body = b"[" + b",".join(fixes) + b"]" if self.batch > 1 else fixes[0]
        headers = [
            ("destination", DESTINATION),
            ("content-length", str(len(body))),
            ("receipt", str(self.sent)),
        ]
        self.sent += self.batch
        self.begun = time.perf_counter()
        self.sock.sendall(send_frame(stomp_frame("SEND", headers, body)))

    def receive(self) -> None:
        self._read += self.sock.recv(65536)
        if b"ERROR\n" in self._read:
            raise RuntimeError(self._read.decode(errors="replace"))
        if b"\0" in self._read:
            self.waits.append(time.perf_counter() - self.begun)
            self.stored += self.batch
            self._read = b""
            self.send()


def ours(batch: int) -> tuple[float, float, float]:
    """Return fixes stored/s, and the median and 99th percentile of the wait for a receipt in ms."""
    with serve(cpu=0) as served, selectors.DefaultSelector() as selector:
        publishers = [Publisher(n, batch, served.connect()) for n in range(PUBLISHERS)]
        for publisher in publishers:
            selector.register(publisher.sock, selectors.EVENT_READ, publisher)
            publisher.send()
        begin = time.perf_counter()
        while (now := time.perf_counter()) < begin + SECONDS:
            for key, _ in selector.select(1):
                key.data.receive()
        waits = sorted(wait for publisher in publishers for wait in publisher.waits)
        stored = sum(publisher.stored for publisher in publishers)
        return stored / (now - begin), statistics.median(waits) * 1e3, waits[int(len(waits) * 0.99)] * 1e3


def run(report: Report) -> None:
    """Measure fixes one by one and in arrays."""
    for batch, least in ((1, 3_000), (100, 20_000)):
        reference = sqlite_alone(batch)
        rate, median, worst = ours(batch)
        what = f"{PUBLISHERS} publishers, {batch} a body"
        report.note(
            "receipts",
            what,
            f"wait p50 {median:.2f} ms, p99 {worst:.2f} ms, "
            f"{rate / reference:.2f}x bare SQLite ({reference:,.0f} rows/s)",
            rate=rate,
            reference=reference,
        )
        report.judge("receipts", f"fixes/s, {what}", round(rate), least=least)
