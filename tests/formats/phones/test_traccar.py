"""Traccar Client 10 and later, 9, and up to 8 with all that speaks as it did."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locshare_ext.errors import InvalidInput
from locshare_ext.formats.phones import Sent, decode
from locshare_ext.formats.phones.traccar import split_location
from tests.formats.phones.vectors import NOW, Row, check, rows

PLACE = {"time": 1_763_806_275_000, "lat": 37.42, "lon": -122.08}
KNOT = 1852 / 3600
FORM = (
    b"id=48241179&lat=37.42&lon=-122.08&timestamp=1763806275&accuracy=5.5&altitude=31.0&speed=2.72"
    b"&bearing=270.0&batt=83&charge=true&battery_health=good&mood=fine"
)
NINE = {
    "location": {
        "timestamp": "2025-11-22T10:11:15.862Z",
        "coords": {
            "latitude": 37.42,
            "longitude": -122.08,
            "accuracy": 5,
            "speed": 1.4,
            "heading": 270,
            "altitude": 31,
            "altitude_accuracy": 3,
        },
        "is_moving": True,
        "odometer": 1234.5,
        "event": "motionchange",
        "battery": {"level": 0.83, "is_charging": False},
        "activity": {"type": "walking", "confidence": 90},
        "extras": {"heartbeat": False},
        "uuid": "a-b",
        "_": "&id=48241179&lat=37.42&lon=-122.08&timestamp=1763806275862&",
    },
    "device_id": "48241179",
}
KNOWN = {**PLACE, "accuracy": 5.5, "altitude": 31.0, "speed": 2.72 * KNOT, "heading": 270.0, "battery": 0.83}


def nine(coords: dict[str, Any], **location: Any) -> dict[str, Any]:
    inner = {**NINE["location"], "coords": {**NINE["location"]["coords"], **coords}, **location}  # type: ignore[dict-item]
    return {**NINE, "location": inner}


@rows(
    Row(
        "traccar",
        "10 form",
        KNOWN,
        body=FORM,
        extra={"id": None, "charge": "true", "battery_health": "good", "mood": "fine"},
    ),
    Row(
        "traccar",
        "10 json array of one",
        KNOWN,
        body=[
            {"id": "48241179", "lat": 37.42, "lon": -122.08, "timestamp": 1_763_806_275, "accuracy": 5.5}
            | {"altitude": 31, "speed": 2.72, "bearing": 270, "batt": 83, "charge": True}
        ],
        extra={"charge": True},
    ),
    Row(
        "traccar",
        "9",
        {
            **PLACE,
            "time": 1_763_806_275_862,
            "accuracy": 5.0,
            "altitude": 31.0,
            "speed": 1.4,
            "heading": 270.0,
            "battery": 0.83,
        },
        body=NINE,
        extra={
            "event": "motionchange",
            "odometer": 1234.5,
            "is_moving": True,
            "activity.type": "walking",
            "extras.heartbeat": False,
            "altitude_accuracy": 3,
        },
    ),
    Row(
        "traccar",
        "9 unknown as minus one",
        {**PLACE, "time": 1_763_806_275_862, "accuracy": 5.0, "altitude": 31.0},
        body=nine({"speed": -1, "heading": -1}, battery={"level": -1, "is_charging": False}),
    ),
    Row(
        "traccar",
        "9 at rest",
        {**PLACE, "time": 1_763_806_275_862, "accuracy": 5.0, "altitude": 31.0, "speed": 0.0, "battery": 1.0},
        body=nine({"speed": 0, "heading": -1}, battery={"level": 1, "is_charging": False}),
    ),
    Row(
        "traccar",
        "flat as Dawarich has it",
        {**PLACE, "speed": 1.4, "battery": 0.5},
        body={
            "location": {"timestamp": 1_763_806_275, "latitude": 37.42, "longitude": -122.08, "speed": 1.4},
            "battery": {"level": 0.5},
            "device_id": "x",
        },
    ),
    Row(
        "traccar",
        "8 query",
        KNOWN,
        query="id=1&lat=37.42&lon=-122.08&timestamp=1763806275&speed=2.72&bearing=270&altitude=31"
        "&accuracy=5.5&batt=83",
    ),
    Row("traccar", "8 location in one", PLACE, query="id=1&location=37.42,-122.08&timestamp=1763806275"),
    Row("traccar", "8 milliseconds", PLACE, query="id=1&lat=37.42&lon=-122.08&timestamp=1763806275000"),
    Row("traccar", "8 iso", PLACE, query="id=1&lat=37.42&lon=-122.08&timestamp=2025-11-22T10%3A11%3A15Z"),
    Row(
        "traccar",
        "8 iso with a zone whose plus was not escaped",
        PLACE,
        query="id=1&lat=37.42&lon=-122.08&timestamp=2025-11-22T19:11:15+09:00",
    ),
    Row(
        "traccar",
        "8 words with a space",
        PLACE,
        query="deviceid=1&lat=37.42&lon=-122.08&timestamp=2025-11-22+10%3A11%3A15",
    ),
    Row("traccar", "8 without a time", {**PLACE, "time": NOW}, query="id=1&lat=37.42&lon=-122.08"),
    Row(
        "traccar",
        "8 decimal commas, hdop is no accuracy",
        {**PLACE, "heading": 0.0},
        query="id=1&lat=37,42&lon=-122,08&timestamp=1763806275&hdop=1.5&heading=360&valid=true",
        extra={"hdop": "1.5", "valid": "true"},
    ),
)
def test_what_each_version_sends(row: Row) -> None:
    report = check(row)
    assert report.device == report.name


def test_a_hundred_fixes_in_one_array() -> None:
    fixes = [{"id": "1", "lat": 37.0, "lon": 127.0, "timestamp": 1_763_806_275 + n} for n in range(100)]
    report = decode("traccar", Sent(body=json.dumps(fixes).encode(), now=NOW))
    assert [(place, fix.time) for place, fix in report.fixes] == [
        (n, (1_763_806_275 + n) * 1000) for n in range(100)
    ]


def test_the_array_of_background_geolocation() -> None:
    body = {"location": [NINE["location"], NINE["location"]], "device_id": "x"}
    report = decode("traccar", Sent(body=json.dumps(body).encode(), now=NOW))
    assert [place for place, _ in report.fixes] == [0, 1]


@pytest.mark.parametrize(
    "sent",
    [
        Sent(body=b"id=1&timestamp=1763806275&batt=83"),
        Sent(query="id=1"),
        Sent(),
        Sent(body=b'{"location": {"event": "heartbeat"}, "device_id": "1"}'),
        Sent(body=b'[{"id": "1", "batt": 80}]'),
    ],
)
def test_without_a_place_it_is_a_sign_of_life(sent: Sent) -> None:
    report = decode("traccar", sent)
    assert (report.fixes, report.refused, report.happenings) == ([], [], [])


def test_an_alarm_is_a_note_also_without_a_place() -> None:
    for query in (
        "id=1&lat=37&lon=127&timestamp=1763806275&alarm=sos",
        "id=1&timestamp=1763806275&alarm=sos",
    ):
        [note] = decode("traccar", Sent(query=query, now=NOW)).happenings
        assert (note.time, note.text) == (1_763_806_275_000, "alarm: sos")
        assert note.data == {"app": "traccar", "alarm": "sos"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("id=1&lat=137&lon=127", "lat_out_of_range"),
        ("id=1&lat=37", "lon_missing"),
        ("id=1&lat=nan&lon=127", "lat_wrong_type"),
        ("id=1&lat=37&lon=127&timestamp=yesterday", "time_malformed"),
        ("id=1&location=37", "lat_wrong_type"),
    ],
)
def test_what_is_set_aside(query: str, code: str) -> None:
    report = decode("traccar", Sent(query=query, now=NOW))
    assert [(one.error.code, one.raw) for one in report.refused] == [(code, query.encode())]


def test_a_bad_one_of_many_is_set_aside_alone() -> None:
    body = json.dumps([{"lat": 99, "lon": 1, "timestamp": 1_763_806_275}, {"lat": 9, "lon": 1}]).encode()
    report = decode("traccar", Sent(body=body, now=NOW))
    assert [place for place, _ in report.fixes] == [1]
    [refused] = report.refused
    assert json.loads(refused.raw)["lat"] == 99


def test_locations_with_decimal_commas() -> None:
    assert split_location("37,5,127,25") == ("37.5", "127.25")


@pytest.mark.parametrize("body", [b"[1]", b"{", b'{"location": [1]}' + b"x"])
def test_what_is_no_request(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        decode("traccar", Sent(body=body, now=NOW))
