"""Read rows: what a Selection and a recording mean in SQL."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from typing import Any

from locshare_ext.errors import NotFound
from locshare_ext.model.clock import check_clock
from locshare_ext.model.names import fold
from locshare_ext.model.store import Entry, LogInfo, RecordingInfo, Selection
from locshare_ext.store.rows import (
    EVENT_COLUMNS,
    event_from_row,
    first_id,
    last_id,
    offset_of,
)
from locshare_ext.store.schema import GONE

__all__ = [
    "IS_MEMBER",
    "IS_NOBODY_GONE",
    "begin",
    "find_log",
    "find_recording",
    "inside",
    "kept_by",
    "list_logs",
    "list_recordings",
    "move_oldest",
    "read_counts",
    "read_events",
    "where",
]

_LOG_COLUMNS = "id, name, kind, epoch, oldest, head, created, settings, trimmed"
_RECORDING_COLUMNS = (
    "recordings.id, recordings.name, logs.name, kind, recordings.created, since, after, until, upto, "
    "closed, description, received_known"
)

_IS_HERE = f"name NOT GLOB '{GONE}*'"
IS_MEMBER = f"members.name NOT GLOB '{GONE}*'"
IS_NOBODY_GONE = f"(members.name IS NULL OR {IS_MEMBER})"


def find_log(conn: sqlite3.Connection, name: str) -> tuple[int, LogInfo] | None:
    """Return a log's id and what is known of it, None if there is none of that name."""
    row = conn.execute(f"SELECT {_LOG_COLUMNS} FROM logs WHERE name = ?", (name,)).fetchone()
    return None if row is None else (row[0], _info(row))


def list_logs(conn: sqlite3.Connection) -> list[LogInfo]:
    """Return every log, by name."""
    rows = conn.execute(f"SELECT {_LOG_COLUMNS} FROM logs WHERE {_IS_HERE} ORDER BY name")
    return [_info(row) for row in rows]


def list_recordings(conn: sqlite3.Connection, log: str | None) -> list[RecordingInfo]:
    """Return recordings, of one log or of all, by time of creation."""
    rows = conn.execute(
        f"SELECT {_RECORDING_COLUMNS} FROM recordings JOIN logs ON logs.id = log "
        "WHERE ?1 IS NULL OR logs.name = ?1 ORDER BY recordings.created, recordings.id",
        (log,),
    )
    return [replace(RecordingInfo(*row[:11]), received_known=bool(row[11])) for row in rows]


def read_counts(conn: sqlite3.Connection, log: str) -> dict[str, int]:
    """Return how many fixes each member has, for those who have any."""
    rows = conn.execute(
        "SELECT members.name, fixes FROM logs JOIN members ON log = logs.id "
        "JOIN tallies ON member = members.id WHERE logs.name = ? AND fixes > 0",
        (log,),
    )
    return dict(rows.fetchall())


def read_events(
    conn: sqlite3.Connection, log: str, selection: Selection, kind: str | None, limit: int | None
) -> list[Entry]:
    """Return the selected events, ascending by offset."""
    found = find_log(conn, log)
    if found is None:
        return []
    log_id, info = found
    sql, values = where(conn, "events", log_id, log, selection)
    if kind is not None:
        sql += " AND kind = ?"
        values.append(kind)
    rows = conn.execute(
        f"SELECT {EVENT_COLUMNS} FROM events LEFT JOIN members ON members.id = member "
        f"WHERE {sql} AND {IS_NOBODY_GONE} ORDER BY events.id LIMIT ?",
        [*values, -1 if limit is None else max(limit, 0)],
    )
    return [event_from_row(row, info.epoch) for row in rows]


def where(
    conn: sqlite3.Connection, table: str, log_id: int, log: str, selection: Selection
) -> tuple[str, list[Any]]:
    """Return the condition on `fixes` or `events`, and its values; of fixes in rows only."""
    clock = check_clock(selection.clock)
    end = last_id(log_id) if selection.upto is None else first_id(log_id, selection.upto)
    parts = [f"{table}.id > ? AND {table}.id <= ?"]
    values: list[Any] = [first_id(log_id, max(selection.after or 0, begin(conn, table, log_id))), end]
    if selection.since is not None:
        parts.append(f"{clock} >= ?")
        values.append(selection.since)
    if selection.until is not None:
        parts.append(f"{clock} <= ?")
        values.append(selection.until)
    if selection.members is not None:
        wanted = {fold(name) for name in selection.members}
        rows = conn.execute("SELECT id, name FROM members WHERE log = ?", (log_id,))
        ids = [member for member, name in rows if fold(name) in wanted]
        parts.append("member IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(ids))  # one statement for any number
    if selection.recording is not None:
        recording = find_recording(conn, log, selection.recording)
        if recording is None:
            raise NotFound(f"{log!r} has no recording {selection.recording!r}", code="recording_not_found")
        sql, more = inside(table, log_id, recording)
        parts.append(sql)
        values += more
    return " AND ".join(parts), values


def inside(table: str, log_id: int, recording: RecordingInfo) -> tuple[str, list[Any]]:
    """Return the condition for what belongs to a recording: `RecordingInfo.has` in SQL."""
    after = first_id(log_id, recording.after)
    if recording.until is None or recording.upto is None:
        return f"{table}.id > ?", [after]
    late = "time >= ? AND time <= ?"
    values: list[Any] = [after, first_id(log_id, recording.upto), recording.since, recording.until]
    if recording.closed is not None:
        late += " AND received < ?"
        values.append(recording.closed)
    return f"({table}.id > ? AND ({table}.id <= ? OR ({late})))", values


def kept_by(conn: sqlite3.Connection, table: str, log_id: int, log: str) -> tuple[str, list[Any]]:
    """Return the condition for what recordings keep, and its values."""
    parts: list[str] = []
    values: list[Any] = []
    for recording in list_recordings(conn, log):
        sql, more = inside(table, log_id, recording)
        parts.append(sql)
        values += more
    return f"({' OR '.join(parts) or '0'})", values


def find_recording(conn: sqlite3.Connection, log: str, recording_id: str) -> RecordingInfo | None:
    """Return a log's recording of that id, None if there is none."""
    return next((one for one in list_recordings(conn, log) if one.id == recording_id), None)


def begin(conn: sqlite3.Connection, table: str, log_id: int) -> int:
    """Return the offset above which rows count: fixes up to it are in segments, and deleted in time."""
    if table != "fixes":
        return 0
    row = conn.execute("SELECT sealed_to FROM logs WHERE id = ?", (log_id,)).fetchone()
    return 0 if row is None else int(row[0])


def move_oldest(conn: sqlite3.Connection, log_id: int) -> None:
    """Note the lowest offset that a log has; within a transaction."""
    end = last_id(log_id)
    starts = {"fixes": first_id(log_id, begin(conn, "fixes", log_id)), "events": first_id(log_id)}
    lowest = [
        conn.execute(f"SELECT min(id) FROM {table} WHERE id > ? AND id <= ?", (start, end)).fetchone()[0]
        for table, start in starts.items()
    ]
    kept = [offset_of(one) for one in lowest if one is not None]
    sealed = conn.execute("SELECT min(first) FROM segments WHERE log = ? AND is_visible = 1", (log_id,))
    kept += [one for (one,) in sealed if one is not None]
    oldest = min(kept) if kept else None
    conn.execute("UPDATE logs SET oldest = coalesce(?, head + 1) WHERE id = ?", (oldest, log_id))


def _info(row: tuple[Any, ...]) -> LogInfo:
    _, name, kind, epoch, oldest, head, created, settings, trimmed = row
    return LogInfo(name, kind, epoch, oldest, head, created, json.loads(settings), trimmed)
