"""The examples in the docstrings run."""

from __future__ import annotations

import doctest
import inspect
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from locshare_ext import analysis, open_recording
from tests.formats.helpers import BUSES

EXAMPLES = {
    name: doctest.DocTestParser().get_examples(inspect.getdoc(getattr(analysis, name)) or "")
    for name in analysis.__all__
}


@pytest.fixture(scope="module")
def folder(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("examples")
    buses = open_recording(data / "liverpool_bus_route14.csv", columns=BUSES, tz="UTC", name="buses")
    for name in ("walk", "buses"):
        buses.to_file(made / f"{name}.gpkg")
    return made


def test_most_have_one() -> None:
    assert sum(map(bool, EXAMPLES.values())) > 10


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MovingPandas calls what pandas 3 drops
@pytest.mark.parametrize("name", [name for name, examples in EXAMPLES.items() if examples])
def test_an_example_runs(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    mpl.use("agg")
    known: dict[str, Any] = {}
    for example in EXAMPLES[name]:
        exec(compile(example.source, name, "single"), known)
    plt.close("all")
    assert len(known) > 1
