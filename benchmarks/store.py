"""The store with one and ten million fixes, most of them sealed, beside plain SQLite and pandas."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from benchmarks.processes import cpu_seconds
from benchmarks.report import Report
from benchmarks.serving import serve
from benchmarks.stored import BEGIN, GROUP, MEMBERS, STEP, make, make_plain

__all__ = ["run"]

MANY, MOST = 1_000_000, 10_000_000
SEEKS = 20
BACKLOG = 86_400  # fixes of one phone in a day
SENT = 250  # of them in one array
CALM = 3.0  # s of live fixes alone, before the backlog
RATE = 10_000  # live fixes/s
BATCH = 100  # of them in one append
SEALING, LONGEST = 0.5, 60.0  # s of sealing that exports and live fixes have to overlap; until given up


def run(report: Report) -> None:
    """Measure all of it; a file of ten million fixes takes 250 MB and some seconds to make."""
    with tempfile.TemporaryDirectory() as folder:
        many, most, plain = (Path(folder) / name for name in ("many.db", "most.db", "plain.db"))
        make(many, MANY)
        make_plain(plain, MANY)
        make(most, MOST)
        report.judge("size", "bytes a fix", round(most.stat().st_size / MOST, 1), most=32)
        _bulk(report, many, plain)
        _memory(report, most)
        _seek(report, most)
        _restart(report, most)
        for part in ("backlog", "live"):
            found = _alone(part, most)
            for what, value, bound, is_least in found:
                if bound is None:
                    report.note(part, what, f"{value:,}")
                else:
                    report.judge(part, what, value, **{"least" if is_least else "most": bound})


def _bulk(report: Report, many: Path, plain: Path) -> None:
    ours, theirs = [], []
    with serve(store=many) as served:
        for _ in range(report.options.rounds):
            before = cpu_seconds(served.pid)
            [(seconds, _)] = [_alone("api", many, str(served.port), served.token)]
            ours.append(seconds)
            report.note("bulk", "API to DataFrame", f"{seconds:.2f} s", seconds=seconds)
            report.note("bulk", "server's CPU for it", f"{cpu_seconds(served.pid) - before:.2f} s")
            [(seconds, _)] = [_alone("read_sql", plain)]
            theirs.append(seconds)
            report.note("bulk", "pandas.read_sql", f"{seconds:.2f} s", seconds=seconds)
    share = statistics.median(ours) / statistics.median(theirs)
    report.judge("bulk", "1 million fixes, share of read_sql's time", round(share, 3), most=0.15)


def _memory(report: Report, most: Path) -> None:
    with serve(store=most) as served:
        seconds, times = _alone("api", most, str(served.port), served.token)
    report.note("memory", "API to DataFrame, 10 million", f"{seconds:.1f} s", seconds=seconds)
    report.judge("memory", "peak over the frame's own", round(times, 2), most=3)


def _seek(report: Report, most: Path) -> None:
    for clock in ("time", "received"):
        first, *rest = _alone("seek", most, clock)
        report.judge("seek", f"first at(t), clock={clock}", round(first, 1), most=100, unit=" ms")
        report.judge("seek", f"later, clock={clock}", round(statistics.median(rest), 1), most=20, unit=" ms")


def _restart(report: Report, most: Path) -> None:
    began = time.perf_counter()
    with serve(store=most) as served:
        request = urllib.request.Request(
            f"http://127.0.0.1:{served.port}/locshare/api/groups/{GROUP}/fixes?limit=10",
            headers={"X-Locshare-Token": served.token},
        )
        with urllib.request.urlopen(request) as answer:
            assert len(json.load(answer)["fixes"]) == 10
        seconds = time.perf_counter() - began
    report.judge("restart", "until the first request is served", round(seconds, 2), most=2, unit=" s")


def _alone(part: str, *arguments: object) -> Any:
    """Run a part in a process that has read nothing yet; returns what it found."""
    command = [sys.executable, "-m", "benchmarks.store", part, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{part}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


# --- in processes of their own


def api(_: str, port: str, token: str) -> tuple[float, float]:
    """Return the seconds for all trails as a frame, and the peak of memory over the frame's own."""
    from locshare_ext import Group
    from locshare_ext.formats import frame

    frame.empty_frame()
    os.environ.update(LOCSHARE_URL=f"http://127.0.0.1:{port}/", LOCSHARE_TOKEN=token)
    group = Group(GROUP)
    group.latest()
    gc.collect()
    before = _peak()
    began = time.perf_counter()
    trails = group.trails()
    seconds = time.perf_counter() - began
    own = int(trails.memory_usage(deep=True).sum())
    return seconds, (_peak() - before) / own


def read_sql(path: str) -> tuple[float, int]:
    """Return the seconds that pandas takes for the same rows."""
    import sqlite3

    import pandas as pd

    conn = sqlite3.connect(path)
    began = time.perf_counter()
    frame = pd.read_sql("SELECT f.*, m.name FROM fixes f JOIN members m ON m.id = f.member", conn)
    for name in ("time", "received"):
        frame[name] = pd.to_datetime(frame[name], unit="ms", utc=True)
    return time.perf_counter() - began, len(frame)


async def seek(path: str, clock: str) -> list[float]:
    """Return ms for where everyone was at moments all over the file, in the order asked."""
    import numpy as np
    import pyarrow.compute

    from locshare_ext.model.store import Selection
    from locshare_ext.store import SQLiteStore

    assert (
        pyarrow.compute.sum(pyarrow.array([1])).as_py() == 1
    )  # loaded, like the server that has answered once
    store = SQLiteStore(Path(path))
    moments = np.random.default_rng(3).integers(BEGIN + 60_000, BEGIN + (MOST - 200_000) * STEP, SEEKS)
    found = []
    for moment in moments.tolist():
        began = time.perf_counter()
        table = await store.at(GROUP, Selection(until=moment, clock=clock))  # type: ignore[arg-type]
        found.append((time.perf_counter() - began) * 1000)
        assert table.num_rows == MEMBERS
    await store.close()
    return found


async def backlog(path: str) -> list[tuple[str, float, float | None, bool]]:
    """Store a day of one phone beside live fixes, after a while of these alone."""
    from benchmarks.stored import EPOCH
    from locshare_ext.model.fix import Fix
    from locshare_ext.store import SQLiteStore

    store = SQLiteStore(Path(path))
    end = BEGIN + MOST * STEP
    gc.collect()  # as of a server that runs: else all that was loaded is looked at while it is measured
    live, stop = list[float](), asyncio.Event()
    task = asyncio.create_task(_publish(store, 100, stop, live, end))
    await asyncio.sleep(0.5)
    live.clear()
    await asyncio.sleep(CALM)
    calm = max(live)
    live.clear()
    began = time.perf_counter()
    for start in range(0, BACKLOG, SENT):  # made as they come: no server holds a day of them
        some = [
            Fix(member="m1", time=end - 1000 * n - 500, lat=1.0, lon=2.0, received=end, flags=())
            for n in range(start, min(start + SENT, BACKLOG))
        ]
        stored = await store.append(GROUP, some, epoch=EPOCH)
        assert not stored.duplicates
    seconds = time.perf_counter() - began
    stop.set()
    await task
    await store.close()
    return [
        ("longest without a backlog, ms", round(calm, 1), None, False),
        ("late fixes/s", round(BACKLOG / seconds), 20_000, True),
        ("longest wait of a live commit, ms", round(max(live), 1), 20, False),
    ]


async def live(path: str) -> list[tuple[str, float, float, bool]]:
    """Store live fixes while all is exported and what is old is sealed; only what came meanwhile counts."""
    from locshare_ext.model.store import Selection
    from locshare_ext.store import SQLiteStore

    store = SQLiteStore(Path(path))
    before = await store._file.read(_count_segments, 0)
    waits, delays, stop = list[float](), list[float](), asyncio.Event()
    tasks = [
        asyncio.create_task(_publish(store, RATE, stop, waits, BEGIN + MOST * STEP + 86_400_000)),
        asyncio.create_task(_watch(stop, delays)),
    ]
    await asyncio.sleep(0.5)
    waits.clear()
    delays.clear()
    began, exported, sealing = time.perf_counter(), 0, 0.0
    while sealing < SEALING and time.perf_counter() - began < LONGEST:  # 6.5 s of fixes are a segment
        async for piece in store.export(GROUP, Selection()):
            exported += len(piece)
            since = time.perf_counter()
            await asyncio.sleep(0.01)  # as fast as a network takes it
            sealing += (time.perf_counter() - since) * bool(store._maintenance._sealing)
    counted = len(waits)
    seconds = time.perf_counter() - began
    stop.set()
    await asyncio.gather(*tasks)
    segments = await store._file.read(_count_segments, 0) - before
    await store.close()
    return [
        ("fixes/s stored meanwhile", round(counted * BATCH / seconds), RATE * 0.95, True),
        ("MiB exported meanwhile", exported >> 20, 100, True),
        ("segments sealed meanwhile", segments, 1, True),
        ("durable within, p99, ms", round(_p99(waits[:counted]), 1), 30, False),
        ("event loop's delay, p99, ms", round(_p99(delays), 1), 5, False),
    ]


def _count_segments(conn: Any) -> int:
    return int(conn.execute("SELECT count(*) FROM segments").fetchone()[0])


async def _publish(store: Any, rate: int, stop: asyncio.Event, waits: list[float], begin: int) -> None:
    """Append `rate` fixes/s, evenly; notes how many ms each batch took, from when it was due."""
    from benchmarks.stored import EPOCH
    from locshare_ext.model.fix import Fix

    size = max(1, BATCH * rate // RATE)
    due, number = time.perf_counter(), 0
    running: set[asyncio.Future[Any]] = set()

    def note(at: float) -> Callable[[asyncio.Future[Any]], None]:
        return lambda _: waits.append((time.perf_counter() - at) * 1000)

    while not stop.is_set():
        due += size / rate
        await asyncio.sleep(max(0, due - time.perf_counter()))
        fixes = [
            Fix(member=f"m{n % MEMBERS}", time=begin + n, lat=1.0, lon=2.0, received=begin + n, flags=())
            for n in range(number, number + size)
        ]
        number += size
        future = store.append(GROUP, fixes, epoch=EPOCH)
        future.add_done_callback(note(due))
        running.add(future)
        future.add_done_callback(running.discard)
    if running:
        await asyncio.wait(running)


async def _watch(stop: asyncio.Event, delays: list[float]) -> None:
    while not stop.is_set():
        began = time.perf_counter()
        await asyncio.sleep(0.01)
        delays.append((time.perf_counter() - began - 0.01) * 1000)


def _p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _main(part: str, *arguments: str) -> None:
    found = globals()[part](*arguments)
    if isinstance(found, Awaitable):
        found = asyncio.run(found)  # type: ignore[arg-type]
    print(json.dumps(found))


if __name__ == "__main__":
    _main(*sys.argv[1:])
