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
WARM_UP = 5 * 65_536  # fixes sent as fast as they are taken: some segments, and all is loaded
EVERY = 2.0  # s between two looks at the memory
MIB = 2**20


def run(report: Report) -> None:
    """Publish evenly, wait for each receipt, and look at the memory meanwhile; before, warm up."""
    seconds = SECONDS if report.options.rounds > 1 else QUICK
    with serve() as served:
        served.make_group("bench")
        _record(served)
        stored, server, other = _publish(served, seconds)
    part = len(server) // 5
    before, after = statistics.median(server[:part]), statistics.median(server[-part:])
    report.note("steady", f"{seconds:.0f} s", f"{stored:,} fixes, {after / MIB:.0f} MiB at the end")
    report.note("steady", "the process that seals, at most", f"{max(other) / MIB:.0f} MiB")
    report.judge("steady", "fixes/s stored", round(stored / seconds), least=round(RATE * 0.95))
    grown = round((after - before) / MIB, 1)
    report.judge("steady", "the last fifth's memory over the first's", grown, most=5, unit=" MiB")


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

    def look() -> None:
        server.append(process.memory_info().rss)
        other.append(sum(child.memory_info().rss for child in process.children(recursive=True)))

    with selectors.DefaultSelector() as selector:
        publishers = [_Paced(n, served) for n in range(PUBLISHERS)]
        for one in publishers:
            selector.register(one.sock, selectors.EVENT_READ, one)
        while sum(one.stored for one in publishers) < WARM_UP:
            _turn(selector, publishers, time.perf_counter() + EVERY)
        before, begin = sum(one.stored for one in publishers), time.perf_counter()
        for number, one in enumerate(publishers):
            one.pace(begin + number * BATCH / RATE)
        due = begin
        while due < begin + seconds:
            due += EVERY
            while time.perf_counter() < due:
                _turn(selector, publishers, due)
            look()
        return sum(one.stored for one in publishers) - before, server, other


def _turn(selector: selectors.BaseSelector, publishers: list[_Paced], until: float) -> None:
    """Wait for a receipt, or until somebody has to send, and send."""
    wake = min([until, *(one.due for one in publishers if one.is_idle)])
    for key, _ in selector.select(max(0.0, wake - time.perf_counter())):
        key.data.receive()
    now = time.perf_counter()
    for one in publishers:
        if one.is_idle and one.due <= now:
            one.send()


class _Paced(Publisher):
    """Sends the next body when it is due and the one before has its receipt; at first at once."""

    def __init__(self, number: int, served: Served) -> None:
        super().__init__(number, BATCH, served.connect())
        self.is_idle = True
        self.due = self._every = 0.0

    def pace(self, begin: float) -> None:
        """Send evenly from a moment on."""
        self.due, self._every = begin, PUBLISHERS * BATCH / RATE

    def send(self) -> None:
        """Send, unless it is called for a receipt: then wait until the next is due."""
        if not self.is_idle:
            self.is_idle = True
            return
        self.is_idle = False
        self.due += self._every
        super().send()
