"""Geofences on a map in a browser: shown on light and dark ground, drawn by hand, held from then on."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import OpenNotebook
from tests.e2e.test_group_panel import DARK
from tests.e2e.test_timeline import RECORDING, ask, wait_until_told
from tests.support.page import Notebook

pytestmark = [pytest.mark.browser, pytest.mark.process]

SHOWN = """
from locshare_ext import Geofence
rec = made("walk")
ring = [[0.03, 10.2], [0.09, 10.2], [0.09, 10.5], [0.03, 10.5], [0.03, 10.2]]
rec.alert(Geofence.circle("camp", 10.0, 0.06, 15000), lambda alert: told.append(alert.text))
rec.alert(Geofence(name="<b>field</b>", area={"type": "Polygon", "coordinates": [ring]}))
told = []
m = GroupMap(rec, trail=600, center=(10.4, 0.06), zoom=9)
m.show_fences()
m
"""
FENCES = ".leaflet-overlay-pane path.leaflet-interactive"


def bounds(notebook: Notebook, n: int) -> dict[str, float]:
    box = notebook.page.locator(FENCES).nth(n).bounding_box()
    assert box is not None
    return dict(box)


def test_fences_are_seen_drawn_and_held(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(RECORDING + SHOWN)
    page = notebook.page
    notebook.run_all()
    notebook.wait_for_members(2)
    notebook.wait_until_idle()
    notebook.wait_for(f"() => document.querySelectorAll('{FENCES}').length === 2")
    page.locator(".locshare-track").scroll_into_view_if_needed()
    notebook.screenshot("fences-light")
    assert [round(bounds(notebook, n)["width"]) for n in (0, 1)] == [102, 24]  # 30 km and 0.06 degrees, edges

    ask(notebook, "m.draw_fence('gate', lambda alert: told.append(alert.text))")
    page.locator(".leaflet-draw-draw-rectangle").click()
    map_box = page.locator(".leaflet-container").bounding_box()
    assert map_box is not None
    x, y = map_box["x"] + map_box["width"] * 0.35, map_box["y"] + map_box["height"] * 0.1
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 120, y + 90, steps=6)
    page.mouse.up()
    notebook.wait_for(f"() => document.querySelectorAll('{FENCES}').length === 3")
    page.wait_for_selector(".leaflet-draw", state="detached")
    page.mouse.move(5, 5)
    notebook.screenshot("fences-drawn")
    wait_until_told(
        notebook, "print([rule.name for rule in rec.rules()])", "['camp', '<b>field</b>', 'gate']"
    )
    # those that were drawn are held with the others when it is played
    ask(notebook, "rec.play(speed=float('inf'))")
    assert ask(notebook, "print(told)") == "['ann entered camp']"
    page.evaluate(DARK)
    notebook.wait_for("() => document.body.dataset.jpThemeLight === 'false'")
    page.wait_for_selector("#jupyterlab-splash", state="detached")
    page.locator(".locshare-track").scroll_into_view_if_needed()
    notebook.wait_for(f"() => document.querySelectorAll('{FENCES}').length === 3")
    notebook.screenshot("fences-dark")
    page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
    page.set_viewport_size({"width": 360, "height": 740})
    ask(notebook, "m.draw_fence('door')")
    page.wait_for_selector(".leaflet-draw")
    notebook.screenshot("fences-narrow")
    assert notebook.errors == []
