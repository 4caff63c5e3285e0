"""Where logs and recordings are kept. Nothing here knows of topics, frames or requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from locshare_ext.store.sqlite import SQLiteStore

__all__ = ["SQLiteStore"]


def __getattr__(name: str) -> Any:
    """Load the store when it is asked for: the process that only reads does without it, and starts sooner."""
    if name == "SQLiteStore":
        from locshare_ext.store.sqlite import SQLiteStore

        return SQLiteStore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
