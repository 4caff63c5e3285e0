"""Events on their way to a timeline's ticks."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from locshare_ext.errors import ServerUnreachable
from locshare_ext.model.event import Event
from locshare_ext.widget.happenings import MOST, Happenings, happenings_of

NOTE = Event(kind="note", time=1000, received=1500, member="ann", text="lost the trail", cursor="e.1")
JOIN = Event(kind="join", time=2000, received=2000, member="ben", cursor="e.2")
ALIVE = Event(kind="alive", time=2100, received=2100, member="ben")


class Group:
    """A group whose events the test adds; a question that fails is asked again."""

    is_live = True

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.asked: queue.Queue[str | None] = queue.Queue()
        self.failing = False

    def events_after(self, cursor: str | None) -> tuple[list[Event], str]:
        self.asked.put(cursor)
        if self.failing:
            raise ServerUnreachable("away")
        return self.events[int(cursor or 0) :], str(len(self.events))


class Layer:
    """Takes what a layer would tell its pages."""

    is_seen = True

    def __init__(self) -> None:
        self.told: queue.Queue[list[Any]] = queue.Queue()

    def tell_pages(self, op: str, **said: Any) -> None:
        assert op == "events"
        self.told.put(said["events"])


@pytest.fixture
def group() -> Group:
    return Group()


@pytest.fixture
def layer() -> Layer:
    return Layer()


@pytest.fixture
def happenings(group: Group, layer: Layer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Happenings]:
    monkeypatch.setattr("locshare_ext.widget.happenings.PERIOD", 0.01)
    group.events = [NOTE, JOIN, ALIVE]
    made = Happenings(layer, group)  # type: ignore[arg-type]
    yield made
    made.close()


def test_events_travel_and_what_comes_later_too(group: Group, layer: Layer, happenings: Happenings) -> None:
    first = [
        [1000, 1500, "note", "ann", "lost the trail", "e.1", None],
        [2000, 2000, "join", "ben", None, "e.2", None],
    ]
    assert layer.told.get(timeout=10) == first
    group.events = [
        *group.events,
        Event(kind="sos", time=3000, text="found", data={"lat": 37.5, "lon": 127.0}),
    ]
    assert layer.told.get(timeout=10) == [*first, [3000, 3000, "sos", None, "found", None, [37.5, 127.0]]]
    assert group.asked.get(timeout=10) is None
    assert group.asked.get(timeout=10) == "3"  # only what is new is asked for


def test_what_was_removed_goes_when_all_is_asked_for(
    group: Group, layer: Layer, happenings: Happenings
) -> None:
    layer.told.get(timeout=10)
    group.events = [JOIN]
    happenings.refresh()
    assert layer.told.get(timeout=10) == [[2000, 2000, "join", "ben", None, "e.2", None]]


def test_a_server_that_is_away_loses_no_event(group: Group, layer: Layer, happenings: Happenings) -> None:
    layer.told.get(timeout=10)
    group.failing = True
    while not group.asked.empty():
        group.asked.get()
    for _ in range(3):
        group.asked.get(timeout=10)
    group.events = [*group.events, JOIN]
    group.failing = False
    assert len(layer.told.get(timeout=10)) == 3


def test_nobody_is_asked_while_nobody_looks(group: Group, layer: Layer, happenings: Happenings) -> None:
    layer.told.get(timeout=10)
    layer.is_seen = False
    while not group.asked.empty():
        group.asked.get()
    happenings._wake.wait(0.2)  # time for twenty questions
    assert group.asked.qsize() <= 1  # that was under way


def test_a_source_without_events_has_none(layer: Layer) -> None:
    assert happenings_of(layer, object()) is None  # type: ignore[arg-type]


class Telling(Group):
    """A group that says when there is an event."""

    def __init__(self) -> None:
        super().__init__()
        self.wakes: list[Callable[[], None]] = []

    def listen_events(self, wake: Callable[[], None]) -> Callable[[], None]:
        self.wakes.append(wake)
        return self.wakes.clear


def test_a_group_that_says_when_is_asked_then(layer: Layer) -> None:
    group = Telling()
    group.events = [JOIN]
    made = Happenings(layer, group)  # type: ignore[arg-type]
    assert len(layer.told.get(timeout=10)) == 1
    group.events = [*group.events, NOTE]
    group.wakes[0]()  # else the next question would be a minute away
    assert len(layer.told.get(timeout=10)) == 2
    made.close()
    assert group.wakes == []


def test_no_flood_of_events_carries_a_call_for_help_away(layer: Layer) -> None:
    group = Group()
    flood = [Event(kind="alert", time=4000 + n, text="left the park") for n in range(MOST + 5)]
    group.events = [Event(kind="sos", time=3000, member="ann", text="hurt"), *flood]
    made = Happenings(layer, group)  # type: ignore[arg-type]
    told = layer.told.get(timeout=10)
    made.close()
    assert (told[0][2], told[0][4]) == ("sos", "hurt")
    assert [row[2] for row in told[1:]] == ["alert"] * MOST
