"""Replays over both stores, followed as a session follows them."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace
from typing import Any

import pytest

from locshare_ext.broker.access import Principal
from locshare_ext.errors import Conflict, InvalidInput, NotFound
from locshare_ext.services import windows
from locshare_ext.services.recordings import Recordings
from locshare_ext.services.replay import Steering, Wish
from locshare_ext.services.replays import ReplayOptions, Replays
from tests.broker.helpers import ReaderOf
from tests.services.conftest import NOW

HOST = Principal("host", "host")
LOG = logging.getLogger("tests.replays")
QUICK = Wish(speed=1000.0)


@pytest.fixture
def recordings(store, groups, clock):
    return Recordings(store, groups, clock=clock)


@pytest.fixture
async def replays(store, groups, clock):
    made = Replays(store, groups, clock=clock, log=LOG, options=ReplayOptions(most=2))
    yield made
    await made.close()


@pytest.fixture
async def walk(groups, recordings, clock):
    """A recording of 40 fixes, each 100 ms apart, some of them late."""
    group = await groups.open("hikers")
    info = await recordings.start(group, "walk")
    for number in range(40):
        clock.now = NOW + number * 100
        late = 950 if number % 7 == 3 else 20
        body = {"time": clock.now - late, "lat": 1, "lon": number, "member": ("ann", "bo")[number % 2]}
        await groups.publish(HOST, "hikers", json.dumps(body).encode())
    return await recordings.stop(info)


def fixes_of(reader: ReaderOf) -> list[bytes]:
    return [entry.body for entry in reader.got if entry.is_fix and entry.mark is None]


def states_of(reader: ReaderOf) -> list[str]:
    return [entry.mark.state for entry in reader.got if entry.mark is not None]


async def until(reader: ReaderOf, state: str, count: int = 1) -> None:
    """Wait until a state was told so often."""
    async with asyncio.timeout(20):
        while states_of(reader).count(state) < count:
            await reader.woken()


async def bodies(groups: Any, clock: str) -> list[bytes]:
    group = await groups.find("hikers")
    entries = await group.log.read(0, 1000)
    return [one.body for one in sorted(entries, key=lambda one: (getattr(one.item, clock), one.offset))]


@pytest.mark.parametrize("by", ["time", "received"])
async def test_each_fix_once_in_the_order_of_the_clock_bodies_unchanged(
    groups, replays, walk, by, monkeypatch
):
    monkeypatch.setattr(windows, "WANTED", 4)  # many windows
    replay = await replays.create(walk, replace(QUICK, clock=by))
    reader = ReaderOf(replay.log)
    await until(reader, "ended")
    assert fixes_of(reader) == await bodies(groups, by)
    assert replay.delivered == 40
    assert json.loads(reader.got[0].body)["type"] == "discontinuity"
    assert states_of(reader)[0] == "discontinuity"
    assert "restored" not in states_of(reader)


async def test_a_start_in_the_middle_tells_where_everyone_was(groups, replays, walk):
    at = NOW + 2000
    replay = await replays.create(walk, replace(QUICK, at=at, clock="received", is_paused=True))
    reader = ReaderOf(replay.log)
    await until(reader, "paused")
    restored = [entry for entry in reader.got if entry.mark and entry.mark.state == "restored"]
    assert {entry.item.member for entry in restored} == {"ann", "bo"}
    for entry in restored:
        assert entry.mark.age((entry.item.time, entry.item.received)) == at - entry.item.received > 0
    assert fixes_of(reader) == []
    replay.steer(Steering(is_paused=False))
    await until(reader, "ended")
    assert fixes_of(reader) == (await bodies(groups, "received"))[20:]


async def test_seeks_both_ways_steps_and_loops(groups, replays, walk):
    replay = await replays.create(walk, Wish(clock="received", is_paused=True))
    reader = ReaderOf(replay.log)
    everything = await bodies(groups, "received")
    await until(reader, "paused")
    replay.steer(Steering(step=3))
    await reader.has(len(reader.got) + 3)
    assert fixes_of(reader) == everything[:3]
    assert replay.as_json()["playhead"] == NOW + 200
    replay.steer(Steering(at=NOW + 3500))
    await until(reader, "discontinuity", 2)
    replay.steer(Steering(at=NOW, speed=1000.0, is_looping=True, is_paused=False))
    await until(reader, "discontinuity", 5)
    replay.steer(Steering(is_looping=False))
    await until(reader, "ended")
    said = [json.loads(entry.body) for entry in reader.got if entry.mark and not entry.is_fix]
    reasons = [one["reason"] for one in said if one["type"] == "discontinuity"]
    assert reasons[:5] == ["start", "seek", "seek", "loop", "loop"]
    passes: list[list[bytes]] = []
    for entry in reader.got:
        if entry.mark is not None and entry.mark.state == "discontinuity":
            passes.append([])
        elif entry.is_fix and entry.mark is None:
            passes[-1].append(entry.body)
    assert passes[1] == []
    assert all(one == everything for one in passes[2:])


async def test_steps_that_are_asked_for_at_once_are_all_given(groups, replays, walk):
    """Also before anything is read: each goes on from where the one before has led to."""
    replay = await replays.create(walk, Wish(clock="received", is_paused=True))
    reader = ReaderOf(replay.log)
    everything = await bodies(groups, "received")
    first = (await (await groups.find("hikers")).log.read(0, 1))[0].item.member
    for steering in (Steering(step=1), Steering(step=1, member=first), Steering(step=2)):
        replay.steer(steering)
    expected = 1 + 1 + [json.loads(body)["member"] for body in everything[1:]].index(first) + 2
    await until(reader, "paused")
    while len(fixes_of(reader)) < expected:
        await reader.woken()
    assert fixes_of(reader) == everything[:expected]
    replay.steer(Steering(step=1))
    await reader.has(len(reader.got) + 1)
    assert fixes_of(reader) == everything[: expected + 1]


async def test_bad_wishes_change_nothing(replays, walk):
    replay = await replays.create(walk, replace(QUICK, is_paused=True))
    before = {**replay.as_json(), "now": 0}
    for steering, field in (
        (Steering(at=0, speed=2.0), "at"),
        (Steering(speed=0.0, is_looping=True), "speed"),
    ):
        with pytest.raises(InvalidInput) as raised:
            replay.steer(steering)
        assert raised.value.field == field
        assert {**replay.as_json(), "now": 0} == before
    with pytest.raises(InvalidInput, match="outside"):
        await replays.create(walk, Wish(speed=1001.0))
    with pytest.raises(InvalidInput, match="outside the recording"):
        await replays.create(walk, Wish(at=5))
    await replays.create(walk, replace(QUICK, is_paused=True))
    with pytest.raises(Conflict, match="2 replays"):
        await replays.create(walk, QUICK)


async def test_nothing_to_replay(replays, recordings, groups, walk, clock):
    clock.now += 10
    empty = await recordings.start(await groups.find("hikers"), "empty")
    with pytest.raises(Conflict, match="no fixes"):
        await replays.create(empty, QUICK)
    assert replays.all() == []


async def test_a_group_deleted_under_it_ends_it(groups, replays, walk):
    replay = await replays.create(walk, replace(QUICK, is_paused=True))
    reader = ReaderOf(replay.log)
    await groups.delete(await groups.find("hikers"))
    await asyncio.sleep(0)
    assert replays.all() == []
    # whoever finds out first: what reads ahead misses the recording
    assert reader.closed in ("the group was deleted", "the recording was deleted")
    with pytest.raises(NotFound, match="may have ended"):
        replays.get(replay.id)


async def test_a_recording_deleted_under_it_ends_it(replays, recordings, walk):
    replay = await replays.create(walk, replace(QUICK, is_paused=True))
    reader = ReaderOf(replay.log)
    await recordings.delete(walk)
    replays.recording_deleted(walk.id)
    await asyncio.sleep(0)
    assert reader.closed == "the recording was deleted"


async def test_who_is_forgotten_is_not_replayed(groups, replays, walk):
    replay = await replays.create(walk, replace(QUICK, is_paused=True, at=NOW + 1000, clock="received"))
    reader = ReaderOf(replay.log)
    await until(reader, "paused")
    await replays.forgetting(await groups.find("hikers"), "ANN")
    replay.steer(Steering(is_paused=False))
    await until(reader, "ended")
    assert len(fixes_of(reader)) == 15
    assert all(b'"bo"' in body for body in fixes_of(reader))
    assert [entry.item.member for entry in await replay.log.newest()] == ["bo"]


async def test_nobody_watches_it(store, groups, clock, walk):
    made = Replays(store, groups, clock=clock, log=LOG, options=ReplayOptions(idle=0.04))
    watched = await made.create(walk, replace(QUICK, is_paused=True))
    reader = ReaderOf(watched.log)
    await made.create(walk, replace(QUICK, is_paused=True))
    async with asyncio.timeout(10):
        while len(made.all()) > 1:
            await asyncio.sleep(0.01)
    assert made.all() == [watched]
    watched.log.detach(reader)
    async with asyncio.timeout(10):
        while made.all():
            await asyncio.sleep(0.01)
    await made.close()


@pytest.mark.parametrize("is_recorded", [False, True])
async def test_into_a_live_group(groups, replays, walk, clock, is_recorded):
    clock.now = NOW + 1_000_000
    group = await groups.open("others")
    reader = ReaderOf(group.log)
    await replays.create(walk, replace(QUICK, clock="received"), into=group, is_recorded=is_recorded)
    found = reader.got if is_recorded else reader.offered
    async with asyncio.timeout(20):
        while len(found) < 40:
            await reader.woken() if is_recorded else await asyncio.sleep(0.001)
    originals = [json.loads(body) for body in await bodies(groups, "received")]
    for entry, original in zip(found, originals, strict=True):
        assert entry.item.source == "replay"
        assert entry.item.extra["original_time"] == original["time"]
        assert clock.now - 50 <= entry.item.time <= clock.now
        assert ("volatile" in entry.item.flags) is not is_recorded
    assert group.log.head == (40 if is_recorded else 0)
