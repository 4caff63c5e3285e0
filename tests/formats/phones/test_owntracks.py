"""OwnTracks on Android and iOS, and Overland's OwnTracks mode."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locshare_ext.errors import InvalidInput
from locshare_ext.formats.phones import Sent, decode
from tests.formats.phones.vectors import NOW, Row, check, rows, the_fix

HERE = {"_type": "location", "lat": 37.5665, "lon": 126.978, "tst": 1_763_806_275}
OTHERS = ("lwt", "status", "transition", "waypoint", "waypoints", "steps", "cmd", "card", "beacon", "request")
PLACE = {"time": 1_763_806_275_000, "lat": 37.5665, "lon": 126.978}
ANDROID = {
    **HERE,
    "acc": 12,
    "alt": 31,
    "batt": 83,
    "bs": 1,
    "cog": 270,
    "conn": "m",
    "created_at": 1_763_806_290,
    "m": 2,
    "t": "u",
    "tid": "an",
    "topic": "owntracks/ann/pixel",
    "vac": 3,
    "vel": 54,
    "inregions": ["home", "park"],
    "_id": "6f7a",
}
IOS = {**HERE, "acc": 5, "batt": 100, "bs": 2, "t": "t", "tid": "JA", "topic": "owntracks/jane/iphone"}


@rows(
    Row(
        "owntracks",
        "android moving",
        {**PLACE, "accuracy": 12.0, "altitude": 31.0, "battery": 0.83, "speed": 15.0, "heading": 270.0},
        body=ANDROID,
        extra={"t": "u", "conn": "m", "bs": 1, "inregions": "home,park", "vac": 3, "tid": "an"},
    ),
    Row(
        "owntracks",
        "android with zeros for what it does not know",
        {**PLACE, "battery": 0.5},
        body={**HERE, "acc": 0, "alt": 0, "vac": 0, "vel": 0, "cog": 0, "batt": 50},
    ),
    Row("owntracks", "ios plain", {**PLACE, "accuracy": 5.0, "battery": 1.0}, body=IOS),
    Row(
        "owntracks",
        "ios extended",
        {**PLACE, "accuracy": 5.0, "battery": 1.0, "altitude": -3.0, "speed": 3.5 / 3.6, "heading": 0.0},
        body={**IOS, "alt": -3, "vac": 4, "vel": 3.5, "cog": 360, "ssid": "cafe", "p": 101.3},
        extra={"ssid": "cafe", "p": 101.3},
    ),
    Row(
        "owntracks",
        "ios unknown as minus one",
        {**PLACE, "accuracy": 5.0},
        body={**HERE, "acc": 5, "vel": -1, "cog": -1, "batt": -1},
    ),
    Row("owntracks", "text and decimal commas", PLACE, body={**HERE, "lat": "37,5665", "lon": "126.978"}),
    Row(
        "owntracks",
        "what cannot be is left out by name",
        {**PLACE, "accuracy": 5.0, "speed": 2.0},
        body={**HERE, "acc": 5, "batt": 400, "vel": 7.2, "cog": 900, "image": "AAAA", "nested": [[1]]},
        extra={"_dropped": "nested,image,heading,battery"},
    ),
)
def test_what_each_version_sends(row: Row) -> None:
    check(row)


def test_seconds_since_2001_are_repaired_and_told() -> None:
    body = {**HERE, "tst": 1_763_806_275 - 978_307_200, "topic": "owntracks/phone"}
    for app in ("owntracks", "overland"):
        fix = the_fix(decode(app, Sent(body=json.dumps(body).encode(), now=NOW)))
        assert (fix.time, fix.source) == (PLACE["time"], app)
        assert fix.extra is not None
        assert fix.extra["time_repaired"] is True


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  ",
        *(json.dumps({"_type": kind, "tst": 1}).encode() for kind in OTHERS),
        json.dumps({**HERE, "lat": None, "lon": None}).encode(),
        b"[]",
    ],
)
def test_other_messages_are_no_more_than_a_sign_of_life(body: bytes) -> None:
    report = decode("owntracks", Sent(body=body, now=NOW))
    assert (report.fixes, report.refused, report.happenings) == ([], [], [])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"lat": 91.2}, "lat_out_of_range"),
        ({"lon": "east"}, "lon_wrong_type"),
        ({"lat": True}, "lat_wrong_type"),
        ({"lat": None}, "lat_missing"),
        ({"tst": None}, "time_missing"),
        ({"tst": "soon"}, "time_malformed"),
        ({"_type": "encrypted", "data": "AAAA"}, "encrypted"),
    ],
)
def test_what_is_set_aside(change: dict[str, Any], code: str) -> None:
    body = json.dumps({**HERE, **change}).encode()
    report = decode("owntracks", Sent(body=body, now=NOW))
    assert report.fixes == []
    assert [(one.index, one.error.code, one.raw) for one in report.refused] == [(0, code, body)]


def test_a_place_of_interest_is_a_note() -> None:
    report = decode("owntracks", Sent(body=json.dumps({**HERE, "poi": " lunch\x07 here "}).encode(), now=NOW))
    [note] = report.happenings
    assert (note.kind, note.time, note.text) == ("note", PLACE["time"], "lunch  here")
    assert len(report.fixes) == 1


@pytest.mark.parametrize(
    ("sent", "device", "name"),
    [
        (Sent(body=json.dumps(ANDROID).encode()), "ann/pixel", "ann"),
        (
            Sent(body=json.dumps({**HERE, "tid": "AL"}).encode(), user="user", device="phone"),
            "user/phone/AL",
            "AL",
        ),
        (Sent(body=json.dumps(HERE).encode(), user="user", device="pixel"), "user/pixel", "pixel"),
        (Sent(body=b"", user="ann"), "", ""),
    ],
)
def test_whose_phone_it_is(sent: Sent, device: str, name: str) -> None:
    report = decode("owntracks", sent)
    assert (report.device, report.name) == (device, name)


@pytest.mark.parametrize("body", [b"{", b"7", b'"x"', b"[1]", b"\xff", b"[" * 100_000])
def test_what_is_no_message(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        decode("owntracks", Sent(body=body, now=NOW))
