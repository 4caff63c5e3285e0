"""One server, one transport, so many watchers: what they cost as fixes come faster."""

from __future__ import annotations

import contextlib
import math
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from locshare_ext.comparison.processes import Worker, load_cpus
from locshare_ext.comparison.served import Served, serving
from locshare_ext.errors import LocShareError, Unavailable

__all__ = ["Pace", "Workers", "measure", "working"]

GROUP = "hikers"
PUBLISHER = "stomp"  # whatever the watchers use, so that they alone differ
POLLING = "polling"
_WARM = 3  # watchers, opened and closed before the memory of others is measured
_LEAD = 0.1  # s from telling the workers to the beginning
_SETTLING = 2.0  # s that a server has to come to rest in
_SLICE, _AT_REST = 0.05, 0.0005  # s of time, and s of CPU in it


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a rate is measured: some seconds, and longer until `fixes` have come, up to `most`.

    idle: s for which a server that nobody watches is looked at, to know what it costs by itself.
    """

    seconds: float
    fixes: int = 2
    most: float = 30.0
    idle: float = 0.3

    def of(self, rate: float) -> tuple[float, int]:
        """Return the seconds and the number of fixes for a rate, 1/s."""
        seconds = min(max(self.seconds, self.fixes / rate), self.most)
        fixes = max(1, round(seconds * rate))
        return fixes / rate, fixes


@dataclass(frozen=True, slots=True)
class Workers:
    """The two processes of a measurement beside the server; they serve one cell after the other."""

    watchers: Worker
    publisher: Worker


@contextlib.contextmanager
def working() -> Iterator[Workers]:
    """Start the processes of watchers and publisher; they have ended when the context has."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="locshare-bench-")))
        made = []
        for what in ("watching", "publishing"):
            module, log = f"locshare_ext.comparison.{what}", folder / f"{what}.log"
            worker = Worker(f"the process for {what}", module, log=log, cpus=load_cpus())
            made.append(stack.enter_context(worker))
        yield Workers(*made)


def measure(
    workers: Workers, transport: str, watchers: int, rates: tuple[float, ...], pace: Pace, interval: float
) -> Iterator[dict[str, Any]]:
    """Yield a row for each rate, 1/s; see `locshare_ext.comparison.table` for its columns.

    interval: s between the polls of `polling`. Raises ServerUnreachable when the server fails,
    Unavailable when the watchers or the publisher do.
    """
    with serving() as served, _opened(served, workers):
        try:
            yield from _measured(served, workers, transport, watchers, rates, pace, interval)
        except LocShareError:
            served.child.check()  # its end is the reason, if it has ended
            raise


@contextlib.contextmanager
def _opened(served: Served, workers: Workers) -> Iterator[None]:
    try:
        workers.publisher.ask("open", transport=PUBLISHER, link=served.link(GROUP))
        yield
    finally:
        for worker in (workers.watchers, workers.publisher):
            with contextlib.suppress(LocShareError):  # not over the error that has led here
                worker.ask("close")


def _measured(
    served: Served,
    workers: Workers,
    transport: str,
    watchers: int,
    rates: tuple[float, ...],
    pace: Pace,
    interval: float,
) -> Iterator[dict[str, Any]]:
    own = {"transport": transport, "link": served.link(GROUP)}
    workers.watchers.ask("open", count=_WARM, interval=0.1, **own)
    _run(served, workers, 0, 0.2, 4)
    workers.watchers.ask("close")
    idle = _idle_cpu(served, pace.idle)
    before = served.probe.memory()
    opened = workers.watchers.ask("open", count=watchers, interval=interval, **own)["traffic"]
    with_watchers = served.probe.memory()
    for number, rate in enumerate(rates, 1):
        seconds, fixes = pace.of(rate)
        run = _run(served, workers, number, seconds, fixes)
        told, spent = run.told, run.told["traffic"]
        yield {
            "transport": transport,
            "rate": rate,
            "watchers": watchers,
            "interval": interval if transport == POLLING else math.nan,
            "seconds": seconds,
            "fixes": fixes,
            "served": told["served"],
            "deliveries": told["deliveries"],
            "faults": fixes * watchers - told["deliveries"] + told["disordered"],
            "latency_p50": told["p50"],
            "latency_p99": told["p99"],
            "latency_max": told["worst"],
            "latency_first": told["first"],
            "latency_last": told["last"],
            "requests": spent["requests"],
            "connections": opened["connections"] + spent["connections"],
            "sent": spent["sent"],
            "received": spent["received"],
            "server_cpu": max(0.0, run.cpu - idle * seconds),
            "watchers_cpu": told["cpu"],
            "memory_before": before,
            "memory_open": with_watchers,
            "memory": run.memory,
        }


@dataclass(frozen=True, slots=True)
class _Run:
    """told: by the watchers. cpu: s of the server. memory: bytes of it at the end."""

    told: dict[str, Any]
    cpu: float
    memory: int


def _run(served: Served, workers: Workers, number: int, seconds: float, fixes: int) -> _Run:
    """Let fixes be published over some seconds, and watched."""
    begin = time.monotonic() + _LEAD
    end = begin + seconds
    workers.watchers.tell("measure", run=number, begin=begin, end=end, fixes=fixes)
    workers.publisher.tell("publish", run=number, begin=begin, seconds=seconds, fixes=fixes)
    _sleep_until(begin)
    cpu = served.probe.cpu()
    _sleep_until(end)
    cpu = served.probe.cpu() - cpu
    memory = served.probe.memory()
    published = workers.publisher.answer()
    told = workers.watchers.answer()
    if published["stored"] != fixes:
        raise Unavailable(f"the server stored {published['stored']} of {fixes} fixes")
    return _Run(told, cpu, memory)


def _idle_cpu(served: Served, seconds: float) -> float:
    """Return what the server takes of a processor when nobody asks it anything."""
    limit = time.monotonic() + _SETTLING
    while _cpu_over(served, _SLICE) > _AT_REST and time.monotonic() < limit:
        pass  # it still clears up after those who have left
    return _cpu_over(served, seconds) / seconds


def _cpu_over(served: Served, seconds: float) -> float:
    cpu = served.probe.cpu()
    time.sleep(seconds)
    return served.probe.cpu() - cpu


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
