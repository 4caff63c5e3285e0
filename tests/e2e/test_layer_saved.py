"""What a saved notebook holds of a map: of a group no position, of a recording what was asked for."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.e2e.conftest import OpenNotebook
from tests.e2e.test_layer_page import SOURCE
from tests.support.lab import Lab
from tests.support.page import Notebook

pytestmark = [pytest.mark.browser, pytest.mark.process, pytest.mark.usefixtures("saves_widgets")]

LIVE = "from locshare_ext import GroupMap\n" + SOURCE + "GroupMap(Source(), basemap=None)"
RECORDED = (
    "from locshare_ext import GroupMap\n"
    + SOURCE
    + "Source.is_live = False\nshown = GroupMap(Source(), basemap=None, snapshot=True)\nshown"
)


def saved_by(notebook: Notebook, lab: Lab, name: str) -> tuple[str, list[str]]:
    """Save the notebook; returns the file without its cells' sources, and the binary data in it."""
    notebook.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    notebook.wait_for(
        "async name => (await (await fetch(`/api/contents/${name}`)).text()).includes('_snapshot')",
        name,
    )
    whole = json.loads((lab.root / name).read_text())
    for cell in whole["cells"]:
        cell["source"] = ""
    (states,) = whole["metadata"]["widgets"].values()
    buffers = [held["data"] for model in states["state"].values() for held in model.get("buffers", ())]
    return json.dumps(whole), [data for data in buffers if data]


def test_a_live_map_saves_no_position(open_notebook: OpenNotebook, lab: Lab) -> None:
    notebook = open_notebook(LIVE)
    notebook.run_all()
    notebook.wait_for_members(2)
    notebook.wait_for("() => window.locshareLayers[0].positionOf('ann')")
    notebook.wait_until_idle()
    saved, binary = saved_by(notebook, lab, "test_a_live_map_saves_no_position-0.ipynb")
    assert "TrailLayerModel" in saved
    for secret in ("53.4", "-2.9", '"ann"'):
        assert secret not in saved
    assert binary == []


def test_a_recording_that_was_asked_for_is_there_without_its_kernel(
    open_notebook: OpenNotebook, lab: Lab
) -> None:
    notebook = open_notebook(RECORDED)
    notebook.run_all()
    notebook.wait_for_members(2)
    notebook.wait_until_idle()
    name = "test_a_recording_that_was_asked_for_is_there_without_its_kernel-0.ipynb"
    _, binary = saved_by(notebook, lab, name)
    assert len(binary) == 1
    notebook.close()
    shutil.copy(lab.root / name, lab.root / "sent.ipynb")  # another file: its kernel knows nothing
    opened = open_notebook(name="sent.ipynb")
    opened.wait_for_members(2)
    place = opened.wait_for("() => window.locshareLayers[0].positionOf('ben')")
    assert place["lat"] == pytest.approx(53.41, abs=1e-5)
    assert place["lon"] == pytest.approx(-2.91, abs=1e-5)
    opened.screenshot("snapshot")
    assert opened.errors == []
