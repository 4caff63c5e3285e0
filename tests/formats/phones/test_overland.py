"""Overland's batches, and GPSLogger's Dawarich target in the same shape."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locshare_ext.errors import InvalidInput
from locshare_ext.formats.phones import Sent, decode
from locshare_ext.model.report import Report
from tests.formats.phones.vectors import NOW, Row, check, rows

PLACE = {"time": 1_763_806_275_000, "lat": 37.42, "lon": -122.08}
PROPERTIES = {
    "timestamp": "2025-11-22T10:11:15Z",
    "altitude": 31,
    "speed": 2,
    "course": 270,
    "horizontal_accuracy": 5,
    "vertical_accuracy": 3,
    "speed_accuracy": 0.5,
    "course_accuracy": -1,
    "motion": ["walking", "driving"],
    "battery_state": "unplugged",
    "battery_level": 0.83,
    "wifi": "cafe",
    "device_id": "jane",
    "unique_id": "A-B-C",
}
GPSLOGGERS = {
    "timestamp": "2025-11-22T10:11:15.000Z",
    "altitude": 31.5,
    "speed": 1.4,
    "horizontal_accuracy": 5.5,
    "vertical_accuracy": 0.0,
    "motion": [],
    "activity": "unknown",
    "desired_accuracy": 0.0,
    "deffered": 0.0,
    "significant_change": "disabled",
    "locations_in_payload": 3,
    "device_id": "pixel",
    "wifi": "unknown",
    "battery_state": "unknown",
    "battery_level": 83.0,
}


def feature(properties: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [-122.08, 37.42]},
        "properties": {**(PROPERTIES if properties is None else properties), **more},
    }


def batch(*features: Any, **more: Any) -> dict[str, Any]:
    return {"locations": list(features), **more}


def decoded(body: Any, app: str = "overland") -> Report:
    return decode(app, Sent(body=json.dumps(body).encode(), now=NOW))


@rows(
    Row(
        "overland",
        "all data",
        {**PLACE, "altitude": 31.0, "accuracy": 5.0, "speed": 2.0, "heading": 270.0, "battery": 0.83},
        body=batch(feature()),
        extra={
            "motion": "walking,driving",
            "battery_state": "unplugged",
            "wifi": "cafe",
            "vertical_accuracy": 3,
            "course_accuracy": None,
            "device_id": None,
            "unique_id": None,
        },
    ),
    Row(
        "overland",
        "negative is unknown",
        PLACE,
        body=batch(
            feature(
                speed=-1,
                course=-1,
                horizontal_accuracy=-1,
                vertical_accuracy=-1,
                altitude=0,
                battery_level=-1,
            ),
            trip={"mode": "walking"},
        ),
        extra={"vertical_accuracy": None},
    ),
    Row(
        "overland",
        "full battery at rest below the sea",
        {**PLACE, "altitude": -12.0, "accuracy": 5.0, "speed": 0.0, "heading": 0.0, "battery": 1.0},
        body=batch(feature(speed=0, course=0, altitude=-12, battery_level=1)),
    ),
    Row(
        "gpslogger",
        "batch of the Dawarich target",
        {**PLACE, "altitude": 31.5, "accuracy": 5.5, "speed": 1.4, "battery": 0.83},
        body=batch(feature(GPSLOGGERS)),
        extra={"locations_in_payload": 3, "activity": "unknown"},
    ),
    Row(
        "gpslogger",
        "a later version's battery, which is 0-1",
        {**PLACE, "altitude": 31.5, "accuracy": 5.5, "speed": 1.4, "battery": 0.83},
        body=batch(feature(GPSLOGGERS, battery_level=0.83)),
    ),
    Row(
        "gpslogger",
        "a full battery of a later version",
        {**PLACE, "altitude": 31.5, "accuracy": 5.5, "speed": 1.4, "battery": 1.0},
        body=batch(feature(GPSLOGGERS, battery_level=1.0)),
    ),
    Row(
        "overland",
        "the Dawarich target at Overland's address",
        {**PLACE, "altitude": 31.5, "accuracy": 5.5, "speed": 1.4, "battery": 0.5},
        body=batch(feature(GPSLOGGERS, battery_level=50.0)),
    ),
)
def test_what_each_app_sends(row: Row) -> None:
    check(row)


def test_the_current_place_is_one_more_fix_after_the_backlog() -> None:
    later = feature(timestamp="2025-11-22T11:11:15Z")
    report = decoded(batch(feature(), current=later))
    assert [(place, fix.time) for place, fix in report.fixes] == [
        (0, PLACE["time"]),
        (1, PLACE["time"] + 3_600_000),
    ]
    again = decoded(batch(later)).fixes[0][1]
    assert again == report.fixes[1][1]  # the store knows it again when its turn has come


def test_trips_and_visits_are_told_and_no_fixes() -> None:
    trip = feature(
        {
            "timestamp": "2025-11-22T10:30:00Z",
            "type": "trip",
            "mode": "walk",
            "start": "2025-11-22T10:00:00Z",
            "end": "2025-11-22T10:30:00Z",
            "duration": 1800,
            "distance": 2345.6,
            "steps": 3000,
            "start_location": feature(),
            "end_location": feature(),
        }
    )
    visit = feature({"timestamp": "2025-11-22T10:40:00Z", "action": "visit", "device_id": "jane"})
    nowhere = {
        "type": "Feature",
        "properties": {"timestamp": "2025-11-22T10:41:00Z", "action": "will_resume"},
    }
    report = decoded(batch(trip, visit, nowhere))
    assert (report.fixes, report.refused) == ([], [])
    assert [(told.text, told.time) for told in report.happenings] == [
        ("trip: walk, 2.3 km, 30 min", 1_763_807_400_000),
        ("visit", 1_763_808_000_000),
        ("will resume", 1_763_808_060_000),
    ]
    data = report.happenings[0].data
    assert data is not None
    assert (data["distance"], data["lat"], data["lon"], data["steps"]) == (2345.6, 37.42, -122.08, 3000)


def test_whose_phone_it_is() -> None:
    report = decoded(batch(feature()))
    assert (report.device, report.name) == ("A-B-C", "jane")
    plain = {name: value for name, value in PROPERTIES.items() if name != "unique_id"}
    assert decoded(batch(feature(plain))).device == "jane"


@pytest.mark.parametrize("body", [b"", b'{"locations": []}'])
def test_nothing_is_a_sign_of_life(body: bytes) -> None:
    report = decode("overland", Sent(body=body, now=NOW))
    assert (report.fixes, report.refused, report.happenings) == ([], [], [])


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (7, "invalid_feature"),
        ({"type": "Feature"}, "invalid_feature"),
        (feature(timestamp=None), "time_missing"),
        (feature(timestamp="later"), "time_malformed"),
        ({**feature(), "geometry": {"coordinates": [37.42, -122.08]}}, "lat_out_of_range"),
        ({**feature(), "geometry": None}, "lat_missing"),
        (feature({"action": "visit"}), "time_missing"),
    ],
)
def test_a_bad_one_is_set_aside_with_what_was_sent(bad: Any, code: str) -> None:
    report = decoded(batch(feature(), bad, feature()))
    assert [place for place, _ in report.fixes] == [0, 2]
    [refused] = report.refused
    assert (refused.index, refused.error.code) == (1, code)
    assert json.loads(refused.raw) == bad
    assert json.loads(report.raws()[1]) == bad


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"locations": {}}', b'{"current": {}}'])
def test_what_is_no_batch(body: bytes) -> None:
    for app in ("overland", "gpslogger"):
        if app == "gpslogger" and b"current" in body:
            continue  # an object of its own fields, of which none is there
        with pytest.raises(InvalidInput):
            decode(app, Sent(body=body, now=NOW))
