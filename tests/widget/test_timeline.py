"""The kernel's side of a timeline, with the test as its page."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from locshare_ext.client.columns import table_from_fixes
from locshare_ext.client.origin import TableOrigin
from locshare_ext.client.recording import Recording
from locshare_ext.client.times import now_ms
from locshare_ext.errors import InvalidInput
from locshare_ext.model.fix import Fix
from locshare_ext.widget.group_map import GroupMap

START = 1_700_000_000_000


def recording(step: int = 1000) -> Recording:
    """Return a recording of sixty fixes, each 10 s late."""
    fixes = [
        Fix(member="ann", time=at, received=at + 10_000, lat=0.0, lon=0.0, cursor=f"aaaa-{k}", flags=())
        for k, at in enumerate(range(START, START + 60 * step, step), 1)
    ]
    return Recording(TableOrigin(table_from_fixes(fixes), group="", recording="walk"), {"state": "closed"})


class Page:
    """Takes what the kernel tells of the playhead, and speaks for the page."""

    def __init__(self, shown: GroupMap, monkeypatch: pytest.MonkeyPatch) -> None:
        self.layer = shown.trail_layer
        self.told: list[dict[str, Any]] = []
        monkeypatch.setattr(self.layer, "send", self._take)
        self._say(op="hello", have=[], epoch=None)

    def _take(self, content: dict[str, Any], buffers: Any = None) -> None:
        said = content["told"] if content["op"] == "state" else [content.get("said")]
        self.told += [one for one in said if one and one["op"] == "playhead"]

    def _say(self, **content: Any) -> None:
        self.layer._handle_custom_msg({"page": "p", **content}, [])

    def tell(self, state: str, moment: float, **more: Any) -> None:
        """Say what a page says when a change is over."""
        serial = self.told[-1]["serial"] if self.told else 0
        known = {"speed": 1.0, "loop": False, "range": None, "start": START, "end": START + 59_000}
        said = {**known, "now": now_ms(), "serial": serial, **more}
        self._say(op="playhead", state=state, moment=moment, **said)


@pytest.fixture
def walk() -> Recording:
    return recording()


@pytest.fixture
def shown(walk: Recording) -> Iterator[GroupMap]:
    made = GroupMap(walk)
    wait_for(lambda: made.playhead is not None)
    yield made
    made.close()


@pytest.fixture
def page(shown: GroupMap, monkeypatch: pytest.MonkeyPatch) -> Page:
    return Page(shown, monkeypatch)


def wait_for(check: Any) -> None:
    limit = time.monotonic() + 10
    while not check():
        assert time.monotonic() < limit
        time.sleep(0.005)  # the history is read by a thread without an event


def stamp(ms: int) -> pd.Timestamp:
    return pd.Timestamp(ms, unit="ms", tz="UTC")


def test_a_recording_is_at_its_first_fix_until_somebody_moves_it(shown: GroupMap) -> None:
    assert shown.playhead == stamp(START)
    shown.clock = "received"
    assert shown.playhead == stamp(START + 10_000)
    assert (shown.is_live, shown.is_playing, shown.selection) == (False, False, None)


def test_what_the_page_tells_is_what_a_cell_reads(shown: GroupMap, page: Page, walk: Recording) -> None:
    page.tell("paused", START + 20_500.75, range=[START + 1000.4, START + 2000.4])
    assert shown.playhead == stamp(START + 20_500)
    assert shown.selection == (stamp(START + 1000), stamp(START + 2001))
    seen = walk.at(shown.playhead, clock=shown.clock)
    assert seen["time"].tolist() == [stamp(START + 20_000)]
    seen = walk.at(shown.playhead, clock="received")
    assert seen["time"].tolist() == [stamp(START + 10_000)]


def test_a_playhead_that_plays_moves_on_by_itself(shown: GroupMap, page: Page) -> None:
    page.tell("playing", START, speed=10.0, now=now_ms() - 2000)  # it lay unread for two seconds
    assert shown.is_playing
    assert shown.playhead is not None
    assert 20_000 <= (shown.playhead - stamp(START)) / pd.Timedelta("1ms") < 40_000
    page.tell("playing", START, speed=600.0, now=now_ms() - 2000)
    assert shown.playhead == stamp(START + 59_000)
    assert not shown.is_playing  # it has come to the end


def test_code_moves_the_pages(shown: GroupMap, page: Page) -> None:
    shown.playhead = stamp(START + 5000)
    asked = page.told[-1]
    assert (asked["state"], asked["moment"], asked["isAsked"]) == ("paused", START + 5000, True)
    assert shown.playhead == stamp(START + 5000)
    shown.play(speed=30)
    assert (page.told[-1]["state"], page.told[-1]["speed"]) == ("playing", 30.0)
    assert page.told[-1]["serial"] > asked["serial"]
    shown.pause()
    shown.selection = "2023-11-14T22:13:21Z", stamp(START + 3000)
    assert page.told[-1]["range"] == (START + 1000, START + 3000)
    shown.selection = None
    assert page.told[-1]["range"] is None


def test_what_a_page_said_before_it_heard_is_passed_over(shown: GroupMap, page: Page) -> None:
    shown.playhead = stamp(START + 5000)
    page.tell("paused", START + 9000, serial=0)
    assert shown.playhead == stamp(START + 5000)
    page.tell("paused", START + 9000)
    assert shown.playhead == stamp(START + 9000)


def test_a_page_that_comes_later_is_told_where_it_was(shown: GroupMap, page: Page) -> None:
    page.tell("paused", START + 7000)
    count = len(page.told)
    page._say(op="hello", have=[], epoch=None)
    assert len(page.told) == count + 1
    assert (page.told[-1]["moment"], page.told[-1]["isAsked"]) == (START + 7000, False)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"playhead": "live"}, "playhead"),
        ({"playhead": "2026-11-22T10:32"}, "playhead"),
        ({"playhead": "yesterday"}, "playhead"),
        ({"selection": (START + 5, START + 5)}, "selection"),
        ({"clock": "known"}, "clock"),
    ],
)
def test_bad_input_is_refused(shown: GroupMap, page: Page, change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        setattr(shown, *next(iter(change.items())))
    assert refused.value.field == field
    assert shown.playhead == stamp(START)
    assert page.told == []


def test_a_speed_of_nought_is_refused(shown: GroupMap) -> None:
    with pytest.raises(InvalidInput):
        shown.play(0)


def test_playing_a_recording_moves_its_maps(shown: GroupMap, page: Page, walk: Recording) -> None:
    held = threading.Event()
    seen: list[int] = []

    @walk.on_fix
    def hold(fix: Fix) -> None:
        seen.append(fix.time)
        held.wait(10)

    player = walk.play(speed=10, wait=False)
    wait_for(lambda: page.told)
    first = page.told[0]
    assert (first["state"], first["moment"], first["speed"], first["isAsked"]) == (
        "playing",
        START,
        10.0,
        True,
    )
    assert shown.is_playing
    player.pause()
    assert page.told[-1]["state"] == "paused"
    player.stop()
    held.set()
    assert player.wait(10)


def test_playing_on_the_page_calls_on_fix_only_when_that_is_switched_on(
    shown: GroupMap, page: Page, walk: Recording
) -> None:
    seen: list[int] = []
    walk.on_fix(lambda fix: seen.append(fix.time))
    page.tell("playing", START + 50_100, speed=0.25)
    assert walk._player is None
    shown.drives_on_fix = True
    page.tell("paused", START + 50_500)
    page.tell("playing", START + 50_500, speed=100.0)
    assert walk._player is not None
    assert walk._player.wait(10)
    assert seen == list(range(START + 51_000, START + 60_000, 1000))
    page.tell("playing", START, speed=0.25)
    player = walk._player
    page.tell("paused", START + 10)
    assert player.wait(10)
    shown.drives_on_fix = False


def test_a_live_group_has_live_and_drives_nothing() -> None:
    from tests.widget.test_group_map import Source

    source = Source()
    made = GroupMap(source)
    try:
        assert made.is_live
        assert made.playhead is not None
        assert abs((made.playhead - pd.Timestamp.now("UTC")) / pd.Timedelta("1s")) < 60
        made.playhead = START
        assert made.playhead == stamp(START)
        assert not made.is_live
        made.playhead = "live"
        assert made.is_live
        with pytest.raises(InvalidInput) as refused:
            made.drives_on_fix = True
        assert refused.value.field == "drives_on_fix"
    finally:
        source.gate.set()
        made.close()


def test_what_ended_long_ago_is_live_at_its_end() -> None:
    from tests.widget.test_group_map import Source

    source = Source()
    made = GroupMap(source)
    try:
        source.gate.set()
        wait_for(lambda: len(made.trail_layer._log) == 10)
        assert made.playhead == stamp(9000)
    finally:
        made.close()


def test_the_reach_of_a_log_goes_by_either_clock() -> None:
    from locshare_ext.widget.trail_log import TrailLog

    log = TrailLog()
    assert log.reach("time") is None
    times, received = np.array([1000, 5000, 9000]), np.array([3000, 0, 4000])
    log.append(log.ids_of(["a", "b", "c"]), times, received, np.zeros(3), np.zeros(3), {})
    assert log.reach("time") == (1000, 5000)
    assert log.reach("received") == (3000, 5000)
