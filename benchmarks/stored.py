"""A store's file with as many fixes as wanted, and the same rows in a plain table."""

from __future__ import annotations

import asyncio
import sqlite3
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from locshare_ext.model.trail import arrow_schema
from locshare_ext.store import SQLiteStore, sealing
from locshare_ext.store.connection import transaction
from locshare_ext.store.desk import Desk
from locshare_ext.store.rows import INSERT_FIXES, first_id
from locshare_ext.store.segment import build
from locshare_ext.store.work import LIVE, ROWS

__all__ = ["BEGIN", "EPOCH", "GROUP", "MEMBERS", "fixes", "make", "make_plain"]

BEGIN = 1_763_806_275_000  # ms
GROUP, EPOCH, MEMBERS = "bench", "benchben", 100
STEP = 10  # ms between two arrivals
KEPT = 100 * 365 * 86_400  # s
_NAMES = pa.array([str(number + 1) for number in range(MEMBERS)])  # ids, as segments have them


def fixes(start: int, count: int) -> pa.RecordBatch:
    """Return fixes `start`+1 to `start`+`count` of people who walk, with six values each, one in 200 late."""
    rng = np.random.default_rng(start)
    number = np.arange(start, start + count)
    code = (number % MEMBERS).astype(np.int32)
    received = BEGIN + number * STEP
    lag = rng.integers(60, 900, count)
    late = number % 200 == 7
    walked = number / 1e6
    columns: dict[str, Any] = {
        "seq": number + 1,
        "member": pa.DictionaryArray.from_arrays(pa.array(code), _NAMES),
        "source": pa.array(["browser"]).take(pa.array(np.zeros(count, np.int8))).dictionary_encode(),
        "time": received - lag - late * 600_000,
        "received": received,
        "lat": np.round(37.5 + code * 1e-3 + np.sin(walked * 7) * 1e-2 + rng.normal(0, 2e-5, count), 7),
        "lon": np.round(127 + code * 1e-3 + np.cos(walked * 7) * 1e-2 + rng.normal(0, 2e-5, count), 7),
        "altitude": np.round(30 + rng.normal(0, 3, count), 1),
        "accuracy": rng.integers(3, 20, count).astype(float),
        "speed": np.round(np.abs(rng.normal(1.4, 0.3, count)), 2),
        "heading": rng.integers(0, 360, count).astype(float),
        "battery": np.round(1 - (number % 100_000) / 200_000, 2),
        "late": late,
        "future": np.zeros(count, bool),
        "repaired": np.zeros(count, bool),
        "extra": pa.nulls(count, pa.utf8()),
    }
    schema = arrow_schema()
    arrays = [
        one if isinstance(one, pa.Array) else pa.array(one) for one in (columns[f.name] for f in schema)
    ]
    return pa.RecordBatch.from_arrays(
        [array.cast(field.type) for array, field in zip(arrays, schema, strict=True)], schema=schema
    )


def make(path: Path, count: int) -> None:
    """Make a store's file with so many fixes, all but the newest 65,536 or a few more sealed."""
    asyncio.run(_make(path, count))


async def _make(path: Path, count: int) -> None:
    store = SQLiteStore(path)
    settings = {"title": GROUP, "retention": KEPT}  # else a server removes half of it while it is measured
    await store.create_log(GROUP, kind="group", epoch=EPOCH, settings=settings)
    write = store._file.write  # rows of our own making: ten million go in within a minute
    await write(_members)
    sealed = 0
    while count - sealed >= ROWS + LIVE:
        built = build(fixes(sealed, ROWS))
        segment = await write(partial(sealing.put_segment, log_id=1, built=built))
        show = partial(sealing.show_segment, log=GROUP, log_id=1, segment_id=segment)
        assert await write(partial(show, since=sealed, upto=sealed + ROWS))
        sealed += ROWS
    await write(partial(_rows, table="fixes", first=sealed, count=count - sealed))
    await write(partial(_tallies, count=count))
    await store.close()


def make_plain(path: Path, count: int) -> None:
    """Make a SQLite file with the same rows in one table, and their members' names in another."""
    conn = sqlite3.connect(path, isolation_level=None)
    conn.execute("CREATE TABLE members (id INTEGER PRIMARY KEY, name TEXT)")
    conn.executemany("INSERT INTO members VALUES (?, ?)", [(n + 1, f"m{n}") for n in range(MEMBERS)])
    names = "id INTEGER PRIMARY KEY, member, time, received, lat, lon, altitude, accuracy, speed, heading"
    conn.execute(f"CREATE TABLE fixes ({names}, battery, source, flags, sent, extra)")
    for start in range(0, count, ROWS):
        with transaction(conn):
            _insert(conn, start, min(ROWS, count - start), 0)
    conn.close()


def _members(desk: Desk) -> None:
    with transaction(desk.conn):
        desk.conn.executemany(
            "INSERT INTO members (log, name) VALUES (1, ?)", [(f"m{n}",) for n in range(MEMBERS)]
        )


def _rows(desk: Desk, table: str, first: int, count: int) -> None:
    with transaction(desk.conn):
        _insert(desk.conn, first, count, first_id(1))


def _insert(conn: sqlite3.Connection, start: int, count: int, base: int) -> None:
    batch = fixes(start, count)
    columns = {name: batch.column(name).to_pylist() for name in batch.schema.names}
    numbers = [columns[name] for name in ("time", "received", "lat", "lon", "altitude", "accuracy", "speed")]
    rows = zip(
        [base + seq for seq in columns["seq"]],
        [int(member) for member in columns["member"]],
        *numbers,
        columns["heading"],
        columns["battery"],
        columns["source"],
        [int(late) for late in columns["late"]],
        [None] * count,
        columns["extra"],
        strict=True,
    )
    conn.executemany(f"{INSERT_FIXES} ({', '.join('?' * 15)})", rows)


def _tallies(desk: Desk, count: int) -> None:
    last = fixes(count - 2 * MEMBERS, 2 * MEMBERS)
    with transaction(desk.conn):
        for member, seq, time, late in zip(
            *(last.column(name).to_pylist() for name in ("member", "seq", "time", "late")), strict=True
        ):
            if not late:
                desk.conn.execute(
                    "INSERT OR REPLACE INTO tallies VALUES (?, ?, ?, ?, ?, ?)",
                    (int(member), count // MEMBERS, time, time, seq, time),
                )
        desk.conn.execute("UPDATE logs SET head = ? WHERE id = 1", (count,))
