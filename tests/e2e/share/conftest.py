"""Servers, groups and phones for the share page."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.phone import Host, Phone
from tests.support.sites import TOKEN, Sites

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_numbers = itertools.count()
NewPhone = Callable[..., Phone]


@pytest.fixture(scope="package")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    running = Sites(tmp_path_factory.mktemp("sites"))
    yield running
    running.stop()


@pytest.fixture
def host(sites: Sites) -> Host:
    return Host(sites.urls["open"], TOKEN)


@pytest.fixture
def group() -> str:
    return f"walk-{next(_numbers)}"


@pytest.fixture
def phone(browser: Browser, request: pytest.FixtureRequest) -> Iterator[NewPhone]:
    """Make phones; closed at the end, with a picture after a failure."""
    made: list[Phone] = []

    def new(**options: Any) -> Phone:
        made.append(Phone(browser, **options))
        return made[-1]

    yield new
    for number, one in enumerate(made):
        if getattr(request.node, "failed", False):
            one.screenshot(f"failed-{request.node.name}-{number}")
        one.close()
