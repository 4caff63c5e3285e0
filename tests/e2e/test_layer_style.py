"""How the layer shows what is known of members: colours of values, ages, gaps, accuracy; and clicks."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from tests.e2e.conftest import OpenNotebook
from tests.e2e.test_layer_page import project
from tests.support.page import Notebook

pytestmark = [pytest.mark.browser, pytest.mark.process]

# Five walk east, one above the other: slow, fast, long silent, lost, and one who was away for a while.
STYLED = """
import ipyleaflet, time
import numpy as np
from locshare_ext import TrailLayer

layer = TrailLayer(trail=3600, color_by="speed", color_range=[0, 10])
shown = ipyleaflet.Map(center=(10, 20), zoom=13, layers=(layer,), layout={"height": "500px"})
layer.on_click(lambda member, **more: setattr(layer, "title", member))
now = int(time.time() * 1000)
for row, (member, speed, age) in enumerate(
    [("slow", 0.0, 0), ("fast", 10.0, 0), ("silent", 5.0, 90), ("lost", 5.0, 900), ("away", np.nan, 0)]
):
    steps = np.arange(60)
    at = now - age * 1000 - (59 - steps) * 10_000
    if member == "away":
        at[:30] -= 1_200_000
    lon = 19.97 + steps * 0.001 - (0.01 if member == "away" else 0) * (steps < 30)
    layer.push([member] * 60, at, np.full(60, 10.03 - row * 0.015), lon, speed=speed, accuracy=150.0)
shown
"""


def pixel(picture: Image.Image, notebook: Notebook, lat: float, lon: float) -> tuple[int, int, int]:
    x, y = project({"lat": lat, "lon": lon}, (10, 20), 13, picture.size)
    found: Any = picture.getpixel((round(x), round(y)))
    return (found[0], found[1], found[2])


def distance(a: tuple[int, int, int], b: tuple[int, int, int]) -> int:
    return max(abs(one - other) for one, other in zip(a, b, strict=True))


def test_colours_say_speeds_and_a_click_tells_the_kernel(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(STYLED, width=1200)
    notebook.run_all()
    notebook.wait_for("() => window.locshareLayers?.[0]?.stats().trailPoints === 300")
    notebook.wait_for("() => window.locshareLayers[0].positionOf('away')")
    notebook.wait_until_idle()
    container = notebook.page.locator(".leaflet-container")
    legend = notebook.page.locator(".locshare-legend").inner_text()
    assert "Speed (km/h)" in legend
    assert "36" in legend
    picture = Image.open(io.BytesIO(container.screenshot())).convert("RGB")
    slow, fast = (pixel(picture, notebook, lat, 20.02) for lat in (10.03, 10.015))
    assert distance(slow, (0x3B, 0x1C, 0x8C)) < 70, slow  # the ends of the colours, a little faded
    assert distance(fast, (0xE8, 0x91, 0x2D)) < 70, fast
    # within the gap of 20 minutes there is no line, before and after it there is
    gap, before, after = (pixel(picture, notebook, 9.97, lon) for lon in (19.995, 19.98, 20.01))
    assert distance(gap, before) > 20
    assert distance(gap, after) > 20
    notebook.screenshot("styled-light")
    place = notebook.position_of("fast")
    box = container.bounding_box()
    assert box is not None
    x, y = project(place, (10, 20), 13, (round(box["width"]), round(box["height"])))
    notebook.page.mouse.click(box["x"] + x, box["y"] + y)
    notebook.wait_for("() => window.locshareLayers[0].title() === 'fast'")
    assert notebook.errors == []


# So many that heads are dots: a grid whose members all took a step east.
CROWD = """
import ipyleaflet, time
import numpy as np
from locshare_ext import TrailLayer

layer = TrailLayer(trail=3600)
shown = ipyleaflet.Map(center=(10, 20), zoom=13, layers=(layer,), inertia=False, layout={"height": "500px"})
rows, columns = np.divmod(np.arange(5600), 80)
lat, lon = 10 + (rows - 35) * 0.0012, 20 + (columns - 40) * 0.0012
names = [f"m{number}" for number in range(5600)]
now = int(time.time() * 1000)
layer.push(names, now - 1000, lat, lon - 0.0006)
layer.push(names, now, lat, lon)
shown
"""


def test_a_crowd_is_where_it_belongs_also_after_zoom_and_drag(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(CROWD, width=1200)
    notebook.run_all()
    notebook.wait_for("() => window.locshareLayers?.[0]?.stats().trailPoints === 11200")
    notebook.wait_until_idle()
    container = notebook.page.locator(".leaflet-container")
    box = container.bounding_box()
    assert box is not None
    at_rest = Image.open(io.BytesIO(container.screenshot())).convert("RGB")
    assert missing_dots(at_rest, notebook, 13, (0, 0)) == []
    moved = (60, 40)
    x, y = box["x"] + 500, box["y"] + 250
    notebook.page.mouse.move(x, y)
    notebook.page.mouse.down()
    notebook.page.mouse.move(x + moved[0], y + moved[1], steps=5)
    dragged = Image.open(io.BytesIO(container.screenshot())).convert("RGB")
    notebook.page.mouse.up()
    assert missing_dots(dragged, notebook, 13, moved) == []
    frames = notebook.page.evaluate("() => window.locshareLayers[0].stats().frames")
    notebook.page.locator(".leaflet-control-zoom-in").click()
    notebook.page.wait_for_selector(".leaflet-container:not(:has(.leaflet-zoom-anim))")
    notebook.wait_for("frames => window.locshareLayers[0].stats().frames > frames + 1", frames)
    zoomed = Image.open(io.BytesIO(container.screenshot())).convert("RGB")
    assert missing_dots(zoomed, notebook, 14, (moved[0] * 2, moved[1] * 2)) == []
    assert notebook.errors == []


def missing_dots(
    picture: Image.Image, notebook: Notebook, zoom: int, moved: tuple[int, int]
) -> list[tuple[str, int, int]]:
    """Return members in view without a strong colour, with paper around it, within 2 px of their places."""
    missing = []
    for member in (f"m{number}" for number in range(30, 5600, 111)):
        x, y = project(dict(notebook.position_of(member)), (10, 20), zoom, picture.size)
        left, top = round(x + moved[0]), round(y + moved[1])
        if not (80 < left < picture.width - 40 and 80 < top < picture.height - 40):
            continue  # beside the map, or below its buttons
        around: list[Any] = [
            picture.getpixel((left + dx, top + dy)) for dx in range(-2, 3) for dy in range(-2, 3)
        ]
        if sum(max(pixel) - min(pixel) > 60 for pixel in around) < 9:
            missing.append((member, left, top))
    return missing
