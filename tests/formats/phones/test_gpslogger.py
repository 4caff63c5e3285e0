"""GPSLogger's custom URL, by whatever method, and the profiles that set it up."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from locshare_ext.errors import InvalidInput
from locshare_ext.formats.phones import Sent, decode
from locshare_ext.formats.phones.gpslogger import batch_profile, profile
from tests.formats.phones.vectors import NOW, Row, check, rows

PLACE = {"time": 1_763_806_275_000, "lat": 37.5665, "lon": 126.978}
ALL = (
    "lat=37.5665&lon=126.978&sat=7&desc=&alt=31.0&acc=5.5&dir=270.0&prov=gps&spd_kph=5.04&spd=1.4"
    "&timestamp=1763806275&timeoffset=2025-11-22T19%3A11%3A15%2B09%3A00&time=2025-11-22T10%3A11%3A15Z"
    "&starttimestamp=1763800000&date=2025-11-22&batt=83.0&ischarging=false&aid=9774d56d&ser=unknown&act="
    "&filename=20251122&profile=walk&hdop=0.9"
)
KNOWN = {**PLACE, "altitude": 31.0, "accuracy": 5.5, "speed": 1.4, "heading": 270.0, "battery": 0.83}
FORM = "lat=37.5665&lon=126.978&timestamp=1763806275&"


@rows(
    Row(
        "gpslogger",
        "all in the query",
        KNOWN,
        query=ALL,
        extra={"sat": "7", "prov": "gps", "hdop": "0.9", "profile": "walk", "act": None},
    ),
    Row("gpslogger", "all in the body", KNOWN, body=ALL.encode()),
    Row("gpslogger", "km an hour alone", {**PLACE, "speed": 1.4}, query=FORM + "spd_kph=5.04"),
    Row(
        "gpslogger",
        "time as text",
        PLACE,
        query="lat=37.5665&lon=126.978&time=2025-11-22T10:11:15Z",
    ),
    Row("gpslogger", "an accuracy of 0", PLACE, query=FORM + "acc=0.0&spd=-1"),
    Row("gpslogger", "decimal commas", {**PLACE, "speed": 1.4}, query=FORM + "spd=1,4"),
    Row(
        "gpslogger",
        "JSON of a template",
        {**PLACE, "speed": 1.4, "heading": 90.0, "battery": 0.5},
        body={"latitude": 37.5665, "longitude": 126.978, "time": "2025-11-22T10:11:15Z", "speed": 1.4}
        | {"bearing": 90, "battery": 50},
    ),
)
def test_what_it_sends(row: Row) -> None:
    check(row)


def test_what_its_user_typed_is_a_note_at_the_fix() -> None:
    report = decode("gpslogger", Sent(query=FORM + "spd=1&desc=lost+the+trail", now=NOW))
    [note] = report.happenings
    assert (note.kind, note.time, note.text) == ("note", PLACE["time"], "lost the trail")
    assert len(report.fixes) == 1


def test_its_serial_or_id_tells_phones_apart() -> None:
    assert decode("gpslogger", Sent(query=ALL + "&id=ann")).device == "ann"
    assert decode("gpslogger", Sent(query="aid=9774d56d&lat=1&lon=2")).device == "9774d56d"
    assert decode("gpslogger", Sent(query=ALL)).device == "9774d56d"  # `unknown` are many


@pytest.mark.parametrize("sent", [Sent(), Sent(query="lat=&lon=&batt=50"), Sent(body=b"batt=50")])
def test_without_a_place_it_is_a_sign_of_life(sent: Sent) -> None:
    report = decode("gpslogger", sent)
    assert (report.fixes, report.refused, report.happenings) == ([], [], [])


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("lat=137&lon=2", "lat_out_of_range"),
        ("lat=1&lon=2&time=noon", "time_malformed"),
        ("lat=1", "lon_missing"),
    ],
)
def test_what_is_set_aside(query: str, code: str) -> None:
    report = decode("gpslogger", Sent(query=query, now=NOW))
    assert [(one.error.code, one.raw) for one in report.refused] == [(code, query.encode())]


def test_what_is_no_request() -> None:
    for body in (b"[1]", b"{", b"[]"):
        with pytest.raises(InvalidInput):
            decode("gpslogger", Sent(body=body))


def test_the_profile_asks_for_what_the_decoder_reads() -> None:
    settings = dict(
        line.split("=", 1) for line in profile("https://x.org/locshare/in/T/gpslogger").splitlines()
    )
    assert settings["log_customurl_method"] == "POST"
    assert int(settings["time_before_logging"]) == 10
    url = urlsplit(settings["log_customurl_url"])
    assert url.path == "/locshare/in/T/gpslogger"
    values = {
        "%LAT": "37.5665",
        "%LON": "126.978",
        "%TIMESTAMP": "1763806275",
        "%SPD": "1.4",
        "%DIR": "270.0",
    }
    values |= {"%ALT": "31.0", "%ACC": "5.5", "%BATT": "83.0"}
    query = url.query
    for name in sorted(values, key=len, reverse=True):
        query = query.replace(f"={name}&", f"={values[name]}&")
    filled = json.dumps({name: found[0] for name, found in parse_qs(query).items()})
    check(Row("gpslogger", "profile", KNOWN, body=filled.encode(), extra={"sat": "%SAT"}))


def test_the_profile_of_the_batches() -> None:
    made = batch_profile("https://x.org/locshare/in/T/gpslogger", "ann")
    settings = dict(line.split("=", 1) for line in made.splitlines())
    assert settings["dawarich_server"] == "https://x.org/locshare/in/T/gpslogger"
    assert settings["dawarich_device_id"] == "ann"
