"""Recording and saving a range that was chosen on a map's timeline."""

from __future__ import annotations

import queue
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from locshare_ext import open_recording
from locshare_ext.errors import Unavailable
from locshare_ext.widget.keeping import Keeping, keeping_of
from tests.widget.test_timeline import START, recording, stamp


class Layer:
    """Takes what a layer would tell its pages, and speaks for them."""

    def __init__(self) -> None:
        self.told: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
        self.receive: Any = None

    def on_msg(self, receive: Any, remove: bool = False) -> None:
        self.receive = None if remove else receive

    def tell_pages(self, op: str, **said: Any) -> None:
        self.told.put((op, said))

    def ask(self, what: str, start: int, end: int) -> dict[str, Any]:
        self.receive(None, {"op": "keep", "what": what, "from": start, "to": end, "clock": "time"}, [])
        op, said = self.told.get(timeout=10)
        assert op == "kept"
        return said


@pytest.fixture
def layer() -> Layer:
    return Layer()


def test_a_range_is_saved_under_a_name_that_is_free(
    layer: Layer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    walk = recording()
    keeping = Keeping(layer, walk)  # type: ignore[arg-type]
    assert layer.told.get(timeout=10) == ("abilities", {"record": False, "export": True})
    first = layer.ask("export", START + 10_000, START + 19_500)
    assert first == {"what": "export", "name": "walk-20231114T221330.gpkg", "error": None}
    second = layer.ask("export", START + 10_000, START + 19_500)
    assert second["name"] == "walk-20231114T221330-2.gpkg"
    saved = open_recording(first["name"]).trails()
    assert saved["time"].tolist() == [stamp(START + 1000 * k) for k in range(10, 20)]
    keeping.close()
    assert layer.receive is None


def test_a_range_of_a_group_is_recorded(layer: Layer) -> None:
    asked: list[Any] = []

    def record(name: str, *, since: int, until: int) -> Any:
        asked.append((name, since, until))
        if since == 0:
            raise Unavailable("the disk is full")
        return SimpleNamespace(name=name)

    Keeping(layer, SimpleNamespace(title="3학년 2반", record=record))  # type: ignore[arg-type]
    assert layer.told.get(timeout=10)[1]["record"] is True
    said = layer.ask("record", START, START + 1)
    assert said == {"what": "record", "name": "3학년 2반 2023-11-14 22:13", "error": None}
    assert asked == [("3학년 2반 2023-11-14 22:13", START, START + 1)]
    assert layer.ask("record", 0, 1)["error"] == "the disk is full"


def test_what_cannot_be_written_is_said(
    layer: Layer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from locshare_ext.client import files

    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(files, "write_file", full)
    Keeping(layer, recording())  # type: ignore[arg-type]
    layer.told.get(timeout=10)
    assert layer.ask("export", START, START + 1)["error"] == (
        "The file could not be written: No space left on device."
    )


def test_a_source_without_trails_keeps_nothing(layer: Layer) -> None:
    assert keeping_of(layer, object()) is None  # type: ignore[arg-type]
