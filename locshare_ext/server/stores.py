"""Which store a setting means."""

from __future__ import annotations

import os

from locshare_ext.model.store import LogStore

__all__ = ["MEMORY", "open_store"]

MEMORY = "memory"


def open_store(where: str, synchronous: str = "NORMAL") -> tuple[LogStore, str | None]:
    """Return the store at a path and that path, or one in memory and None; opens nothing yet."""
    if where == MEMORY:
        from locshare_ext.broker.memory import MemoryStore

        return MemoryStore(), None
    from locshare_ext.store.sqlite import SQLiteStore

    path = os.path.abspath(os.path.expanduser(where))
    return SQLiteStore(path, synchronous="FULL" if synchronous == "FULL" else "NORMAL"), path
