"""Servers of which the document tells, and the document itself."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.sites import TOKEN, Sites


@pytest.fixture(scope="session")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    """Servers in a process of their own."""
    running = Sites(tmp_path_factory.mktemp("sites"))
    yield running
    running.stop()
    assert "Traceback" not in running.log.read_text(), running.log.read_text()[-4000:]


@pytest.fixture(scope="session")
def described(sites: Sites) -> dict[str, Any]:
    """The document as a server gives it."""
    url = f"{sites.urls['open']}/locshare/api/openapi.json"
    request = urllib.request.Request(url, headers={"X-Locshare-Token": TOKEN})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)
