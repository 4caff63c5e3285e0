"""Replay of millions: into callbacks as fast as they take it, and seeks."""

from __future__ import annotations

import asyncio
import logging
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import stored
from benchmarks.priority import ahead_of_others
from benchmarks.report import Report
from locshare_ext.broker.live import Log
from locshare_ext.broker.tail import LogEntry
from locshare_ext.client.callbacks import Callbacks, Kind
from locshare_ext.client.player import Player
from locshare_ext.model.clock import Clock
from locshare_ext.model.store import RecordingInfo
from locshare_ext.services.groups import Groups
from locshare_ext.services.replay import Steering, Wish
from locshare_ext.services.replays import Replays
from locshare_ext.store.sqlite import SQLiteStore

__all__ = ["run"]

MANY, MOST = 1_000_000, 10_000_000
SEEKS = 30


def run(report: Report) -> None:
    """Measure it; a short run seeks in a tenth of the fixes."""
    import pyarrow as pa

    table = pa.Table.from_batches([stored.fixes(0, MANY)])
    for kind, what in (("fixes", "in batches"), ("fix", "one by one")):
        rates = [_headless(table, kind) for _ in range(report.options.rounds)]
        report.judge(
            "replay",
            f"fixes/s of CPU into a Python callback, {what}",
            statistics.median(rates),
            least=200_000,
        )
    count = MOST if report.options.seconds > 2 else MANY
    whole = pa.Table.from_batches([stored.fixes(start, MANY) for start in range(0, count, MANY)])
    is_ahead = report.options.ahead
    for clock in ("time", "received"):
        late = _seeks_here(whole, clock, is_ahead=is_ahead)
        _judge(report, f"in the kernel, {count:,} fixes by {clock}", late)
    del whole
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.sqlite3"
        stored.make(path, count)
        for clock in ("time", "received"):
            late = asyncio.run(_seeks_there(path, count, clock, is_ahead=is_ahead))
            _judge(report, f"on the server, {count:,} fixes by {clock}", late)


def _judge(report: Report, where: str, took: list[float]) -> None:
    value = round(1000 * statistics.median(took), 1)
    report.judge("replay", f"ms of a seek, p50 of {len(took)}, {where}", value, most=100)
    report.note("replay", "its slowest seek", f"{1000 * max(took):.1f} ms", seconds=max(took))


def _headless(table: Any, kind: Kind) -> int:
    """Return fixes per second of CPU, played to a function that looks at each."""
    seen = 0

    def look(fixes: Any) -> None:
        nonlocal seen
        seen += len(fixes)

    def look_at(fix: Any) -> None:
        nonlocal seen
        seen += 1

    callbacks = Callbacks()
    callbacks.add(look if kind == "fixes" else look_at, kind=kind)
    begun = time.process_time()
    Player(table, callbacks, speed=float("inf"), clock="received", epoch="benchben").run()
    assert seen == table.num_rows
    return round(seen / (time.process_time() - begun))


def _seeks_here(table: Any, clock: Clock, *, is_ahead: bool) -> list[float]:
    """Return s from each seek in a callback until the first fix after it was handed over."""
    callbacks = Callbacks()
    player = Player(table, callbacks, speed=float("inf"), clock=clock)
    places, took = _places(player.playhead().start, player.playhead().end), list[float]()
    asked = 0.0

    def on(fix: Any) -> None:
        nonlocal asked
        took.append(time.perf_counter() - asked)
        if len(took) > SEEKS + 1:
            player.stop()
            return
        asked = time.perf_counter()
        player.seek(places[len(took) - 1])

    callbacks.add(on)
    with ahead_of_others(is_ahead):
        player.run()
    return took[2:]  # the first was none, and at the second all was looked through once


async def _seeks_there(path: Path, count: int, clock: Clock, *, is_ahead: bool) -> list[float]:
    """Return s from each seek until a reader has where everyone was, and the next fix."""
    store = SQLiteStore(path)
    info = RecordingInfo("r1", "walk", stored.GROUP, "group", stored.BEGIN, 0, 0)
    await store.put_recording(info)
    groups = Groups(store, clock=lambda: stored.BEGIN)
    replays = Replays(store, groups, clock=lambda: stored.BEGIN, log=logging.getLogger("benchmarks"))
    replay = await replays.create(info, Wish(clock=clock, is_paused=True))
    reader = _First(replay.log)
    said = replay.as_json()
    took = []
    with ahead_of_others(is_ahead):
        for place in _places(said["begin"], said["end"]):
            begun = time.perf_counter()
            reader.came.clear()
            replay.steer(Steering(at=place, step=1))
            await reader.came.wait()
            took.append(time.perf_counter() - begun)
    await replays.close()
    await groups.close()
    await store.close()
    return took


class _First:
    """Tells that a fix came that was not restored."""

    def __init__(self, log: Log) -> None:
        self.came = asyncio.Event()
        self._log = log
        self._after = log.head
        log.attach(self)

    def wake(self) -> None:
        while some := self._log.tail(self._after):
            self._after = some[-1].offset
            if any(entry.is_fix and entry.mark is None for entry in some):
                self.came.set()

    def offer(self, items: Sequence[LogEntry]) -> None:
        """Nothing is offered."""

    def close(self, reason: str) -> None:
        self.came.set()


def _places(begin: float | None, end: float | None) -> list[int]:
    """Return moments within, at random, the same ones each time."""
    draw = random.Random(7)
    return [draw.randint(int(begin or 0), int(end or 0)) for _ in range(SEEKS + 1)]
