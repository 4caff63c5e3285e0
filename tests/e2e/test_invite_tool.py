"""Inviting on a map: the card is scanned, ticks, and is nowhere once its window is closed."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import OpenNotebook
from tests.e2e.test_invite_card import DARK, STATE, scanned
from tests.support.lab import Lab

pytestmark = [pytest.mark.browser, pytest.mark.process]

MAP = """
from locshare_ext import Group, GroupMap
from locshare_ext.widget import card
found = card.reach_of  # as if phones came by this address
card.reach_of = lambda api, address=None: found(api, "https://share.example.org")
group = Group("inviting hikers")
group.publish(lat=37.5, lon=127.0, member="ann")
m = GroupMap(group, basemap=None)
m
"""
COMES = """
invite = group.invite("bo")
Group(invite.link).publish(lat=37.51, lon=127.01)
models = [m, *m.layers, *m.controls]
invite.token in repr([one.get_state() for one in models] + [m.trail_layer._said])
"""
RUN = "() => window.jupyterapp.commands.execute('notebook:run-cell-and-select-next')"
NAME = "test_the_card_is_shown_and_kept_nowhere-0.ipynb"
SAVED = """async name =>
  (await (await fetch(`/api/contents/${name}`)).text()).includes('GroupMapModel')"""
FITS = """() => {
  const card = document.querySelector('.locshare-pop .locshare-card');
  const map = document.querySelector('.locshare-map').getBoundingClientRect();
  return card.scrollWidth <= card.clientWidth && card.getBoundingClientRect().right <= map.right;
}"""


@pytest.mark.usefixtures("saves_widgets")
def test_the_card_is_shown_and_kept_nowhere(open_notebook: OpenNotebook, lab: Lab) -> None:
    notebook = open_notebook(MAP, COMES, width=1200)
    page = notebook.page
    page.evaluate(RUN)
    tool = page.locator(".locshare-invite-tool")
    tool.wait_for()
    tool.click()
    page.locator(".locshare-pop:visible input").fill("bo")
    page.keyboard.press("Enter")
    notebook.wait_for(STATE, "waiting")
    token = page.locator(".locshare-card-link").input_value().partition("#t=")[2]
    assert token.startswith("lsi_")
    assert scanned(notebook) == f"https://share.example.org/locshare/share#t={token}"
    notebook.screenshot("invite-tool-light")

    page.evaluate("() => window.jupyterapp.commands.execute('notebook:move-cursor-down')")
    page.evaluate(RUN)
    notebook.wait_for(STATE, "here")
    page.locator(".jp-OutputArea-output", has_text="False").wait_for()  # it is in no model
    page.evaluate(DARK)
    notebook.wait_for("() => document.body.dataset.jpThemeLight === 'false'")
    page.wait_for_selector("#jupyterlab-splash", state="detached")
    assert scanned(notebook).endswith(token)
    notebook.screenshot("invite-tool-dark")
    page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
    page.set_viewport_size({"width": 360, "height": 740})
    notebook.wait_for(FITS)
    notebook.screenshot("invite-tool-narrow")

    page.locator(".locshare-pop:visible .locshare-pop-close").click()
    assert page.locator(".locshare-card").count() == 0
    assert token not in page.content()
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    notebook.wait_for(SAVED, NAME)
    assert token not in (lab.root / NAME).read_text()
    assert notebook.errors == []
