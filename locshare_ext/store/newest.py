"""Each member's newest fix of a selection: where everyone was at a moment, by either clock.

Of a segment that is chosen whole, its summary has the answer. Fixes are looked at only where
a member has some on both sides of a bound, which is the case around the moment asked for.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from locshare_ext.model.store import Selection
from locshare_ext.model.trail import arrow_schema, with_heard
from locshare_ext.store.chosen import Chosen, choose, within
from locshare_ext.store.columns import read_rows
from locshare_ext.store.rows import LATE, first_id
from locshare_ext.store.sealed import Sealed, SealedLog, list_segments
from locshare_ext.store.segment import Segment, codes_of, effective_times, named, ranks
from locshare_ext.store.selecting import where

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = ["nobody", "read_at"]

# by member: effective time and id of its newest fix, id and `received` of the last that arrived
_Found = dict[int, tuple[int, int, int, int]]


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Members' newest fixes of one source: where each is, and by what it is compared.

    last, heard: offset and `received` of the last that arrived. place: of a segment, -1 for
    rows. row: in its summary, or -1 for the segment's own fixes.
    """

    ids: Ints
    effective: Ints
    seq: Ints
    last: Ints
    heard: Ints
    place: Ints
    row: Ints


def read_at(conn: sqlite3.Connection, sealed: Sealed, log: str, selection: Selection) -> pa.Table:
    """Return one fix per member, ascending by seq, with `heard`; `until` is the moment asked for."""
    import numpy as np
    import pyarrow as pa

    chosen = choose(conn, log, selection)
    if chosen is None:
        return nobody()
    segments = list_segments(conn, chosen.log_id)
    of_log = sealed.log(conn, chosen.log_id, segments)
    found = [*_of_segments(conn, sealed, chosen, of_log), *_of_rows(conn, sealed, chosen, log, selection)]
    joined = [
        np.concatenate([getattr(one, name) for one in found] or [np.zeros(0, np.int64)])
        for name in ("ids", "effective", "seq", "last", "heard", "place", "row")
    ]
    ids, effective, seq, last, heard, place, row = joined
    order = np.lexsort((seq, effective, ids))
    starts = np.flatnonzero(np.append(True, ids[order][1:] != ids[order][:-1])) if len(ids) else order
    newest = order[np.append(starts[1:], len(order)) - 1] if len(ids) else order
    arrived = np.lexsort((last, ids))
    last_heard = heard[arrived[np.append(starts[1:], len(ids)) - 1]] if len(ids) else heard
    by_seq = np.argsort(seq[newest])
    newest, last_heard = newest[by_seq], last_heard[by_seq]
    batches = _fetched(conn, sealed, chosen, of_log, seq[newest], place[newest], row[newest])
    if not batches:
        return nobody()
    table = pa.concat_tables(pa.Table.from_batches([batch]) for batch in batches).unify_dictionaries()
    table = table.take(pa.array(np.argsort(table.column("seq").to_numpy())))
    return with_heard(table, last_heard.tolist())


def nobody() -> pa.Table:
    """Return the table without fixes."""
    return with_heard(arrow_schema().empty_table(), [])


def _of_segments(
    conn: sqlite3.Connection, sealed: Sealed, chosen: Chosen, of_log: SealedLog
) -> list[_Candidates]:
    import numpy as np

    columns, places = of_log.columns, of_log.place
    whole = _whole_segments(chosen, of_log)[places]  # 1: all of it, 0: some, -1: nothing
    if chosen.clock == "time" and (chosen.until is not None or chosen.since is not None):
        whole = np.minimum(whole, _within(columns["low"], columns["high"], chosen.since, chosen.until))
    if not chosen.is_whole:
        wanted = list(chosen.names if chosen.wanted is None else chosen.wanted)
        whole = np.where(np.isin(columns["ids"], wanted), whole, -1)
    taken = whole == 1
    found = [
        _Candidates(
            columns["ids"][taken],
            columns["effective"][taken],
            columns["seq"][taken],
            columns["last"][taken],
            columns["heard"][taken],
            places[taken],
            of_log.row[taken],
        )
    ]
    for place in np.unique(places[whole == 0]).tolist():
        partly = (places == place) & (whole == 0)
        for is_late, look in enumerate((_in_order, _late)):
            members = columns["ids"][partly & (columns["is_late"] == is_late)]
            if len(members):
                found += look(conn, sealed, chosen, of_log, place, members)
    return found


def _in_order(
    conn: sqlite3.Connection, sealed: Sealed, chosen: Chosen, of_log: SealedLog, place: int, members: Ints
) -> list[_Candidates]:
    """Return what is newest of the chosen fixes of some members in one segment, of those in order.

    The last of these is newest, so this reads back only until it has seen everybody.
    """
    import numpy as np

    segment, found = of_log.segments[place], list[_Candidates]()
    for part in reversed(segment.parts()):
        if chosen.share(part) != "none" and len(members):
            found += _looked_up(sealed.ranges(conn, segment, part), chosen, place, members, is_late=False)
            members = np.setdiff1d(members, found[-1].ids) if found else members
    return found


def _late(
    conn: sqlite3.Connection, sealed: Sealed, chosen: Chosen, of_log: SealedLog, place: int, members: Ints
) -> list[_Candidates]:
    """Return the same of the late ones; they are in no order."""
    segment, found = of_log.segments[place], list[_Candidates]()
    for part in segment.parts():
        is_any = part.low_late <= part.high_late and chosen.share(part) != "none"
        if is_any and chosen.clock == "time":
            is_any = within(part.low_late, part.high_late, chosen.since, chosen.until) != "none"
        if is_any:
            found += _looked_up(sealed.ranges(conn, segment, part), chosen, place, members, is_late=True)
    return found


def _looked_up(
    batch: pa.RecordBatch, chosen: Chosen, place: int, members: Ints, *, is_late: bool
) -> list[_Candidates]:
    import numpy as np
    import pyarrow as pa

    ids, codes = codes_of(batch)
    mask = chosen.mask(batch) & np.isin(ids, members)[codes]
    mask &= batch.column("late").to_numpy(zero_copy_only=False) == is_late
    return [_ranked(batch.filter(pa.array(mask)), place)] if mask.any() else []


def _ranked(batch: pa.RecordBatch, place: int) -> _Candidates:
    import numpy as np

    ids, codes = codes_of(batch)
    rows = ranks(batch, codes)
    time, received, seq = (batch.column(name).to_numpy() for name in ("time", "received", "seq"))
    last = np.zeros(len(ids), dtype=np.int64)
    np.maximum.at(last, codes, np.arange(len(codes)))
    found = codes[rows]
    nothing = np.full(len(rows), -1)
    return _Candidates(
        ids[found],
        effective_times(time[rows], received[rows]),
        seq[rows],
        seq[last[found]],
        received[last[found]],
        np.full(len(rows), place),
        nothing,
    )


def _whole_segments(chosen: Chosen, of_log: SealedLog) -> NDArray[np.int8]:
    """Return for each segment whether all of it may be chosen (1), some (0) or nothing (-1).

    On the clock `time` bounds are left to the members, whose ranges are closer.
    """
    import numpy as np

    number = {"none": -1, "some": 0, "all": 1}
    by = replace(chosen, since=None, until=None) if chosen.clock == "time" else chosen
    return np.array([number[by.share(segment)] for segment in of_log.segments], dtype=np.int8)


def _within(low: Ints, high: Ints, since: int | None, until: int | None) -> NDArray[np.int8]:
    import numpy as np

    whole = np.ones(len(low), dtype=np.int8)
    if since is not None:
        whole = np.minimum(whole, np.where(low >= since, 1, np.where(high < since, -1, 0)))
    if until is not None:
        whole = np.minimum(whole, np.where(high <= until, 1, np.where(low > until, -1, 0)))
    return whole.astype(np.int8)


def _of_rows(
    conn: sqlite3.Connection, sealed: Sealed, chosen: Chosen, log: str, selection: Selection
) -> list[_Candidates]:
    """Return what is newest among rows."""
    import numpy as np

    since_time, since_received = sealed.live_since(conn, chosen.log_id, chosen.sealed_to)
    since = since_received if chosen.clock == "received" else since_time
    if chosen.until is not None and chosen.until < since:
        return []
    wanted = chosen.names if chosen.wanted is None else chosen.wanted
    sql = "SELECT 1 FROM fixes INDEXED BY fixes_by_time WHERE member = ? LIMIT 1"
    members = {member for member in wanted if conn.execute(sql, (member,)).fetchone()}
    if not members:
        return []
    condition, values = where(conn, "fixes", chosen.log_id, log, selection)
    is_part = chosen.recording is not None or (chosen.clock == "time" and chosen.until is not None)
    look = _by_time if is_part or chosen.since is not None else _by_arrival
    found = look(conn, members, condition, values)
    if not found:
        return []
    columns = np.array([(member, *one) for member, one in found.items()], dtype=np.int64).T
    ids, effective, entries, last, heard = columns
    base, nothing = first_id(chosen.log_id), np.full(len(ids), -1)
    return [_Candidates(ids, effective, entries - base, last - base, heard, nothing, nothing)]


def _by_arrival(conn: sqlite3.Connection, members: set[int], condition: str, values: list[Any]) -> _Found:
    """Return what is newest of all that came up to some moment.

    The last that was not late is newest, so this reads back only until it has seen everybody.
    """
    found: _Found = {}
    settled: set[int] = set()
    rows = conn.execute(
        f"SELECT member, id, time, received, flags FROM fixes WHERE {condition} ORDER BY id DESC", values
    )
    for member, entry, time, received, flags in rows:
        if member in settled:
            continue
        effective = received if 0 < received < time else time
        before = found.get(member, (effective, entry, entry, received))
        found[member] = (*max(before[:2], (effective, entry)), *before[2:])
        if not flags & LATE:
            settled.add(member)
            if len(settled) == len(members):
                break
    rows.close()
    return found


def _by_time(conn: sqlite3.Connection, members: set[int], condition: str, values: list[Any]) -> _Found:
    """Return the same of a part of what came, member by member from the newest `time` down.

    No fix is newer than its `time`: what lies below the newest found need not be read.
    """
    newest: dict[int, tuple[int, int]] = {}
    for member in members:
        rows = conn.execute(
            "SELECT id, time, received FROM fixes INDEXED BY fixes_by_time "
            f"WHERE member = ? AND {condition} ORDER BY time DESC, id DESC",
            [member, *values],
        )
        for entry, time, received in rows:
            if member in newest and time < newest[member][0]:
                break
            effective = received if 0 < received < time else time
            newest[member] = max(newest.get(member, (effective, entry)), (effective, entry))
        rows.close()
    found: _Found = {}
    rows = conn.execute(f"SELECT member, id, received FROM fixes WHERE {condition} ORDER BY id DESC", values)
    while len(found) < len(newest):
        member, entry, received = next(rows)
        if member in newest and member not in found:
            found[member] = (*newest[member], entry, received)
    rows.close()
    return found


def _fetched(
    conn: sqlite3.Connection,
    sealed: Sealed,
    chosen: Chosen,
    of_log: SealedLog,
    seq: Ints,
    place: Ints,
    row: Ints,
) -> list[pa.RecordBatch]:
    """Return the fixes themselves, source by source."""
    import numpy as np

    batches: list[pa.RecordBatch] = []
    for at in np.unique(place).tolist():
        here = place == at
        if at < 0:
            ids = (seq[here] + first_id(chosen.log_id)).tolist()
            batch = read_rows(conn, "id IN (SELECT value FROM json_each(?))", [json.dumps(ids)], len(ids))
            batches += [] if batch is None else [batch]
            continue
        closing = here & (row >= 0)
        if closing.any():
            batches += of_log.summaries[at].newest(row[closing]).to_batches()
        inside = here & (row < 0)
        if inside.any():
            batches += _picked(conn, sealed, of_log.segments[at], seq[inside])
    return [named(batch, chosen.names) for batch in batches]


def _picked(
    conn: sqlite3.Connection, sealed: Sealed, segment: Segment, seq: Ints
) -> Iterator[pa.RecordBatch]:
    """Give the fixes of a segment at some offsets."""
    import numpy as np
    import pyarrow as pa

    for part in segment.parts():
        wanted = seq[(seq >= part.first) & (seq <= part.last)]
        if len(wanted):
            batch = sealed.part(conn, segment, part)
            places = np.searchsorted(batch.column("seq").to_numpy(), wanted)
            yield batch.take(pa.array(np.sort(places)))
