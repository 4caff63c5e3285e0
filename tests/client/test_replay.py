"""Replays on a server, steered and followed from notebooks; the same code live and replayed."""

from __future__ import annotations

import random
import threading
import time
from datetime import timedelta
from typing import Any

import pytest

from locshare_ext import Fix, Group, follow_replay
from locshare_ext.client import registry
from locshare_ext.client.recording import Recording
from locshare_ext.client.replay import Replay
from locshare_ext.client.steering import Discontinuity
from locshare_ext.client.times import now_ms
from locshare_ext.errors import AccessDenied, InvalidInput, NotFound
from locshare_ext.model.clock import datetime_from_ms
from tests.client.conftest import LIMIT, Collected, attach
from tests.support.served import Served

BEGIN = now_ms() - 3_600_000
COUNT = 30


def published(group: Group, count: int = COUNT) -> None:
    group.publish(
        [
            {"member": ("ann", "bo", "cy")[n % 3], "time": BEGIN + n * 1000, "lat": 37.5, "lon": n / 10}
            for n in range(count)
        ]
    )


@pytest.fixture
def recording(group: Group) -> Recording:
    recording = group.record("walk")
    published(group)
    return recording.stop()


def seen_by(source: Any) -> tuple[Collected, Collected]:
    """Register a detector: what it saw, with its clock, and how often it began anew."""
    fixes, begun = Collected(), Collected()

    def see(fix: Fix) -> None:
        fixes.add((fix, source.clock))

    source.on_fix(see)
    source.on_discontinuity(begun.add)
    return fixes, begun


def ended(replay: Replay) -> None:
    """Wait until all was given out, and came here."""
    done = threading.Event()
    stop = replay.watch(lambda head: done.set() if replay.info["state"] == "ended" else None)
    if replay.info["state"] != "ended":
        assert done.wait(LIMIT)
    stop()


def test_two_follow_one_replay_and_its_clock(served: Served, recording: Recording) -> None:
    replay = recording.replay(speed=1000, paused=True)
    other = follow_replay(replay.topic, server=served.url, token=served.token)
    assert (replay.clock, replay.loop, replay.speed) == (datetime_from_ms(BEGIN), False, 1000)
    fixes, begun = seen_by(replay)
    assert other.ready().state == "live"
    replay.resume()
    took = fixes.wait_count(COUNT)
    assert [fix.cursor for fix, _ in took] == [fix.cursor for fix in recording.fixes()]
    assert [clock for _, clock in took] == [fix.datetime for fix, _ in took]
    assert begun.items == []  # it had begun before
    batch = replay.history()
    assert (len(batch), (batch.seq[1:] > batch.seq[:-1]).all()) == (COUNT, True)
    ended(replay)
    assert replay.clock == other.clock == datetime_from_ms(BEGIN + (COUNT - 1) * 1000)
    replay.stop()
    replay.stop()


def test_playheads_of_two_kernels_agree(served: Served, recording: Recording) -> None:
    """Two feeds of their own, as of two kernels: at the same moment they say the same moment."""
    replay = recording.replay(speed=1.0)
    other = follow_replay(replay.id, server=served.url, token=served.token)
    other._key = (*other._key, "of another kernel")
    told = [Collected(), Collected()]
    for one, collected in zip((replay, other), told, strict=True):
        one.watch(collected.add)
        collected.wait_count(2)
    now = time.monotonic()
    heads = [one.playhead() for one in (replay, other)]
    assert [head.state for head in heads] == ["playing"] * 2
    assert heads[0].moment_at(now) == pytest.approx(heads[1].moment_at(now), abs=100)
    registry.close(other._key)
    replay.stop()


def test_a_seek_by_one_begins_anew_for_all(served: Served, recording: Recording) -> None:
    replay = recording.replay(speed=1000, paused=True)
    other = follow_replay(f"replay.{replay.id}", server=served.url, token=served.token)
    fixes, begun = seen_by(other)
    restarted = Collected()
    stop = other.listen(restarted.add, lambda status: None)
    replay.seek(datetime_from_ms(BEGIN) + timedelta(seconds=20))
    (where,) = begun.wait_count(1)
    assert isinstance(where, Discontinuity)
    assert (where.reason, where.clock) == ("seek", datetime_from_ms(BEGIN + 20_000))
    assert [fix.lon for fix in where.known] == [1.7, 1.8, 1.9]
    assert other.clock == where.clock
    replay.step()
    replay.step(member="cy")
    assert [fix.lon for fix, _ in fixes.wait_count(4)] == [2.0, 2.1, 2.2, 2.3]
    batches = restarted.wait_for(lambda items: sum(map(len, items)) >= 7)
    since = max(number for number, batch in enumerate(batches) if batch.restarted)
    assert [len(batch) for batch in batches[: since + 1]] == [0] * (since + 1)
    assert other.playhead().state == "paused"
    stop()
    replay.stop()


@pytest.mark.parametrize("transport", ["stomp", "sse"])
def test_a_live_and_a_replayed_run_are_the_same(served: Served, recording: Recording, transport: str) -> None:
    """The same detector, live in a group and on a replay of what it saw: bit for bit the same calls."""
    name = f"live again {transport}"
    live = attach(served, name, transport=transport)
    kept = live.record("kept")
    heard = seen_by(live)[0]
    shuffled = random.Random(7).sample(range(300), 300)  # out of order, and with ties
    for begin in range(0, 300, 60):
        rows = [
            {"member": f"m{n % 7}", "time": BEGIN + n // 2 * 100, "lat": 37 + n / 1000, "lon": n / 7}
            for n in shuffled[begin : begin + 60]
        ]
        live.publish(rows)
    calls = heard.wait_count(300)
    kept.stop()

    again: list[tuple[Fix, Any]] = []
    kept.on_fix(lambda fix: again.append((fix, kept.clock)))
    kept.play(speed=float("inf"), clock="received")
    assert again == calls

    replay = kept.replay(speed=1000, clock="received", paused=True)
    registry.keep_to(replay._key, transport)
    replayed = seen_by(replay)[0]
    assert replay.transport == transport
    replay.resume()
    assert replayed.wait_count(300) == calls
    replay.stop()


def test_what_ends_a_replay_is_said(served: Served, group: Group, recording: Recording) -> None:
    replay = recording.replay(paused=True)
    assert [one.id for one in group.replays()] == [replay.id]
    status = Collected()
    replay.listen(lambda batch: None, status.add)
    assert replay.ready().state == "live"
    recording.delete()
    last = status.wait_for(lambda items: bool(items) and items[-1].state == "closed")[-1]
    assert last.text == "The replay has ended: the recording was deleted."
    with pytest.raises(NotFound, match="it may have ended"):
        replay.pause()
    with pytest.raises(NotFound):
        follow_replay(replay.id, server=served.url, token=served.token)
    assert group.replays() == []


def test_code_that_raises_does_not_end_what_is_followed(
    recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    replay = recording.replay(speed=1000, paused=True)

    def broken(fix: Fix) -> None:
        raise KeyError(fix.member)

    replay.on_fix(broken)
    fixes, _ = seen_by(replay)
    assert replay.ready().state == "live"
    replay.resume()
    fixes.wait_count(COUNT)
    assert sorted(replay.failures.values()) == [0, 0, COUNT]
    assert capsys.readouterr().err.count("on_fix callback") == 1
    replay.stop()


def test_what_cannot_be_is_refused_with_its_field(recording: Recording) -> None:
    replay = recording.replay(paused=True)
    for wrong, field in (
        (lambda: replay.seek(BEGIN - 1), "at"),
        (lambda: setattr(replay, "speed", 0), "speed"),
        (lambda: setattr(replay, "speed", 1001), "speed"),
        (lambda: setattr(replay, "speed", float("inf")), "speed"),
        (lambda: recording.replay(speed=-1), "speed"),
        (lambda: recording.replay(speed=float("inf")), "speed"),
        (lambda: Group(f"replay.{replay.id}", server="http://127.0.0.1:9"), "group"),
        (lambda: Group(replay.topic), "group"),
        (lambda: recording.replay(start=BEGIN + 10**9), "at"),
        (lambda: recording.replay(max_gap=-1), "max_gap"),
        (lambda: replay.step(0), "step"),
        (lambda: replay.step(2, member="ann"), "count"),
    ):
        with pytest.raises(InvalidInput) as told:
            wrong()
        assert told.value.field == field
    with pytest.raises(InvalidInput, match=r"rec\.play\(\), which goes on as fast as callbacks take it"):
        recording.replay(speed=float("inf"))
    with pytest.raises(InvalidInput, match=rf"follow_replay\('{replay.id}'\) follows it"):
        Group(f"replay.{replay.id}")
    assert replay.info["state"] == "paused"
    replay.stop()


def test_watching_it_does_not_allow_to_steer_it(served: Served, group: Group, recording: Recording) -> None:
    replay = recording.replay(paused=True)
    invite = group.invite("ann", roles="watch")
    hers = Group(invite.link.replace(invite.link.partition("/locshare")[0], served.url.rstrip("/")))
    (watched,) = hers.replays()
    fixes, _ = seen_by(watched)
    with pytest.raises(AccessDenied):
        watched.resume()
    replay.speed = 1000
    replay.resume()
    assert len(fixes.wait_count(COUNT)) == COUNT
    replay.stop()
    hers.close()
