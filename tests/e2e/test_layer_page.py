"""Our layer in a real JupyterLab: what is pushed from a thread is where it belongs on the screen."""

from __future__ import annotations

import io
import math
from typing import Any

import pytest
from PIL import Image

from tests.e2e.conftest import OpenNotebook
from tests.support.lab import Lab
from tests.support.page import Notebook

pytestmark = [pytest.mark.browser, pytest.mark.process]

# Members walk on circles until the kernel ends; the layer is a layer of a plain ipyleaflet map.
PUSHED = """
import ipyleaflet, math, threading, time
from locshare_ext import TrailLayer

layer = TrailLayer(labels=False, trail=3600)
shown = ipyleaflet.Map(center=(53.4, -2.9), zoom=13, layers=(layer,), layout={"height": "500px"})

def push():
    while True:
        now = time.time()
        turns = [now / 20 + k for k in range(3)]
        lat = [53.4 + 0.01 * math.sin(turn) for turn in turns]
        lon = [-2.9 + 0.02 * math.cos(turn) for turn in turns]
        layer.push(["ann", "ben", "cleo"], [int(now * 1000)] * 3, lat, lon, speed=1.5, battery=0.8)
        time.sleep(0.1)

threading.Thread(target=push, daemon=True).start()
shown
"""

STILL = """
import ipyleaflet, time
from locshare_ext import TrailLayer

layer = TrailLayer(labels=False, trail=600)
shown = ipyleaflet.Map(center=(10, 179.99), zoom=11, layers=(layer,), layout={"height": "500px"})
now = int(time.time() * 1000)
layer.push(["west", "east"], now, [10.0, 10.05], [179.9, -179.9])
layer.push(["walker"] * 3, [now - 20_000, now - 10_000, now], [9.95] * 3, [179.95, 179.99, -179.97])
shown
"""


def position(notebook: Notebook, member: str) -> dict[str, Any] | None:
    place: dict[str, Any] | None = notebook.page.evaluate(
        "m => window.locshareLayers[0].positionOf(m)", member
    )
    return place


def wait_for_move(notebook: Notebook, member: str) -> None:
    notebook.wait_for(
        "([member, before]) => { const now = window.locshareLayers[0].positionOf(member);"
        " return now && now.time > before.time && (now.lat !== before.lat || now.lon !== before.lon); }",
        [member, position(notebook, member)],
    )


# Runs until the test has seen enough, however long that takes.
SLEEP = "import os\nwhile not os.path.exists('seen'):\n    time.sleep(0.05)"


def test_members_move_while_a_cell_sleeps_and_a_reload_keeps_the_trail(
    open_notebook: OpenNotebook, lab: Lab
) -> None:
    notebook = open_notebook(PUSHED, SLEEP)
    notebook.run_all()
    notebook.wait_for("() => window.locshareLayers?.[0]?.stats().trailPoints > 30")
    assert "[*]" in notebook.page.locator(".jp-Cell").nth(1).inner_text()
    wait_for_move(notebook, "ann")
    assert "[*]" in notebook.page.locator(".jp-Cell").nth(1).inner_text()
    before = notebook.page.evaluate("() => window.locshareLayers[0].stats()")
    assert before["connected"]
    (lab.root / "seen").touch()
    notebook.wait_until_idle()
    notebook.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    notebook.page.reload()
    notebook.wait_for(
        "points => { const stats = window.locshareLayers?.[0]?.stats();"
        " return stats?.members === 3 && stats.trailPoints >= points; }",
        before["trailPoints"],
    )
    wait_for_move(notebook, "cleo")
    assert notebook.errors == []


DRAWN = "() => ['west', 'east', 'walker'].every(m => window.locshareLayers?.[0]?.positionOf(m))"


def test_heads_are_within_two_pixels_also_over_the_antimeridian(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(STILL)
    notebook.run_all()
    notebook.wait_for(DRAWN)
    for zoom in (11, 12):
        if zoom == 12:
            frames = notebook.page.evaluate("() => window.locshareLayers[0].stats().frames")
            notebook.page.locator(".leaflet-control-zoom-in").click()
            notebook.page.wait_for_selector(".leaflet-container:not(:has(.leaflet-zoom-anim))")
            notebook.wait_for("frames => window.locshareLayers[0].stats().frames > frames + 1", frames)
        shown = notebook.page.locator(".leaflet-container").screenshot()
        picture = Image.open(io.BytesIO(shown)).convert("RGB")
        for member in ("west", "east", "walker"):
            place = position(notebook, member)
            assert place is not None
            x, y = project(place, (10, 179.99), zoom, picture.size)
            assert has_disc(picture, x, y), f"{member} at zoom {zoom} is not at {x:.0f}, {y:.0f}"
    assert notebook.errors == []


def project(
    place: dict[str, Any], center: tuple[float, float], zoom: int, size: tuple[int, int]
) -> tuple[float, float]:
    """Return where Web Mercator puts a place on a map, in px."""
    world = 256 * 2**zoom

    def at(lat: float, lon: float) -> tuple[float, float]:
        return (lon / 360 + 0.5) * world, (
            0.5 - math.asinh(math.tan(math.radians(lat))) / (2 * math.pi)
        ) * world

    east = (place["lon"] - center[1] + 180) % 360 - 180
    x, y = at(place["lat"], center[1] + east)
    middle_x, middle_y = at(*center)
    return x - middle_x + size[0] / 2, y - middle_y + size[1] / 2


def has_disc(picture: Image.Image, x: float, y: float) -> bool:
    """Whether a disc of one strong colour has its middle within 2 px of a place."""

    def is_strong(pixel: Any) -> bool:
        return max(pixel) - min(pixel) > 60

    inside = [
        (dx, dy)
        for dx in range(-9, 10)
        for dy in range(-9, 10)
        if math.hypot(dx, dy) <= 9 and is_strong(picture.getpixel((round(x) + dx, round(y) + dy)))
    ]
    near = [(dx, dy) for dx, dy in inside if math.hypot(dx, dy) <= 3]
    return len(near) >= 25 and len(inside) > 60


SOURCE = """
import time
import numpy as np
from locshare_ext.client.source import FixBatch, SourceStatus

class Source:
    title, is_live = "two", True
    status = SourceStatus("live", 0, "")

    def history(self):
        now, nan = np.full(2, int(time.time() * 1000)), np.full(2, np.nan)
        places = np.array([53.4, 53.41]), np.array([-2.9, -2.91])
        members = np.array([0, 1], np.int32)
        return FixBatch(["ann", "ben"], members, np.arange(2), now, now, *places, *[nan] * 5)

    def listen(self, on_fixes, on_status):
        return lambda: None
"""
