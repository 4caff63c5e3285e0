"""Pictures of a map for papers, taken in the cell that asks for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.e2e.conftest import OpenNotebook
from tests.e2e.test_layer_page import has_disc, project
from tests.e2e.test_layer_settings import ROW, execute
from tests.support.lab import Lab

pytestmark = [pytest.mark.browser, pytest.mark.process]

TAKEN = """
layer.set(color_by="temperature", labels=False, arrows=False, accuracy_circles=False)
image = layer.to_image("taken.png", width=900, height=300, scale=2)
assert bytes(image)[:8] == b"\\x89PNG\\r\\n\\x1a\\n"
bare = dict(background=False, legend=False, scale_bar=False)
plain = layer.to_image("plain.png", width=900, height=300, dpi=96, **bare)
image
"""

LONELY = """
from locshare_ext.widget.imaging import NoPicture

shown.remove(layer)
lonely = TrailLayer()
try:
    lonely.to_image(timeout=3)
except NoPicture as error:
    assert "in a browser" in str(error), error
else:
    raise AssertionError("there was a picture")
"""


def test_a_picture_is_taken_in_a_cell_at_any_size(open_notebook: OpenNotebook, lab: Lab) -> None:
    notebook = open_notebook(ROW, TAKEN, width=1200)
    notebook.run_all()
    notebook.page.wait_for_selector(".jp-OutputArea-output img[src^='data:image/png']")
    notebook.wait_until_idle()
    taken = Image.open(lab.root / "taken.png")
    assert taken.size == (1800, 600)
    colors = taken.convert("RGB")
    for number in range(1, 6):
        place: dict[str, Any] = {"lat": 10.0, "lon": 19.975 + number * 0.01}
        x, y = project(place, (10, 20), 14, taken.size)  # twice as large is the next zoom's
        assert has_disc(colors, x, y), number
    legend: Any = colors.getpixel((60, 560))
    assert min(legend) > 100  # the legend's paper or words, not the map
    plain = Image.open(lab.root / "plain.png")
    assert plain.size == (900, 300)
    assert plain.getextrema()[3] == (0, 255)  # transparent where nothing is
    corner: Any = plain.getpixel((20, 280))
    assert corner[3] == 0
    assert notebook.errors == []
    copy_for_people(lab.root / "taken.png")

    execute(notebook, LONELY)


def copy_for_people(path: Path) -> None:
    from tests.support.page import ARTIFACTS

    ARTIFACTS.mkdir(exist_ok=True)
    (ARTIFACTS / "to-image.png").write_bytes(path.read_bytes())
