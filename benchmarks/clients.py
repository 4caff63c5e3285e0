"""What one client takes, stomp.py's messages and the fixes of a notebook's kernel.

The client is held (SIGSTOP) while the fixes are published and stored, and then let go: what
is measured is how fast it takes what waits for it in the log, not how fast that got there.
"""

from __future__ import annotations

import json
import signal
import subprocess
import time

from benchmarks.peers import OURS
from benchmarks.processes import LOAD_CPU, PYTHON, SERVER_CPU, Tree, process
from benchmarks.report import Report
from benchmarks.serving import Served, serve
from benchmarks.websocket import send_frame, stomp_frame, wait_for

GROUP = "bench"
FIXES = {"stomp.py": 100_000, "kernel": 200_000}
LEAST = {"stomp.py": 30_000, "kernel": 100_000}
UNITS = {"stomp.py": "messages", "kernel": "fixes"}
ARRAY = 500  # fixes a SEND: well within a frame
UNDER_WAY = 8  # SENDs without a receipt yet
MEMBERS = 10
BEGIN = int(time.time() * 1000) - 3_600_000


def run(report: Report) -> None:
    for kind in FIXES:
        topic, unit = f"one client, {kind}", UNITS[kind]
        runs = [_once(report, topic, kind) for _ in range(report.options.rounds)]
        rates = sorted(FIXES[kind] / float(one["seconds"]) for one in runs)
        report.judge(topic, f"{unit} taken", rates[len(rates) // 2], least=LEAST[kind], unit="/s")
        faults = {name: sum(int(one[name]) for one in runs) for name in ("lost", "doubled", "disordered")}
        report.judge_faults(topic, ", ".join(f"{count} {name}" for name, count in faults.items() if count))


def _once(report: Report, topic: str, kind: str) -> dict[str, float]:
    count = FIXES[kind]
    with serve(cpu=SERVER_CPU) as served:
        wanted = (kind, "127.0.0.1", str(served.port), served.token, GROUP, str(count))
        with process(PYTHON, "-m", "benchmarks.taker", *wanted, cpu=LOAD_CPU) as taker:
            _read_until(taker, "ready")
            taker.send_signal(signal.SIGSTOP)
            ingest = count / _publish(served, count)
            server = Tree(served.pid)
            before, begin = server.cpu_seconds(), time.perf_counter()
            taker.send_signal(signal.SIGCONT)
            told: dict[str, float] = json.loads(_read_until(taker, "{"))
            busy = (server.cpu_seconds() - before) / (time.perf_counter() - begin)
    rate = count / told["seconds"]
    text = (
        f"{rate:10,.0f} {UNITS[kind]}/s  client {told['cpu']:4.2f}, {told['cpu'] / rate * 1e6:5.1f} us each"
        f"  server {busy:4.2f}  ({ingest:,.0f} fixes/s were stored before)"
    )
    report.note(topic, OURS.name, text, rate=rate, server=busy, stored=ingest, **told)
    return told


def _read_until(taker: subprocess.Popen[str], word: str) -> str:
    """Return the line of a client's output that begins with a word."""
    assert taker.stdout is not None
    before = []
    for line in taker.stdout:
        if line.startswith(word):
            return line
        before.append(line)
    raise RuntimeError(f"the client ended: {''.join(before)}")


def _publish(served: Served, count: int) -> float:
    """Have fixes stored, each a millisecond after the last; returns the seconds that took."""
    bodies = [_array(first, min(ARRAY, count - first)) for first in range(0, count, ARRAY)]
    sock = served.connect()
    begin = time.perf_counter()
    for number, body in enumerate(bodies, 1):
        headers = [
            ("destination", f"/topic/group.{GROUP}"),
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
            ("receipt", str(number)),
        ]
        sock.sendall(send_frame(stomp_frame("SEND", headers, body)))
        if number % UNDER_WAY == 0 or number == len(bodies):
            wait_for(sock, b"receipt-id:%d\n" % number)
    took = time.perf_counter() - begin
    sock.close()
    return took


def _array(first: int, count: int) -> bytes:
    fixes = [
        b'{"member":"m%04d","time":%d,"lat":37.5665,"lon":126.978,"accuracy":5.0,"speed":1.4,'
        b'"heading":270.0,"source":"bench","extra":{"n":%d,"pad":"xxxxxxxxxxxxxxxx"}}'
        % (number % MEMBERS, BEGIN + number, number)
        for number in range(first, first + count)
    ]
    return b"[" + b",".join(fixes) + b"]"
