"""Put segments in the place of rows, and other segments in the place of segments.

Each step is a small transaction, so that live commits wait for none of them long, and after
each the file is right: a segment is written unseen, then one update shows it and hides what
it replaces, then what is hidden is removed. A crash leaves only what is hidden.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from locshare_ext.store.connection import transaction
from locshare_ext.store.desk import Desk
from locshare_ext.store.rows import first_id, last_id
from locshare_ext.store.schema import ENTRY_BITS, GONE
from locshare_ext.store.segment import Built
from locshare_ext.store.selecting import begin, move_oldest

__all__ = [
    "ROWS_AT_ONCE",
    "clear_hidden",
    "clear_rows",
    "has_rows",
    "list_unsettled",
    "put_segment",
    "replace_segment",
    "show_segment",
]

ROWS_AT_ONCE = 1_000  # removed per transaction, with their places in the indexes: a few ms


def has_rows(conn: sqlite3.Connection, log_id: int, count: int) -> bool:
    """Whether a log has so many fixes that are not in segments."""
    bounds = (first_id(log_id, begin(conn, "fixes", log_id)), last_id(log_id))
    sql = "SELECT 1 FROM fixes WHERE id > ? AND id <= ? LIMIT 1 OFFSET ?"
    return conn.execute(sql, (*bounds, count - 1)).fetchone() is not None


def put_segment(desk: Desk, log_id: int, built: Built) -> int:
    """Write a segment that nobody sees yet; returns its id."""
    conn, one = desk.conn, built.segment
    with transaction(conn):
        made = conn.execute(
            "INSERT INTO segments (log, is_visible, first, last, rows, low_time, high_time, low_received, "
            "high_received, parts, dictionaries, checks, summary) "
            "VALUES (?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                log_id,
                one.first,
                one.last,
                one.rows,
                one.low_time,
                one.high_time,
                one.low_received,
                one.high_received,
                one.index,
                one.texts,
                one.checks,
                built.summary,
            ),
        )
        conn.execute("INSERT INTO bodies VALUES (?, ?)", (made.lastrowid, built.body))
        conn.execute("INSERT INTO prints VALUES (?, ?)", (made.lastrowid, built.prints))
    return int(made.lastrowid or 0)


def show_segment(desk: Desk, log: str, log_id: int, segment_id: int, since: int, upto: int) -> bool:
    """Let a segment stand for the rows in (since, upto] from now on; they are removed by `clear_rows`.

    False: the log is gone, or another program sealed that part; then the segment stays hidden.
    """
    conn = desk.conn
    with transaction(conn):
        moved = conn.execute(
            "UPDATE logs SET sealed_to = ? WHERE id = ? AND sealed_to = ? "
            "AND name NOT GLOB ? AND EXISTS (SELECT 1 FROM segments WHERE id = ?)",
            (upto, log_id, since, f"{GONE}*", segment_id),
        )
        if moved.rowcount:
            conn.execute("UPDATE segments SET is_visible = 1 WHERE id = ?", (segment_id,))
    if moved.rowcount:
        desk.note_sealed(log, upto)
    return bool(moved.rowcount)


def clear_rows(desk: Desk, log_id: int) -> bool:
    """Remove some rows that stand in segments; returns whether there may be more."""
    conn = desk.conn
    bounds = (first_id(log_id), first_id(log_id, begin(conn, "fixes", log_id)), ROWS_AT_ONCE)
    if bounds[0] == bounds[1]:
        return False
    with transaction(conn):
        gone = conn.execute(
            "DELETE FROM fixes WHERE id IN (SELECT id FROM fixes WHERE id > ? AND id <= ? LIMIT ?)", bounds
        )
    return gone.rowcount == ROWS_AT_ONCE


def replace_segment(
    desk: Desk,
    log: str,
    log_id: int,
    old: int,
    new: int | None,
    fewer: Mapping[int, int],
    trimmed: int | None,
) -> bool:
    """Show a segment in the place of another one, or nothing in its place.

    fewer: by how many fixes each member has less. trimmed: the highest offset that retention
    took; None where somebody was forgotten. False: the old one is not there any more.
    """
    conn = desk.conn
    with transaction(conn):
        hidden = conn.execute("UPDATE segments SET is_visible = 0 WHERE id = ? AND is_visible = 1", (old,))
        if not hidden.rowcount:
            return False
        if new is not None:
            conn.execute("UPDATE segments SET is_visible = 1 WHERE id = ?", (new,))
        conn.executemany(
            "UPDATE tallies SET fixes = fixes - ? WHERE member = ?",
            [(count, member) for member, count in fewer.items()],
        )
        if trimmed is not None:
            conn.execute("UPDATE logs SET trimmed = max(trimmed, ?) WHERE id = ?", (trimmed, log_id))
        move_oldest(conn, log_id)
    desk.drop_state(log)
    return True


def list_unsettled(conn: sqlite3.Connection) -> list[int]:
    """Return the ids of logs with rows that stand in segments: a crash came before they were removed."""
    rows = conn.execute(
        "SELECT id FROM logs WHERE sealed_to > 0 AND EXISTS "
        "(SELECT 1 FROM fixes WHERE fixes.id > (logs.id << ?1) AND fixes.id <= (logs.id << ?1) + sealed_to)",
        (ENTRY_BITS,),
    )
    return [log_id for (log_id,) in rows]


def clear_hidden(desk: Desk) -> bool:
    """Remove one segment that nobody sees; returns whether there may be more."""
    conn = desk.conn
    row = conn.execute("SELECT id FROM segments WHERE is_visible = 0 LIMIT 1").fetchone()
    if row is None:
        return False
    with transaction(conn):
        conn.execute("DELETE FROM bodies WHERE segment = ?", row)
        conn.execute("DELETE FROM prints WHERE segment = ?", row)
        conn.execute("DELETE FROM segments WHERE id = ?", row)
    return True
