"""Read entries one by one, as objects: from rows and from segments."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import suppress
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from locshare_ext.errors import StoreDamaged
from locshare_ext.model.fix import NUMBERS, Fix, Scalar
from locshare_ext.model.store import Entry, Selection
from locshare_ext.store.chosen import choose
from locshare_ext.store.newest import read_at
from locshare_ext.store.rows import (
    EVENT_COLUMNS,
    FIX_COLUMNS,
    event_from_row,
    first_id,
    fix_from_row,
    last_id,
)
from locshare_ext.store.sealed import Sealed, list_segments
from locshare_ext.store.selecting import IS_MEMBER, IS_NOBODY_GONE

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["read_entries", "read_newest"]

_FLAGS = ("late", "future", "repaired")
_decode = msgspec.json.Decoder(dict[str, Scalar]).decode


def read_entries(conn: sqlite3.Connection, sealed: Sealed, log: str, after: int, limit: int) -> list[Entry]:
    """Return up to `limit` entries of both kinds with an offset above `after`, ascending."""
    chosen = choose(conn, log, Selection(after=after))
    if chosen is None or limit <= 0:
        return []
    log_id, epoch = chosen.log_id, chosen.info.epoch
    fixes: list[Entry] = []
    if after < chosen.sealed_to:
        fixes = list(islice(_sealed_fixes(conn, sealed, log_id, after, limit, chosen.names, epoch), limit))
    if len(fixes) < limit:
        rows = conn.execute(
            f"SELECT {FIX_COLUMNS} FROM fixes JOIN members ON members.id = member "
            f"WHERE fixes.id > ? AND fixes.id <= ? AND {IS_MEMBER} ORDER BY fixes.id LIMIT ?",
            (first_id(log_id, max(after, chosen.sealed_to)), last_id(log_id), limit - len(fixes)),
        )
        fixes += [fix_from_row(row, epoch) for row in rows]
    events = conn.execute(
        f"SELECT {EVENT_COLUMNS} FROM events LEFT JOIN members ON members.id = member "
        f"WHERE events.id > ? AND events.id <= ? AND {IS_NOBODY_GONE} ORDER BY events.id LIMIT ?",
        (first_id(log_id, after), last_id(log_id), limit),
    )
    both = merge(fixes, [event_from_row(row, epoch) for row in events], key=lambda entry: entry.offset)
    return list(islice(both, limit))


def read_newest(conn: sqlite3.Connection, sealed: Sealed, log: str) -> list[Entry]:
    """Return each member's newest fix, ascending by offset."""
    chosen = choose(conn, log, Selection())
    if chosen is None:
        return []
    rows = conn.execute(
        f"SELECT {FIX_COLUMNS} FROM members JOIN tallies ON tallies.member = members.id "
        f"CROSS JOIN fixes ON fixes.id = ?1 + newest_offset WHERE log = ?2 AND newest_offset > ?3 "
        f"AND {IS_MEMBER}",
        (first_id(chosen.log_id), chosen.log_id, chosen.sealed_to),
    )
    found = [fix_from_row(row, chosen.info.epoch) for row in rows]
    idle = conn.execute(
        "SELECT members.name FROM members JOIN tallies ON tallies.member = members.id "
        f"WHERE log = ? AND newest_offset BETWEEN 1 AND ? AND {IS_MEMBER}",
        (chosen.log_id, chosen.sealed_to),
    )
    if names := frozenset(name for (name,) in idle):
        table = read_at(conn, sealed, log, Selection(members=names, upto=chosen.sealed_to))
        found += [entry for batch in table.to_batches() for entry in _entries(batch, chosen.info.epoch, None)]
    return sorted(found, key=lambda entry: entry.offset)


def _sealed_fixes(
    conn: sqlite3.Connection,
    sealed: Sealed,
    log_id: int,
    after: int,
    limit: int,
    names: Mapping[int, str],
    epoch: str,
) -> Iterator[Entry]:
    import numpy as np

    for batch in _sealed_parts(conn, sealed, log_id, after):
        place = int(np.searchsorted(batch.column("seq").to_numpy(), after, side="right"))
        while place < batch.num_rows:
            yield from _entries(batch.slice(place, limit), epoch, names)
            place += limit


def _sealed_parts(
    conn: sqlite3.Connection, sealed: Sealed, log_id: int, after: int
) -> Iterator[pa.RecordBatch]:
    for segment in list_segments(conn, log_id, after):
        with suppress(StoreDamaged):  # who reads on must come past it
            for part in segment.parts():
                if part.last > after:
                    yield sealed.part(conn, segment, part)


def _entries(batch: pa.RecordBatch, epoch: str, names: Mapping[int, str] | None) -> Iterator[Entry]:
    """Give fixes in columns as entries; names: by ids, None where the names stand there already.

    Members without a name are being forgotten, and left out.
    """
    columns = {name: batch.column(name).to_pylist() for name in batch.schema.names if name not in _FLAGS}
    flags = [batch.column(name).to_pylist() for name in _FLAGS]
    for place, offset in enumerate(columns["seq"]):
        member = columns["member"][place]
        if names is not None:
            member = names.get(int(member))
            if member is None:
                continue
        extra = columns["extra"][place]
        numbers = {name: columns[name][place] for name in NUMBERS}
        fix = Fix(
            member=member,
            time=columns["time"][place],
            received=columns["received"][place],
            lat=columns["lat"][place],
            lon=columns["lon"][place],
            source=columns["source"][place],
            flags=tuple(name for name, of in zip(_FLAGS, flags, strict=True) if of[place]),
            extra=None if extra is None else _decode(extra),
            cursor=f"{epoch}-{offset}",
            **numbers,
        )
        yield Entry(offset, fix)
