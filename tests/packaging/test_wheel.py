"""What `pip install` brings: a wheel, in an environment of its own, is all that a user needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT

VENDORED = ("leaflet.js", "leaflet.css", "leaflet.LICENSE", "stomp.js", "stomp.LICENSE")
pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(folder),
    ]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True, text=True)
    [made] = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that has the wheel; its dependencies are those of the tests."""
    folder = tmp_path_factory.mktemp("plain")
    venv.create(folder, with_pip=False)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    # a plain path, so that the working copy's own links are not followed
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    interpreter = folder / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", str(interpreter), "install", "--quiet", "--no-deps"]
    subprocess.run([*command, "--ignore-installed", str(wheel)], check=True, capture_output=True, text=True)
    return interpreter


def run(python: Path, *words: str) -> str:
    home = {
        name: str(python.parent.parent / "home")
        for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")
    }
    done = subprocess.run(
        [str(python), *words],
        env={**os.environ, **home},
        cwd=python.parent.parent,
        text=True,
        capture_output=True,
        check=True,
    )
    return done.stdout + done.stderr


def test_the_server_extension_is_enabled_without_a_further_step(python: Path):
    said = run(python, "-m", "jupyter_server.extension.serverextension", "list")
    assert "locshare_ext" in said
    after = said.split("Validating locshare_ext...")[1]
    assert "OK" in after.splitlines()[1], after


def test_the_map_is_found_by_jupyterlab(python: Path):
    said = run(python, "-m", "jupyterlab.labextensions", "list")
    [line] = [line for line in said.splitlines() if "locshare-ext" in line]
    assert "enabled" in line
    assert "OK" in line


def test_the_package_is_that_of_the_wheel(python: Path):
    place = run(python, "-c", "import locshare_ext; print(locshare_ext.__file__)").strip()
    assert Path(place).is_relative_to(python.parent.parent)
    assert "usage: jupyter locshare" in run(python, "-m", "locshare_ext.cli.main", "--help")


def test_the_wheel_holds_what_is_needed_and_nothing_else(wheel: Path):
    names = zipfile.ZipFile(wheel).namelist()
    page = ROOT / "locshare_ext" / "widget" / "labextension"
    for file in page.rglob("*"):
        if file.is_file():
            shared = f"share/jupyter/labextensions/locshare-ext/{file.relative_to(page)}"
            assert any(name.endswith(shared) for name in names), shared
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        assert f"locshare_ext/notebooks/{notebook.name}" in names
    figures = "locshare_ext/comparison/kept/"  # those that notebook 05 plots
    assert f"{figures}grid.csv" in names
    pages = "locshare_ext/server/pages/static/"
    for file in ("share.html", "page.js", *(f"vendor/{name}" for name in VENDORED)):
        assert pages + file in names
    for path in (ROOT / "locshare_ext" / "server" / "pages" / "host").iterdir():
        assert f"locshare_ext/server/pages/host/{path.name}" in names
    data = [name for name in names if name.endswith((".csv", ".gpx", ".gpkg", ".pyc", ".sqlite3"))]
    assert not [name for name in data if not name.startswith(figures)]
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/"))]
    metadata = zipfile.ZipFile(wheel).read(next(name for name in names if name.endswith("METADATA"))).decode()
    assert "License-Expression: BSD-3-Clause" in metadata
    package = json.loads((page / "package.json").read_text())
    assert f"Version: {package['version']}\n" in metadata
