"""One server process for all, and transports to it that are closed at the end."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from locshare_ext.transports import TRANSPORTS
from tests.support.served import Served
from tests.transports.bench import Bench


@pytest.fixture(params=TRANSPORTS)
def name(request: pytest.FixtureRequest) -> str:
    """Each transport in turn."""
    return str(request.param)


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that stays up."""
    with Served(tmp_path_factory.mktemp("served")).running() as served:
        yield served


_numbers = itertools.count(1)


@pytest.fixture
async def bench(server: Served) -> AsyncIterator[Bench]:
    """A group of the test's own on that server, that exists."""
    before = asyncio.all_tasks()
    bench = Bench(server, f"group {next(_numbers)}")
    await bench.ask("POST", "groups", {"title": bench.group})
    yield bench
    await bench.close()
    assert asyncio.all_tasks() - {asyncio.current_task()} <= before, "a closed transport has left tasks"


@pytest.fixture
def served(tmp_path: Any) -> Iterator[Served]:
    """A server of the test's own, to be ended and started again."""
    with Served(tmp_path).running() as served:
        yield served


@pytest.fixture
async def own(served: Served) -> AsyncIterator[Bench]:
    """A group on that server."""
    bench = Bench(served, "hikers")
    await bench.ask("POST", "groups", {"title": bench.group})
    yield bench
    await bench.close()
