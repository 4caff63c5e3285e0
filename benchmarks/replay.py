"""Replay: how late fixes come on a topic, how far it drifts in an hour, how fast it plays and seeks."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import replayed
from benchmarks.priority import ahead_of_others
from benchmarks.report import Options, Report
from locshare_ext.broker.live import Log
from locshare_ext.broker.tail import LogEntry
from locshare_ext.model.cursor import new_epoch
from locshare_ext.model.fix import Fix
from locshare_ext.model.replay import Piece, Schedule
from locshare_ext.model.store import RecordingInfo
from locshare_ext.services.groups import Groups
from locshare_ext.services.replay import Steering, Wish
from locshare_ext.services.replays import Replays
from locshare_ext.store.sqlite import SQLiteStore

__all__ = ["run"]

BEGIN = 1_763_806_275_000
RATES = (1_000, 10_000)  # fixes/s of the recording
MEMBERS = 50


def run(report: Report) -> None:
    """Measure all of it in this process, on a store in a file."""
    for rate in RATES:
        for name, bound in (("idle", 5.0), ("busy", 20.0)):
            late, is_ahead = asyncio.run(_lateness(rate, report.options, is_busy=name == "busy"))
            for part, share in (("p50", 0.5), ("p99", 0.99)):
                value = round(1000 * late[int(share * (len(late) - 1))], 2)
                what = f"ms late, {part}, {rate} fixes/s, {name} loop"
                report.judge("replay", what, value, most=bound)
    words = "before all else on the machine (SCHED_FIFO)" if is_ahead else "as any process"
    load = os.getloadavg()[0]
    report.note("replay", "scheduled", f"{words}; load {load:.1f}", load=load)
    report.judge("replay", "ms of drift in an hour, woken 4 ms late each time", _drift(), most=10)
    replayed.run(report)


class _Watcher:
    """Notes by how much each fix came after its deadline; begun: when the first one was due, s."""

    def __init__(self, log: Log) -> None:
        self.late: list[float] = []
        self.done = asyncio.Event()
        self._log = log
        self._after = 0
        self.begun = 0.0
        log.attach(self)

    def wake(self) -> None:
        now = time.monotonic()
        while some := self._log.tail(self._after):
            self._after = some[-1].offset
            for entry in some:
                if entry.mark is not None:
                    if entry.mark.state == "ended":
                        self.done.set()
                    continue
                moment = entry.item.effective_time
                self.late.append(now - self.begun - (moment - BEGIN) / 1000)

    def offer(self, items: Sequence[LogEntry]) -> None:
        """Nothing is offered."""

    def close(self, reason: str) -> None:
        self.done.set()


async def _lateness(rate: int, options: Options, *, is_busy: bool) -> tuple[list[float], bool]:
    """Return by how many seconds each fix was late, ascending; and whether it ran before all else."""
    with tempfile.TemporaryDirectory() as folder:
        store = SQLiteStore(Path(folder) / "log.sqlite3")
        info = await _stored(store, rate, int(rate * options.seconds))
        groups = Groups(store, clock=lambda: BEGIN)
        replays = Replays(store, groups, clock=lambda: BEGIN, log=logging.getLogger("benchmarks"))
        replay = await replays.create(info, Wish(is_paused=True))
        watcher = _Watcher(replay.log)
        await asyncio.sleep(1)  # what comes first is read
        gc.collect()
        with ahead_of_others(options.ahead) as is_ahead:
            watcher.begun = time.monotonic()
            replay.steer(Steering(is_paused=False))
            work = asyncio.ensure_future(_work(watcher.done)) if is_busy else None
            await watcher.done.wait()
            if work is not None:
                await work
        await replays.close()
        await groups.close()
        await store.close()
        return sorted(watcher.late), is_ahead


async def _work(done: asyncio.Event) -> None:
    """Hold the loop for 10 ms, half of the time."""
    while not done.is_set():
        until = time.monotonic() + 0.01
        while time.monotonic() < until:
            pass
        await asyncio.sleep(0.01)


async def _stored(store: SQLiteStore, rate: int, count: int) -> RecordingInfo:
    epoch = new_epoch()
    for begin in range(0, count, 2000):
        times = [(n, BEGIN + n * 1000 // rate) for n in range(begin, min(count, begin + 2000))]
        fixes = [
            Fix(member=f"m{n % MEMBERS}", time=at, received=at, lat=37.5, lon=n / count, flags=())
            for n, at in times
        ]
        await store.append("hikers", fixes, epoch=epoch)
    info = RecordingInfo("r1", "walk", "hikers", "group", BEGIN, BEGIN, 0)
    await store.put_recording(info)
    return info


def _drift() -> float:
    """Return by how many ms a simulated hour is off at its end."""
    plan: Schedule[None] = Schedule(0, 3_600_000, 0.0)
    plan.feed(Piece(range(0, 3_600_001, 100), None))
    plan.complete()
    now = 0.0
    while (due := plan.deadline()) is not None:
        now = max(now, due) + 0.004
        plan.take(now, 1000)
        plan.turn(now)
    return round(abs(now - 0.004 - 3600.0) * 1000, 2)
