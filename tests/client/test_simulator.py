from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from itertools import islice, pairwise
from statistics import median
from typing import Any

import msgspec
import pytest

from locshare_ext.client.simulator import SEOUL, TimedFix, names_of, simulate
from locshare_ext.client.streets import Streets
from locshare_ext.errors import InvalidInput
from locshare_ext.model.geodesy import distance
from locshare_ext.model.names import member_name
from locshare_ext.model.wire import bind, decode_fixes

START = 1_763_806_275_000


@pytest.fixture(scope="module")
def half_hour() -> list[TimedFix]:
    return list(simulate(start=START, seconds=1800))


@pytest.fixture(scope="module")
def by_member(half_hour: list[TimedFix]) -> dict[str, list[dict[str, Any]]]:
    members: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for _, fix in sorted(half_hour, key=lambda timed: timed[1]["time"]):
        members[fix["member"]].append(fix)
    return members


def test_the_same_seed_gives_the_same_group(half_hour: list[TimedFix]) -> None:
    assert list(simulate(start=START, seconds=1800)) == half_hour
    assert list(simulate(start=START, seconds=60, seed=2)) != list(simulate(start=START, seconds=60))
    later = simulate(start=START + 5000, seconds=60)
    for (due, fix), (due_later, fix_later) in zip(half_hour, later, strict=False):
        assert (due_later - due, fix_later["time"] - fix["time"]) == (5000, 5000)
        assert fix_later["lat"] == fix["lat"]


def test_fixes_are_due_in_order_and_after_they_were_measured(half_hour: list[TimedFix]) -> None:
    dues = [due for due, _ in half_hour]
    assert dues == sorted(dues)
    assert all(due > fix["time"] >= START for due, fix in half_hour)


def test_every_fix_is_good_on_the_wire(half_hour: list[TimedFix]) -> None:
    for batch in (half_hour[start : start + 1000] for start in range(0, len(half_hour), 1000)):
        decoded = decode_fixes(msgspec.json.encode([fix for _, fix in batch]))
        assert decoded.refused == []
        for (_, sent), (due, _) in zip(decoded.fixes, batch, strict=True):
            assert bind(sent, member_name(sent.member or ""), due).flags == ()


def test_it_is_a_group_of_walkers_cyclists_and_a_bus(by_member: dict[str, list[dict[str, Any]]]) -> None:
    kinds = [fixes[0]["extra"]["kind"] for fixes in by_member.values()]
    assert sorted(kinds) == ["bus"] + ["cyclist"] * 3 + ["walker"] * 4
    for fixes in by_member.values():
        assert {fix["source"] for fix in fixes} == {"simulator"}
        assert len({fix["time"] for fix in fixes}) == len(fixes)


def test_everybody_moves_at_a_speed_of_their_kind(by_member: dict[str, list[dict[str, Any]]]) -> None:
    limits = {"walker": 2.2, "cyclist": 7.5, "bus": 13.0}
    for fixes in by_member.values():
        kind = fixes[0]["extra"]["kind"]
        assert 0.4 * limits[kind] < max(fix["speed"] for fix in fixes) < limits[kind]
        far = max(distance(fixes[0]["lat"], fixes[0]["lon"], fix["lat"], fix["lon"]) for fix in fixes)
        assert far > 150
        for before, after in pairwise(fixes):
            seconds = (after["time"] - before["time"]) / 1000
            metres = distance(before["lat"], before["lon"], after["lat"], after["lon"])
            assert metres < limits[kind] * seconds + 45  # what noise may add


def test_they_stop_and_go(by_member: dict[str, list[dict[str, Any]]]) -> None:
    for fixes in by_member.values():
        standing = [fix for fix in fixes if fix["speed"] == 0]
        assert 0.01 * len(fixes) < len(standing) < 0.6 * len(fixes)
        assert all("heading" not in fix for fix in standing)


def test_the_bus_is_silent_in_the_tunnel(by_member: dict[str, list[dict[str, Any]]]) -> None:
    times = [fix["time"] for fix in by_member["Bus 7"]]
    gaps = [(after - before) / 1000 for before, after in pairwise(times)]
    assert 10 < max(gaps) < 120
    assert median(gaps) < 5


def test_one_phone_delivers_late_batches(half_hour: list[TimedFix]) -> None:
    late = defaultdict(int)
    for due, fix in half_hour:
        if due - fix["time"] > 10_000:
            late[fix["member"]] += 1
    assert len(late) == 1
    assert sum(late.values()) > 20


def test_batteries_fall(by_member: dict[str, list[dict[str, Any]]]) -> None:
    for name, fixes in by_member.items():
        if name == "Bus 7":
            assert all("battery" not in fix for fix in fixes)
        else:
            assert fixes[-1]["battery"] < fixes[0]["battery"]


def test_two_walk_together(by_member: dict[str, list[dict[str, Any]]]) -> None:
    minji, joon = by_member["Minji"], by_member["Joon"]
    for one in minji[::10]:
        other = min(joon, key=lambda fix: abs(fix["time"] - one["time"]))
        assert distance(one["lat"], one["lon"], other["lat"], other["lon"]) < 60


def test_the_town_stays_around_its_centre(half_hour: list[TimedFix]) -> None:
    assert max(distance(*SEOUL, fix["lat"], fix["lon"]) for _, fix in half_hour) < 1200
    moved = next(simulate(start=START, centre=(-45.0, 179.999), walkers=1, cyclists=0, buses=0))[1]
    assert distance(-45.0, 179.999, moved["lat"], moved["lon"]) < 1200


def test_it_is_endless_and_groups_may_be_large() -> None:
    fixes = list(islice(simulate(start=START, walkers=30, cyclists=10, buses=4), 2000))
    assert len(fixes) == 2000
    assert len({fix["member"] for _, fix in fixes}) == 44


@pytest.mark.parametrize("seed", range(8))
def test_every_town_is_whole(seed: int) -> None:
    town = Streets.build(seed)
    assert len(town.lights) >= 4
    assert any(street.is_tunnel for street in town.streets)
    for node in range(len(town.nodes)):
        assert town.route(0, node) or node == 0
    line = town.bus_line()
    ways = [town.route(a, b, side_factor=6.0) for a, b in pairwise([*line, line[0]])]
    assert any(street.is_tunnel for way in ways for street in way)
    assert all(street.is_main for way in ways for street in way)


@pytest.mark.parametrize(
    "wrong", [{"centre": (91, 0)}, {"walkers": -1}, {"walkers": 0, "cyclists": 0, "buses": 0}]
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        next(simulate(start=START, **wrong))


def test_neither_simulator_nor_playback_load_what_is_heavy() -> None:
    code = (
        "import sys, locshare_ext.client.simulator, locshare_ext.client.playback\n"
        "print([name for name in ('pandas', 'numpy', 'pyarrow') if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_a_rate_and_no_network_of_its_own() -> None:
    timed = list(simulate(start=START, seconds=120, every=1, is_sent_at_once=True))
    assert all(due == fix["time"] for due, fix in timed)
    assert [due for due, _ in timed] == sorted(due for due, _ in timed)
    seconds = defaultdict(list)
    for _, fix in timed:
        seconds[fix["member"]].append(fix["time"] // 1000)
    assert set(seconds) <= {*names_of("walker", 4), *names_of("cyclist", 3), *names_of("bus", 1)}
    assert all(len(set(own)) == len(own) for own in seconds.values())  # one a second, outside of tunnels
    assert max(len(own) for own in seconds.values()) >= 117
    with pytest.raises(InvalidInput, match=r"every 0\.5 is not 1 s or more"):
        next(simulate(start=START, every=0.5))
