"""An invite's card, in JupyterLab: its codes are read as a camera would, and it ticks when somebody comes."""

from __future__ import annotations

import io

import numpy as np
import pytest
import zxingcpp
from PIL import Image

from tests.e2e.conftest import OpenNotebook
from tests.support.lab import Lab
from tests.support.page import Notebook

pytestmark = [pytest.mark.browser, pytest.mark.process]

CARD = """
from locshare_ext import Group, InviteCard
group = Group("Sunday walk")
"""
DARK = "() => window.jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Dark' })"
NAME = "test_it_is_scanned_and_ticks_and_is_not_saved-0.ipynb"
SAVED = """async name =>
  (await (await fetch(`/api/contents/${name}`)).text()).includes('InviteCardModel')"""
FITS = """() => {
  const card = document.querySelector('.locshare-card');
  return card.scrollWidth <= card.clientWidth && card.getBoundingClientRect().right <= window.innerWidth;
}"""
STATE = "state => document.querySelector('.locshare-card-status')?.dataset.state === state"


def scanned(notebook: Notebook) -> str:
    """Read the code that the page shows."""
    shot = notebook.page.locator(".locshare-card-code svg").screenshot(type="png")
    image = np.array(Image.open(io.BytesIO(shot)).convert("L"))
    (found,) = zxingcpp.read_barcodes(image)
    return str(found.text)


@pytest.mark.usefixtures("saves_widgets")
def test_it_is_scanned_and_ticks_and_is_not_saved(open_notebook: OpenNotebook, lab: Lab) -> None:
    notebook = open_notebook(
        CARD + 'card = InviteCard(group, "ann", address="https://share.example.org/")\ncard',
        "guest = Group(card.invite.link.replace('https://share.example.org/', group.server))\n"
        "guest.publish(lat=37.5, lon=127.0)",
        width=1200,
    )
    page = notebook.page
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-cell-and-select-next')")
    notebook.wait_for(STATE, "waiting")
    token = page.locator(".locshare-card-link").input_value().partition("#t=")[2]
    assert token.startswith("lsi_")
    assert scanned(notebook) == f"https://share.example.org/locshare/share#t={token}"
    notebook.screenshot("card-light")

    page.locator(".locshare-card-app").select_option("traccar")
    assert scanned(notebook).startswith(f"https://share.example.org/locshare/in/{token}?id=ann&")
    page.locator(".locshare-card-app").select_option("osmand")
    assert page.locator(".locshare-card-code").is_hidden()
    assert page.locator(".locshare-card-link").input_value().endswith("&bearing={6}")

    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-cell-and-select-next')")
    notebook.wait_for(STATE, "here")

    page.evaluate(DARK)
    notebook.wait_for("() => document.body.dataset.jpThemeLight === 'false'")
    page.wait_for_selector("#jupyterlab-splash", state="detached")
    page.locator(".locshare-card-app").select_option("browser")
    assert scanned(notebook).endswith(token)
    notebook.screenshot("card-dark")
    page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
    page.set_viewport_size({"width": 360, "height": 740})
    notebook.wait_for(FITS)
    notebook.screenshot("card-narrow")

    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    notebook.wait_for(SAVED, NAME)
    assert token not in (lab.root / NAME).read_text()
    page.reload()
    notebook.wait_for(STATE, "here")
    assert token in page.locator(".locshare-card-link").input_value()
    assert notebook.errors == []


def test_where_no_phone_can_come_there_is_no_code(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(CARD + "InviteCard(group)", locale="ko-KR")
    notebook.run_all()
    notebook.wait_for(
        "() => document.querySelector('.locshare-card-warning')?.innerText.includes('open_to_phones')"
    )
    assert notebook.page.locator(".locshare-card-code").count() == 0
    assert "휴대폰이 들어올 수 없어" in notebook.page.locator(".locshare-card-warning").inner_text()
    notebook.screenshot("card-nowhere")
    assert notebook.errors == []
