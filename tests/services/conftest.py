"""Services over both stores, with a clock that the test owns."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from locshare_ext.broker.memory import MemoryStore
from locshare_ext.model.store import LogStore
from locshare_ext.services.groups import GroupOptions, Groups
from locshare_ext.store.sqlite import SQLiteStore

NOW = 1_763_806_275_000


class Clock:
    now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LogStore]:
    made = MemoryStore() if request.param == "memory" else SQLiteStore(tmp_path / "log.sqlite3")
    yield made
    await made.close()


@pytest.fixture
async def groups(store: LogStore, clock: Clock) -> AsyncIterator[Groups]:
    made = Groups(store, clock=clock, options=GroupOptions())
    yield made
    await made.close()
