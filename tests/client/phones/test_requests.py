"""One fix as the requests of all apps: method, path, headers and units, written out by hand."""

from __future__ import annotations

from urllib.parse import parse_qs

import msgspec
import pytest

from locshare_ext.client.phones.apps import APPS, FAMILIES, chosen, dealt
from locshare_ext.client.phones.shapes import Handset, Measured, Request, Sending
from locshare_ext.errors import InvalidInput

# 2026-11-22T10:32:05.678Z; 10 m/s = 36 km/h = 19.44 knots
FIX = Measured(1_795_343_525_678, 37.5665123456, 126.9780456789, 31.4, 5.2, 10.0, 270.6, 0.83)
BARE = Measured(1_795_343_525_678, -33.5, -70.25)
HANDSET = Handset("anns-phone", "ann", "an")


def request(app: str, fix: Measured = FIX, *more: Measured, waiting: int = 1) -> Request:
    return APPS[app].encode(
        Sending(HANDSET, [fix, *more], fix.time + 100, waiting, more[-1] if more else fix)
    )


def body(made: Request) -> dict:
    return msgspec.json.decode(made.body)


def query(text: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}


def test_owntracks_on_android():
    made = request("owntracks-android")
    assert (made.method, made.path, made.query) == ("POST", "/owntracks", "")
    assert made.headers["Content-Type"] == "application/json; charset=utf-8"
    assert (made.headers["X-Limit-U"], made.headers["X-Limit-D"]) == ("ann", "anns-phone")
    said = body(made)
    assert (said["_type"], said["topic"], said["tid"]) == ("location", "owntracks/ann/anns-phone", "an")
    assert (said["tst"], said["created_at"]) == (1_795_343_525, 1_795_343_525)
    assert (said["lat"], said["lon"]) == (37.5665123456, 126.9780456789)
    assert (said["vel"], said["cog"], said["acc"], said["alt"]) == (36, 270, 5, 31)
    assert (said["batt"], said["bs"], said["conn"]) == (83, 1, "m")
    assert body(request("owntracks-android", BARE))["vel"] == 0  # it has no other word for unknown


def test_owntracks_on_ios():
    said = body(request("owntracks-ios"))
    assert (said["lat"], said["lon"], said["vel"], said["cog"]) == (37.566512, 126.978046, 36, 271)
    assert "created_at" not in said
    assert body(request("owntracks-ios", BARE))["vel"] == -1
    basic = body(request("owntracks-ios-basic"))
    assert basic.keys().isdisjoint({"alt", "vac", "vel", "cog", "conn", "m"})
    late = APPS["owntracks-ios"].encode(Sending(HANDSET, [FIX], FIX.time + 60_000, 1, FIX))
    assert body(late)["created_at"] == 1_795_343_585


def test_traccar_10_sends_a_form_in_knots():
    made = request("traccar-v10")
    assert (made.method, made.path, made.query) == ("POST", "", "")
    assert made.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert query(made.body.decode()) == {
        "id": "anns-phone",
        "lat": "37.5665123456",
        "lon": "126.9780456789",
        "timestamp": "1795343525",
        "accuracy": "5.2",
        "altitude": "31.4",
        "speed": "19.44",
        "bearing": "270.6",
        "batt": "83",
        "charge": "false",
    }
    many = msgspec.json.decode(request("traccar-v10-json", FIX, BARE).body)
    assert [one["lat"] for one in many] == [37.5665123456, -33.5]
    assert (many[0]["speed"], "speed" in many[1]) == (19.44, False)


def test_traccar_9_sends_nested_json_in_metres_a_second():
    said = body(request("traccar-v9"))
    assert (said["device_id"], said["location"]["timestamp"]) == ("anns-phone", "2026-11-22T10:32:05.678Z")
    coords = said["location"]["coords"]
    assert (coords["latitude"], coords["speed"], coords["heading"]) == (37.5665123456, 10.0, 270.6)
    assert said["location"]["battery"] == {"level": 0.83, "is_charging": False}
    bare = body(request("traccar-v9", BARE))["location"]
    assert (bare["coords"]["speed"], bare["coords"]["heading"], bare["battery"]["level"]) == (-1, -1, -1)


@pytest.mark.parametrize(("app", "method"), [("traccar-v8", "POST"), ("traccar-v5", "GET")])
def test_traccar_before_9_has_it_all_in_the_query(app: str, method: str):
    made = request(app)
    assert (made.method, made.body) == (method, b"")
    said = query(made.query)
    assert (said["id"], said["timestamp"], said["batt"]) == ("anns-phone", "1795343525", "83.0")
    assert float(said["speed"]) == pytest.approx(19.43844)
    assert query(request(app, BARE).query)["bearing"] == "0.0"


def test_overland_sends_features_longitude_first():
    made = request("overland", BARE, FIX, waiting=500)
    assert (made.method, made.path) == ("POST", "/overland")
    said = body(made)
    bare, full = said["locations"]
    assert full["geometry"] == {"type": "Point", "coordinates": [126.9780456789, 37.5665123456]}
    told = full["properties"]
    assert (told["timestamp"], told["speed"], told["course"]) == ("2026-11-22T10:32:05Z", 10, 271)
    assert (told["battery_level"], told["device_id"]) == (0.83, "anns-phone")
    assert {bare["properties"][name] for name in ("speed", "course", "horizontal_accuracy")} == {-1}
    assert said["current"] == full
    assert "current" not in body(request("overland", BARE, FIX, waiting=2))


@pytest.mark.parametrize(("app", "level"), [("dawarich", 83.0), ("dawarich-fraction", 0.83)])
def test_gpslogger_speaks_to_dawarich(app: str, level: float):
    made = request(f"gpslogger-{app}")
    assert (made.method, made.path, made.query) == ("POST", "/api/v1/overland/batches", "api_key=unused")
    (feature,) = body(made)["locations"]
    assert feature["geometry"]["coordinates"] == [126.9780456789, 37.5665123456]
    told = feature["properties"]
    assert told["timestamp"] == "2026-11-22T19:32:05.678+09:00"
    assert (told["speed"], told["battery_level"], "deffered" in told) == (10.0, level, True)


def test_gpslogger_fills_in_what_somebody_typed():
    made = request("gpslogger-url")
    assert (made.method, made.path, made.body) == ("POST", "/gpslogger", b"")
    assert "timeoffset=2026-11-22T19:32:05.678+09:00" in made.query  # the plus is not quoted
    said = query(made.query)
    assert (said["spd"], said["spd_kph"], said["timestamp"]) == ("10.0", "36.0", "1795343525")
    assert (said["time"], said["batt"], said["act"]) == ("2026-11-22T10:32:05.678Z", "83.0", "")
    in_body = request("gpslogger-body")
    assert (in_body.body.decode(), in_body.query, dict(in_body.headers)) == (made.query, "", {})
    assert body(request("gpslogger-json"))["spd"] == 10.0


def test_osmand_fills_in_the_template():
    made = request("osmand")
    assert (made.method, made.path) == ("GET", "/osmand")
    assert query(made.query) == {
        "lat": "37.5665123",
        "lon": "126.9780457",
        "timestamp": "1795343525678",
        "accuracy": "5.2",
        "altitude": "31.4",
        "speed": "10.0",
        "bearing": "270.6",
    }
    old = query(request("osmand-old").query)
    assert (old["lat"], old["lon"]) == ("37.566513", "126.97804")  # as 32-bit floats are


def test_apps_are_chosen_by_name_and_dealt_in_turn():
    assert [app.name for app in chosen("traccar-v10, OwnTracks,traccar-v10")] == [
        *("traccar-v10", "owntracks-android", "owntracks-ios")
    ]
    assert {app.name for app in chosen("all")} == set(APPS)
    assert all(name in APPS for names in FAMILIES.values() for name in names)
    assert [app.name for app in dealt(chosen("osmand,overland"), 3)] == ["osmand", "overland", "osmand"]
    with pytest.raises(InvalidInput, match=r"did you mean traccar-v10"):
        chosen("osmand,tracar-v10")
    with pytest.raises(InvalidInput, match=r"expected some of owntracks, traccar"):
        chosen("")
