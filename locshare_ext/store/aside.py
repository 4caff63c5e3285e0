"""Rows of what was refused; never among the fixes."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from locshare_ext.model.aside import AsideInfo
from locshare_ext.model.names import fold
from locshare_ext.model.store import Selection
from locshare_ext.store.connection import transaction
from locshare_ext.store.desk import Desk
from locshare_ext.store.selecting import find_log, list_recordings

__all__ = ["forget_asides", "has_old_asides", "list_asides", "put_asides", "rename_asides", "trim_asides"]

_COLUMNS = "received, member, credential, code, message, field, raw, id"
_MOST = (-(1 << 63), (1 << 63) - 1)


def put_asides(desk: Desk, log: str, asides: Sequence[AsideInfo], keep: int) -> None:
    """Add rows, and remove the oldest over `keep`; nothing for a log that does not exist."""
    conn = desk.conn
    found = find_log(conn, log)
    if found is None:
        return
    rows = [
        (found[0], one.received, one.member, one.credential, one.code, one.message, one.field, one.raw)
        for one in asides
    ]
    with transaction(conn):
        conn.executemany(
            "INSERT INTO set_aside (log, received, member, credential, code, message, field, raw) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        conn.execute(
            "DELETE FROM set_aside WHERE log = ?1 AND id <= "
            "(SELECT id FROM set_aside WHERE log = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
            (found[0], keep),
        )


def list_asides(
    conn: sqlite3.Connection, log: str, selection: Selection, limit: int | None = None
) -> list[AsideInfo]:
    """Return what was refused, in order of arrival; of a selection see `LogStore.asides`."""
    found = find_log(conn, log)
    if found is None:
        return []
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM set_aside WHERE log = ? AND id > ? AND received >= ? AND received <= ? "
        "ORDER BY id",
        (
            found[0],
            selection.after or 0,
            _MOST[0] if selection.since is None else selection.since,
            _MOST[1] if selection.until is None else selection.until,
        ),
    )
    wanted = None if selection.members is None else {fold(name) for name in selection.members}
    chosen = [
        AsideInfo(*row) for row in rows if wanted is None or (row[1] is not None and fold(row[1]) in wanted)
    ]
    return chosen if limit is None else chosen[: max(limit, 0)]


def forget_asides(conn: sqlite3.Connection, log_id: int, member: str) -> None:
    """Remove what may have a trace of a member; within a transaction."""
    rows = conn.execute(f"SELECT {_COLUMNS} FROM set_aside WHERE log = ?", (log_id,)).fetchall()
    gone = [(one.id,) for one in (AsideInfo(*row) for row in rows) if one.concerns(member)]
    conn.executemany("DELETE FROM set_aside WHERE id = ?", gone)


def rename_asides(conn: sqlite3.Connection, log_id: int, member: str, name: str) -> None:
    """Give a member another name; what was sent stays as it was. Within a transaction."""
    rows = conn.execute("SELECT DISTINCT member FROM set_aside WHERE log = ?", (log_id,)).fetchall()
    for (known,) in rows:
        if known is not None and fold(known) == fold(member):
            conn.execute(
                "UPDATE set_aside SET member = ? WHERE log = ? AND member = ?", (name, log_id, known)
            )


def has_old_asides(conn: sqlite3.Connection, log: str, before: int) -> bool:
    """Whether `trim_asides` has anything to look at."""
    sql = "SELECT 1 FROM set_aside JOIN logs ON logs.id = log WHERE name = ? AND received < ? LIMIT 1"
    return conn.execute(sql, (log, before)).fetchone() is not None


def trim_asides(desk: Desk, log: str, before: int) -> None:
    """Remove what came before a moment (ms), unless a recording was running then."""
    conn = desk.conn
    found = find_log(conn, log)
    if found is None:
        return
    recordings = list_recordings(conn, log)
    old = conn.execute(
        "SELECT id, received FROM set_aside WHERE log = ? AND received < ?", (found[0], before)
    )
    gone = [(row,) for row, received in old if not any(one.has_refused(received) for one in recordings)]
    with transaction(conn):
        conn.executemany("DELETE FROM set_aside WHERE id = ?", gone)
