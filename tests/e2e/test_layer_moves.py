"""While a zoom is animated the layer goes along with it, and shows what is at its end as soon as it can."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.conftest import OpenNotebook
from tests.e2e.test_layer_places import COLUMNS, LOOK, MOVING, ROWS
from tests.support.page import Notebook

pytestmark = [pytest.mark.browser, pytest.mark.process]

NAMES = [f"m{n}" for n in range(ROWS * COLUMNS)]

# Leaflet ends the animation of a zoom by the clock: here it goes on slowly until the test ends it.
SLOWLY = """
() => {
  const later = window.setTimeout;
  const ends = [];
  window.setTimeout = (call, ms, ...rest) => (ms === 250 ? ends.push(call) : later(call, ms, ...rest));
  const rule = document.head.appendChild(document.createElement('style'));
  rule.textContent = '.leaflet-zoom-anim .leaflet-zoom-animated { transition-duration: 60s !important; }';
  window.endZoom = () => {
    window.setTimeout = later;
    rule.textContent = '.leaflet-zoom-animated { transition-property: none !important; }';
    ends.forEach(end => end());
  };
}
"""
# Waits for a picture of the zoom that the animation ends with.
OF_THE_END = "zoom => window.locshareLayers[0].zoom() === zoom"


def look(notebook: Notebook) -> dict[str, Any]:
    result: dict[str, Any] = notebook.page.evaluate(LOOK, [NAMES, 3])
    assert result["heads"] >= 15
    assert result["wrong"] == []
    return result


@pytest.mark.parametrize(("way", "end", "ratio"), [("in", 13, 2.0), ("out", 11, 0.5)])
def test_pictures_of_a_zooms_end_are_shown_while_it_is_animated(
    way: str, end: int, ratio: float, open_notebook: OpenNotebook
) -> None:
    notebook = open_notebook(MOVING)
    notebook.run_all()
    notebook.wait_for_members(len(NAMES))
    notebook.wait_until_idle()
    notebook.wait_for(
        "() => window.locshareLayers[0].positionOf('m95') && document.querySelector('img[title=other]')"
    )
    page = notebook.page
    page.locator(".leaflet-container").scroll_into_view_if_needed()
    assert look(notebook)["ratio"] == 1
    page.evaluate(SLOWLY)
    page.locator(f".leaflet-control-zoom-{way}").click()
    page.wait_for_selector(".leaflet-zoom-anim", state="attached")
    notebook.wait_for(OF_THE_END, end)
    during = look(notebook)
    assert page.locator(".leaflet-zoom-anim").count() == 1  # the animation was going on all the while
    # pixels of the picture for each of the screen: of the end's picture, on the way there
    assert min(1.0, ratio) < during["ratio"] < max(1.0, ratio)
    page.evaluate("() => window.endZoom()")
    notebook.wait_for("() => !document.querySelector('.leaflet-zoom-anim')")
    assert look(notebook)["ratio"] == 1
    assert notebook.errors == []
