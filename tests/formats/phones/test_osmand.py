"""OsmAnd's online tracking, and what tells apps apart at an address that names none."""

from __future__ import annotations

import json

import pytest

from locshare_ext.errors import InvalidInput
from locshare_ext.formats.phones import APPS, Sent, decode, detect
from tests.formats.phones.test_gpslogger import ALL
from tests.formats.phones.test_overland import batch, feature
from tests.formats.phones.test_owntracks import ANDROID
from tests.formats.phones.test_traccar import FORM, NINE
from tests.formats.phones.vectors import NOW, Row, check, rows

PLACE = {"time": 1_763_806_275_123, "lat": 37.56650161743164, "lon": 126.97799682617188}
QUERY = "lat=37.56650161743164&lon=126.97799682617188&timestamp=1763806275123"


@rows(
    Row(
        "osmand",
        "our template",
        {**PLACE, "accuracy": 5.5, "altitude": 31.0, "speed": 1.4, "heading": 270.0},
        query=QUERY + "&accuracy=5.5&altitude=31.0&speed=1.4&bearing=270.0",
    ),
    Row(
        "osmand",
        "its hdop is the accuracy",
        {**PLACE, "accuracy": 5.5, "speed": 0.0},
        query=QUERY + "&hdop=5.5&speed=0.0&eta=1763809875123",
        extra={"eta": "1763809875123"},
    ),
    Row("osmand", "without a time", {**PLACE, "time": NOW}, query=QUERY.partition("&timestamp")[0]),
    Row("osmand", "unknown", PLACE, query=QUERY + "&accuracy=0.0&speed=-1&bearing=-1"),
)
def test_what_it_sends(row: Row) -> None:
    check(row)


def test_nothing_is_a_sign_of_life() -> None:
    report = decode("osmand", Sent())
    assert (report.fixes, report.refused) == ([], [])


def test_what_is_set_aside() -> None:
    report = decode("osmand", Sent(query="lat=1000&lon=1"))
    assert [one.error.code for one in report.refused] == ["lat_out_of_range"]


@pytest.mark.parametrize(
    ("app", "sent"),
    [
        ("owntracks", Sent(body=json.dumps(ANDROID).encode())),
        ("owntracks", Sent()),
        ("owntracks", Sent(body=b"", user="ann")),
        ("traccar", Sent(body=FORM)),
        ("traccar", Sent(body=json.dumps(NINE).encode())),
        ("traccar", Sent(body=b'[{"id": "1", "lat": 1, "lon": 2}]')),
        ("traccar", Sent(query="id=1&lat=1&lon=2&speed=3")),
        ("traccar", Sent(query="location=1,2")),
        ("traccar", Sent(body=b"id=1&batt=80")),
        ("overland", Sent(body=json.dumps(batch(feature())).encode())),
        ("gpslogger", Sent(query=ALL)),
        ("gpslogger", Sent(body=b'{"lat": 1, "lon": 2, "spd": 3}')),
    ],
)
def test_an_address_without_an_app_tells_them_apart(app: str, sent: Sent) -> None:
    assert detect(sent) == app


@pytest.mark.parametrize("sent", [Sent(body=b"{}"), Sent(body=b"[]"), Sent(query="q=1"), Sent(body=b"{")])
def test_what_looks_like_none(sent: Sent) -> None:
    with pytest.raises(InvalidInput):
        detect(sent)


def test_speed_means_something_else_in_each() -> None:
    """The classic mistake of this field."""
    query = "lat=1&lon=2&timestamp=1763806275&speed=10&spd=10"
    speeds = {
        app: decode(app, Sent(query=query)).fixes[0][1].speed for app in ("traccar", "gpslogger", "osmand")
    }
    assert speeds == {"traccar": pytest.approx(5.14444, abs=1e-5), "gpslogger": 10.0, "osmand": 10.0}
    body = json.dumps({"_type": "location", "lat": 1, "lon": 2, "tst": 1_763_806_275, "vel": 10}).encode()
    assert decode("owntracks", Sent(body=body)).fixes[0][1].speed == pytest.approx(2.77778, abs=1e-5)
    assert (
        decode("overland", Sent(body=json.dumps(batch(feature(speed=10))).encode())).fixes[0][1].speed == 10
    )
    assert len(APPS) == 5
