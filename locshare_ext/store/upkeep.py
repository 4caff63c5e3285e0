"""Remove rows: deleted logs, forgotten members, what retention lets go."""

from __future__ import annotations

import json
import sqlite3
from collections import deque
from collections.abc import Iterable, Sequence
from heapq import merge
from itertools import islice
from typing import Any

from locshare_ext.errors import Conflict
from locshare_ext.model.names import fold
from locshare_ext.store.connection import transaction
from locshare_ext.store.desk import Desk
from locshare_ext.store.invites import forget_invites, rename_invites
from locshare_ext.store.rows import first_id, last_id, offset_of
from locshare_ext.store.schema import GONE
from locshare_ext.store.selecting import find_log, inside, list_recordings

__all__ = [
    "begin_delete",
    "begin_forget",
    "clear_some",
    "empty_wal",
    "find_old",
    "finish_trim",
    "nth_received",
    "remove_event",
    "rename_member",
    "rewrite",
    "trim_some",
]

AT_ONCE = 2_000  # rows removed per transaction: live commits wait for one of them at most


def begin_delete(desk: Desk, log: str) -> None:
    """Take a log out of sight; `clear_some` then removes its rows, also after a crash."""
    found = find_log(desk.conn, log)
    if found is None:
        return
    log_id, info = found
    desk.deleted.add(info.epoch)
    desk.drop_state(log)
    with transaction(desk.conn):
        desk.conn.execute("UPDATE logs SET name = ? || id, settings = '{}' WHERE id = ?", (GONE, log_id))
        desk.conn.execute("UPDATE members SET name = ? || id WHERE log = ?", (GONE, log_id))
        for table in ("recordings", "invites", "places"):
            desk.conn.execute(f"DELETE FROM {table} WHERE log = ?", (log_id,))


def begin_forget(desk: Desk, log: str, member: str) -> list[int]:
    """Take a member's name away; `clear_some` then removes the rows. Returns the ids it had."""
    found = find_log(desk.conn, log)
    if found is None:
        return []
    desk.drop_state(log)
    rows = desk.conn.execute("SELECT id, name FROM members WHERE log = ?", (found[0],))
    ids = [member_id for member_id, name in rows if fold(name) == fold(member)]
    with transaction(desk.conn):
        for member_id in ids:
            desk.conn.execute("UPDATE members SET name = ? || id WHERE id = ?", (GONE, member_id))
            desk.conn.execute("DELETE FROM tallies WHERE member = ?", (member_id,))
        forget_invites(desk.conn, found[0], member)
    return ids


def rename_member(desk: Desk, log: str, member: str, name: str) -> None:
    """Give a member another name: its row and its invites have it, its entries name the row."""
    conn = desk.conn
    found = find_log(conn, log)
    if found is None:
        return
    desk.drop_state(log)
    with transaction(conn):
        rows = conn.execute("SELECT id, name FROM members WHERE log = ?", (found[0],)).fetchall()
        for member_id, other in rows:
            if fold(other) == fold(member):
                conn.execute("UPDATE members SET name = ? WHERE id = ?", (name, member_id))
            elif fold(other) == fold(name):
                raise Conflict(f"there is a member {other!r} already", code="member_taken", field="name")
        rename_invites(conn, found[0], member, name)


def clear_some(desk: Desk) -> tuple[int, bool]:
    """Remove some rows of what was deleted or forgotten; returns how many, and whether more are left."""
    conn = desk.conn
    gone = conn.execute("SELECT id, log FROM members WHERE name GLOB ? || '*' LIMIT 1", (GONE,)).fetchone()
    if gone is not None:
        return _clear_member(conn, *gone), True
    log = conn.execute("SELECT id FROM logs WHERE name GLOB ? || '*' LIMIT 1", (GONE,)).fetchone()
    if log is None:
        return 0, False
    bounds = (first_id(log[0]), last_id(log[0]), AT_ONCE)
    with transaction(conn):  # events that concern no member
        count = conn.execute(
            "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE id > ? AND id <= ? LIMIT ?)", bounds
        ).rowcount
        if count < AT_ONCE:
            conn.execute("DELETE FROM logs WHERE id = ?", log)
    return count, True


def _clear_member(conn: sqlite3.Connection, member: int, log_id: int) -> int:
    count = 0
    with transaction(conn):
        for table in ("fixes", "events"):
            count += conn.execute(
                f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE member = ? LIMIT ?)",
                (member, AT_ONCE),
            ).rowcount
        if count == 0:
            conn.execute("DELETE FROM tallies WHERE member = ?", (member,))
            conn.execute("DELETE FROM members WHERE id = ?", (member,))
            _move_oldest(conn, log_id)
    return count


def rewrite(desk: Desk) -> None:
    """Write the whole file anew.

    `secure_delete` overwrites rows that are deleted, but not the copies that stay in the
    free space of a page when its rows move to another one (seen for 6 of 60 members).
    Takes about 0.8 s per million rows; batches wait meanwhile.
    """
    desk.conn.execute("VACUUM")


def empty_wal(desk: Desk) -> bool:
    """Write the log of changes into the file and truncate it; returns whether no reader was in the way."""
    return bool(desk.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)


def find_old(
    conn: sqlite3.Connection, log: str, before: int, table: str, after: int
) -> tuple[list[int], int]:
    """Return ids of up to AT_ONCE rows that may be trimmed, and the id to look on after (0: no more).

    Runs on a reader's connection: walking the log must not hold up the writer.
    """
    found = find_log(conn, log)
    if found is None:
        return [], 0
    log_id = found[0]
    kept, values = _kept(conn, table, log_id, log)
    rows = conn.execute(
        f"SELECT id FROM {table} WHERE id > ? AND id <= ? AND received < ? AND NOT {kept} "
        "ORDER BY id LIMIT ?",
        [max(first_id(log_id), after), last_id(log_id), before, *values, AT_ONCE],
    )
    ids = [row[0] for row in rows]
    return ids, ids[-1] if len(ids) == AT_ONCE else 0


def nth_received(conn: sqlite3.Connection, logs: Sequence[str], count: int) -> int | None:
    """Return when the `count`-th row was received that may be trimmed; see `LogStore.received_first`."""
    ways = []
    for log in logs:
        found = find_log(conn, log)
        if found is None:
            continue
        bounds = [first_id(found[0]), last_id(found[0])]
        for table in ("fixes", "events"):
            kept, values = _kept(conn, table, found[0], log)
            # by id: the order in which they came, without sorting what may be millions
            sql = f"SELECT received FROM {table} WHERE id > ? AND id <= ? AND NOT {kept} ORDER BY id LIMIT ?"
            ways.append(conn.execute(sql, [*bounds, *values, count]))
    last: deque[tuple[int]] = deque(islice(merge(*ways), count), maxlen=1)
    for way in ways:
        way.close()  # one that was not read to its end would hold the snapshot
    return last[0][0] if last else None


def remove_event(desk: Desk, log: str, offset: int) -> bool:
    """Remove one event; returns whether there was one."""
    conn = desk.conn
    found = find_log(conn, log)
    if found is None:
        return False
    with transaction(conn):
        is_gone = conn.execute("DELETE FROM events WHERE id = ?", (first_id(found[0], offset),)).rowcount > 0
        _move_oldest(conn, found[0])
    return is_gone


def trim_some(desk: Desk, log: str, table: str, ids: list[int]) -> int:
    """Remove rows that `find_old` found, unless a recording has come to keep them; returns how many."""
    conn = desk.conn
    found = find_log(conn, log)
    if found is None:
        return 0
    log_id = found[0]
    desk.drop_state(log)
    with transaction(conn):
        kept, values = _kept(conn, table, log_id, log)
        condition = f"id IN (SELECT value FROM json_each(?)) AND NOT {kept}"
        values = [json.dumps(ids), *values]
        highest = conn.execute(f"SELECT max(id) FROM {table} WHERE {condition}", values).fetchone()[0]
        if highest is None:
            return 0
        if table == "fixes":
            fewer = conn.execute(
                f"SELECT count(*), member FROM fixes WHERE {condition} GROUP BY member", values
            ).fetchall()
            conn.executemany("UPDATE tallies SET fixes = fixes - ? WHERE member = ?", fewer)
        count = conn.execute(f"DELETE FROM {table} WHERE {condition}", values).rowcount
        conn.execute("UPDATE logs SET trimmed = max(trimmed, ?) WHERE id = ?", (offset_of(highest), log_id))
        _move_oldest(conn, log_id)
    return count


def finish_trim(desk: Desk, log: str) -> None:
    """Let go of members without entries, and find the newest fix of those who lost it."""
    conn = desk.conn
    found = find_log(conn, log)
    if found is None:
        return
    log_id = found[0]
    desk.drop_state(log)
    with transaction(conn):
        nobody = (
            "SELECT id FROM members WHERE log = ? "
            "AND NOT EXISTS (SELECT 1 FROM fixes WHERE member = members.id) "
            "AND NOT EXISTS (SELECT 1 FROM events WHERE member = members.id)"
        )
        ids = [(row[0],) for row in conn.execute(nobody, (log_id,))]
        conn.executemany("DELETE FROM tallies WHERE member = ?", ids)
        conn.executemany("DELETE FROM members WHERE id = ?", ids)
        conn.execute(
            "UPDATE tallies SET newest_offset = coalesce((SELECT id - ?1 FROM fixes "
            "WHERE fixes.member = tallies.member ORDER BY min(time, received) DESC, id DESC LIMIT 1), 0) "
            "WHERE member IN (SELECT id FROM members WHERE log = ?2) "
            "AND NOT EXISTS (SELECT 1 FROM fixes WHERE id = ?1 + newest_offset)",
            (first_id(log_id), log_id),
        )


def _kept(conn: sqlite3.Connection, table: str, log_id: int, log: str) -> tuple[str, list[Any]]:
    """Return the condition for what recordings keep."""
    parts: list[str] = []
    values: list[Any] = []
    for recording in list_recordings(conn, log):
        sql, more = inside(table, log_id, recording)
        parts.append(sql)
        values += more
    return f"({' OR '.join(parts) or '0'})", values


def _move_oldest(conn: sqlite3.Connection, log_id: int) -> None:
    bounds = (first_id(log_id), last_id(log_id))
    lowest: Iterable[int | None] = (
        conn.execute(f"SELECT min(id) FROM {table} WHERE id > ? AND id <= ?", bounds).fetchone()[0]
        for table in ("fixes", "events")
    )
    kept = [offset_of(one) for one in lowest if one is not None]
    oldest = min(kept) if kept else None
    conn.execute("UPDATE logs SET oldest = coalesce(?, head + 1) WHERE id = ?", (oldest, log_id))
