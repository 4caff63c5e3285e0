"""Rules as objects of JSON, and rules that are none."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from locshare_ext.alerts import Geofence, Proximity, Rule, Silence, Speed, Watch, rule_from_json, rule_to_json
from locshare_ext.errors import InvalidInput

RULES = [
    Geofence.circle("camp", 46.2, 14.1, 150, margin=20, on="exit"),
    Geofence(
        name="lake",
        area={"type": "Polygon", "coordinates": [[[14, 46], [15, 46], [15, 47], [14, 46]]]},
        members=frozenset({"ann", "Bob"}),
    ),
    Proximity(name="pair", near=5, far=50, of="ann", max_age="5min"),
    Silence(name="quiet", lasting=timedelta(minutes=5)),
    Speed(name="fast", above=20, below=10),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_comes_back_from_json(rule: Rule) -> None:
    text = json.dumps(rule_to_json(rule))
    assert rule_to_json(rule_from_json(json.loads(text))) == rule_to_json(rule)


def test_what_is_left_out_has_its_usual_value() -> None:
    rule = rule_from_json({"rule": "proximity", "name": "pair", "near": 10})
    assert isinstance(rule, Proximity)
    assert (rule.far, rule.on, rule.max_age_ms) == (12, ("near", "far"), 120_000)


@pytest.mark.parametrize(
    ("given", "field", "what"),
    [
        ([], "rule", "list"),
        ({}, "rule", "None"),
        ({"rule": ["speed"]}, "rule", "speed"),
        ({"rule": "fence"}, "rule", "geofence"),
        ({"rule": "speed", "above": 3}, "name", "no name"),
        ({"rule": "speed", "name": "x"}, "above", "no above"),
        ({"rule": "speed", "name": "x", "above": 3, "unit": "km/h"}, "unit", "above, below"),
        ({"rule": "speed", "name": "x", "above": "3"}, "above", "'3'"),
        ({"rule": "speed", "name": "x", "above": 3, "below": 4}, "below", "4"),
        ({"rule": "speed", "name": " ", "above": 3}, "name", "1-64"),
        ({"rule": "speed", "name": "x\n", "above": 3}, "name", "print"),
        ({"rule": "speed", "name": "x" * 65, "above": 3}, "name", "1-64"),
        ({"rule": "speed", "name": "x", "above": 3, "on": "enter"}, "on", "fast, slow"),
        ({"rule": "speed", "name": "x", "above": 3, "on": 5}, "on", "5"),
        ({"rule": "speed", "name": "x", "above": 3, "members": []}, "members", "0"),
        ({"rule": "speed", "name": "x", "above": 3, "members": ["a/b"]}, "members", "a/b"),
        ({"rule": "silence", "name": "x", "lasting": 0}, "lasting", "0"),
        ({"rule": "silence", "name": "x", "lasting": "5min"}, "lasting", "seconds"),
        ({"rule": "proximity", "name": "x", "near": 10, "far": 5}, "far", "5"),
        ({"rule": "proximity", "name": "x", "near": 10, "of": 7}, "of", "7"),
    ],
)
def test_a_rule_that_is_none_is_refused_by_field(given: object, field: str, what: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        rule_from_json(given)
    assert refused.value.field == field
    assert what in refused.value.message


def test_two_rules_of_one_name_and_things_that_are_no_rules_are_refused() -> None:
    watch = Watch([RULES[0]])
    with pytest.raises(InvalidInput, match="another rule's"):
        watch.add(Speed(name="camp", above=1))
    with pytest.raises(InvalidInput, match="got str"):
        watch.add("camp")  # type: ignore[arg-type]
    assert watch.rules == (RULES[0],)
    assert watch.remove("camp")
    assert not watch.remove("camp")


def test_a_hundred_rules_and_no_more() -> None:
    watch = Watch(Speed(name=f"{n}", above=1) for n in range(100))
    with pytest.raises(InvalidInput, match="100 rules already"):
        watch.add(Speed(name="more", above=1))


def test_fences_of_a_frame_in_any_crs() -> None:
    geopandas = pytest.importorskip("geopandas")
    from shapely import Point

    frame = geopandas.GeoDataFrame(
        {"what": ["camp", "lake"]}, geometry=[Point(14.1, 46.2), Point(14.2, 46.2)], crs=4326
    ).to_crs(32633)
    frame.geometry = frame.geometry.buffer(150)
    camp, lake = Geofence.from_frame(frame, name="what", margin=20)
    assert (camp.name, lake.name, lake.margin) == ("camp", "lake", 20)
    assert (camp.area.contains(46.2, 14.1), camp.area.contains(46.2, 14.2)) == (True, False)
    assert Geofence(name="row", area=frame.to_crs(4326).iloc[0]).area == camp.area
    assert [fence.name for fence in Geofence.from_frame(frame)] == ["0", "1"]
    with pytest.raises(InvalidInput, match="no column"):
        Geofence.from_frame(frame, name="who")
    frame.geometry = frame.geometry.centroid
    with pytest.raises(InvalidInput, match=r"row 0 \(camp\)"):
        Geofence.from_frame(frame, name="what")
