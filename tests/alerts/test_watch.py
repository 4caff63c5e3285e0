"""Rules over a stream of fixes: silence, speed, nearness, and that only the fixes decide."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from locshare_ext.alerts import Alert, Geofence, Proximity, Silence, Speed, Watch
from locshare_ext.alerts.nearby import Nearby
from locshare_ext.model.fix import Fix
from locshare_ext.model.geodesy import destination
from tests.alerts.helpers import BEGIN, LAT, LON, fix, short, told


def test_silence_is_told_when_it_is_over_its_span_and_when_it_ends() -> None:
    watch = Watch([Silence(name="quiet", lasting=60)])
    assert told(watch, [fix(0), fix(30)]) == []
    assert watch.advance(BEGIN + 89_999) == []
    (alert,) = watch.advance(BEGIN + 500_000)
    assert (short(alert), alert.value) == (("silent", "ann", 90), 60)
    (alert,) = watch.see(fix(600))
    assert (short(alert), alert.value) == (("heard", "ann", 600), 570)


def test_a_backlog_is_a_sign_of_life() -> None:
    watch = Watch([Silence(name="quiet", lasting=60)])
    watch.see(fix(0))
    watch.see(fix(-100, delay=150))  # received at 50
    assert [short(alert)[0] for alert in watch.advance(BEGIN + 109_000)] == []
    assert [alert.received - BEGIN for alert in watch.advance(BEGIN + 110_000)] == [110_000]


def test_due_says_when_to_look_again() -> None:
    watch = Watch([Speed(name="fast", above=1), Silence(name="quiet", lasting=60)])
    assert watch.due() is None
    watch.see(fix(0))
    assert watch.due() == BEGIN + 60_000
    watch.advance(BEGIN + 60_000)
    assert watch.due() is None


def test_speed_is_the_fixes_own_or_that_of_the_way() -> None:
    watch = Watch([Speed(name="fast", above=10, below=5)])
    fixes = [fix(0, speed=11), fix(1, speed=6), fix(2, speed=4), fix(3, north=0), fix(13, north=150)]
    assert told(watch, fixes) == [("fast", "ann", 0), ("slow", "ann", 2), ("fast", "ann", 13)]


def test_no_speed_across_a_silence_or_within_one_moment() -> None:
    watch = Watch([Speed(name="fast", above=1, max_age=60)])
    assert told(watch, [fix(0), fix(0, north=5000), fix(61, north=90_000)]) == []


def test_a_pair_comes_near_and_parts_with_hysteresis() -> None:
    watch = Watch([Proximity(name="pair", near=10, far=30)])
    fixes = [fix(0), *(fix(n + 1, "bob", north) for n, north in enumerate((50, 9, 25, 12, 31, 20, 9)))]
    assert told(watch, fixes) == [("near", "bob", 2), ("far", "bob", 5), ("near", "bob", 7)]


def test_an_old_position_is_nowhere() -> None:
    watch = Watch([Proximity(name="pair", near=10, max_age=60)])
    assert told(watch, [fix(0), fix(1, "bob")]) == [("near", "bob", 1)]
    assert told(watch, [fix(100, "bob", 500), fix(101)]) == []  # nobody knows when they parted
    assert told(watch, [fix(102, "bob")]) == [("near", "bob", 102)]


def test_pairs_of_one_member_only() -> None:
    watch = Watch([Proximity(name="pair", near=10, of="Teacher")])
    assert told(watch, [fix(0), fix(1, "bob"), fix(2, "teacher")]) == [("near", "teacher", 2)] * 2


def test_who_is_forgotten_begins_anew() -> None:
    rules = [Geofence.circle("camp", LAT, LON, 100), Proximity(name="pair", near=10)]
    watch = Watch([*rules, Silence(name="quiet", lasting=60), Speed(name="fast", above=1)])
    first = told(watch, [fix(0, speed=2), fix(0, "bob", speed=2)])
    watch.forget("ann")
    assert watch.advance(BEGIN + 60_000)[0].member == "bob"
    assert [one[:2] for one in told(watch, [fix(61, "bob"), fix(61, speed=2)])] == [
        ("heard", "bob"),
        ("slow", "bob"),
        ("enter", "ann"),
        ("near", "ann"),
        ("fast", "ann"),
    ]
    assert len(first) == 5


def test_what_is_known_already_sets_off_nothing() -> None:
    watch = Watch([Geofence.circle("camp", LAT, LON, 100)])
    watch.begin([fix(0), fix(0, "bob", 300)])
    watch.add(Proximity(name="pair", near=500))
    assert told(watch, [fix(1), fix(1, "bob", 290)]) == []
    assert told(watch, [fix(2, north=400)]) == [("exit", "ann", 2)]
    watch.begin()
    assert told(watch, [fix(0)]) == [("enter", "ann", 0)]


def walks(members: int, steps: int, seed: int) -> list[Fix]:
    """Return fixes of members who walk about within a few hundred metres, late ones among them."""
    rng = random.Random(seed)
    at = {f"m{n}": (LAT, LON) for n in range(members)}
    fixes, seconds = [], 0.0
    for _ in range(steps):
        seconds += rng.choice([0, 0.2, 1, 5, 90])
        member = rng.choice(sorted(at))
        at[member] = destination(*at[member], rng.uniform(0, 360), rng.uniform(0, 60))
        lat, lon = at[member]
        delay = rng.choice([0, 0, 0, 0, 40, 400])
        fixes.append(fix(seconds - delay, member, lat=lat, lon=lon, delay=delay))
    return fixes


RULES = [
    Geofence.circle("camp", LAT, LON, 80, margin=10),
    Proximity(name="pair", near=25, far=40),
    Silence(name="quiet", lasting=30),
    Speed(name="fast", above=2),
]


@pytest.mark.parametrize("seed", range(12))
def test_how_often_the_clock_is_looked_at_changes_nothing(seed: int) -> None:
    fixes, rng = walks(6, 300, seed), random.Random(seed)
    seldom = Watch(RULES)
    expected = [alert for each in fixes for alert in seldom.see(each)]
    often, alerts = Watch(RULES), []
    for each in fixes:
        passed = each.received - often.moment
        for share in sorted(rng.random() for _ in range(rng.randrange(5))) if often.moment else ():
            alerts += often.advance(each.received - round(passed * share))
        alerts += often.see(each)
    assert alerts == expected
    assert {alert.rule for alert in expected} == {"camp", "pair", "quiet", "fast"}


@pytest.mark.parametrize("seed", range(12))
def test_pairs_are_those_that_asking_everybody_finds(seed: int) -> None:
    rule = Proximity(name="pair", near=25, far=40, max_age="1d")
    watch, fixes, geod = Watch([rule]), walks(8, 300, seed), Geod(ellps="WGS84")
    last: dict[str, Fix] = {}
    near: set[frozenset[str]] = set()
    for each in fixes:
        found = [(alert.kind, alert.other) for alert in watch.see(each)]
        expected = []
        known = last.get(each.member)
        if known is None or each.effective_time >= known.effective_time:
            last[each.member] = each
            for other in sorted(set(last) - {each.member}):
                metres = geod.inv(each.lon, each.lat, last[other].lon, last[other].lat)[2]
                pair = frozenset((each.member, other))
                if pair in near and metres > 40:
                    near.discard(pair)
                    expected.append(("far", other))
                elif pair not in near and metres <= 25:
                    near.add(pair)
                    expected.append(("near", other))
        assert found == expected


@settings(deadline=None, max_examples=200)
@given(
    lat=st.floats(-90, 90),
    lon=st.floats(-180, 180),
    heading=st.floats(0, 360),
    share=st.floats(0, 0.99),
    reach=st.sampled_from([1.0, 30.0, 1000.0, 100_000.0]),
)
def test_whoever_is_within_reach_is_found_anywhere_on_earth(
    lat: float, lon: float, heading: float, share: float, reach: float
) -> None:
    there = destination(lat, lon, heading, reach * share)
    places = Nearby(reach)
    places.put("bob", *there)
    assert list(places.around(lat, lon)) == ["bob"]
    places.drop("bob")
    assert list(places.around(lat, lon)) == []


def test_only_neighbours_are_asked() -> None:
    places = Nearby(20)
    grid = [(LAT + n / 1000, LON + m / 1000) for n, m in itertools.product(range(100), range(100))]
    for n, (lat, lon) in enumerate(grid):  # 10,000 of them, 80 m and more apart
        places.put(f"m{n}", lat, lon)
    assert max(len(list(places.around(*place))) for place in grid) <= 4


@pytest.mark.parametrize(
    "kind", ["enter", "exit", "inside", "outside", "near", "far", "silent", "heard", "fast", "slow"]
)
def test_each_alert_says_what_happened(kind: str) -> None:
    alert = Alert(
        rule="camp",
        kind=kind,  # type: ignore[arg-type]
        member="ann",
        time=BEGIN,
        received=BEGIN,
        lat=1,
        lon=2,
        other="bob",
        value=90,
    )
    assert alert.text.startswith("ann ")
    assert alert.data()["alert"] == kind
    assert alert.datetime.timestamp() * 1000 == BEGIN
