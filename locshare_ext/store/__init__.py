"""Where logs and recordings are kept. Nothing here knows of topics, frames or requests."""

from __future__ import annotations

from locshare_ext.store.sqlite import SQLiteStore

__all__ = ["SQLiteStore"]
