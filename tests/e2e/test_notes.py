"""Notes: on the map, in the list, on the timeline as soon as they are written, and of ephemeral groups."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.conftest import OpenNotebook
from tests.e2e.test_group_map_page import REAL
from tests.e2e.test_layer_settings import execute
from tests.e2e.test_timeline import RECORDING, START
from tests.support.page import Notebook

pytestmark = [pytest.mark.browser, pytest.mark.process]

MARK = ".locshare-note-mark"
# A group that would be asked for its events once an hour, if it did not tell of them.
TELLING = "from locshare_ext.widget import happenings\nhappenings.WHOLE = 3600.0\n"


def foot_of(notebook: Notebook) -> tuple[float, float]:
    """Return the place that the first mark points to."""
    box: Any = notebook.page.locator(MARK).first.bounding_box()
    return box["x"] + 10, box["y"] + 31


def test_a_note_is_where_its_member_was(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(RECORDING + "m = GroupMap(made('walk'), trail=60, basemap=None)\nm")
    notebook.run_all()
    notebook.wait_for_members(2)
    page = notebook.page
    page.wait_for_selector(".locshare-tick.is-note")
    page.locator(".leaflet-container").scroll_into_view_if_needed()
    assert page.locator(MARK).count() == 0  # nothing has been noted yet, at the start
    assert page.locator(".locshare-noted:visible").count() == 0
    page.locator(".locshare-track").focus()
    page.keyboard.press("n")
    page.locator(MARK).wait_for()
    notebook.wait_for("at => window.locshareLayers[0].clock().moment === at", START + 60_000)
    page.locator(MARK).hover()
    tip = page.locator(".locshare-note-tip")
    tip.wait_for(state="visible")
    assert "ann: <b>lost</b> it" in tip.inner_text()
    # ann is there now, as that is the moment; who points at her is told of the note
    x, y = foot_of(notebook)
    page.mouse.move(x - 2, y + 1)
    page.mouse.move(x, y)
    page.locator(".locshare-tip", has_text="ann").wait_for()
    assert "<b>lost</b> it" in page.locator(".locshare-tip-note").inner_text()
    noted = page.locator(".locshare-row", has_text="ann").locator(".locshare-noted")
    assert noted.get_attribute("aria-label") == "Note: <b>lost</b> it"
    assert page.locator(".locshare-row", has_text="ben").locator(".locshare-noted").is_hidden()
    notebook.screenshot("note-on-map")
    page.locator(".locshare-track").focus()
    page.keyboard.press("End")
    page.locator(MARK).click()
    notebook.wait_for("at => window.locshareLayers[0].clock().moment === at", START + 60_000)
    page.keyboard.press("Tab")
    page.locator(".locshare-note-tool").click()
    page.get_by_label("Show notes on the map").uncheck()
    page.locator(".locshare-note-marks").wait_for(state="hidden")
    assert notebook.errors == []


def test_a_note_about_somebody_is_seen_at_once(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(TELLING + REAL.format(name="told at once"))
    notebook.run_all()
    notebook.wait_for_members(3)
    notebook.wait_until_idle()
    page = notebook.page
    page.locator(".locshare-note-tool:not([hidden])").click()
    page.get_by_label("Whom it is about").select_option("ben")
    page.locator(".locshare-pop textarea:visible").fill("flat tyre")
    page.keyboard.press("Enter")
    page.locator(f"{MARK}[aria-label*='ben: flat tyre']").wait_for()
    # another one, that the page has not asked for
    execute(notebook, "group.note('found', member='cy')")
    page.locator(".locshare-note-text", has_text="cy: found").wait_for()
    page.locator(f"{MARK}[aria-label*='cy: found']").wait_for()
    # one that says where it is, of a member who has sent no fix
    execute(
        notebook,
        "group._api.send('POST', group._path('notes'), {'kind': 'sos', 'text': 'hurt', 'member': 'dan',"
        " 'data': {'lat': 37.575, 'lon': 126.975}})",
    )
    page.locator(f"{MARK}.is-urgent[aria-label*='dan: hurt']").wait_for()
    notebook.screenshot("note-dialogue")
    assert notebook.errors == []


def test_an_ephemeral_group_says_that_nothing_is_kept(open_notebook: OpenNotebook) -> None:
    made = REAL.replace("for place", "group.configure(ephemeral=True)\nfor place", 1)
    notebook = open_notebook(made.format(name="passing by"))
    notebook.run_all()
    notebook.wait_for_members(3)
    page = notebook.page
    page.locator(".locshare-light[data-light='never']").click()
    page.get_by_text("This group is ephemeral").wait_for()
    assert page.locator(".locshare-pop form:visible").count() == 0
    notebook.screenshot("ephemeral")
    assert notebook.errors == []
