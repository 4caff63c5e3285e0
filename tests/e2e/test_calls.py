"""Calls for help: on a map nobody overlooks one, wherever the map looks and whatever it is set to."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.conftest import OpenNotebook
from tests.e2e.test_group_map_page import AXE, JUDGE, REAL
from tests.e2e.test_layer_settings import execute
from tests.support.page import Notebook

pytestmark = [pytest.mark.browser, pytest.mark.process]

CALL = ".locshare-call:visible"
SOS = """group._api.send(
    "POST", group._path("notes"), {{"kind": "sos", "member": {member!r}, "text": {text!r}}}
)"""


def call(notebook: Notebook, member: str, text: str) -> None:
    execute(notebook, SOS.format(member=member, text=text))


def test_a_call_for_help_stays_until_it_is_seen(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(REAL.format(name="calls"))
    notebook.run_all()
    notebook.wait_for_members(3)
    notebook.wait_until_idle()
    page = notebook.page
    # looking back, with cy hidden and notes off the map
    page.locator(".locshare-note-tool:not([hidden])").wait_for()
    page.get_by_label("Show cy", exact=True).uncheck()
    page.locator(".locshare-track").focus()
    page.keyboard.press("Home")
    call(notebook, "cy", "<b>fell</b>, cannot walk")
    page.locator(CALL, has_text="<b>fell</b>, cannot walk").wait_for()
    assert page.locator(".locshare-call-who").inner_text() == "cy calls for help"
    assert "cy calls for help: <b>fell</b>" in page.locator(".locshare-map [role=alert]").inner_text()
    page.add_script_tag(path=str(AXE))
    assert page.evaluate(JUDGE)[0] == []
    notebook.screenshot("call-for-help")
    # nothing of the map lies below it
    strip: Any = page.locator(".locshare-calls").bounding_box()
    for panel in (".leaflet-control-zoom", ".locshare-members", ".locshare-tools"):
        box: Any = page.locator(panel).bounding_box()
        assert box["y"] >= strip["y"] + strip["height"], panel
    page.get_by_label("Show where: cy calls for help").click()
    notebook.wait_for("() => window.locshareLayers[0].clock().state === 'live'")
    notebook.wait_for("() => window.locshareLayers[0].positionOf('cy') !== null")  # it is hidden no more
    notebook.wait_for("() => window.locshareLayers[0].zoom() >= 15")
    # another call of the same member takes the first one's place; one of somebody else has its own
    call(notebook, "cy", "night is coming")
    page.locator(CALL, has_text="night is coming").wait_for()
    call(notebook, "ann", "lost")
    page.locator(CALL, has_text="lost").wait_for()
    assert page.locator(CALL).count() == 2
    page.get_by_label("Seen: cy calls for help").click()
    page.locator(CALL, has_text="night").wait_for(state="detached")
    assert page.locator(CALL).count() == 1
    page.get_by_label("Seen: ann calls for help").click()
    page.locator(".locshare-calls").wait_for(state="hidden")
    call(notebook, "cy", "still here")  # seen is what was said, not who said it
    page.locator(CALL, has_text="still here").wait_for()
    assert notebook.errors == []


def test_a_narrow_map_has_room_for_calls_and_one_row_of_buttons(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(REAL.format(name="narrow calls"), width=360)
    page = notebook.page
    page.evaluate("() => { window.jupyterapp.commands.execute('application:toggle-left-area'); }")
    notebook.run_all()
    notebook.wait_for_members(3)
    notebook.wait_until_idle()
    for member in ("ann", "ben", "cy"):
        call(notebook, member, "help " * 100)
    page.get_by_text("and 2 more calls for help").wait_for()
    whole: Any = page.locator(".locshare-map").bounding_box()
    strip: Any = page.locator(".locshare-calls").bounding_box()
    assert strip["width"] == pytest.approx(whole["width"], abs=1)
    assert strip["height"] < whole["height"] / 3
    live: Any = page.locator(".locshare-live").bounding_box()
    play: Any = page.locator(".locshare-play").bounding_box()
    assert live["y"] < play["y"] + play["height"]
    assert live["x"] + live["width"] <= whole["x"] + whole["width"]
    notebook.screenshot("calls-narrow")
    assert notebook.errors == []
