"""What can be set of a layer, from cells and from the page: looks, colours, who is shown and where."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from tests.e2e.conftest import OpenNotebook
from tests.e2e.test_layer_page import project
from tests.support.page import Notebook

pytestmark = [pytest.mark.browser, pytest.mark.process]

# Six stand in a row, 0.01° apart.
ROW = """
import ipyleaflet, threading, time
import numpy as np
from locshare_ext import TrailLayer

layer = TrailLayer(units={"temperature": "°C"}, arrows=True)
shown = ipyleaflet.Map(center=(10, 20), zoom=13, layers=(layer,), layout={"height": "500px"})
names = ["ann", "ben", "cleo", "dan", "eve", "fay"]
now, lat, lon = int(time.time() * 1000), np.full(6, 10.0), 19.975 + np.arange(6) * 0.01
kinds = ["bus", "bus", "tram", "ferry", None, "bus"]
heading = np.arange(6) * 60.0
layer.push(names, now, lat, lon, heading=heading, accuracy=120.0, temperature=np.arange(6) * 5.0, kind=kinds)
shown
"""


def execute(notebook: Notebook, code: str) -> None:
    """Run code in the notebook's kernel, beside its cells; a failure fails here too."""
    answer = notebook.page.evaluate(
        "code => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
        ".requestExecute({ code }).done.then(reply => reply.content)",
        code,
    )
    assert answer["status"] == "ok", answer


def wait_in_kernel(notebook: Notebook, expression: str) -> None:
    """Wait until an expression is true in the notebook's kernel, which hears of pages between questions."""
    notebook.wait_for(
        "async it => { const session = window.jupyterapp.shell.currentWidget.sessionContext.session;"
        " const asked = session.kernel.requestExecute({ code: '', user_expressions: { it } });"
        " const { it: said } = (await asked.done).content.user_expressions;"
        " return said.data?.['text/plain'] === 'True'; }",
        f"bool({expression})",
    )


def picture_of(notebook: Notebook) -> Image.Image:
    frames = notebook.page.evaluate("() => window.locshareLayers[0].stats().frames")
    notebook.wait_for("frames => window.locshareLayers[0].stats().frames > frames", frames)
    shown = notebook.page.locator(".leaflet-container").first.screenshot()
    return Image.open(io.BytesIO(shown)).convert("RGB")


def color_at(picture: Image.Image, lon: float) -> tuple[int, int, int]:
    x, y = project({"lat": 10.0, "lon": lon}, (10, 20), 13, picture.size)
    found: Any = picture.getpixel((round(x), round(y)))
    return (found[0], found[1], found[2])


def point_at(notebook: Notebook, lon: float) -> None:
    box = notebook.page.locator(".leaflet-container").first.bounding_box()
    assert box is not None
    x, y = project({"lat": 10.0, "lon": lon}, (10, 20), 13, (round(box["width"]), round(box["height"])))
    notebook.page.mouse.move(box["x"] + x - 3, box["y"] + y)
    notebook.page.mouse.move(box["x"] + x, box["y"] + y)


def test_looks_and_members_are_set_from_cells_and_from_the_page(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(ROW, width=1200)
    notebook.run_all()
    notebook.wait_for("() => window.locshareLayers?.[0]?.positionOf('fay')")
    notebook.wait_until_idle()

    execute(
        notebook,
        'layer.style("ann", color="red", shape="square", label="Annie")\n'
        'layer.style("ben", color="#00ff00", icon="B", width=6)\n'
        'layer.style("cleo", visible=False)\n'
        'layer.styles = {**layer.styles, "dan": {"shape": "star"}, "eve": {"shape": "arrow"}}',
    )
    notebook.wait_for("() => window.locshareLayers[0].positionOf('cleo') === null")
    picture = picture_of(notebook)
    notebook.screenshot("looks-members")
    assert color_at(picture, 19.975) == (255, 0, 0)
    point_at(notebook, 19.975)
    tip = notebook.page.locator(".locshare-tip")
    tip.wait_for()
    notebook.wait_for("() => document.querySelector('.locshare-tip').innerText.includes('Annie (ann)')")
    assert "temperature" in tip.inner_text()
    assert "0 °C" in tip.inner_text()

    execute(notebook, 'layer.color_by = "temperature"; layer.color_range = [0, 25]')
    legend = notebook.page.locator(".locshare-legend")
    notebook.wait_for(
        "() => document.querySelector('.locshare-legend')?.innerText.includes('temperature (°C)')"
    )
    assert "25" in legend.inner_text()
    execute(notebook, 'layer.set(color_by="kind", color_range=[])')
    notebook.wait_for("() => document.querySelectorAll('.locshare-legend-row').length === 3")
    assert [row.inner_text().strip() for row in legend.locator(".locshare-legend-row").all()] == [
        "bus",
        "tram",
        "ferry",
    ]
    picture = picture_of(notebook)
    assert color_at(picture, 20.005) != color_at(picture, 20.025)
    notebook.screenshot("looks-kinds")
    execute(notebook, "layer.legend = False")
    notebook.page.wait_for_selector(".leaflet-container:not(:has(.locshare-legend))")

    # from a thread, while the kernel's main thread is busy
    execute(
        notebook,
        "def change():\n"
        '    layer.hide("ann"); layer.style("dan", label="Daniel"); layer.follow("fay")\n'
        "threading.Thread(target=change).start(); time.sleep(1)\n"
        'assert layer.hidden == ["cleo"]',
    )
    notebook.wait_for("() => window.locshareLayers[0].positionOf('ann') === null")
    execute(
        notebook,
        'assert layer.hidden == ["cleo", "ann"] and layer.followed == "fay", (layer.hidden, layer.followed)',
    )

    # the map goes to one member, and with one, until somebody drags it
    execute(notebook, 'layer.follow(None); layer.show("ann"); layer.fit_to("dan")')
    wait_in_kernel(notebook, "shown.zoom == 16 and abs(shown.center[1] - 20.005) < 0.001")
    execute(notebook, 'layer.follow("fay"); layer.push("fay", now + 1000, 10.0, 20.2)')
    wait_in_kernel(notebook, "abs(shown.center[1] - 20.2) < 0.01")
    box = notebook.page.locator(".leaflet-container").first.bounding_box()
    assert box is not None
    notebook.page.mouse.move(box["x"] + 300, box["y"] + 200)
    notebook.page.mouse.down()
    notebook.page.mouse.move(box["x"] + 340, box["y"] + 230, steps=4)
    notebook.page.mouse.up()
    wait_in_kernel(notebook, "layer.followed is None")
    assert notebook.errors == []
