"""A real JupyterLab, a real browser, and the eight buses."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import ROOT
from tests.support.lab import Lab
from tests.support.page import Notebook, chromium, launch

if TYPE_CHECKING:
    from playwright.sync_api import Browser

BUSES = "member=vehicle_id,time=timestamp,lat=latitude,lon=longitude,heading=bearing"
MANAGER = "@jupyter-widgets/jupyterlab-manager"
OpenNotebook = Callable[..., Notebook]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Headless Chromium; ended with these tests, as its driver keeps an event loop running."""
    if chromium() is None:
        pytest.skip("chromium is missing: see tests/install-browser.sh")
    with launch() as running:
        yield running


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab with the package's notebooks: one for all tests, each of which finds it as if just started.

    What groups and notebooks hold stays: tests use names of their own. One that ends the
    server, or starts it with options, has a `Lab` of its own.
    """
    running = Lab(tmp_path_factory.mktemp("lab"))
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        shutil.copy(notebook, running.root)
    try:
        yield running.start()
    finally:
        running.stop()


@pytest.fixture(autouse=True)
def tidied(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave no kernel and no setting of a test to the next one."""
    lab: Lab | None = request.getfixturevalue("lab") if "lab" in request.fixturenames else None
    yield
    if lab is not None:
        lab.tidy()


@pytest.fixture
def open_notebook(browser: Browser, lab: Lab, request: pytest.FixtureRequest) -> Iterator[OpenNotebook]:
    """Open a notebook by its cells or its name; all are closed at the end, with a picture after a failure."""
    opened: list[Notebook] = []

    def open_(
        *cells: str, name: str | None = None, width: int = 1400, height: int = 900, **context: Any
    ) -> Notebook:
        path = name or f"{request.node.name}-{len(opened)}.ipynb"
        if name is None:
            write_notebook(lab.root / path, cells)
        opened.append(Notebook(browser, lab, path, width=width, height=height, **context))
        return opened[-1]

    yield open_
    for number, notebook in enumerate(opened):
        if getattr(request.node, "failed", False):
            notebook.screenshot(f"failed-{request.node.name}-{number}")
        notebook.close()


@pytest.fixture
def saves_widgets(lab: Lab) -> None:
    """As with "Save Widget State Automatically": all that models hold is in the file."""
    folder = lab.folder / "settings" / MANAGER
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plugin.jupyterlab-settings").write_text(json.dumps({"saveState": True}))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    outcome = yield
    if outcome.get_result().failed:
        item.failed = True  # type: ignore[attr-defined]


def write_notebook(path: Path, cells: tuple[str, ...]) -> None:
    """Write a notebook of code cells."""
    made = [
        {
            "cell_type": "code",
            "id": f"cell{n}",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
            "source": cell,
        }
        for n, cell in enumerate(cells)
    ]
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    whole = {"cells": made, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(whole))


@pytest.fixture
def buses(lab: Lab, data: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Play the eight buses into a group, by the command that people use; ended at the end."""
    running: list[subprocess.Popen[bytes]] = []

    def play(group: str, speed: float = 30, *options: str) -> subprocess.Popen[bytes]:
        command = [
            *(
                sys.executable,
                "-m",
                "locshare_ext.cli.main",
                "replay",
                str(data / "liverpool_bus_route14.csv"),
            )
        ]
        command += ["--columns", BUSES, "--tz", "UTC", "--to", group, "--speed", str(speed), *options]
        environment = {**lab.environment, "LOCSHARE_RUNTIME": str(lab.runtime_file())}
        with (lab.folder / "replay.log").open("ab") as log:
            running.append(subprocess.Popen(command, env=environment, stderr=log))
        return running[-1]

    yield play
    for process in running:
        process.kill()
        process.wait()
