"""Every member is drawn where Leaflet itself puts it: as it moves, after zoom and drag, on a fine screen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import write_notebook
from tests.support.lab import Lab
from tests.support.page import Notebook

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

pytestmark = [pytest.mark.browser, pytest.mark.process]

ROWS, COLUMNS = 8, 12

# A grid of members who all circle about their places; two of Leaflet's own markers tell its projection.
MOVING = f"""
import ipyleaflet, math, threading, time
from locshare_ext import TrailLayer

layer = TrailLayer(labels=False, trail=1, arrows=False)
marks = [ipyleaflet.Marker(location=place, title=title, draggable=False, opacity=0.01)
         for place, title in (((53.38, -2.96), "one"), ((53.42, -2.84), "other"))]
shown = ipyleaflet.Map(center=(53.4, -2.9), zoom=12, layers=(*marks, layer), layout={{"height": "500px"}})
names = [f"m{{n}}" for n in range({ROWS * COLUMNS})]

def push():
    while True:
        now = time.time()
        lat = [53.4 + ((n // {COLUMNS}) - 3.5) * 0.008 + 0.002 * math.sin(now) for n in range(len(names))]
        lon = [-2.9 + ((n % {COLUMNS}) - 5.5) * 0.014 + 0.003 * math.cos(now) for n in range(len(names))]
        layer.push(names, round(now * 1000), lat, lon)
        time.sleep(0.3)

threading.Thread(target=push, daemon=True).start()
shown
"""

# Looks at so many pictures, each another; returns how many heads were looked at, and those that are
# not within 2 px (css) of where Leaflet's two marks say that their places are.
LOOK = """
([names, pictures]) => new Promise(done => {
  const layer = window.locshareLayers[0];
  const north = lat => Math.asinh(Math.tan(lat * Math.PI / 180));
  const foot = title => { // where Leaflet's marker points
    const box = document.querySelector(`img.leaflet-marker-icon[title="${title}"]`).getBoundingClientRect();
    return [box.left + 12, box.top + 41];
  };
  const result = { heads: 0, wrong: [], pictures: 0, ratio: 0 };
  let last = -1;
  const look = () => {
    const frames = layer.stats().frames;
    if (frames === last) return void requestAnimationFrame(look);
    last = frames;
    const canvas = document.querySelector('.locshare-canvas');
    const box = canvas.getBoundingClientRect();
    const ratio = result.ratio = canvas.width / box.width;
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d');
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
    const [a, b] = [foot('one'), foot('other')];
    for (const name of names) {
      const place = layer.positionOf(name);
      const x = a[0] + (place.lon + 2.96) / 0.12 * (b[0] - a[0]);
      const y = a[1] + (north(place.lat) - north(53.38)) / (north(53.42) - north(53.38)) * (b[1] - a[1]);
      const [cx, cy] = [(x - box.left) * ratio, (y - box.top) * ratio];
      const reach = 9 * window.devicePixelRatio; // heads are as large, whatever a zoom makes of them
      if (cx < reach || cy < reach || cx > canvas.width - reach || cy > canvas.height - reach) continue;
      let [count, sumX, sumY] = [0, 0, 0];
      for (let py = Math.round(cy - reach); py < cy + reach; py++) {
        for (let px = Math.round(cx - reach); px < cx + reach; px++) {
          const p = 4 * (py * canvas.width + px);
          const colors = [data[p], data[p + 1], data[p + 2]];
          if (data[p + 3] < 250 || Math.max(...colors) - Math.min(...colors) < 60) continue;
          count++;
          sumX += px + 0.5;
          sumY += py + 0.5;
        }
      }
      result.heads++;
      const off = count ? Math.hypot(sumX / count - cx, sumY / count - cy) / ratio : Infinity;
      if (!(off <= 2 && count > reach * reach / 2)) result.wrong.push([name, off, count]);
    }
    if (++result.pictures < pictures) requestAnimationFrame(look); else done(result);
  };
  look();
})
"""


class Sharp:
    """A browser whose pages have two pixels for each of css."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    def new_context(self, **options: Any) -> BrowserContext:
        return self._browser.new_context(device_scale_factor=2, **options)


@pytest.fixture
def notebook(browser: Browser, lab: Lab) -> Iterator[Notebook]:
    write_notebook(lab.root / "places.ipynb", (MOVING,))
    opened = Notebook(Sharp(browser), lab, "places.ipynb")  # type: ignore[arg-type]
    yield opened
    opened.close()


def look(notebook: Notebook, least: int) -> None:
    names = [f"m{n}" for n in range(ROWS * COLUMNS)]
    result = notebook.page.evaluate(LOOK, [names, 8])
    assert result["ratio"] == 2
    assert result["heads"] >= least * result["pictures"]
    assert result["wrong"] == []


def wait_for_another_view(notebook: Notebook, frames: int) -> None:
    notebook.page.wait_for_selector(".leaflet-container:not(:has(.leaflet-zoom-anim))")
    notebook.wait_for("frames => window.locshareLayers[0].stats().frames > frames + 2", frames)


def test_heads_that_move_are_where_leaflet_puts_them(notebook: Notebook) -> None:
    notebook.run_all()
    notebook.wait_for_members(ROWS * COLUMNS)
    notebook.wait_until_idle()
    notebook.wait_for(
        "() => window.locshareLayers[0].positionOf('m95') && document.querySelector('img[title=other]')"
    )
    page = notebook.page
    page.locator(".leaflet-container").scroll_into_view_if_needed()
    look(notebook, 60)
    frames = page.evaluate("() => window.locshareLayers[0].stats().frames")
    page.locator(".leaflet-control-zoom-in").click()
    wait_for_another_view(notebook, frames)
    look(notebook, 15)
    box = page.locator(".leaflet-container").bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    for step in range(6):
        page.mouse.move(middle[0] + 17 * step, middle[1] - 11 * step)
        look_once = page.evaluate(LOOK, [[f"m{n}" for n in range(ROWS * COLUMNS)], 1])  # while it is dragged
        assert look_once["heads"] >= 15
        assert look_once["wrong"] == []
    page.mouse.up()
    look(notebook, 15)
    assert notebook.errors == []
