"""Members on a map, and a look at the pixels of their heads: whether each is where Leaflet puts its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.support.page import Notebook

__all__ = ["MOVING", "NAMES", "REST", "drags", "look", "wait_for_another_view", "wait_until_shown"]

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

moving = True

def push():
    while moving:
        now = time.time()
        lat = [53.4 + ((n // {COLUMNS}) - 3.5) * 0.008 + 0.002 * math.sin(now) for n in range(len(names))]
        lon = [-2.9 + ((n % {COLUMNS}) - 5.5) * 0.014 + 0.003 * math.cos(now) for n in range(len(names))]
        layer.push(names, round(now * 1000), lat, lon)
        time.sleep(0.3)

threading.Thread(target=push, daemon=True).start()
shown
"""

# What lets them rest where they are.
REST = "moving = False"

NAMES = [f"m{n}" for n in range(ROWS * COLUMNS)]

# Looks at so many pictures, each another; returns how many heads were looked at, and those that are
# not within 2 px (css) of where Leaflet's two marks say that their places are.
_LOOK = """
([names, pictures]) => new Promise(done => {
  const layer = window.locshareLayers[0];
  const north = lat => Math.asinh(Math.tan(lat * Math.PI / 180));
  const foot = title => { // where Leaflet's marker points
    const box = document.querySelector(`img.leaflet-marker-icon[title="${title}"]`).getBoundingClientRect();
    return [box.left + 12, box.top + 41];
  };
  const result = { heads: 0, wrong: [], most: 0, pictures: 0, ratio: 0 };
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
      result.most = Math.max(result.most, off);
      if (!(off <= 2 && count > reach * reach / 2)) result.wrong.push([name, off, count]);
    }
    if (++result.pictures < pictures) requestAnimationFrame(look); else done(result);
  };
  look();
})
"""


def wait_until_shown(notebook: Notebook) -> None:
    """Run `MOVING`, and wait until everybody is on the map."""
    notebook.run_all()
    notebook.wait_for_members(len(NAMES))
    notebook.wait_until_idle()
    notebook.wait_for(
        "() => window.locshareLayers[0].positionOf('m95') && document.querySelector('img[title=other]')"
    )
    notebook.page.locator(".leaflet-container").scroll_into_view_if_needed()


def look(notebook: Notebook, pictures: int = 8) -> dict[str, Any]:
    """Look at so many pictures; returns how many `heads` were looked at, and what was found.

    most: css px that one is off. wrong: those more than 2 px off or hardly there, as [name, px, pixels].
    """
    found: dict[str, Any] = notebook.page.evaluate(_LOOK, [NAMES, pictures])
    return found


def wait_for_another_view(notebook: Notebook, zoom: float) -> None:
    """Wait until a zoom is over that leads there, and a picture of it is shown."""
    notebook.wait_for(
        "zoom => window.locshareLayers[0].zoom() === zoom && !document.querySelector('.leaflet-zoom-anim')"
        " && !document.querySelector('img[title=one]').getAnimations().length",  # may outlast the class
        zoom,
    )


def drags(notebook: Notebook, steps: int = 6) -> Iterator[None]:
    """Drag the map: yields after each of the pointer's steps, the button held."""
    page = notebook.page
    box = page.locator(".leaflet-container").bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    for step in range(steps):
        page.mouse.move(middle[0] + 17 * step, middle[1] - 11 * step)
        yield
    page.mouse.up()
