"""Our layer where no lab extension is loaded: the same page code, brought by a widget beside it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import OpenNotebook
from tests.e2e.test_layer_page import PUSHED, SOURCE, wait_for_move
from tests.e2e.test_layer_saved import saved_by
from tests.e2e.test_layer_settings import execute
from tests.support.lab import Lab

pytestmark = [pytest.mark.browser, pytest.mark.process]


@pytest.fixture(autouse=True)
def without_our_extension(lab: Lab) -> Iterator[None]:
    """As where ipyleaflet and anywidget are installed for the page, and we are not."""
    config = lab.folder / "config" / "labconfig" / "page_config.json"  # read for each page anew
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(json.dumps({"disabledExtensions": {"locshare-ext": True}}))
    yield
    config.unlink()


BESIDE = PUSHED.replace("TrailLayer(", 'TrailLayer(route="anywidget", ')
RECORDED = (
    "import os\nos.environ['LOCSHARE_ROUTE'] = 'anywidget'\nfrom locshare_ext import GroupMap\n"
    + SOURCE
    + "Source.is_live = False\nshown = GroupMap(Source(), basemap=None, snapshot=True)\nshown"
)
MAP = (
    "import os\nos.environ['LOCSHARE_ROUTE'] = 'anywidget'\nfrom locshare_ext import GroupMap\n"
    + SOURCE
    + "shown = GroupMap(Source(), basemap=None)\nshown"
)


def test_members_move_without_our_extension_and_a_reload_keeps_the_trail(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(BESIDE, "shown", width=1200)
    notebook.run_all()
    notebook.wait_for("() => window.locshareLayers?.[0]?.stats().trailPoints > 30")
    assert not notebook.page.evaluate("() => window.jupyterapp.hasPlugin('locshare-ext:widgets')")
    wait_for_move(notebook, "ann")
    notebook.wait_until_idle()
    # both outputs show the one layer, each with a picture of its own
    notebook.wait_for("() => document.querySelectorAll('canvas.locshare-canvas').length === 2")
    assert notebook.page.evaluate("() => window.locshareLayers.length") == 1
    execute(notebook, 'layer.hide("ben")')
    notebook.wait_for("() => window.locshareLayers[0].positionOf('ben') === null")
    before = notebook.page.evaluate("() => window.locshareLayers[0].stats().fixes")
    notebook.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    notebook.page.reload()
    notebook.wait_for("fixes => window.locshareLayers?.[0]?.stats().fixes >= fixes", before)
    notebook.wait_for("() => window.locshareLayers[0].positionOf('cleo')")
    wait_for_move(notebook, "cleo")
    assert notebook.position_of("ben") is None  # hidden as before
    execute(notebook, "shown.remove(layer)")
    notebook.wait_for(
        "() => window.locshareLayers.length === 0 && !document.querySelector('.locshare-canvas')"
    )
    assert notebook.errors == []


@pytest.mark.usefixtures("saves_widgets")
def test_a_snapshot_is_there_without_a_kernel(open_notebook: OpenNotebook, lab: Lab) -> None:
    notebook = open_notebook(RECORDED, width=1200)
    notebook.run_all()
    notebook.wait_for_members(2)
    notebook.wait_until_idle()
    name = "test_a_snapshot_is_there_without_a_kernel-0.ipynb"
    saved_by(notebook, lab, name)
    notebook.close()
    shutil.copy(lab.root / name, lab.root / "sent-beside.ipynb")  # another file: its kernel knows nothing
    opened = open_notebook(name="sent-beside.ipynb", width=1200)
    opened.wait_for_members(2)
    assert not opened.page.evaluate("() => window.jupyterapp.hasPlugin('locshare-ext:widgets')")
    place = opened.wait_for("() => window.locshareLayers[0].positionOf('ben')")
    assert place["lat"] == pytest.approx(53.41, abs=1e-5)
    assert opened.errors == []


def test_a_group_map_has_its_panels_and_saves_no_place(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(MAP, width=1200)
    notebook.run_all()
    notebook.wait_for_members(2)
    notebook.wait_for("() => window.locshareLayers[0].positionOf('ann')")
    notebook.page.wait_for_selector(".locshare-bar")
    notebook.page.wait_for_selector(".locshare-members")
    notebook.screenshot("beside-group-map")
    places = notebook.page.evaluate(
        "async () => { const panel = window.jupyterapp.shell.currentWidget;"
        " await window.jupyterapp.commands.execute('docmanager:save');"
        " return JSON.stringify(panel.context.model.toJSON().metadata); }"
    )
    assert "53.4" not in places
    assert notebook.errors == []
