"""How the layer goes along with a map that is zoomed and dragged, and when its trails are whole again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.page import Notebook

__all__ = ["Moves", "move", "time_to_whole"]

# Zooms and drags as a person does; the pointer moves at each frame of the page, as the events of a
# driver outside would come later than that. Notes the time and the layer's pictures of each part.
MOVE = """
async seconds => {
  const layer = window.locshareLayers[0];
  const map = document.querySelector('.leaflet-container');
  const { left, top, width, height } = map.getBoundingClientRect();
  const frame = () => new Promise(requestAnimationFrame);
  const mouse = (target, type, x, y) => target.dispatchEvent(new MouseEvent(type, {
    bubbles: true, cancelable: true, view: window, buttons: 1,
    clientX: left + width / 2 + x, clientY: top + height / 2 + y,
  }));
  const parts = { zoom: [0, 0], drag: [0, 0] };
  const count = async (part, act) => {
    const [began, drawn] = [performance.now(), layer.stats().frames];
    await act();
    parts[part][0] += (performance.now() - began) / 1000;
    parts[part][1] += layer.stats().frames - drawn;
  };
  const zoom = async way => {
    map.querySelector(`.leaflet-control-zoom-${way}`).click();
    await frame();
    do await frame(); while (map.querySelector('.leaflet-zoom-anim'));
  };
  const drag = async sign => {
    mouse(map, 'mousedown', 0, 0);
    for (let step = 1; step <= 40; step++) {
      await frame();
      mouse(document, 'mousemove', sign * 5 * step, sign * 2 * step);
    }
    mouse(document, 'mouseup', sign * 200, sign * 80);
  };
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    for (const [way, sign] of [['in', 1], ['out', -1]]) {
      await count('zoom', () => zoom(way));
      await count('drag', () => drag(sign));
    }
  }
  return [parts.zoom[1] / parts.zoom[0], parts.drag[1] / parts.drag[0]];
}
"""

# From a click on the zoom's button until nothing is missing in what is drawn of the new zoom.
WHOLE = """
async way => {
  const layer = window.locshareLayers[0];
  const wanted = layer.zoom() + (way === 'in' ? 1 : -1);
  const began = performance.now();
  document.querySelector(`.leaflet-container .leaflet-control-zoom-${way}`).click();
  while (layer.zoom() !== wanted || !layer.isWhole()) await new Promise(requestAnimationFrame);
  return performance.now() - began;
}
"""


@dataclass(frozen=True, slots=True)
class Moves:
    """Pictures a second while the map zooms, and while it is dragged."""

    zoom: float
    drag: float


def move(notebook: Notebook, seconds: float) -> Moves:
    """Zoom and drag for some seconds."""
    return Moves(*notebook.page.evaluate(MOVE, seconds))


def time_to_whole(notebook: Notebook, way: str) -> float:
    """Zoom `in` or `out` once; returns the ms until the trails are whole."""
    notebook.wait_for("() => window.locshareLayers[0].isWhole()")
    return float(notebook.page.evaluate(WHOLE, way))
