"""The tables of a store's file, and how older files become like them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from locshare_ext.errors import SchemaTooNew, StoreError

__all__ = ["APPLICATION_ID", "ENTRY_BITS", "GONE", "VERSION", "migrate"]

APPLICATION_ID = 0x4C6F_6353  # "LocS": tells our files from other SQLite databases
ENTRY_BITS = 40  # an entry's id is log << ENTRY_BITS | offset: one b-tree in reading order, no second index
GONE = "/gone/"  # begins the name of a log or member whose rows are being removed; no name has a `/`

# One element per version: a file of version n has had the first n run. Never change one
# that was released; add the next.
MIGRATIONS: Sequence[Sequence[str]] = (
    (
        "CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
        # AUTOINCREMENT: the id of a deleted log or member must not come back
        """CREATE TABLE logs (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL UNIQUE,
            kind TEXT NOT NULL,
            epoch TEXT NOT NULL,
            head INTEGER NOT NULL DEFAULT 0,
            oldest INTEGER NOT NULL DEFAULT 1,
            trimmed INTEGER NOT NULL DEFAULT 0,
            created INTEGER NOT NULL,
            settings TEXT NOT NULL)""",
        # Names stand here only, so that renaming is one row. What is counted per member is
        # in a table of its own: rows that change size move, and moved rows leave copies.
        """CREATE TABLE members (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            log INTEGER NOT NULL REFERENCES logs(id),
            name TEXT NOT NULL)""",
        "CREATE INDEX members_by_log ON members(log)",
        """CREATE TABLE tallies (
            member INTEGER PRIMARY KEY REFERENCES members(id),
            fixes INTEGER NOT NULL,
            newest_effective INTEGER NOT NULL,
            newest_sent INTEGER NOT NULL,
            newest_offset INTEGER NOT NULL)""",
        # sent: the device's time of a repaired fix, by which it is found when sent again
        """CREATE TABLE fixes (
            id INTEGER PRIMARY KEY,
            member INTEGER NOT NULL REFERENCES members(id),
            time INTEGER NOT NULL,
            received INTEGER NOT NULL,
            lat REAL NOT NULL,
            lon REAL NOT NULL,
            altitude REAL,
            accuracy REAL,
            speed REAL,
            heading REAL,
            battery REAL,
            source TEXT,
            flags INTEGER NOT NULL,
            sent INTEGER,
            extra TEXT)""",
        "CREATE INDEX fixes_by_time ON fixes(member, time)",
        "CREATE INDEX fixes_repaired ON fixes(member, sent) WHERE sent IS NOT NULL",
        """CREATE TABLE events (
            id INTEGER PRIMARY KEY,
            member INTEGER REFERENCES members(id),
            kind TEXT NOT NULL,
            time INTEGER NOT NULL,
            received INTEGER NOT NULL,
            text TEXT,
            data TEXT)""",
        "CREATE INDEX events_by_member ON events(member) WHERE member IS NOT NULL",
        """CREATE TABLE recordings (
            id TEXT PRIMARY KEY,
            log INTEGER NOT NULL REFERENCES logs(id),
            name TEXT NOT NULL,
            created INTEGER NOT NULL,
            since INTEGER NOT NULL,
            after INTEGER NOT NULL,
            until INTEGER,
            upto INTEGER,
            closed INTEGER,
            description TEXT NOT NULL,
            received_known INTEGER NOT NULL)""",
        "CREATE INDEX recordings_by_log ON recordings(log)",
    ),
    (
        # no secret: it follows from the id and the server's key
        """CREATE TABLE invites (
            id TEXT PRIMARY KEY,
            log INTEGER NOT NULL REFERENCES logs(id),
            roles TEXT NOT NULL,
            member TEXT,
            created INTEGER NOT NULL,
            expires INTEGER NOT NULL,
            uses INTEGER,
            used INTEGER NOT NULL,
            revoked INTEGER,
            origin TEXT)""",
        "CREATE INDEX invites_by_log ON invites(log)",
        # of durable subscriptions: all up to an offset is acknowledged
        """CREATE TABLE places (
            identity TEXT NOT NULL,
            name TEXT NOT NULL,
            log INTEGER NOT NULL REFERENCES logs(id),
            upto INTEGER NOT NULL,
            at INTEGER NOT NULL,
            PRIMARY KEY (identity, name, log)) WITHOUT ROWID""",
        "CREATE INDEX places_by_log ON places(log)",
    ),
    (
        # all fixes up to this offset are in segments; rows that are still there count no more
        "ALTER TABLE logs ADD COLUMN sealed_to INTEGER NOT NULL DEFAULT 0",
        # effective time of the newest fix that is kept: it may be in a segment
        "ALTER TABLE tallies ADD COLUMN newest_kept INTEGER",
        # Never changed once visible: another one takes its place. first, last: offsets.
        """CREATE TABLE segments (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            log INTEGER NOT NULL REFERENCES logs(id),
            is_visible INTEGER NOT NULL,
            first INTEGER NOT NULL,
            last INTEGER NOT NULL,
            rows INTEGER NOT NULL,
            low_time INTEGER NOT NULL,
            high_time INTEGER NOT NULL,
            low_received INTEGER NOT NULL,
            high_received INTEGER NOT NULL,
            parts BLOB NOT NULL,
            summary BLOB NOT NULL)""",
        "CREATE INDEX segments_by_log ON segments(log, first)",
        # apart, so that looking through segments reads no fixes
        "CREATE TABLE bodies (segment INTEGER PRIMARY KEY REFERENCES segments(id), body BLOB NOT NULL)",
        # what was refused; its member is a name, as one who sent nothing good has no row
        """CREATE TABLE set_aside (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            log INTEGER NOT NULL REFERENCES logs(id),
            received INTEGER NOT NULL,
            member TEXT,
            credential TEXT NOT NULL,
            code TEXT NOT NULL,
            message TEXT NOT NULL,
            field TEXT,
            raw BLOB NOT NULL)""",
        "CREATE INDEX set_aside_by_log ON set_aside(log)",
    ),
    (
        # [ids of members, sources] as JSON: what a segment's codes mean, without unpacking any of it
        "ALTER TABLE segments ADD COLUMN dictionaries TEXT",
    ),
    (
        # by which most late fixes are known not to be in a segment; one that an older version made has none
        "CREATE TABLE prints (segment INTEGER PRIMARY KEY REFERENCES segments(id), packed BLOB NOT NULL)",
    ),
    (
        # checksums of a segment's pieces; one that an older version made has none
        "ALTER TABLE segments ADD COLUMN checks BLOB",
    ),
    (
        # what an invite's holder chose on the share page: metres, and the text agreed to
        "ALTER TABLE invites ADD COLUMN precision REAL",
        "ALTER TABLE invites ADD COLUMN consent TEXT",
        "ALTER TABLE invites ADD COLUMN consented INTEGER",
    ),
)

VERSION = len(MIGRATIONS)


def migrate(conn: sqlite3.Connection, path: Path) -> None:
    """Bring an open file to this version's schema, in one transaction.

    Raises SchemaTooNew for a file of a newer version, StoreError for somebody else's database.
    """
    if _version(conn) == VERSION and _is_ours(conn):
        return
    conn.execute("BEGIN IMMEDIATE")  # looked at again inside: another process may have been first
    try:
        version = _version(conn)
        _check(conn, path, version)
        for statements in MIGRATIONS[version:]:
            for statement in statements:
                conn.execute(statement)
        conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        conn.execute(f"PRAGMA user_version = {VERSION}")
        conn.execute("COMMIT")
    finally:
        if conn.in_transaction:
            conn.execute("ROLLBACK")


def _check(conn: sqlite3.Connection, path: Path, version: int) -> None:
    is_empty = conn.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None
    if not is_empty and not _is_ours(conn):
        raise StoreError(
            f"{path} is a SQLite database, but none of locshare_ext; choose another file for the store",
            code="store_foreign",
        )
    if version > VERSION:
        raise SchemaTooNew(
            f"{path} was written by a newer version of locshare_ext (its schema is {version}, "
            f"this version knows up to {VERSION}); update locshare_ext, or choose another file for the store"
        )


def _version(conn: sqlite3.Connection) -> int:
    return int(conn.execute("PRAGMA user_version").fetchone()[0])


def _is_ours(conn: sqlite3.Connection) -> bool:
    return bool(conn.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID)
