from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import ipyleaflet
import ipywidgets.widgets.widget as registry
import numpy as np
import pytest

from locshare_ext.client.source import FixBatch, SourceStatus
from locshare_ext.errors import InvalidInput, ServerUnreachable
from locshare_ext.widget.ground import Ground
from locshare_ext.widget.group_map import GroupMap

RESTARTED = FixBatch.empty(restarted=True)


def batch(first: int, count: int, names: list[str]) -> FixBatch:
    seq = np.arange(first, first + count)
    nan = np.full(count, np.nan)
    members = (seq % len(names)).astype(np.int32)
    zero, nans = np.zeros(count), [nan] * 5
    return FixBatch(names, members, seq, seq * 1000, seq * 1000 + 5, zero, zero, *nans)


class Source:
    """A group whose feed the test speaks for; its history waits until it is let through."""

    def __init__(self, *, is_live: bool = True) -> None:
        self.title = "hikers"
        self.is_live = is_live
        self.status = SourceStatus("live", 0, "")
        self.ages: dict[str, float | str | None] = {}
        self.gate = threading.Event()
        self.listening = threading.Event()
        self.history_of = batch(0, 10, ["ann", "ben"])
        self.listeners: list[Callable[[FixBatch], None]] = []

    def settings(self) -> dict[str, float | str | None]:
        return self.ages

    def history(self) -> FixBatch:
        assert self.gate.wait(10)
        return self.history_of

    def listen(
        self, on_fixes: Callable[[FixBatch], None], on_status: Callable[[SourceStatus], None]
    ) -> Callable[[], None]:
        self.listeners.append(on_fixes)
        self.say = on_status
        self.listening.set()
        return lambda: self.listeners.remove(on_fixes)


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def others() -> set[str]:
    """Ids of the widgets that are there before a map is."""
    return set(registry._instances)


@pytest.fixture
def shown(source: Source) -> Iterator[GroupMap]:
    made = GroupMap(source)
    yield made
    source.gate.set()
    made.close()


def wait_for(check: Callable[[], bool]) -> None:
    limit = time.monotonic() + 10
    while not check():
        assert time.monotonic() < limit
        time.sleep(0.005)  # a thread of the map's own, without an event of its own


def test_history_joins_what_comes_meanwhile(source: Source, shown: GroupMap) -> None:
    assert source.listening.wait(10)
    source.listeners[0](batch(8, 4, ["ann", "ben", "cleo"]))  # 8 and 9 are in the history too
    source.gate.set()
    log = shown.trail_layer._log
    wait_for(lambda: len(log) == 12)
    source.listeners[0](batch(12, 2, ["ann", "ben", "cleo"]))
    wait_for(lambda: len(log) == 14)
    assert log.rows(0, 14)["time"].tolist() == [k * 1000 for k in range(14)]
    assert log.names == ["ann", "ben", "cleo"]


def test_volatile_fixes_are_shown_too(source: Source, shown: GroupMap) -> None:
    assert source.listening.wait(10)
    volatile = batch(3, 1, ["ann", "ben"])
    volatile.seq.flags.writeable = True
    volatile.seq[:] = -1
    source.listeners[0](volatile)
    source.gate.set()
    wait_for(lambda: len(shown.trail_layer._log) == 11)


def test_a_second_map_shares_the_data(source: Source, shown: GroupMap) -> None:
    source.gate.set()
    second = GroupMap(source)
    wait_for(lambda: len(second.trail_layer._log) == 10)
    assert second.trail_layer._log is shown.trail_layer._log
    assert len(source.listeners) == 1
    second.close()
    assert len(source.listeners) == 1  # the first goes on


def test_closing_the_last_map_ends_the_feed_and_every_widget(source: Source) -> None:
    before = set(registry._instances)
    made = GroupMap(source)
    source.gate.set()
    assert source.listening.wait(10)
    wait_for(lambda: len(made.trail_layer._log) == 10)
    made.close()
    assert source.listeners == []
    assert set(registry._instances) == before


def test_a_recording_is_not_listened_to() -> None:
    source = Source(is_live=False)
    source.gate.set()
    made = GroupMap(source)
    wait_for(lambda: len(made.trail_layer._log) == 10)
    assert made.trail_layer.mode == "recording"
    assert source.listeners == []
    made.close()


def test_a_history_that_fails_is_said(source: Source, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> FixBatch:
        raise OSError("disk on fire")

    source.history = fail  # type: ignore[method-assign]
    made = GroupMap(source)
    wait_for(lambda: (made.trail_layer._status or {}).get("state") == "offline")
    assert "disk on fire" in (made.trail_layer._status or {})["text"]
    made.close()


def test_status_goes_to_the_layer(source: Source, shown: GroupMap) -> None:
    assert source.listening.wait(10)
    source.say(SourceStatus("unknown_group", 5, "There is no group hikrs.", ["hikers"]))
    assert shown.trail_layer._status == {
        "state": "unknown_group",
        "since": 5,
        "text": "There is no group hikrs.",
        "near": ["hikers"],
        "note": "",
        "unrecorded": None,
        "transport": None,
        "code": "",
        "values": {},
    }
    source.say(SourceStatus("live", 6, "Live", transport="sse", note="Live over SSE."))
    assert (shown.trail_layer._status or {})["note"] == "Live over SSE."


def test_ages_and_gap_are_the_groups(source: Source) -> None:
    source.ages = {"title": "hikers", "stale": 2, "lost": 20, "gap": 4.5}
    source.gate.set()
    made, own = GroupMap(source), GroupMap(source, layer={"stale_after": 30})
    for one, stale in ((made, 2.0), (own, 30.0)):
        wait_for(lambda one=one: one.trail_layer.gap_after == 4.5)
        assert (one.trail_layer.stale_after, one.trail_layer.lost_after) == (stale, 20.0)
    third = GroupMap(source)
    assert third.trail_layer.gap_after == 4.5
    for one in (made, own, third):
        one.close()


def test_a_group_that_begins_later_tells_its_ages_then(source: Source, shown: GroupMap) -> None:
    source.status = SourceStatus("unknown_group", 0, "Nobody has shared in 'hikers' yet.")
    source.gate.set()
    assert source.listening.wait(10)
    wait_for(lambda: len(shown.trail_layer._log) == 10)
    assert shown.trail_layer.gap_after == 120.0
    source.say(source.status)
    source.ages = {"stale": 60, "lost": None, "gap": 4}
    source.say(SourceStatus("live", 1, ""))
    wait_for(lambda: shown.trail_layer.gap_after == 4.0)
    assert shown.trail_layer.lost_after == 600.0


def test_settings_that_cannot_be_asked_leave_the_defaults(source: Source) -> None:
    def fail() -> dict[str, float | str | None]:
        raise ServerUnreachable("the server does not answer")

    source.settings = fail  # type: ignore[method-assign]
    source.gate.set()
    made = GroupMap(source)
    wait_for(lambda: len(made.trail_layer._log) == 10)
    assert (made.trail_layer.stale_after, made.trail_layer.gap_after) == (60.0, 120.0)
    made.close()


def test_a_log_that_begins_anew_is_drawn_anew(source: Source, shown: GroupMap) -> None:
    source.gate.set()
    log = shown.trail_layer._log
    wait_for(lambda: len(log) == 10)
    epoch = log.epoch
    source.listeners[0](RESTARTED)
    source.listeners[0](batch(0, 3, ["zoe"]))
    assert (len(log), log.names) == (3, ["zoe"])
    assert log.epoch != epoch


def test_a_history_of_an_earlier_life_is_read_again(source: Source, shown: GroupMap) -> None:
    assert source.listening.wait(10)
    source.listeners[0](batch(0, 4, ["ann"]))
    source.listeners[0](RESTARTED)
    source.listeners[0](batch(0, 2, ["zoe"]))
    source.history_of = batch(0, 2, ["zoe"])
    source.gate.set()
    log = shown.trail_layer._log
    wait_for(lambda: len(log) > 0)
    assert (len(log), log.names) == (2, ["zoe"])


def test_a_missing_server_is_said_and_not_raised(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    for name in ("LOCSHARE_URL", "LOCSHARE_TOKEN", "LOCSHARE_RUNTIME", "JPY_SESSION_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    made = GroupMap("hikers")
    assert made.group is None
    assert (made.trail_layer._status or {})["state"] == "no_server"
    made.close()


def test_what_is_no_group_is_refused() -> None:
    with pytest.raises(InvalidInput, match="got int"):
        GroupMap(5)  # type: ignore[arg-type]


def test_no_position_is_in_the_state(source: Source, others: set[str], shown: GroupMap) -> None:
    source.gate.set()
    wait_for(lambda: len(shown.trail_layer._log) == 10)
    ours = [widget for name, widget in registry._instances.items() if name not in others]
    assert shown.trail_layer in ours
    assert [type(one) for one in ours if "ann" in repr(one.get_state())] == []


def test_the_basemap_may_be_anything(source: Source) -> None:
    source.gate.set()
    wms = ipyleaflet.WMSLayer(url="https://example.org/wms")
    for basemap, kind in (
        (None, Ground),
        (ipyleaflet.basemaps.Esri.WorldImagery, Ground),
        (wms, ipyleaflet.WMSLayer),
    ):
        made = GroupMap(source, basemap=basemap)
        assert type(made.layers[0]) is kind
        made.close()


@pytest.mark.parametrize("basemap", [5, "OpenStreetMap", {"name": "no url"}])
def test_what_is_no_basemap_is_refused(source: Source, basemap: object) -> None:
    source.gate.set()
    with pytest.raises(InvalidInput, match="expected an xyzservices provider") as refused:
        GroupMap(source, basemap=basemap)
    assert refused.value.field == "basemap"
    assert source.listeners == []  # nothing is left of it


def test_a_given_place_is_kept(source: Source) -> None:
    source.gate.set()
    made = GroupMap(source, center=(53.4, -2.9), zoom=11, height="300px")
    assert (made.zoom, made.trail_layer.fit, made.layout.height) == (11, False, "300px")
    made.close()
