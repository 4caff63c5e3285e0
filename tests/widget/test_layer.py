from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import ipyleaflet
import ipywidgets.widgets.widget as registry
import numpy as np
import pandas as pd
import pytest

from locshare_ext.errors import InvalidInput
from locshare_ext.widget.layer import TrailLayer
from locshare_ext.widget.units import from_units
from tests.widget.test_frames import decode


class Page:
    """What a page would see of a layer: it takes the messages where the kernel sends them."""

    def __init__(self, layer: TrailLayer, monkeypatch: pytest.MonkeyPatch) -> None:
        self.layer = layer
        self.messages: list[dict[str, Any]] = []
        self.fixes: dict[int, tuple[str, int]] = {}
        self.names: list[str] = []
        self._arrived = threading.Condition()
        monkeypatch.setattr(layer, "send", self._take)

    def say(self, **content: Any) -> None:
        self.layer._receive(None, {"page": "p", **content}, [])

    def _take(self, content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        with self._arrived:
            self.messages.append(content)
            if "names" in content:
                first, names = content["names"]
                self.names[first : first + len(names)] = names
            if content["op"] == "fixes":
                assert buffers is not None
                columns = decode(content["columns"], buffers[0], content["count"])
                for row in range(content["count"]):
                    name = self.names[int(columns["member"][row])]
                    self.fixes[content["first"] + row] = (name, int(columns["time"][row]))
            self._arrived.notify_all()

    def wait_for_fixes(self, count: int) -> None:
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.fixes) >= count, 10), (
                f"{len(self.fixes)} of {count}"
            )


@pytest.fixture
def layer() -> Iterator[TrailLayer]:
    made = TrailLayer()
    yield made
    made.close()


@pytest.fixture
def page(layer: TrailLayer, monkeypatch: pytest.MonkeyPatch) -> Page:
    return Page(layer, monkeypatch)


def test_a_hello_is_answered_with_history_and_live_frames_follow(layer: TrailLayer, page: Page) -> None:
    layer.push(["ann", "ben"], [1000, 2000], [1.0, 2.0], [3.0, 4.0])
    assert page.messages == []  # nobody listens yet
    page.say(op="hello", epoch=None, have=[])
    page.wait_for_fixes(2)
    layer.push("cleo", 3000, 5.0, 6.0, speed=1.5, battery=0.5)
    page.wait_for_fixes(3)
    assert page.fixes == {0: ("ann", 1000), 1: ("ben", 2000), 2: ("cleo", 3000)}


def test_what_a_page_has_does_not_travel_again(layer: TrailLayer, page: Page) -> None:
    layer.push(["ann"] * 5, np.arange(5), np.zeros(5), np.zeros(5))
    page.say(op="hello", epoch=None, have=[])
    page.wait_for_fixes(5)
    epoch = page.messages[0]["epoch"]
    page.say(op="bye")
    layer.push(["ann"] * 2, [5, 6], np.zeros(2), np.zeros(2))
    page.messages.clear()
    page.say(op="hello", epoch=epoch, have=[[0, 5]])
    page.wait_for_fixes(7)
    sent = [(m["first"], m["count"]) for m in page.messages if m["op"] == "fixes"]
    assert sent == [(5, 2)]


def test_fixes_from_many_threads_all_arrive(layer: TrailLayer, page: Page) -> None:
    page.say(op="hello", epoch=None, have=[])

    def push(name: str) -> None:
        for k in range(200):
            layer.push(name, 1000 + k, 0.0, 0.0)
            page.say(op="ack", sequence=layer._pacing.sequence)

    threads = [threading.Thread(target=push, args=(name,)) for name in ("ann", "ben", "cleo")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    page.wait_for_fixes(600)
    for name in ("ann", "ben", "cleo"):
        assert [time for _, (who, time) in sorted(page.fixes.items()) if who == name] == list(
            range(1000, 1200)
        )


def test_new_trails_replace_what_was_shown(layer: TrailLayer, page: Page) -> None:
    layer.push("ann", 1000, 0.0, 0.0)
    page.say(op="hello", epoch=None, have=[])
    page.wait_for_fixes(1)
    before = page.messages[0]["epoch"]
    frame = pd.DataFrame(
        {
            "member": pd.Categorical(["ben", "ben"]),
            "time": pd.to_datetime([5000, 6000], unit="ms", utc=True),
            "received": pd.to_datetime([5001, 6001], unit="ms", utc=True),
            "lat": [1.0, 2.0],
            "lon": [3.0, 4.0],
            "speed": [np.nan, 2.0],
        }
    )
    layer.set_trails(frame)
    page.say(op="hello", epoch=before, have=[[0, 1]])
    page.wait_for_fixes(2)
    assert page.messages[-1]["epoch"] != before
    assert page.fixes == {0: ("ben", 5000), 1: ("ben", 6000)}


def test_no_position_is_in_the_state(layer: TrailLayer) -> None:
    layer.push(["ann"], [1000], [37.5665], [126.978], speed=[3.25])
    text = repr(layer.get_state())
    for secret in ("ann", "37.5", "126.9", "3.25"):
        assert secret not in text


def test_it_is_a_layer_of_any_map(layer: TrailLayer) -> None:
    shown = ipyleaflet.Map(layers=())
    shown.add(layer)
    assert shown.layers == (layer,)
    shown.remove(layer)
    assert shown.layers == ()


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 1, 26, 15, 57, 2, tzinfo=UTC),
        datetime(2026, 1, 27, 0, 57, 2, tzinfo=timezone(timedelta(hours=9))),
        np.datetime64("2026-01-26T15:57:02"),
        pd.Timestamp("2026-01-26T15:57:02Z"),
        1_769_443_022_000,
    ],
)
def test_moments_of_every_kind(layer: TrailLayer, moment: Any) -> None:
    layer.push("ann", moment, 1.0, 2.0)
    layer.push(["ann"], [moment], [1.0], [2.0])
    assert layer._log.rows(0, 2)["time"].tolist() == [1_769_443_022_000] * 2


def test_positions_are_kept_to_a_centimetre(layer: TrailLayer) -> None:
    layer.push("ann", 1, 37.5665, 126.978)
    rows = layer._log.rows(0, 1)
    lat, lon = from_units(rows["x"], rows["y"])
    assert (lat[0], lon[0]) == pytest.approx((37.5665, 126.978), abs=1e-7)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"lat": [91.2]}, "lat 91.2 is outside"),
        ({"lon": [float("nan")]}, "lon nan is outside"),
        ({"lat": [1.0, 2.0]}, "lat has shape"),
        ({"time": [datetime(2026, 1, 1)]}, "has no time zone"),
        ({"time": ["noon"]}, "expected ms"),
        ({"age": [1.0]}, "cannot be called 'age'"),
        ({"speed": ["fast"]}, "expected numbers"),
    ],
)
def test_bad_input_is_named_and_shows_nothing(
    layer: TrailLayer, arguments: dict[str, Any], words: str
) -> None:
    good: dict[str, Any] = {"time": [1], "lat": [1.0], "lon": [2.0]}
    with pytest.raises(InvalidInput, match=words.replace("(", r"\(")):
        layer.push(["ann"], **(good | arguments))
    assert len(layer._log) == 0


def test_a_frame_without_positions_is_refused(layer: TrailLayer) -> None:
    with pytest.raises(InvalidInput, match="'lat' is missing"):
        layer.set_trails(pd.DataFrame({"member": [], "time": []}))


def test_closing_leaves_nothing() -> None:
    before = set(registry._instances)
    made = TrailLayer()
    made.close()
    assert set(registry._instances) == before
    assert made.send_due(0.0) is None
