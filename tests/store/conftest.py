from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from locshare_ext.broker.memory import MemoryStore
from locshare_ext.broker.routing import RoutedStore
from locshare_ext.model.store import LogStore
from locshare_ext.store import SQLiteStore, segment
from tests.store.helpers import SealingStore


@pytest.fixture(params=["memory", "sqlite", "sealed", "routed"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LogStore]:
    """Every store there is, for the contract."""
    made: LogStore = MemoryStore()
    if request.param == "sqlite":
        made = SQLiteStore(tmp_path / "store.db")
    elif request.param == "sealed":
        made = SealingStore(tmp_path / "store.db")
    elif request.param == "routed":
        made = RoutedStore(MemoryStore(), 100)
    yield made
    await made.close()


@pytest.fixture(scope="package", autouse=True)
def small_parts() -> Iterator[None]:
    """Parts of two fixes: a segment of three has more than one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segment, "PART_ROWS", 2)
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "store.db"
