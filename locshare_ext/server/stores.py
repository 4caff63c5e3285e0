"""Which store a setting means."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from locshare_ext.model.store import LogStore
    from locshare_ext.store.connection import Synchronous

__all__ = ["MEMORY", "open_store", "store_file"]

MEMORY = "memory"


def store_file(where: str) -> str | None:
    """Return the path of the store that a setting means, None for memory."""
    return None if where == MEMORY else os.path.abspath(os.path.expanduser(where))


def open_store(
    where: str,
    synchronous: str = "NORMAL",
    log: logging.Logger | logging.LoggerAdapter[Any] | None = None,
    ephemeral_length: int = 10_000,
    *,
    sealed_fixes: int = 65_536,
    live_fixes: int = 65_536,
) -> tuple[LogStore, str | None]:
    """Return the store at a path and that path, or one in memory and None; opens nothing yet.

    If another server has the file by the time that something is stored or read, the store's
    is another one: see `LogStore.place`. log: told of that, and of faults.
    ephemeral_length: entries of an ephemeral group that are in memory. sealed_fixes: of a
    segment; live_fixes: newest ones of a group that are never sealed.
    """
    path = store_file(where)
    if path is None:
        from locshare_ext.broker.memory import MemoryStore

        return MemoryStore(), None
    from locshare_ext.broker.routing import RoutedStore
    from locshare_ext.store.sqlite import SQLiteStore

    chosen: Synchronous = "FULL" if synchronous == "FULL" else "NORMAL"
    kept = SQLiteStore(
        path,
        synchronous=chosen,
        is_shared=False,
        log=log,
        sealed_rows=sealed_fixes,
        live_rows=live_fixes,
    )
    return RoutedStore(kept, ephemeral_length), path
