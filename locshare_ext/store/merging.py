"""Two members become one: the fixes of both in rows and segments, events, invites, what was refused.

Segments name their members by id, so those of both are made anew, unseen; then one transaction
shows them and changes the rows. A crash before leaves only what is hidden.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from locshare_ext.model.names import fold
from locshare_ext.store.appending import find_stored
from locshare_ext.store.aside import rename_asides
from locshare_ext.store.connection import transaction
from locshare_ext.store.desk import Desk
from locshare_ext.store.invites import rename_invites
from locshare_ext.store.known import Key, find_sealed
from locshare_ext.store.rows import LATE, first_id, last_id
from locshare_ext.store.sealed import Sealed, list_segments, read_batch
from locshare_ext.store.segment import Built, build, codes_of, compacted, effective_times, sent_times
from locshare_ext.store.selecting import begin, find_log, move_oldest
from locshare_ext.store.upkeep import find_newest

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Joined", "Pair", "Swap", "find_pair", "merge_members", "merge_segment"]

Place = tuple[int, int]  # effective time and offset of a fix
Swap = tuple[int, int | None]  # the id of a segment, and of the one that takes its place, if anything is left


@dataclass(frozen=True, slots=True)
class Pair:
    """The ids in a log of who goes and of who stays; None: that one has left no entries."""

    log_id: int
    gone: int | None
    into: int | None


@dataclass(frozen=True, slots=True)
class Joined:
    """What becomes of a segment. built: None if nothing is left of it, or it stays as it is.

    twice: how many fixes both had. newest: of both, up to and with this segment.
    """

    is_changed: bool
    built: Built | None
    twice: int
    newest: Place | None


def find_pair(conn: sqlite3.Connection, log: str, member: str, into: str) -> Pair | None:
    """Return who two members of a log are; None if there is no such log."""
    found = find_log(conn, log)
    if found is None:
        return None
    rows = conn.execute("SELECT id, name FROM members WHERE log = ?", (found[0],))
    ids = {fold(name): member_id for member_id, name in rows}
    return Pair(found[0], ids.get(fold(member)), ids.get(fold(into)))


def merge_segment(
    conn: sqlite3.Connection,
    sealed: Sealed,
    *,
    log_id: int,
    segment_id: int,
    gone: int,
    into: int,
    newest: Place | None,
) -> Joined:
    """Return a segment with one member for two; newest: of both, in the segments before it.

    What both have stays as the one's who stays. A fix that is older than one of the other's
    before it is late from now on: looking up where somebody was relies on that.
    """
    import numpy as np
    import pyarrow as pa

    segment = next((one for one in list_segments(conn, log_id) if one.id == segment_id), None)
    if segment is None or not sealed.summary(conn, segment).has_any((gone, into)):
        return Joined(False, None, 0, newest)
    batch = read_batch(conn, segment)
    ids, codes = codes_of(batch)
    twice = _twice(conn, sealed, log_id, batch, (ids == gone)[codes], into)
    batch = batch.filter(pa.array(~twice))
    count = int(twice.sum())
    if not batch.num_rows:
        return Joined(True, None, count, newest)
    ids, codes = codes_of(batch)
    ours = np.flatnonzero(np.isin(ids, (gone, into))[codes])
    late = batch.column("late").to_numpy(zero_copy_only=False)
    now_late, newest = _late(batch, ours, late, newest)
    if gone not in ids and np.array_equal(late, now_late):
        return Joined(False, None, 0, newest)
    return Joined(True, build(_joined(batch, gone, into, now_late)), count, newest)


def merge_members(
    desk: Desk,
    log: str,
    member: str,
    into: str,
    pair: Pair | None,
    swaps: Sequence[Swap],
    twice: int,
    newest: Place | None,
) -> int | None:
    """Make one of two members; returns how many fixes both had, None: the log is not as it was looked at.

    pair, swaps, twice, newest: as found in the segments. Whoever appends meanwhile waits:
    about a second per 100,000 rows of theirs.
    """
    conn = desk.conn
    if pair is None:
        return 0
    with transaction(conn):
        old = [(one,) for one, _ in swaps]
        shown = [conn.execute("SELECT 1 FROM segments WHERE id = ? AND is_visible = 1", one) for one in old]
        if find_pair(conn, log, member, into) != pair or not all(one.fetchone() for one in shown):
            return None
        if pair.gone is not None and pair.into is None:
            conn.execute("UPDATE members SET name = ? WHERE id = ?", (into, pair.gone))
        elif pair.gone is not None and pair.into is not None and pair.gone != pair.into:
            twice += _drop_twice(desk, pair.log_id, pair.gone, pair.into)
            conn.executemany("UPDATE segments SET is_visible = 0 WHERE id = ?", old)
            new = [(one,) for _, one in swaps if one is not None]
            conn.executemany("UPDATE segments SET is_visible = 1 WHERE id = ?", new)
            _join_rows(conn, pair.log_id, pair.gone, pair.into, newest)
            _join_tallies(conn, pair.log_id, pair.gone, pair.into, twice, newest)
            conn.execute("DELETE FROM members WHERE id = ?", (pair.gone,))
            move_oldest(conn, pair.log_id)
        rename_invites(conn, pair.log_id, member, into)
        rename_asides(conn, pair.log_id, member, into)
    desk.drop_state(log)
    return twice


def _twice(
    conn: sqlite3.Connection,
    sealed: Sealed,
    log_id: int,
    batch: pa.RecordBatch,
    is_gone: NDArray[np.bool_],
    into: int,
) -> NDArray[np.bool_]:
    """Return which fixes of a segment are of who goes, and who stays has them as well."""
    import numpy as np

    twice = np.zeros(batch.num_rows, dtype=bool)
    rows = np.flatnonzero(is_gone)
    columns = (sent_times(batch), *(batch.column(name).to_numpy() for name in ("lat", "lon")))
    keys = [(into, *key) for key in zip(*(column[rows].tolist() for column in columns), strict=True)]
    if keys:
        stored = find_stored(conn, set(keys)) | find_sealed(conn, sealed, log_id, set(keys))
        twice[rows] = [key in stored for key in keys]
    return twice


def _late(
    batch: pa.RecordBatch, ours: Any, late: NDArray[np.bool_], newest: Place | None
) -> tuple[NDArray[np.bool_], Place | None]:
    """Return which fixes of a segment are late when some of them are of one member, and its newest."""
    import numpy as np

    if not len(ours):
        return late, newest
    time, received, seq = (batch.column(name).to_numpy()[ours] for name in ("time", "received", "seq"))
    effective = effective_times(time, received)
    before = effective[:1] if newest is None else np.array([newest[0]])
    highest = np.maximum.accumulate(np.concatenate((before, effective)))[:-1]
    now_late = late.copy()
    now_late[ours] |= effective < highest
    last = np.lexsort((seq, effective))[-1]
    here = (int(effective[last]), int(seq[last]))
    return now_late, here if newest is None else max(newest, here)


def _joined(batch: pa.RecordBatch, gone: int, into: int, late: NDArray[np.bool_]) -> pa.RecordBatch:
    """Return fixes with another id for who goes, and other flags."""
    import numpy as np
    import pyarrow as pa

    ids, codes = codes_of(batch)
    texts = [str(into if one == gone else one) for one in ids.tolist()]
    place = np.array([texts.index(text) for text in texts], dtype=np.int32)  # of equal ones the first
    member = pa.DictionaryArray.from_arrays(pa.array(place[codes]), pa.array(texts, pa.utf8()))
    changed = {"member": member, "late": pa.array(late)}
    arrays = [changed.get(name, batch.column(name)) for name in batch.schema.names]
    return compacted(pa.RecordBatch.from_arrays(arrays, schema=batch.schema))


def _drop_twice(desk: Desk, log_id: int, gone: int, into: int) -> int:
    """Remove the rows of who goes that who stays has as well; returns how many."""
    conn, start = desk.conn, begin(desk.conn, "fixes", log_id)
    rows = conn.execute(
        "SELECT id, coalesce(sent, time), lat, lon FROM fixes WHERE member = ? AND id > ?",
        (gone, first_id(log_id, start)),
    ).fetchall()
    keys: set[Key] = {(into, *row[1:]) for row in rows}
    if not keys:
        return 0
    stored = find_stored(conn, keys)
    if start:
        stored |= find_sealed(conn, desk.sealed, log_id, keys)
    twice = [row[:1] for row in rows if (into, *row[1:]) in stored]
    conn.executemany("DELETE FROM fixes WHERE id = ?", twice)
    return len(twice)


def _join_rows(conn: sqlite3.Connection, log_id: int, gone: int, into: int, newest: Place | None) -> None:
    """Let rows be of who stays, and flag as late those that are now."""
    for table in ("fixes", "events"):
        conn.execute(f"UPDATE {table} SET member = ? WHERE member = ?", (into, gone))
    rows = conn.execute(
        "SELECT id, min(time, received), flags FROM fixes "
        "WHERE member = ? AND id > ? AND id <= ? ORDER BY id",
        (into, first_id(log_id, begin(conn, "fixes", log_id)), last_id(log_id)),
    )
    late = []
    highest = None if newest is None else newest[0]
    for entry, effective, flags in rows:
        if highest is not None and effective < highest and not flags & LATE:
            late.append((entry,))
        highest = effective if highest is None else max(highest, effective)
    conn.executemany(f"UPDATE fixes SET flags = flags | {LATE} WHERE id = ?", late)


def _join_tallies(
    conn: sqlite3.Connection, log_id: int, gone: int, into: int, twice: int, newest: Place | None
) -> None:
    """Count both as one."""
    both = conn.execute(
        "SELECT sum(fixes), max(newest_effective), max(newest_sent) FROM tallies WHERE member IN (?, ?)",
        (gone, into),
    ).fetchone()
    conn.execute("DELETE FROM tallies WHERE member = ?", (gone,))
    if both[0] is None:
        return
    conn.execute(
        "INSERT OR REPLACE INTO tallies (member, fixes, newest_effective, newest_sent, newest_offset) "
        "VALUES (?, ?, ?, ?, 0)",
        (into, both[0] - twice, *both[1:]),
    )
    find_newest(conn, log_id, into, newest)
