"""Remove rows: deleted logs, forgotten members, what retention lets go."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping

from locshare_ext.errors import Conflict
from locshare_ext.model.names import fold
from locshare_ext.store.aside import forget_asides, rename_asides
from locshare_ext.store.boot import mark_unclean
from locshare_ext.store.connection import transaction
from locshare_ext.store.desk import Desk
from locshare_ext.store.invites import forget_invites, rename_invites
from locshare_ext.store.rows import first_id, last_id, offset_of
from locshare_ext.store.schema import GONE
from locshare_ext.store.selecting import begin, find_log, kept_by, move_oldest

__all__ = [
    "begin_delete",
    "begin_forget",
    "clear_some",
    "empty_wal",
    "find_newest",
    "find_old",
    "finish_clear",
    "finish_trim",
    "has_gone",
    "list_gone",
    "remove_event",
    "rename_member",
    "rewrite",
    "trim_some",
]

_ANY_GONE = f"{GONE}*"
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
        desk.conn.execute("UPDATE segments SET is_visible = 0 WHERE log = ?", (log_id,))
        for table in ("recordings", "invites", "places", "set_aside"):
            desk.conn.execute(f"DELETE FROM {table} WHERE log = ?", (log_id,))


def begin_forget(desk: Desk, log: str, member: str) -> list[int]:
    """Take a member's name away; `clear_some` then removes the rows. Returns the ids it had.

    Until `mark_clean` the file says that it may have traces: a crash must not leave them.
    """
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
        mark_unclean(desk.conn)
        forget_invites(desk.conn, found[0], member)
        forget_asides(desk.conn, found[0], member)
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
        rename_asides(conn, found[0], member, name)


def clear_some(desk: Desk) -> tuple[int, bool]:
    """Remove some rows of what was deleted or forgotten; returns how many, and whether more are left."""
    conn = desk.conn
    for table in ("fixes", "events"):
        sql = f"SELECT members.id FROM members JOIN {table} ON member = members.id WHERE name GLOB ? LIMIT 1"
        gone = conn.execute(sql, (_ANY_GONE,)).fetchone()
        if gone is not None:
            return _delete(conn, table, "member = ?", (gone[0],)), True
    for (log_id,) in conn.execute("SELECT id FROM logs WHERE name GLOB ?", (_ANY_GONE,)).fetchall():
        count = _delete(conn, "events", "id > ? AND id <= ?", (first_id(log_id), last_id(log_id)))
        if count:  # they concern no member
            return count, True
    return 0, False


def finish_clear(desk: Desk) -> None:
    """Let go of members and logs that are gone, of which nothing is left."""
    conn = desk.conn
    with transaction(conn):
        gone = conn.execute("SELECT id, log FROM members WHERE name GLOB ?", (_ANY_GONE,)).fetchall()
        ids = [(member,) for member, _ in gone]
        conn.executemany("DELETE FROM tallies WHERE member = ?", ids)
        conn.executemany("DELETE FROM members WHERE id = ?", ids)
        for log_id in {log_id for _, log_id in gone}:
            move_oldest(conn, log_id)
        conn.execute("DELETE FROM logs WHERE name GLOB ?", (_ANY_GONE,))
        conn.execute("UPDATE segments SET is_visible = 0 WHERE log NOT IN (SELECT id FROM logs)")


def list_gone(conn: sqlite3.Connection) -> list[tuple[str, int, list[int]]]:
    """Return the logs that have members being forgotten: name, id, and the ids of these members."""
    rows = conn.execute(
        "SELECT logs.name, logs.id, members.id FROM members JOIN logs ON logs.id = log "
        "WHERE members.name GLOB ?1 AND logs.name NOT GLOB ?1 ORDER BY logs.id",
        (_ANY_GONE,),
    ).fetchall()
    found: dict[tuple[str, int], list[int]] = {}
    for name, log_id, member in rows:
        found.setdefault((name, log_id), []).append(member)
    return [(*key, members) for key, members in found.items()]


def has_gone(conn: sqlite3.Connection) -> bool:
    """Whether anything is left of what was deleted or forgotten."""
    sql = "SELECT 1 FROM members WHERE name GLOB ?1 UNION ALL SELECT 1 FROM logs WHERE name GLOB ?1 LIMIT 1"
    return conn.execute(sql, (_ANY_GONE,)).fetchone() is not None


def _delete(conn: sqlite3.Connection, table: str, condition: str, values: tuple[int, ...]) -> int:
    """Remove up to AT_ONCE rows in a transaction; returns how many."""
    with transaction(conn):
        some = f"SELECT id FROM {table} WHERE {condition} LIMIT {AT_ONCE}"
        return conn.execute(f"DELETE FROM {table} WHERE id IN ({some})", values).rowcount


def rewrite(desk: Desk) -> None:
    """Write the whole file anew.

    `secure_delete` overwrites rows that are deleted, but not the copies that stay in the
    free space of a page when its rows move to another one (seen for 6 of 60 members).
    Takes about 0.8 s per million rows; batches wait meanwhile.
    """
    desk.conn.execute("VACUUM")


def empty_wal(desk: Desk) -> bool:
    """Write the log of changes into the file and truncate it; returns whether no reader was in the way."""
    return desk.empty_wal()


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
    kept, values = kept_by(conn, table, log_id, log)
    rows = conn.execute(
        f"SELECT id FROM {table} WHERE id > ? AND id <= ? AND received < ? AND NOT {kept} "
        "ORDER BY id LIMIT ?",
        [max(first_id(log_id, begin(conn, table, log_id)), after), last_id(log_id), before, *values, AT_ONCE],
    )
    ids = [row[0] for row in rows]
    return ids, ids[-1] if len(ids) == AT_ONCE else 0


def remove_event(desk: Desk, log: str, offset: int) -> bool:
    """Remove one event; returns whether there was one."""
    conn = desk.conn
    found = find_log(conn, log)
    if found is None:
        return False
    with transaction(conn):
        is_gone = conn.execute("DELETE FROM events WHERE id = ?", (first_id(found[0], offset),)).rowcount > 0
        move_oldest(conn, found[0])
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
        kept, values = kept_by(conn, table, log_id, log)
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
        move_oldest(conn, log_id)
    return count


def finish_trim(desk: Desk, log: str, sealed: Mapping[int, tuple[int, int]]) -> None:
    """Let go of members without entries, and find the newest fix of those who lost it.

    sealed: by member what is newest in segments, its effective time and offset.
    """
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
        ids = [(one,) for (one,) in conn.execute(nobody, (log_id,)) if one not in sealed]
        conn.executemany("DELETE FROM tallies WHERE member = ?", ids)
        conn.executemany("DELETE FROM members WHERE id = ?", ids)
        rows = conn.execute(
            "SELECT members.id, newest_offset, fixes.id IS NULL FROM members "
            "JOIN tallies ON tallies.member = members.id LEFT JOIN fixes ON fixes.id = ? + newest_offset "
            "WHERE log = ?",
            (first_id(log_id), log_id),
        ).fetchall()
        for member, offset, is_gone in rows:
            if is_gone and sealed.get(member, (0, -1))[1] != offset:
                find_newest(conn, log_id, member, sealed.get(member))


def find_newest(conn: sqlite3.Connection, log_id: int, member: int, sealed: tuple[int, int] | None) -> None:
    """Note which fix of a member is newest now; `sealed`: of those in segments."""
    row = conn.execute(
        "SELECT min(time, received), id - ? FROM fixes WHERE member = ? "
        "ORDER BY min(time, received) DESC, id DESC LIMIT 1",
        (first_id(log_id), member),
    ).fetchone()
    effective, offset = max((one for one in (row, sealed) if one is not None), default=(None, 0))
    conn.execute(
        "UPDATE tallies SET newest_offset = ?, newest_kept = ? WHERE member = ?", (offset, effective, member)
    )
