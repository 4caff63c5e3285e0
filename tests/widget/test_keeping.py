"""Recording and saving a range that was chosen on a map's timeline."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from locshare_ext import open_recording
from locshare_ext.widget.errands import Errands, errands_of
from locshare_ext.widget.keeping import record_range
from tests.widget.test_timeline import START, recording, stamp


class Layer:
    """Takes what a layer would tell its pages, and speaks for them."""

    is_seen = True

    def __init__(self) -> None:
        self.told: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
        self.receive: Any = None

    def on_msg(self, receive: Any, remove: bool = False) -> None:
        self.receive = None if remove else receive

    def tell_pages(self, op: str, **said: Any) -> None:
        self.told.put((op, said))

    def ask(self, what: str, start: int, end: int) -> dict[str, Any]:
        asked = {"op": "ask", "what": what, "name": "n1", "from": start, "to": end, "clock": "time"}
        self.receive(None, asked, [])
        op, said = self.told.get(timeout=10)
        assert (op, said.pop("name")) == ("answer", "n1")
        return said


@pytest.fixture
def layer() -> Layer:
    return Layer()


@pytest.fixture
def errands(layer: Layer) -> Iterator[Errands]:
    made = errands_of(layer, recording(), print)  # type: ignore[arg-type]
    assert made is not None
    op, said = layer.told.get(timeout=10)
    assert (op, said["may_export"], said["may_record"]) == ("keeping", True, False)
    yield made
    made.close()
    assert layer.receive is None


def test_a_range_is_saved_under_a_name_that_is_free(
    layer: Layer, errands: Errands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first = layer.ask("export", START + 10_000, START + 19_500)
    assert first == {"done": "walk-20231114T221330.gpkg", "error": None}
    second = layer.ask("export", START + 10_000, START + 19_500)
    assert second["done"] == "walk-20231114T221330-2.gpkg"
    saved = open_recording(first["done"]).trails()
    assert saved["time"].tolist() == [stamp(START + 1000 * k) for k in range(10, 20)]


def test_a_recording_takes_no_notes(layer: Layer, errands: Errands) -> None:
    assert "note" in layer.ask("note", START, START)["error"]["text"]


def test_a_range_of_a_group_is_recorded() -> None:
    asked: list[Any] = []

    def record(name: str, *, since: int, until: int) -> Any:
        asked.append((name, since, until))
        return SimpleNamespace(name=name)

    group = SimpleNamespace(title="3학년 2반", record=record)
    assert record_range(group, START, START + 1) == "3학년 2반 2023-11-14 22:13"
    assert asked == [("3학년 2반 2023-11-14 22:13", START, START + 1)]


def test_what_cannot_be_written_is_said(
    layer: Layer, errands: Errands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from locshare_ext.client import files

    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(files, "write_file", full)
    assert layer.ask("export", START, START + 1)["error"] == {
        "code": "file_not_written",
        "values": {"why": "No space left on device"},
        "text": "the file could not be written: No space left on device",
    }
