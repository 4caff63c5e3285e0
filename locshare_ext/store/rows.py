"""Fixes and events as rows, both ways."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import msgspec

from locshare_ext.model.event import Event
from locshare_ext.model.fix import Fix, Scalar
from locshare_ext.model.sequence import sent_time
from locshare_ext.model.store import Entry
from locshare_ext.store.schema import ENTRY_BITS

__all__ = [
    "EVENT_COLUMNS",
    "FIX_COLUMNS",
    "FUTURE",
    "INSERT_EVENTS",
    "INSERT_FIXES",
    "LATE",
    "REPAIRED",
    "REPLACE_TALLIES",
    "event_from_row",
    "event_row",
    "first_id",
    "fix_from_row",
    "fix_row",
    "insert",
    "last_id",
    "offset_of",
]

LATE, FUTURE, REPAIRED = 1, 2, 4
_BITS = {"late": LATE, "future": FUTURE, "repaired": REPAIRED}
_FLAGS = tuple(tuple(name for name, bit in _BITS.items() if bits & bit) for bits in range(8))

INSERT_FIXES = "INSERT INTO fixes VALUES"
INSERT_EVENTS = "INSERT INTO events VALUES"
REPLACE_TALLIES = "INSERT OR REPLACE INTO tallies VALUES"
FIX_COLUMNS = (
    "fixes.id, members.name, time, received, lat, lon, altitude, accuracy, speed, heading, battery, "
    "source, flags, extra"
)
EVENT_COLUMNS = "events.id, members.name, kind, time, received, text, data"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Scalar]).decode


def first_id(log: int, after: int = 0) -> int:
    """Return the id below all entries of a log that come after an offset."""
    return (log << ENTRY_BITS) + min(max(after, 0), (1 << ENTRY_BITS) - 1)


def last_id(log: int) -> int:
    """Return the highest id that an entry of a log can have."""
    return (log + 1 << ENTRY_BITS) - 1


def offset_of(entry_id: int) -> int:
    """Return the offset in its log of an entry's id."""
    return entry_id & (1 << ENTRY_BITS) - 1


def insert(conn: sqlite3.Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows, up to 128 with one call.

    Not `executemany`: that lets go of the interpreter's lock and takes it again for every
    row, and beside a busy thread each of those waits 5 ms (a commit of ten fixes beside an
    export took 340 ms).
    """
    done = 0
    while done < len(rows):
        size = min(128, 1 << (len(rows) - done).bit_length() - 1)  # few sizes: they stay prepared
        one = f"({', '.join('?' * len(rows[0]))})"
        sql = f"{statement} {', '.join([one] * size)}"
        conn.execute(sql, list(chain.from_iterable(rows[done : done + size])))
        done += size


def fix_row(entry_id: int, member: int, fix: Fix) -> tuple[Any, ...]:
    """Return the values of a row for INSERT_FIXES."""
    bits = _bits_of(fix.flags) if fix.flags else 0
    return (
        entry_id,
        member,
        fix.time,
        fix.received,
        fix.lat,
        fix.lon,
        fix.altitude,
        fix.accuracy,
        fix.speed,
        fix.heading,
        fix.battery,
        fix.source,
        bits,
        sent_time(fix) if bits & REPAIRED else None,
        _encode(fix.extra).decode() if fix.extra else None,
    )


@lru_cache(maxsize=64)  # there are few, and a backlog has some in every fix
def _bits_of(flags: tuple[str, ...]) -> int:
    return sum(_BITS.get(flag, 0) for flag in flags)


def fix_from_row(row: tuple[Any, ...], epoch: str) -> Entry:
    """Return the entry of a row of FIX_COLUMNS."""
    offset = offset_of(row[0])
    fix = Fix(
        member=row[1],
        time=row[2],
        received=row[3],
        lat=row[4],
        lon=row[5],
        altitude=row[6],
        accuracy=row[7],
        speed=row[8],
        heading=row[9],
        battery=row[10],
        source=row[11],
        flags=_FLAGS[row[12]],
        extra=_decode(row[13]) if row[13] is not None else None,
        cursor=f"{epoch}-{offset}",
    )
    return Entry(offset, fix)


def event_row(entry_id: int, member: int | None, event: Event) -> tuple[Any, ...]:
    """Return the values of a row for INSERT_EVENTS."""
    data = None if event.data is None else _encode(event.data).decode()
    return (entry_id, member, event.kind, event.time, event.received, event.text, data)


def event_from_row(row: tuple[Any, ...], epoch: str) -> Entry:
    """Return the entry of a row of EVENT_COLUMNS."""
    offset = offset_of(row[0])
    data: Mapping[str, Scalar] | None = None if row[6] is None else _decode(row[6])
    event = Event(
        kind=row[2],
        member=row[1],
        time=row[3],
        received=row[4],
        text=row[5],
        data=None if data is None else dict(data),
        cursor=f"{epoch}-{offset}",
    )
    return Entry(offset, event)
