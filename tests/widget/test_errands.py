"""Notes and recordings as they are asked for on a map, with a real server."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from locshare_ext import Group
from locshare_ext.client import registry
from locshare_ext.client.phone_reach import reach_of
from locshare_ext.widget import card
from locshare_ext.widget.errands import Errands, errands_of
from tests.support.served import Served

LIMIT = 30  # s

pytestmark = pytest.mark.process


class Layer:
    """The page's end: asks as a page does, and takes what it would be told."""

    is_seen = True

    def __init__(self) -> None:
        self.told: dict[str, queue.Queue[dict[str, Any]]] = {
            "answer": queue.Queue(),
            "keeping": queue.Queue(),
        }
        self.handlers: list[Callable[..., None]] = []
        self.cards: list[tuple[str, dict[str, Any]]] = []

    def on_msg(self, handler: Callable[..., None], remove: bool = False) -> None:
        (self.handlers.remove if remove else self.handlers.append)(handler)

    def tell_pages(self, op: str, **said: Any) -> None:
        self.told[op].put(said)

    def show_card(self, page: str, card: dict[str, Any]) -> None:
        self.cards.append((page, card))

    def ask(self, what: str, **more: Any) -> str | None:
        error = self.answer(what, **more)["error"]
        return None if error is None else str(error["text"])

    def answer(self, what: str, **more: Any) -> dict[str, Any]:
        for handler in self.handlers:
            handler(self, {"op": "ask", "what": what, "name": what, **more}, [])
        answer = self.told["answer"].get(timeout=LIMIT)
        assert answer["name"] == what
        return answer

    def keeping(self) -> dict[str, Any]:
        return self.told["keeping"].get(timeout=LIMIT)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("served")).running() as server:
        yield server
    registry.close_all()


@pytest.fixture
def layer() -> Layer:
    return Layer()


@pytest.fixture
def run(layer: Layer) -> Iterator[Callable[[Group], threading.Event]]:
    made: list[Errands] = []

    def run_(group: Group) -> threading.Event:
        changed = threading.Event()
        errands = errands_of(layer, group, changed.set)  # type: ignore[arg-type]
        assert errands is not None
        made.append(errands)
        return changed

    yield run_
    for errands in made:
        errands.close()
    assert layer.handlers == []
    for thread in [one for one in threading.enumerate() if one.name == "locshare-errands"]:
        thread.join(LIMIT)
        assert not thread.is_alive()


def attach(served: Served, name: str) -> Group:
    return Group(name, server=served.url, token=served.token)


def test_a_note_is_written_and_removed(served: Served, layer: Layer, run: Any) -> None:
    group = attach(served, "noting")
    group.publish(lat=37.5, lon=127.0, member="ann")
    changed = run(group)
    told = layer.keeping()
    reach = told.pop("phones")
    assert (reach["kind"], reach["page"]) == ("loopback", False)  # the page says that phones do not come
    assert told == {
        "may_note": True,
        "may_record": True,
        "may_invite": True,
        "may_export": True,
        "is_ephemeral": False,
        "recordings": [],
    }
    assert layer.ask("note", text="<b>lost</b> the trail", at=1_700_000_000_000) is None
    assert changed.wait(LIMIT)
    events, _ = group.events_after(None)
    assert [(one.text, one.time) for one in events if one.kind == "note"] == [
        ("<b>lost</b> the trail", 1_700_000_000_000)
    ]
    assert layer.ask("note", text="is tired", member="ann") is None
    about = [one.member for one in group.events_after(None)[0] if one.kind == "note"]
    assert about == [None, "ann"]
    note = next(one for one in events if one.kind == "note")
    assert layer.ask("remove_note", id=note.cursor) is None
    assert [one.text for one in group.events_after(None)[0] if one.kind == "note"] == ["is tired"]
    gone = layer.answer("remove_note", id=note.cursor)["error"]
    assert gone["code"] == "note_not_found"  # for which the page has words


def test_a_recording_starts_and_stops(served: Served, layer: Layer, run: Any) -> None:
    group = attach(served, "recording")
    group.publish(lat=37.5, lon=127.0, member="ann")
    run(group)
    assert layer.keeping()["recordings"] == []
    assert layer.ask("record", called="morning walk") is None
    (running,) = layer.keeping()["recordings"]
    assert running["name"] == "morning walk"
    assert isinstance(running["since"], int)
    assert layer.ask("stop", id=running["id"]) is None
    assert layer.keeping()["recordings"] == []
    assert [(one.name, one.state) for one in group.recordings()] == [("morning walk", "stopped")]


def test_an_ephemeral_group_says_so_and_is_not_recorded(served: Served, layer: Layer, run: Any) -> None:
    group = attach(served, "passing")
    group.configure(ephemeral=True)
    group.publish(lat=37.5, lon=127.0, member="ann")
    run(group)
    told = layer.keeping()
    assert (told["is_ephemeral"], told["may_record"], told["may_note"]) == (True, False, True)
    assert layer.answer("record", called="walk")["error"]["code"] == "group_ephemeral"


def test_what_cannot_be_done_is_answered_with_the_reason(served: Served, layer: Layer, run: Any) -> None:
    group = attach(served, "refusing")
    group.publish(lat=37.5, lon=127.0, member="ann")
    run(group)
    layer.keeping()
    assert "text" in (layer.ask("note", text="") or "")
    assert "r123" in (layer.ask("stop", id="r123") or "")
    assert "name" in (layer.ask("record", called="") or "")
    assert "dance" in (layer.ask("dance") or "")
    assert layer.ask("note", text="goes on") is None


def test_an_invite_may_do_what_its_roles_say(served: Served, layer: Layer, run: Any) -> None:
    group = attach(served, "invited")
    group.publish(lat=37.5, lon=127.0, member="ann")
    guest = Group(group.invite("bo", roles="watch").link)
    run(guest)
    told = layer.keeping()
    assert (told["may_note"], told["may_record"], told["may_invite"]) == (False, False, False)
    assert layer.ask("note", text="hello") is not None
    assert layer.ask("invite", member="cy", page="p1") is not None
    assert layer.cards == []


def test_a_card_is_shown_to_who_asked_and_is_in_no_answer(
    served: Served, layer: Layer, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = attach(served, "inviting")
    group.publish(lat=37.5, lon=127.0, member="host")
    run(group)
    monkeypatch.setattr(
        card, "reach_of", lambda api, address=None: reach_of(api, "https://share.example.org")
    )
    made = layer.answer("invite", member=" ann ", page="p1")
    invite = group.invite("ann")
    assert (made["done"], made["error"]) == (invite.id, None)
    ((page, shown),) = layer.cards
    assert (page, shown["member"]) == ("p1", "ann")
    assert shown["ways"][0]["link"] == f"https://share.example.org/locshare/share#t={invite.token}"
    assert layer.answer("arrival", id=made["done"])["done"] == {"state": "waiting"}
    Group(invite.link).publish(lat=37.5, lon=127.0)
    assert layer.answer("arrival", id=made["done"])["done"]["state"] == "here"
    assert layer.answer("arrival", id="other")["error"]["code"] == "invite_not_found"
    assert layer.answer("invite", member="a/b", page="p1")["done"] is None
    assert layer.answer("invite", member="", page="p2")["error"] is None
    assert layer.cards[-1][1]["member"] is None


def test_a_source_without_trails_takes_no_errands(layer: Layer) -> None:
    assert errands_of(layer, object(), print) is None  # type: ignore[arg-type]
