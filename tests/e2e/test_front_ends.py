"""The layer in Notebook 7, Voila, and several views of JupyterLab: complete, and gone without a trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import OpenNotebook, write_notebook
from tests.e2e.test_layer_page import PUSHED, wait_for_move
from tests.support.lab import Lab
from tests.support.page import ARTIFACTS, PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage

pytestmark = [pytest.mark.browser, pytest.mark.process]

# What the front ends' own pages say; anything else counts, whoever says it.
NOTEBOOK_7 = (
    # its keyboard shortcuts hear of settings that it has not loaded
    ("Cannot read properties of undefined (reading 'schema')", "/static/notebook/notebook_core."),
    # it opens the file browser's folder; said when a page is loaded before its file browser is
    ("Command 'filebrowser:open-path' not registered", "/static/notebook/notebook_core."),
)
VOILA = (
    # Notebook 7's extension of JupyterLab, which Voila loads though it lacks the documents that it wants
    ('{"shareKey":"@jupyterlab/docregistry"}', "labextensions/@jupyter-notebook/lab-extension"),
    # its template wants icons and formulas from elsewhere, where there may be no internet
    ("Failed to load resource", "https://cdn.jsdelivr.net/npm/@fortawesome/"),
    ("Failed to load resource", "https://cdnjs.cloudflare.com/ajax/libs/mathjax/"),
)


def is_none_of(known: tuple[tuple[str, str], ...]) -> Callable[[str], bool]:
    return lambda error: not any(what in error and where in error for what, where in known)


def test_notebook_7_shows_it_takes_pictures_and_restores_it(open_notebook: OpenNotebook, lab: Lab) -> None:
    cells = PUSHED, 'layer.to_image("seven.png")'
    shown = open_notebook(*cells, front="notebooks", ours=is_none_of(NOTEBOOK_7), width=1100)
    shown.run_all()
    shown.wait_for("() => window.locshareLayers?.[0]?.stats().trailPoints > 30")
    wait_for_move(shown, "ann")
    shown.page.wait_for_selector(".jp-OutputArea-output img[src^='data:image/png']")
    assert (lab.root / "seven.png").read_bytes()[:4] == b"\x89PNG"
    shown.wait_until_idle()
    shown.screenshot("notebook-7")
    before = shown.wait_for("() => window.locshareLayers[0].stats().fixes")
    shown.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    shown.page.reload()
    shown.wait_for("fixes => window.locshareLayers?.[0]?.stats().fixes >= fixes", before)
    shown.wait_for("() => window.locshareLayers[0].positionOf('cleo')")
    wait_for_move(shown, "cleo")
    assert shown.errors == []


def test_voila_shows_it_moving(browser: Browser, lab: Lab) -> None:
    write_notebook(lab.root / "dashboard.ipynb", (PUSHED,))
    page = browser.new_page(viewport={"width": 1100, "height": 800})
    page.set_default_timeout(PATIENCE)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(f"{error} {error.stack}"))

    def hear(said: ConsoleMessage) -> None:
        if said.type == "error":
            errors.append(f"{said.text} {said.location['url']}")

    page.on("console", hear)

    def wait_for(script: str, argument: Any = None) -> Any:
        return page.wait_for_function(script, arg=argument, timeout=PATIENCE).json_value()

    try:
        page.goto(f"{lab.url}voila/render/dashboard.ipynb?token={lab.token}")
        wait_for("() => window.locshareLayers?.[0]?.stats().trailPoints > 30")
        before = wait_for("() => window.locshareLayers[0].positionOf('ben')")
        wait_for(
            "({ time, lat, lon }) => { const now = window.locshareLayers[0].positionOf('ben');"
            " return now.time > time && (now.lat !== lat || now.lon !== lon); }",
            before,
        )
        assert page.evaluate("() => window.locshareLayers[0].stats().connected")
        ARTIFACTS.mkdir(exist_ok=True)
        page.screenshot(path=ARTIFACTS / "voila.png")
    finally:
        page.close()
    assert [error for error in errors if is_none_of(VOILA)(error)] == []


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
