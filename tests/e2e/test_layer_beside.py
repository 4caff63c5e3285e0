"""Our layer where no lab extension is loaded: the same page code, brought by a widget beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import OpenNotebook
from tests.e2e.test_layer_page import PUSHED, SOURCE, wait_for_move
from tests.e2e.test_layer_settings import execute
from tests.support.lab import Lab

pytestmark = [pytest.mark.browser, pytest.mark.process]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab with ipyleaflet and anywidget, and without our extension."""
    running = Lab(tmp_path_factory.mktemp("bare"))
    config = running.folder / "config" / "labconfig"
    config.mkdir(parents=True)
    (config / "page_config.json").write_text(json.dumps({"disabledExtensions": {"locshare-ext": True}}))
    try:
        yield running.start()
    finally:
        running.stop()


BESIDE = PUSHED.replace("TrailLayer(", 'TrailLayer(route="anywidget", ')
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
