"""Open connections to a store's file, and say in words what went wrong with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from locshare_ext.errors import StoreError
from locshare_ext.store.schema import migrate

__all__ = [
    "Synchronous",
    "failure",
    "journal_of",
    "open_checkpointer",
    "open_reader",
    "open_writer",
    "snapshot",
    "transaction",
]

Synchronous = Literal["NORMAL", "FULL"]

BUSY_TIMEOUT = 2.0  # s that another process may hold the file; every publisher waits as long
ROLLBACK_TIMEOUT = 15.0  # s; without WAL a commit waits for whoever reads, and readers for a commit


def open_writer(path: Path, journal: str = "wal") -> sqlite3.Connection:
    """Open a file for writing that exists, perhaps empty.

    journal: `wal`, or `delete` where programs cannot share memory. Raises StoreError with a
    sentence that names the path.
    """
    try:
        conn = _connect(path, "rw")
        try:
            conn.execute("PRAGMA secure_delete = ON")  # before anything is deleted
            if journal != "wal":
                # a file that has a write-ahead log is read without shared memory only so
                conn.execute("PRAGMA locking_mode = EXCLUSIVE")
            migrate(conn, path)  # before WAL: a file that is not ours stays as it is
            conn.execute(f"PRAGMA journal_mode = {journal}")
            conn.execute("PRAGMA locking_mode = NORMAL")
            conn.execute("SELECT 1 FROM state LIMIT 1").fetchone()  # lets go of the lock
            _wait_longer(conn)
        except BaseException:
            conn.close()
            raise
    except sqlite3.Error as error:
        raise failure(error, f"store {path} cannot be opened") from error
    return conn


def open_reader(path: Path) -> sqlite3.Connection:
    """Open the file for reading beside the writer, which has made and migrated it."""
    conn = _connect(path, "ro")
    conn.execute("PRAGMA query_only = ON")
    _wait_longer(conn)
    return conn


def open_checkpointer(path: Path) -> sqlite3.Connection:
    """Open the file for bringing committed changes into it, beside the writer."""
    return _connect(path, "rw")


def journal_of(conn: sqlite3.Connection) -> str:
    """Return how a file's changes are committed: `wal`, or `delete`."""
    return str(conn.execute("PRAGMA journal_mode").fetchone()[0])


def failure(error: sqlite3.Error, doing: str) -> StoreError:
    """Return the StoreError for an error of SQLite, in words where it is a known one."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if code is not None else None
    reasons = {
        sqlite3.SQLITE_NOTADB: "it is not a database (damaged, or another kind of file)",
        sqlite3.SQLITE_CORRUPT: "it is damaged",
        sqlite3.SQLITE_BUSY: "another process holds it locked",
        sqlite3.SQLITE_LOCKED: "another process holds it locked",
        sqlite3.SQLITE_FULL: "the disk is full",
        sqlite3.SQLITE_READONLY: "it is read-only",
        sqlite3.SQLITE_IOERR: "the disk gave an error, or what may be used of it is full",
        sqlite3.SQLITE_CANTOPEN: "the file could not be opened",
    }
    reason = reasons.get(primary) if primary is not None else None
    return StoreError(f"{doing}: {f'{reason} ({error})' if reason else error}")


@contextmanager
def transaction(conn: sqlite3.Connection) -> Iterator[None]:
    """Commit what is done inside, or none of it."""
    conn.execute("BEGIN IMMEDIATE")
    try:
        yield
        conn.execute("COMMIT")
    finally:
        if conn.in_transaction:
            conn.execute("ROLLBACK")


@contextmanager
def snapshot(conn: sqlite3.Connection) -> Iterator[None]:
    """Let all that is read inside be of one moment."""
    conn.execute("BEGIN")
    try:
        yield
    finally:
        if conn.in_transaction:
            conn.execute("ROLLBACK")


def _connect(path: Path, mode: Literal["ro", "rw"]) -> sqlite3.Connection:
    # One thread uses a connection at a time, but the writer's thread closes those of readers.
    return sqlite3.connect(
        f"file:{quote(str(path))}?mode={mode}",
        uri=True,
        timeout=BUSY_TIMEOUT,
        isolation_level=None,
        check_same_thread=False,
    )


def _wait_longer(conn: sqlite3.Connection) -> None:
    if journal_of(conn) != "wal":
        conn.execute(f"PRAGMA busy_timeout = {ROLLBACK_TIMEOUT * 1000:.0f}")
