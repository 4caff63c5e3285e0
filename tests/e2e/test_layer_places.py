"""Every member is drawn where Leaflet itself puts it: as it moves, after zoom and drag, on a fine screen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import write_notebook
from tests.support.lab import Lab
from tests.support.page import Notebook
from tests.support.places import MOVING, drags, look, wait_for_another_view, wait_until_shown

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

pytestmark = [pytest.mark.browser, pytest.mark.process]


class Sharp:
    """A browser whose pages have two pixels for each of css."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    def new_context(self, **options: Any) -> BrowserContext:
        return self._browser.new_context(device_scale_factor=2, **options)


@pytest.fixture
def notebook(browser: Browser, lab: Lab) -> Iterator[Notebook]:
    write_notebook(lab.root / "places.ipynb", (MOVING,))
    opened = Notebook(Sharp(browser), lab, "places.ipynb")  # type: ignore[arg-type]
    yield opened
    opened.close()


def check(notebook: Notebook, least: int, pictures: int = 8) -> None:
    result = look(notebook, pictures)
    assert result["ratio"] == 2
    assert result["heads"] >= least * result["pictures"]
    assert result["wrong"] == []


def test_heads_that_move_are_where_leaflet_puts_them(notebook: Notebook) -> None:
    wait_until_shown(notebook)
    check(notebook, 60)
    notebook.page.locator(".leaflet-control-zoom-in").click()
    wait_for_another_view(notebook, 13)
    check(notebook, 15)
    for _ in drags(notebook):
        check(notebook, 15, pictures=1)  # while it is dragged
    check(notebook, 15)
    assert notebook.errors == []
