"""The panel with a group's numbers, in JupyterLab."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import OpenNotebook

pytestmark = [pytest.mark.browser, pytest.mark.process]

LIVE = """
from datetime import UTC, datetime, timedelta
from locshare_ext import Group, GroupPanel
group = Group("panel hikers")
group.simulate(minutes=20, seed=4)
group.publish(lat=37.7, lon=127.2, member="<b>Zoë", time=datetime.now(UTC) - timedelta(seconds=40))
panel = GroupPanel(group, near=150)
panel
"""
TEXT = "() => document.querySelector('.locshare-numbers')?.innerText ?? ''"
DARK = "() => window.jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Dark' })"
FITS = """() => {
  const panel = document.querySelector('.locshare-numbers');
  const { offsetWidth } = panel.querySelector('table');
  return offsetWidth > 0 && Math.max(panel.scrollWidth, offsetWidth) <= panel.clientWidth;
}"""


def test_it_shows_the_numbers_and_they_move(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(LIVE, "group.publish(lat=37.71, lon=127.2, member='new here')", width=1200)
    notebook.page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-cell-and-select-next')")
    notebook.wait_for("() => /\\d+ of 9/.test(document.querySelector('.locshare-numbers')?.innerText)")
    told = notebook.page.evaluate(TEXT)
    assert "<b>Zoë" in told.split("Alone:")[1]
    assert notebook.page.locator(".locshare-numbers b").count() == 0
    notebook.screenshot("panel-light")
    notebook.page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-cell-and-select-next')")
    notebook.wait_for("() => document.querySelector('.locshare-numbers').innerText.includes('new here')")
    notebook.page.evaluate(DARK)
    notebook.wait_for("() => document.body.dataset.jpThemeLight === 'false'")
    notebook.page.wait_for_selector("#jupyterlab-splash", state="detached")
    notebook.screenshot("panel-dark")
    notebook.page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
    notebook.page.set_viewport_size({"width": 360, "height": 740})
    notebook.wait_for(FITS)
    notebook.screenshot("panel-narrow")
    assert notebook.errors == []
