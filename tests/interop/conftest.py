"""One server for all foreign clients of a module."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.interop.driver import Driver
from tests.support.served import Served

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("interop")).running() as server:
        yield server


@pytest.fixture
def start(served: Served) -> Iterator[Callable[..., Driver]]:
    """Start JavaScript clients and wait until they are connected; ended at the end."""
    drivers: list[Driver] = []

    def start_one(script: str, *, wait: bool = True, **options: Any) -> Driver:
        drivers.append(Driver(script, served, **options))
        if wait:
            drivers[-1].connected = drivers[-1].next("connected")["headers"]
        return drivers[-1]

    yield start_one
    for driver in drivers:
        driver.close()


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"interop-{next(_numbers)}"
