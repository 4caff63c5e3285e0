"""What a start finds of the last one: whether the machine went down, and whether a forgetting was cut off."""

from __future__ import annotations

import logging
import secrets
import sqlite3
from pathlib import Path

from locshare_ext.store.connection import transaction

__all__ = [
    "SKIPPED",
    "find_unclean",
    "mark_clean",
    "mark_closed",
    "mark_open",
    "mark_unclean",
    "this_boot",
]

_log = logging.getLogger(__name__)

SKIPPED = 1 << 20  # more entries than are committed between two syncs of the disk


def this_boot() -> str:
    """Return what names the time since this machine started; unknown: something new each time."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return secrets.token_hex(8)


def mark_open(conn: sqlite3.Connection, boot: str) -> None:
    """Write that the file is in use; first see whether it was when the machine went down.

    With `synchronous = NORMAL` a power cut may take the last commits with it, but readers
    hold their cursors. Those offsets are not given again: the next entry is far above them.
    kill -9 loses nothing, so the same boot skips nothing. The mark itself is synced, as it
    must not be lost where what comes after it is not.
    """
    row = conn.execute("SELECT value FROM state WHERE name = 'open'").fetchone()
    was_cut = row is not None and row[0] not in ("", boot)
    conn.execute("PRAGMA synchronous = FULL")
    with transaction(conn):
        if was_cut:
            conn.execute(
                "UPDATE logs SET head = head + ?1, "
                "oldest = CASE WHEN oldest > head THEN oldest + ?1 ELSE oldest END",
                (SKIPPED,),
            )
        conn.execute("INSERT OR REPLACE INTO state VALUES ('open', ?)", (boot,))
    if was_cut:
        _log.info("the machine went down while the store was open: offsets go on %d higher", SKIPPED)


def mark_closed(conn: sqlite3.Connection) -> None:
    """Write that nothing is begun; it can only survive if all that was committed before does."""
    conn.execute("UPDATE state SET value = '' WHERE name = 'open'")


def mark_unclean(conn: sqlite3.Connection) -> None:
    """Write that the file may have traces of what is forgotten; within a transaction."""
    conn.execute("INSERT OR REPLACE INTO state VALUES ('unclean', hex(randomblob(8)))")


def find_unclean(conn: sqlite3.Connection) -> str | None:
    """Return the last such mark, None without any."""
    row = conn.execute("SELECT value FROM state WHERE name = 'unclean'").fetchone()
    return None if row is None else str(row[0])


def mark_clean(conn: sqlite3.Connection, mark: str | None) -> None:
    """Write that no trace is left, unless more is forgotten since `mark` was found."""
    with transaction(conn):
        conn.execute("DELETE FROM state WHERE name = 'unclean' AND value = ?", (mark,))
