"""Alerts in the kernel: the same ones in the same order, live, played, and on a server's replay."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from locshare_ext import Alert, Fix, Geofence, Group, Proximity, Silence, Speed, follow_replay
from locshare_ext.client.recording import Recording
from locshare_ext.client.times import now_ms
from locshare_ext.errors import AccessDenied, InvalidInput
from tests.client.conftest import LIMIT, Collected, attach
from tests.support.served import Served

BEGIN = now_ms() - 3_600_000
RULES = [
    Geofence.circle("camp", 46.2, 14.1, 400, margin=30),
    Geofence(name="north", area={"lat": 46.21, "lon": 14.1, "radius": 900}, on="inside"),
    Proximity(name="pair", near=250, far=300),
    Speed(name="fast", above=30, below=10),
    Silence(name="quiet", lasting=2),
]


def walk(count: int, seed: int = 3) -> list[dict[str, Any]]:
    """Return fixes of five members about a camp, out of order and with ties."""
    rng = random.Random(seed)
    rows = [
        {
            "member": f"m{n % 5}",
            "time": BEGIN + n // 2 * 500,
            "lat": 46.2 + rng.uniform(-0.006, 0.006),
            "lon": 14.1 + rng.uniform(-0.006, 0.006),
            "speed": rng.choice([None, 5.0, 40.0]),
        }
        for n in range(count)
    ]
    for _ in range(count // 3):  # some come late
        a, b = rng.randrange(count), rng.randrange(count)
        rows[a], rows[b] = rows[b], rows[a]
    return rows


def at(member: str, seconds: float, lat: float = 46.2) -> dict[str, Any]:
    return {"member": member, "time": BEGIN + round(seconds * 1000), "lat": lat, "lon": 14.1}


def told_by(source: Any) -> Collected:
    """Have the rules held, and collect fixes and alerts as they are told."""
    told = Collected()
    source.on_fix(told.add)
    source.on_alert(told.add)
    source.alert(RULES)
    return told


def test_alerts_are_the_same_live_and_replayed(served: Served) -> None:
    """Bit for bit and in one order with the fixes, with silences that no fix ended when they came."""
    live = attach(served, "alerts live and again")
    kept = live.record("kept")
    heard = told_by(live)
    rows = walk(240)
    for begin in range(0, 240, 60):
        live.publish(rows[begin : begin + 60])
    heard.wait_for(lambda items: len([one for one in items if isinstance(one, Fix)]) >= 240)
    silent = heard.wait_for(lambda items: sum(_is(one, "silent") for one in items) >= 5)
    live.publish([at("m0", 3000, 46.3)])  # heard again; what was told by time alone is before it
    live_told = heard.wait_for(lambda items: _is(items[-1], "heard"))
    kept.stop()
    kinds = {one.kind for one in live_told if isinstance(one, Alert)}
    assert kinds == {"enter", "exit", "inside", "near", "far", "fast", "slow", "silent", "heard"}
    assert len(live.alerts()) == sum(isinstance(one, Alert) for one in live_told)
    assert len(silent) < len(live_told)

    played = told_by(kept)
    kept.play(speed=float("inf"), clock="received")
    assert played.items == live_told
    kept.play(speed=float("inf"), clock="received")  # begins anew
    assert played.items == live_told * 2
    assert kept.alerts().equals(live.alerts())

    replay = kept.replay(speed=1000, clock="received", paused=True)
    replayed = told_by(replay)
    replay.resume()
    assert replayed.wait_count(len(live_told)) == live_told
    replay.stop()


def _is(one: Any, kind: str) -> bool:
    return isinstance(one, Alert) and one.kind == kind


@pytest.fixture
def recording(group: Group) -> Callable[[list[dict[str, Any]]], Recording]:
    def of(rows: list[dict[str, Any]]) -> Recording:
        recording = group.record("walk")
        group.publish(rows)
        return recording.stop()

    return of


def test_a_replay_says_silence_when_its_clock_is_there(recording: Any) -> None:
    """Not with the next fix: the member is silent for hours, and the playhead is held before that."""
    walked = recording([at("ann", 0), at("bob", 0.1), at("bob", 3600)])
    silent = Collected()
    walked.alert(Silence(name="quiet", lasting=1, members=["ann"]), silent.add)
    player = walked.play(speed=4, wait=False)
    (alert,) = silent.wait_count(1)
    assert (alert.member, alert.kind, alert.time) == ("ann", "silent", BEGIN + 1000)
    assert player.delivered == 2
    player.stop()
    assert player.wait(30)


def test_a_seek_begins_anew_where_everybody_was(recording: Any) -> None:
    """Who is in the camp before the moment has not entered it after; who leaves it has."""
    walked = recording([at("ann", 0), at("bob", 1, 46.4), at("bob", 2), at("ann", 3, 46.4)])
    told = Collected()
    walked.alert(Geofence.circle("camp", 46.2, 14.1, 400), told.add)
    walked.play(speed=float("inf"), start=walked.trails().time.iloc[1])
    assert [(one.member, one.kind) for one in told.items] == [("bob", "enter"), ("ann", "exit")]
    assert walked.alerts().text.tolist() == ["bob entered camp", "ann left camp"]


def test_where_everybody_is_already_sets_off_nothing(group: Group) -> None:
    group.publish([at("ann", 0), at("bob", 0, 46.4)])
    told = Collected()
    group.alert(Geofence.circle("camp", 46.2, 14.1, 400), told.add)
    group.alert(Silence(name="quiet", lasting=60), told.add)  # both have been silent for an hour
    group.publish([at("ann", 1)])
    group.publish([at("ann", 2, 46.4)])
    assert [(one.rule, one.kind) for one in told.wait_count(1)] == [("camp", "exit")]


def test_rules_are_replaced_by_name_listed_and_removed(recording: Any) -> None:
    walked = recording([at("ann", 0), at("bob", 1)])
    first, again = Collected(), Collected()
    walked.alert(Geofence.circle("camp", 46.2, 14.1, 400), first.add)
    walked.alert(Geofence.circle("camp", 46.2, 14.1, 500), again.add)
    walked.alert([Silence(name="quiet", lasting="5min")])
    assert [rule.name for rule in walked.rules()] == ["camp", "quiet"]
    walked.play(speed=float("inf"))
    assert (len(first.items), len(again.items)) == (0, 2)
    walked.off_alert("camp")
    walked.off_alert(walked.rules()[0])
    walked.play(speed=float("inf"))
    assert (walked.rules(), len(again.items), len(walked.alerts())) == ([], 2, 0)
    with pytest.raises(InvalidInput, match="'camp' is no rule's; there are none"):
        walked.off_alert("camp")
    for wrong in ("camp", 7, [Silence(name="a", lasting=5)] * 2):
        with pytest.raises(InvalidInput):
            walked.alert(wrong)


def test_an_exception_is_shown_once_and_the_others_are_told(
    recording: Callable[[list[dict[str, Any]]], Recording], capsys: pytest.CaptureFixture[str]
) -> None:
    walked = recording([at("ann", 0), at("bob", 1)])
    told = Collected()

    @walked.on_alert
    def breaks(alert: Alert) -> None:
        raise ValueError(alert.kind)

    walked.on_alert(told.add)
    walked.alert(Geofence.circle("camp", 46.2, 14.1, 400))
    walked.play(speed=float("inf"))
    assert len(told.items) == 2
    assert list(walked.failures.values()) == [2, 0]
    assert capsys.readouterr().err.count("on_alert callback") == 1
    with pytest.raises(ValueError, match="enter"):
        walked.play(speed=float("inf"), on_error="stop")


def test_followers_of_one_replay_hold_rules_of_their_own(served: Served, recording: Any) -> None:
    """One who comes in the middle begins where everybody is."""
    walked = recording([at("ann", 0), at("bob", 1), at("ann", 2, 46.4), at("bob", 3, 46.4)])
    replay = walked.replay(paused=True)
    told = Collected()
    replay.alert(Geofence.circle("camp", 46.2, 14.1, 400), told.add)
    replay.step(2)
    assert [one.kind for one in told.wait_count(2)] == ["enter", "enter"]
    other = follow_replay(replay.id, server=served.url, token=served.token)
    other._key = (*other._key, "of another kernel")
    late = Collected()
    other.alert(Geofence.circle("camp", 46.2, 14.1, 400), late.add)
    replay.step(2)
    assert [one.kind for one in told.wait_count(4)[2:]] == ["exit", "exit"]
    assert [(one.member, one.kind) for one in late.wait_count(2)] == [("ann", "exit"), ("bob", "exit")]
    replay.seek(replay.info["begin"])
    replay.step(1)
    assert [one.kind for one in late.wait_count(3)[2:]] == ["enter"]
    assert other.alerts().text.tolist() == ["ann entered camp"]
    replay.stop()


def test_the_server_keeps_rules_and_puts_alerts_onto_the_log(served: Served, group: Group) -> None:
    """They come as events, and are in recordings."""
    camp = Geofence.circle("camp", 46.2, 14.1, 400)
    group.alert([camp, Silence(name="quiet", lasting=3600)], where="server")
    group.alert(camp, where="server")
    assert group.rules(where="server") == [camp, Silence(name="quiet", lasting=3600)]
    assert group.rules() == []
    recording = group.record("walk")
    group.publish([at("ann", 0), at("bob", 1, 46.4)])
    group.publish([at("ann", 2, 46.4)])
    told = _events(group, 2)
    assert told.text.tolist() == ["ann entered camp", "ann left camp"]
    assert told.member.tolist() == ["ann", "ann"]
    assert '"rule":"camp"' in told.data.iloc[0]
    recording.stop()
    assert recording.events().query("kind == 'alert'").text.tolist() == told.text.tolist()
    group.off_alert("camp", where="server")
    assert [rule.name for rule in group.rules(where="server")] == ["quiet"]
    with pytest.raises(InvalidInput, match="'camp' is no rule's on the server; there are 'quiet'"):
        group.off_alert("camp", where="server")
    with pytest.raises(InvalidInput, match="call is for"):
        group.alert(camp, print, where="server")
    with pytest.raises(InvalidInput, match="where 'cloud'"):
        group.alert(camp, where="cloud")  # type: ignore[arg-type]
    link = group.invite("cy", roles="watch").link
    hers = Group(link.replace(link.partition("/locshare")[0], served.url.rstrip("/")))
    with pytest.raises(AccessDenied):
        hers.alert(camp, where="server")


def _events(group: Group, count: int) -> Any:
    """Return the alerts on a group's log once there are so many."""
    end, pause = time.monotonic() + LIMIT, threading.Event()
    while len(alerts := group.events().query("kind == 'alert'")) < count:
        assert time.monotonic() < end, alerts
        pause.wait(0.02)
    return alerts
