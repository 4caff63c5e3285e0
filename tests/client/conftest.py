"""Real servers for the client's tests; every process started here is ended here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from locshare_ext import Group
from locshare_ext.client import registry
from tests.support.served import Served

LIMIT = 30.0  # s that anything may take before a test gives up


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for the tests of a module; each uses groups of its own."""
    with Served(tmp_path_factory.mktemp("served")).running() as server:
        yield server


@pytest.fixture
def own_served(tmp_path: Path) -> Iterator[Served]:
    """A server that a test may kill."""
    with Served(tmp_path).running() as server:
        yield server


@pytest.fixture(autouse=True)
def _no_feed_is_left() -> Iterator[None]:
    yield
    registry.close_all()
    left = [one for one in threading.enumerate() if one.name.startswith(("locshare", "Stomp"))]
    for thread in left:  # a Group that was collected does not wait for its thread
        thread.join(LIMIT)
    assert not [thread.name for thread in left if thread.is_alive()]


@pytest.fixture
def group(served: Served, request: pytest.FixtureRequest) -> Group:
    """A group that only this test uses."""
    return attach(served, request.node.name.partition("[")[0].replace("test_", "")[:60])


def attach(server: Served, name: str, **options: Any) -> Group:
    return Group(name, server=server.url, token=server.token, **options)


class Collected:
    """What came, and how to wait for it: by an event, not by time."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._changed = threading.Condition()

    def add(self, item: Any) -> None:
        with self._changed:
            self.items.append(item)
            self._changed.notify_all()

    def wait_for(self, is_enough: Callable[[list[Any]], bool]) -> list[Any]:
        with self._changed:
            assert self._changed.wait_for(lambda: is_enough(self.items), LIMIT), self.items[-5:]
            return list(self.items)

    def wait_count(self, count: int) -> list[Any]:
        return self.wait_for(lambda items: len(items) >= count)


@pytest.fixture
def collected() -> Collected:
    return Collected()
