"""A group's numbers, live, played and followed: the same as of its frame."""

from __future__ import annotations

import gc
import random
from typing import Any

import numpy as np
import pandas as pd
import pytest

from locshare_ext import Fix, Group, Recording, analysis, open_recording
from locshare_ext.analysis import GroupNumbers
from locshare_ext.client.times import now_ms
from tests.client.conftest import Collected, attach
from tests.support.served import Served

pytestmark = pytest.mark.process

BEGIN = now_ms() - 3_600_000
OPTIONS: dict[str, Any] = {"max_gap": "1min", "near": 200.0}


def rows(count: int, first: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "member": ("ann", "bo", "cy")[n % 3],
            "time": BEGIN + n * 7000,
            "lat": 37.5 + (n // 9) / 1000,
            "lon": 127 + n % 3 / 1000,
        }
        for n in range(first, first + count)
    ]


def assert_as_of(numbers: GroupNumbers, trails: pd.DataFrame) -> None:
    """Compare them with what the frame functions say of trails."""
    table, wanted = numbers.members(), analysis.summary(trails)
    assert table["member"].tolist() == wanted["member"].tolist()
    assert table["fixes"].tolist() == wanted["fixes"].tolist()
    assert np.allclose(table["length"], wanted["length"])
    assert table["moving_time"].tolist() == wanted["moving_time"].tolist()
    assert table["stops"].sum() == len(analysis.stops(trails, max_gap="1min"))
    assert numbers.group()["cells"] == analysis.coverage(trails)["group_cells"].max()


@pytest.fixture(scope="module")
def walk(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    group = attach(served, "walk for numbers")
    late = rows(90)
    random.Random(5).shuffle(late)
    group.publish(late)
    recording = group.record("walk", since=BEGIN - 60_000).stop()
    group.close()
    return open_recording(recording.to_file(tmp_path_factory.mktemp("files") / "walk.gpkg"))


def counted(source: Any) -> Collected:
    """Return what collects the fixes that numbers, which were made before, have counted."""
    seen = Collected()

    def see(fixes: list[Fix]) -> None:
        for fix in fixes:
            seen.add(fix)

    source.on_fixes(see)
    return seen


def test_live_they_begin_with_the_past_and_go_on(group: Group) -> None:
    group.publish(rows(30))
    numbers = group.numbers(**OPTIONS)
    seen = counted(group)
    assert numbers.group()["fixes"] == 30
    group.publish(rows(30, 45))
    group.publish(rows(15, 30))  # late
    seen.wait_count(45)
    assert_as_of(numbers, group.trails())
    assert numbers.group()["alone"] == []


def test_live_they_may_begin_empty(group: Group) -> None:
    group.publish(rows(30))
    numbers = group.numbers(past=False)
    assert len(numbers.members()) == 0
    seen = counted(group)
    group.publish(rows(3, 30))
    seen.wait_count(3)
    assert numbers.group()["fixes"] == 3


@pytest.mark.parametrize("clock", ["time", "received"])
def test_played_they_are_those_of_the_recording(walk: Recording, clock: str) -> None:
    numbers = walk.numbers(**OPTIONS)
    assert_as_of(numbers, walk.trails())
    walk.play(float("inf"), clock=clock)  # begins anew: nothing counts twice
    assert_as_of(numbers, walk.trails())


def test_a_seek_counts_anew_and_knows_where_everyone_was(walk: Recording) -> None:
    numbers = walk.numbers(past=False)
    middle = BEGIN + 45 * 7000
    walk.play(float("inf"), start=middle)
    table = numbers.members()
    assert table["fixes"].sum() == 45
    assert table["member"].tolist() == ["ann", "bo", "cy"]


def test_a_followed_replay_gives_the_same(served: Served, group: Group) -> None:
    recording = group.record("walk")
    group.publish(rows(60))
    recording.stop()
    replay = recording.replay(speed=1000, paused=True)
    numbers = replay.numbers(**OPTIONS)
    seen = counted(replay)
    replay.ready()
    replay.resume()
    seen.wait_count(60)
    assert_as_of(numbers, recording.trails())


def test_who_drops_them_is_called_no_more(walk: Recording) -> None:
    gc.collect()
    walk.play(float("inf"))  # those of other tests go
    before = len(walk._callbacks())
    numbers = walk.numbers()
    assert len(walk._callbacks()) == before + 2
    del numbers
    gc.collect()
    walk.play(float("inf"))
    assert len(walk._callbacks()) == before


def test_empty_sources_have_no_numbers(group: Group) -> None:
    numbers = group.numbers()
    assert len(numbers.members()) == len(numbers.pairs()) == 0
    assert numbers.group()["members"] == 0
