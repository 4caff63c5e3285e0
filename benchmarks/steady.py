"""Memory of a server that records for ten minutes, with the process that seals what it records."""

from __future__ import annotations

import json
import selectors
import statistics
import time
import urllib.request

import psutil

from benchmarks.receipts import PUBLISHERS, Publisher
from benchmarks.report import Report
from benchmarks.serving import Served, serve

__all__ = ["run"]

SECONDS = 600.0
QUICK = 60.0
RATE = 4_000  # fixes/s: a segment in 16 s
BATCH = 100  # of them in a body
EVERY = 2.0  # s between two looks at the memory
MIB = 2**20


def run(report: Report) -> None:
    """Publish evenly, wait for each receipt, and look at the memory meanwhile."""
    seconds = SECONDS if report.options.rounds > 1 else QUICK
    with serve() as served:
        served.make_group("bench")
        _record(served)
        stored, server, other = _publish(served, seconds)
    part = len(server) // 5
    before, after = statistics.median(server[part : 2 * part]), statistics.median(server[-part:])
    report.note("steady", f"{seconds:.0f} s", f"{stored:,} fixes, {after / MIB:.0f} MiB at the end")
    report.note("steady", "the process that seals, at most", f"{max(other) / MIB:.0f} MiB")
    report.judge("steady", "fixes/s stored", round(stored / seconds), least=round(RATE * 0.95))
    grown = round((after - before) / MIB, 1)
    report.judge("steady", "the last fifth's memory over the second's", grown, most=5, unit=" MiB")


def _record(served: Served) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{served.port}/locshare/api/recordings",
        json.dumps({"group": "bench", "name": "steady"}).encode(),
        {"Content-Type": "application/json", "X-Locshare-Token": served.token},
    )
    urllib.request.urlopen(request).close()


def _publish(served: Served, seconds: float) -> tuple[int, list[int], list[int]]:
    """Return how many fixes were stored, and the bytes of the server and of what it started."""
    server, other = list[int](), list[int]()
    process = psutil.Process(served.pid)
    with selectors.DefaultSelector() as selector:
        publishers = [_Paced(n, served) for n in range(PUBLISHERS)]
        for one in publishers:
            selector.register(one.sock, selectors.EVENT_READ, one)
        begin = time.perf_counter()
        look = begin + EVERY
        while (now := time.perf_counter()) < begin + seconds:
            wake = min([look, *(one.due for one in publishers if one.is_idle)])
            for key, _ in selector.select(max(0.0, wake - now)):
                key.data.receive()
            now = time.perf_counter()
            for one in publishers:
                if one.is_idle and one.due <= now:
                    one.send()
            if now >= look:
                look += EVERY
                server.append(process.memory_info().rss)
                other.append(sum(child.memory_info().rss for child in process.children(recursive=True)))
    return sum(one.stored for one in publishers), server, other


class _Paced(Publisher):
    """Sends the next body when it is due and the one before has its receipt."""

    def __init__(self, number: int, served: Served) -> None:
        super().__init__(number, BATCH, served.connect())
        self.is_idle = True
        self.due = time.perf_counter() + number * BATCH / RATE

    def send(self) -> None:
        """Send, unless it is called for a receipt: then wait until the next is due."""
        if not self.is_idle:
            self.is_idle = True
            return
        self.is_idle = False
        self.due += PUBLISHERS * BATCH / RATE
        super().send()
