from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from locshare_ext.errors import InvalidInput
from locshare_ext.widget.imaging import NoPicture
from locshare_ext.widget.layer import TrailLayer


@pytest.fixture
def layer() -> Iterator[TrailLayer]:
    made = TrailLayer()
    yield made
    made.close()


def png(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(file, "PNG")
    return file.getvalue()


class Pages:
    """Pages that answer each question for a picture from other threads, as a kernel hears them."""

    def __init__(
        self, layer: TrailLayer, monkeypatch: pytest.MonkeyPatch, *answers: bytes | str | None
    ) -> None:
        self.layer = layer
        self.questions: list[dict[str, Any]] = []
        self.threads: list[threading.Thread] = []
        self.answers = answers
        monkeypatch.setattr(layer, "send", self._take)
        for number in range(len(answers)):
            layer._receive(None, {"op": "hello", "page": f"p{number}", "epoch": None, "have": []}, [])

    def _take(self, content: dict[str, Any], buffers: Any = None) -> None:
        if content["op"] != "image":
            return
        self.questions.append(content)
        for number, answer in enumerate(self.answers):
            thread = threading.Thread(target=self._answer, args=(number, content["ask"], answer))
            self.threads.append(thread)
            thread.start()

    def _answer(self, number: int, ask: int, answer: bytes | str | None) -> None:
        said = {"op": "image", "page": f"p{number}", "ask": ask}
        if isinstance(answer, str):
            self.layer._receive(None, {**said, "error": answer}, [])
        elif answer is not None:
            half = len(answer) // 2
            for part in (1, 0):  # in any order
                data = answer[half:] if part else answer[:half]
                self.layer._receive(None, {**said, "part": part, "parts": 2}, [memoryview(data)])


def test_a_picture_is_put_together_and_says_how_large_it_is(
    layer: TrailLayer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pages = Pages(layer, monkeypatch, "unseen", png(1250, 833))
    image = layer.to_image(tmp_path / "map.png", width=400, height=267, dpi=300, legend=False)
    assert pages.questions[0]["scale"] == 3.125
    assert (pages.questions[0]["width"], pages.questions[0]["legend"]) == (400, False)
    opened = Image.open(io.BytesIO(bytes(image)))
    opened.load()
    assert opened.size == (1250, 833)
    assert opened.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert image.width == 400
    assert (tmp_path / "map.png").read_bytes() == bytes(image)
    image.save(tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes() == bytes(image)
    for thread in pages.threads:
        thread.join()


def test_without_a_page_that_shows_it_there_is_a_clear_error(
    layer: TrailLayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NoPicture, match="no page shows this layer"):
        layer.to_image()
    Pages(layer, monkeypatch, "unseen", "unseen")
    with pytest.raises(NoPicture, match="no page shows this layer"):
        layer.to_image()


def test_a_page_that_fails_says_why(layer: TrailLayer, monkeypatch: pytest.MonkeyPatch) -> None:
    Pages(layer, monkeypatch, "out of memory")
    with pytest.raises(NoPicture, match="could not draw the picture: out of memory"):
        layer.to_image()


def test_a_page_that_is_silent_is_not_waited_for_for_ever(
    layer: TrailLayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    Pages(layer, monkeypatch, None)
    with pytest.raises(NoPicture, match=r"no page answered within 0\.05 s"):
        layer.to_image(timeout=0.05)


@pytest.mark.parametrize(
    ("arguments", "field", "words"),
    [
        ({"width": 0}, "width", "0, expected 16-8192 px"),
        ({"height": "tall"}, "height", "'tall'"),
        ({"scale": 9}, "scale", "expected 0.25-8 times"),
        ({"dpi": 5000}, "dpi", "expected 24-768 per inch"),
        ({"scale": 1, "dpi": 96}, "dpi", "one of them"),
        ({"width": 8000, "height": 8000, "scale": 4}, "width", "64,000,000 pixels"),
    ],
)
def test_what_cannot_be_drawn_is_said_before_anybody_is_asked(
    layer: TrailLayer, arguments: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words) as refused:
        layer.to_image(**arguments)
    assert refused.value.field == field
