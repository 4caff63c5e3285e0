"""A map of a replay on a real server: what is done on its timeline is done to the replay, and told back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

from locshare_ext import Group, GroupMap, follow_replay
from locshare_ext.client.recording import Recording
from locshare_ext.client.replay import Replay
from locshare_ext.errors import AccessDenied, InvalidInput
from tests.client.conftest import Collected, _no_feed_is_left, attach, served
from tests.support.served import Served
from tests.widget.test_timeline import Page, stamp, wait_for

__all__ = ["_no_feed_is_left", "served"]

BEGIN = 1_700_000_000_000
END = BEGIN + 59_000


@pytest.fixture
def group(served: Served, request: pytest.FixtureRequest) -> Group:
    return attach(served, request.node.name.replace("test_", "")[:60])


@pytest.fixture
def recording(group: Group) -> Recording:
    made = group.record("walk")
    group.publish(
        [{"member": "ann", "time": BEGIN + n * 1000, "lat": 37.5, "lon": n / 100} for n in range(60)]
    )
    return made.stop()


@pytest.fixture
def replay(recording: Recording) -> Iterator[Replay]:
    made = recording.replay(speed=1, paused=True)
    yield made
    made.stop()


class Shown:
    """A map with a page, and what the replay is heard to do."""

    def __init__(self, replay: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
        self.map = GroupMap(replay)
        self.statuses = Collected()
        monkeypatch.setattr(
            self.map.trail_layer, "show_status", lambda *status: self.statuses.add((status[0], status[4]))
        )
        wait_for(lambda: self.map.trail_layer.reach("time") == (BEGIN, END))
        self.page = Page(self.map, monkeypatch)
        self.heads = Collected()
        replay.watch(self.heads.add)

    def tell(self, state: str, moment: float, **more: Any) -> None:
        self.page.tell(state, moment, **{"isSteered": True, "isMoved": False, "end": END, **more})

    def wait_for(self, state: str, moment: int | None = None) -> None:
        self.heads.wait_for(
            lambda heads: any(
                head.state == state and (moment is None or head.moment == moment) for head in heads
            )
        )
        self.heads.items.clear()


@pytest.fixture
def shown(replay: Replay, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shown]:
    made = Shown(replay, monkeypatch)
    yield made
    made.map.close()


def test_what_a_page_does_the_replay_does(shown: Shown, replay: Replay) -> None:
    assert (shown.map.trail_layer.mode, shown.map.group) == ("replay", replay)
    assert shown.map.playhead == stamp(BEGIN)
    shown.tell("paused", BEGIN + 20_500.7, isMoved=True)
    shown.wait_for("paused", BEGIN + 20_500)
    shown.tell("playing", BEGIN + 20_500.7, speed=0.5, loop=True)
    shown.wait_for("playing")
    assert (replay.speed, replay.loop) == (0.5, True)
    shown.tell("paused", BEGIN + 21_000, speed=0.5, loop=True)
    shown.wait_for("paused")
    shown.page._say(op="step")
    shown.wait_for("paused", BEGIN + 21_000)
    # what nobody has done there, such as that its own clock has come to the end, is no wish
    shown.tell("paused", END, isSteered=False, isMoved=True)
    shown.tell("paused", BEGIN + 21_000, speed=0.5, loop=True, range=[BEGIN, BEGIN + 500.5])
    shown.page._say(op="step")
    shown.wait_for("paused", BEGIN + 22_000)
    assert shown.map.selection == (stamp(BEGIN), stamp(BEGIN + 501))


def test_pages_are_told_what_is_news_and_nothing_else(shown: Shown, replay: Replay) -> None:
    replay.resume()
    shown.wait_for("playing")
    told = len(shown.page.told)
    shown.heads.wait_count(3)  # one a second, and it goes on as they show it
    assert len(shown.page.told) <= told + 1
    replay.seek(BEGIN + 50_000)
    shown.heads.wait_for(lambda heads: heads[-1].moment >= BEGIN + 50_000)
    wait_for(lambda: shown.page.told[-1]["moment"] >= BEGIN + 50_000)
    assert shown.page.told[-1]["isAsked"]


def test_code_steers_it_too(shown: Shown, replay: Replay) -> None:
    shown.map.playhead = pd.Timestamp(BEGIN + 5000, unit="ms", tz="UTC")
    shown.wait_for("paused", BEGIN + 5000)
    shown.map.play(speed=1000)
    shown.wait_for("playing")
    shown.wait_for("paused", END)  # it has ended
    assert not shown.map.is_playing
    shown.map.play(speed=1)
    shown.wait_for("playing")
    assert BEGIN <= replay.info["playhead"] < END
    shown.map.pause()
    shown.wait_for("paused")
    with pytest.raises(InvalidInput) as told:
        shown.map.playhead = stamp(BEGIN - 1)
    assert told.value.field == "at"
    for wrong in (0, -1):
        with pytest.raises(InvalidInput, match="speed"):
            shown.map.play(speed=wrong)
    with pytest.raises(InvalidInput, match="no live"):
        shown.map.playhead = "live"


def test_who_may_only_watch_is_told_so_and_put_back(
    served: Served,
    group: Group,
    replay: Replay,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    link = group.invite("eve", roles="watch").link
    hers = Group(link.replace(link.partition("/locshare")[0], served.url.rstrip("/")))
    shown = Shown(hers.replays()[0], monkeypatch)
    told = len(shown.page.told)
    shown.tell("paused", BEGIN + 20_000, isMoved=True)
    (_, note) = shown.statuses.wait_for(lambda said: any(note for _, note in said))[-1]
    assert "manage" in note
    assert [one["moment"] for one in shown.page.told[told:]] == [BEGIN]
    with pytest.raises(AccessDenied):
        shown.map.pause()
    assert replay.info["playhead"] == BEGIN
    shown.map.close()
    hers.close()


def test_the_end_of_a_replay_is_said(shown: Shown, recording: Recording) -> None:
    assert shown.map._timeline.state == "paused"
    recording.delete()
    shown.statuses.wait_for(lambda said: bool(said) and said[-1][0] == "closed")


def test_a_map_draws_only_who_is_replayed(group: Group) -> None:
    made = group.record("three")
    group.publish(
        [
            {"member": name, "time": BEGIN + n * 1000, "lat": 37.5, "lon": n / 100}
            for n in range(10)
            for name in ("ann", "bo", "cy")
        ]
    )
    for name in ("bo", "cy"):
        group.note(f"of {name}", member=name, at=BEGIN + 500)
    replay = made.stop().replay(paused=True, members=["ann", "CY"])
    shown = GroupMap(follow_replay(replay.id, server=replay._api.server.url, token=replay._api.server.token))
    wait_for(lambda: shown.trail_layer.reach("time") == (BEGIN, BEGIN + 9000))
    assert shown._feed is not None
    assert shown._feed.log.names == ["ann", "cy"]
    assert len(shown._feed.log) == 20
    assert replay.recording.trails()["member"].nunique() == 3
    drawn = replay.drawn
    assert [event.text for event in drawn.events_after(None)[0]] == ["of cy"]
    assert set(drawn.trails()["member"]) == {"ann", "cy"}
    shown.close()
    replay.stop()


def test_a_silence_that_is_passed_over_is_told_to_the_pages(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = group.record("quiet")
    group.publish(
        [{"member": "ann", "time": BEGIN + at, "lat": 37.5, "lon": 1.0} for at in (0, 1000, 600_000, 660_000)]
    )
    replay = made.stop().replay(paused=True, max_gap=30)
    map_ = GroupMap(replay)
    page = Page(map_, monkeypatch)
    marks = Collected()
    replay.watch(marks.add)
    replay.steer(at=BEGIN + 1000, paused=False)
    # at speed 1 nothing but the jump brings it there
    wait_for(lambda: any(told["moment"] >= BEGIN + 570_000 for told in page.told))
    assert replay.playhead().moment < BEGIN + 600_000
    map_.close()
    replay.stop()
