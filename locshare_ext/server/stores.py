"""Which store a setting means."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from locshare_ext.model.store import LogStore

__all__ = ["MEMORY", "open_store", "store_file"]

MEMORY = "memory"


def store_file(where: str) -> str | None:
    """Return the path of the store that a setting means, None for memory."""
    return None if where == MEMORY else os.path.abspath(os.path.expanduser(where))


def open_store(where: str, synchronous: str = "NORMAL") -> tuple[LogStore, str | None]:
    """Return the store at a path and that path, or one in memory and None; opens nothing yet."""
    path = store_file(where)
    if path is None:
        from locshare_ext.broker.memory import MemoryStore

        return MemoryStore(), None
    from locshare_ext.store.sqlite import SQLiteStore

    return SQLiteStore(path, synchronous="FULL" if synchronous == "FULL" else "NORMAL"), path
