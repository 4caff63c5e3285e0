"""The panel with a group's roster, in JupyterLab: it moves while people come; wide, narrow, light, dark."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import OpenNotebook

pytestmark = [pytest.mark.browser, pytest.mark.process]

ROSTER = """
from datetime import UTC, datetime, timedelta
from locshare_ext import Group, Roster
group = Group("roster hikers")
ann, bo, cy, dan, *_ = group.invite(["ann", "<b>bo", "cy", "김지우", "not yet"])
ended = group.invite("too late")
group.revoke(ended)
group.configure(stale=60, lost=600)
Group(ann.link).publish(lat=37.5, lon=127.0, battery=0.8, accuracy=6)
Group(bo.link).publish(lat=37.5, lon=127.0, battery=0.12, accuracy=30)
Group(cy.link).publish(lat=37.5, lon=127.0, time=datetime.now(UTC) - timedelta(minutes=20))
roster = Roster(group)
roster
"""
COMES = "Group(dan.link).publish(lat=37.6, lon=127.1, battery=0.5)"
TEXT = "() => document.querySelector('.locshare-roster')?.innerText ?? ''"
HAS = "text => document.querySelector('.locshare-roster')?.innerText.includes(text)"
DARK = "() => window.jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Dark' })"
RUN = "() => window.jupyterapp.commands.execute('notebook:run-cell-and-select-next')"
FITS = """() => {
  const panel = document.querySelector('.locshare-roster');
  const { offsetWidth } = panel.querySelector('table');
  return offsetWidth > 0 && Math.max(panel.scrollWidth, offsetWidth) <= panel.clientWidth;
}"""


def test_it_shows_who_is_here_and_moves_when_somebody_comes(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(ROSTER, COMES, width=1200)
    page = notebook.page
    page.evaluate(RUN)
    notebook.wait_for(HAS, "2 of 6 here")
    told = page.evaluate(TEXT)
    assert page.locator(".locshare-roster b").count() == 0
    rows = [line.split("\t") for line in told.splitlines() if "\t" in line]
    states = {row[0].removesuffix("low battery"): row[1] for row in rows[1:]}
    assert states == {
        "cy": "no position: no GPS?",
        "not yet": "not joined",
        "김지우": "not joined",
        "too late": "invite revoked",
        "<b>bo": "here",
        "ann": "here",
    }
    assert "<b>bolow battery" in [row[0] for row in rows]
    notebook.screenshot("roster-light")
    page.evaluate(RUN)
    notebook.wait_for(HAS, "3 of 6 here")
    page.evaluate(DARK)
    notebook.wait_for("() => document.body.dataset.jpThemeLight === 'false'")
    page.wait_for_selector("#jupyterlab-splash", state="detached")
    notebook.screenshot("roster-dark")
    page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
    page.set_viewport_size({"width": 360, "height": 740})
    notebook.wait_for(FITS)
    notebook.screenshot("roster-narrow")
    assert notebook.errors == []
