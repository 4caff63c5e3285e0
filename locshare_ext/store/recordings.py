"""Recordings as rows: which part of a log each keeps."""

from __future__ import annotations

from locshare_ext.errors import NotFound
from locshare_ext.model.store import RecordingInfo
from locshare_ext.store import selecting, upkeep
from locshare_ext.store.connection import transaction
from locshare_ext.store.desk import Desk

__all__ = ["delete_recording", "put_recording"]


def put_recording(desk: Desk, recording: RecordingInfo) -> None:
    """Make or replace a recording; raises NotFound if there is no such log."""
    found = selecting.find_log(desk.conn, recording.log)
    if found is None:
        raise NotFound(f"there is no log {recording.log!r}", code="log_not_found")
    values = (
        recording.id,
        found[0],
        recording.name,
        recording.created,
        recording.since,
        recording.after,
        recording.until,
        recording.upto,
        recording.closed,
        recording.description,
        recording.received_known,
    )
    with transaction(desk.conn):
        desk.conn.execute(f"INSERT OR REPLACE INTO recordings VALUES ({', '.join('?' * 11)})", values)


def delete_recording(desk: Desk, recording_id: str) -> bool:
    """Remove a recording; returns whether rows of an import are to be cleared."""
    row = desk.conn.execute(
        "SELECT logs.name, kind FROM recordings JOIN logs ON logs.id = log WHERE recordings.id = ?",
        (recording_id,),
    ).fetchone()
    if row is None:
        return False
    if row[1] == "import":
        upkeep.begin_delete(desk, row[0])
        return True
    with transaction(desk.conn):
        desk.conn.execute("DELETE FROM recordings WHERE id = ?", (recording_id,))
    return False
