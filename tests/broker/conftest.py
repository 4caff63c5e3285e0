from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from locshare_ext.broker.memory import MemoryStore
from locshare_ext.model.store import LogStore
from locshare_ext.store import SQLiteStore


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LogStore]:
    """Every store there is: the log is the same over each."""
    made: LogStore = MemoryStore() if request.param == "memory" else SQLiteStore(tmp_path / "store.db")
    yield made
    await made.close()
