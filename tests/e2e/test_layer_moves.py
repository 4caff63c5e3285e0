"""While a zoom is animated the layer goes along with it, and shows what is at its end as soon as it can."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.conftest import OpenNotebook
from tests.support.page import Notebook
from tests.support.places import MOVING, look, wait_until_shown

pytestmark = [pytest.mark.browser, pytest.mark.process]

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
    ends.forEach(end => end());
  };
  window.arrive = () => {
    rule.textContent = '.leaflet-zoom-animated { transition-property: none !important; }';
  };
}
"""
# Waits for a picture of the zoom that the animation ends with.
OF_THE_END = "zoom => window.locshareLayers[0].zoom() === zoom"


def ratio_of(notebook: Notebook) -> float:
    """Look whether all are in their places; returns the picture's pixels for each of the screen."""
    found: dict[str, Any] = look(notebook, pictures=3)
    assert found["heads"] >= 15
    assert found["wrong"] == []
    return float(found["ratio"])


@pytest.mark.parametrize(("way", "end", "ratio"), [("in", 13, 2.0), ("out", 11, 0.5)])
def test_pictures_of_a_zooms_end_are_shown_while_it_is_animated(
    way: str, end: int, ratio: float, open_notebook: OpenNotebook
) -> None:
    notebook = open_notebook(MOVING)
    wait_until_shown(notebook)
    page = notebook.page
    assert ratio_of(notebook) == 1
    page.evaluate(SLOWLY)
    page.locator(f".leaflet-control-zoom-{way}").click()
    page.wait_for_selector(".leaflet-zoom-anim", state="attached")
    notebook.wait_for(OF_THE_END, end)
    during = ratio_of(notebook)
    assert page.locator(".leaflet-zoom-anim").count() == 1  # the animation was going on all the while
    assert min(1.0, ratio) < during < max(1.0, ratio)  # a picture of the end, on the way there
    page.evaluate("() => window.endZoom()")
    assert page.locator(".leaflet-zoom-anim").count() == 0
    after = ratio_of(notebook)  # as on a busy machine, the markers are still on their way
    assert min(1.0, ratio) < after < max(1.0, ratio)
    page.evaluate("() => window.arrive()")
    assert ratio_of(notebook) == 1
    assert notebook.errors == []
