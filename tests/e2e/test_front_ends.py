"""The layer in Voila, and in several views of JupyterLab: each complete, and gone without a trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import OpenNotebook, write_notebook
from tests.e2e.test_layer_page import PUSHED, wait_for_move
from tests.support.lab import Lab
from tests.support.page import ARTIFACTS, PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.process]

OpenPage = Callable[..., "FrontEnd"]


class FrontEnd:
    """A page of one of the front ends that the server offers; `errors` are ours in its console."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        # other extensions have errors of their own here: Voila's page has no internet, Notebook no settings
        page.on("console", lambda message: message.type == "error" and self._note(message.text))
        page.on("pageerror", lambda error: self._note(f"{error} {error.stack}"))

    def _note(self, text: str) -> None:
        if "locshare" in text:
            self.errors.append(text)

    def wait_for(self, script: str, argument: Any = None) -> Any:
        return self.page.wait_for_function(script, arg=argument, timeout=PATIENCE).json_value()

    def wait_for_move(self, member: str) -> None:
        before = self.wait_for("m => window.locshareLayers?.[0]?.positionOf(m)", member)
        self.wait_for(
            "([m, before]) => { const now = window.locshareLayers[0].positionOf(m);"
            " return now && now.time > before.time && (now.lat !== before.lat || now.lon !== before.lon); }",
            [member, before],
        )

    def screenshot(self, name: str) -> None:
        ARTIFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=ARTIFACTS / f"{name}.png")


@pytest.fixture
def open_page(browser: Browser, lab: Lab) -> Iterator[OpenPage]:
    """Open a notebook of cells at a front end's path; all are closed at the end."""
    contexts = []

    def open_(path: str, name: str, *cells: str) -> FrontEnd:
        write_notebook(lab.root / name, cells)
        contexts.append(browser.new_context(viewport={"width": 1100, "height": 800}))
        front_end = FrontEnd(contexts[-1].new_page())
        front_end.page.set_default_timeout(PATIENCE)
        front_end.page.goto(f"{lab.url}{path}/{name}?token={lab.token}")
        return front_end

    yield open_
    for context in contexts:
        context.close()


def test_voila_shows_it_moving(open_page: OpenPage) -> None:
    shown = open_page("voila/render", "dashboard.ipynb", PUSHED)
    shown.wait_for("() => window.locshareLayers?.[0]?.stats().trailPoints > 30")
    shown.wait_for_move("ben")
    assert shown.wait_for("() => window.locshareLayers[0].stats().connected")
    shown.screenshot("voila")
    assert shown.errors == []


def test_views_are_each_complete_and_go_without_a_trace(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(PUSHED, "shown")
    notebook.run_all()
    notebook.wait_for("() => window.locshareLayers?.[0]?.stats().trailPoints > 30")
    notebook.page.evaluate(
        "async () => { const app = window.jupyterapp; app.shell.currentWidget.content.activeCellIndex = 0;"
        " await app.commands.execute('notebook:create-output-view'); }"
    )
    notebook.wait_for("() => document.querySelectorAll('canvas.locshare-canvas').length === 3")
    notebook.wait_for(COMPLETE, 2)  # the one that lies behind the new view's tab is not drawn
    assert notebook.page.evaluate("() => window.locshareLayers.length") == 1
    wait_for_move(notebook, "ann")
    notebook.screenshot("three-views")
    notebook.page.locator(".jp-LinkedOutputView").wait_for()
    notebook.page.evaluate(
        "() => { for (const widget of window.jupyterapp.shell.widgets('main'))"
        " if (widget.content?.hasClass?.('jp-LinkedOutputView')) widget.close(); }"
    )
    notebook.wait_for("() => document.querySelectorAll('canvas.locshare-canvas').length === 2")
    wait_for_move(notebook, "ben")
    clear = "notebook:clear-all-cell-outputs"
    notebook.page.evaluate("name => window.jupyterapp.commands.execute(name)", clear)
    notebook.wait_for(
        "() => window.locshareLayers.length === 0"
        " && !document.querySelector('.locshare-canvas, .locshare-tip')"
    )
    assert notebook.errors == []


# Whether so many canvases have something on them: a line or a head in a strong colour.
COMPLETE = """
count => {
  const isDrawn = canvas => {
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d');
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
    return data.some((value, k) => k % 4 === 3 && value > 200);
  };
  const shown = [...document.querySelectorAll('canvas.locshare-canvas')].filter(canvas => canvas.width > 1);
  return shown.filter(isDrawn).length >= count;
}
"""
