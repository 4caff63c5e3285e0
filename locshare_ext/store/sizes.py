"""How many bytes of a store's file are in use, by all logs and by one."""

from __future__ import annotations

import sqlite3

from locshare_ext.store.rows import first_id, last_id
from locshare_ext.store.selecting import begin, find_log

__all__ = ["bytes_in_use", "bytes_of_log"]


def bytes_in_use(conn: sqlite3.Connection) -> int:
    """Return the bytes of all pages that hold something."""
    pages, free, size = (
        int(conn.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def bytes_of_log(conn: sqlite3.Connection, log: str) -> int:
    """Return about how many bytes a log's entries take; its segments are counted as they are.

    What is not in segments is shared out by how many rows each log has.
    """
    found = find_log(conn, log)
    if found is None:
        return 0
    sealed = "SELECT total(length(body)) + total(length(summary)) FROM segments JOIN bodies ON segment = id"
    of_log = int(conn.execute(f"{sealed} WHERE log = ?", (found[0],)).fetchone()[0])
    of_all = int(conn.execute(sealed).fetchone()[0])
    rows = {log_id: _rows(conn, log_id) for (log_id,) in conn.execute("SELECT id FROM logs").fetchall()}
    share = rows[found[0]] / (sum(rows.values()) or 1)
    return of_log + round(max(0, bytes_in_use(conn) - of_all) * share)


def _rows(conn: sqlite3.Connection, log_id: int) -> int:
    """Return how many entries of a log are rows; counted, as recordings leave holes."""
    total = 0
    for table in ("fixes", "events"):
        low, high = first_id(log_id, begin(conn, table, log_id)), last_id(log_id)
        total += int(
            conn.execute(f"SELECT count(*) FROM {table} WHERE id > ? AND id <= ?", (low, high)).fetchone()[0]
        )
    return total
