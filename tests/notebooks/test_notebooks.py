"""The notebooks run from top to bottom, on a real server."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

from locshare_ext import open_recording
from tests.conftest import ROOT
from tests.formats.helpers import BUSES
from tests.support.lab import Lab

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    running = Lab(tmp_path_factory.mktemp("notebooks"))
    try:
        yield running.start()
    finally:
        running.stop()


@pytest.fixture(scope="module")
def hikers(lab: Lab) -> None:
    """A group for the notebooks to watch."""
    command = [*(sys.executable, "-m", "locshare_ext.cli.main", "simulate", "hikers", "--minutes", "0.05")]
    environment = {**lab.environment, "LOCSHARE_RUNTIME": str(lab.runtime_file())}
    subprocess.run(command, env=environment, check=True, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_from_top_to_bottom(
    path: Path,
    lab: Lab,
    hikers: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
):
    if path.stem.startswith(("02", "03")):
        real_recording(request.getfixturevalue("data"), tmp_path / "recording.gpkg")
    for name, value in {**lab.environment, "LOCSHARE_RUNTIME": str(lab.runtime_file())}.items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.read(shutil.copy(path, tmp_path), as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    for cell in notebook.cells:
        assert not errors_of(cell), cell.source
    tables = [
        out for cell in notebook.cells for out in outputs_of(cell) if "text/html" in out.get("data", {})
    ]
    widgets = [out for cell in notebook.cells for out in outputs_of(cell) if is_widget(out)]
    assert tables
    assert "lsi_" not in nbformat.writes(notebook)  # nor does a widget's state hold an invite
    assert bool(widgets) == ("GroupMap(" in "".join(cell.source for cell in notebook.cells))


def test_saved_notebooks_hold_no_output():
    for path in NOTEBOOKS:
        for cell in nbformat.read(path, as_version=4).cells:
            assert not outputs_of(cell), path.name


def test_the_detector_is_moved_unchanged():
    recorded, live = (
        [cell.source for cell in nbformat.read(path, as_version=4).cells if "class Stops" in cell.source]
        for path in NOTEBOOKS
        if path.stem.startswith(("03", "04"))
    )
    assert recorded == live
    assert len(live) == 1


def real_recording(data: Path, target: Path) -> None:
    """Write the buses of a line as the recording that a notebook looks for beside it."""
    open_recording(data / "liverpool_bus_route14.csv", columns=BUSES, tz="UTC").to_file(target)


def outputs_of(cell: Any) -> list[Any]:
    return list(cell.get("outputs", []))


def errors_of(cell: Any) -> list[Any]:
    """Return what a cell printed as an error or a warning."""
    return [
        out
        for out in outputs_of(cell)
        if out["output_type"] == "error" or (out["output_type"] == "stream" and out["name"] == "stderr")
    ]


def is_widget(out: Any) -> bool:
    return "application/vnd.jupyter.widget-view+json" in out.get("data", {})
