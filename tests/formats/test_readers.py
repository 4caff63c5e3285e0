"""Files as other programs write them, made by hand after their documentation and sources."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from locshare_ext.errors import InvalidFile, InvalidInput
from locshare_ext.formats import load
from locshare_ext.formats.loaded import Loaded


def written(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def first(loaded: Loaded) -> dict[str, Any]:
    row: dict[str, Any] = loaded.table.to_pylist()[0]
    return row


def ms(text: str) -> int:
    return int(pd.Timestamp(text).value // 1_000_000)


# GeoLife

PLT = """Geolife trajectory\r
WGS 84\r
Altitude is in Feet\r
Reserved 3\r
0,2,255,My Track,0,0,2,8421376\r
0\r
39.984702,116.318417,0,492,39744.1201851852,2008-10-23,02:53:04\r
39.984683,116.31845,0,-777,39744.1202546296,2008-10-23,02:53:10\r
"""


def test_a_geolife_track(tmp_path: Path) -> None:
    loaded = load(written(tmp_path, "000/Trajectory/20081023025304.plt", PLT))
    row = first(loaded)
    assert (loaded.format, row["member"], row["source"]) == ("plt", "000", "geolife")
    assert row["time"] == ms("2008-10-23T02:53:04Z")
    assert row["altitude"] == pytest.approx(149.9616)
    assert loaded.table.column("altitude")[1].as_py() is None
    assert not loaded.received_known
    assert first(load(written(tmp_path, "walk.plt", PLT)))["member"] == "walk"
    assert first(load(written(tmp_path, "walk.plt", PLT), member="ann"))["member"] == "ann"


def test_dates_of_oziexplorer_are_taken_from_its_days(tmp_path: Path) -> None:
    text = PLT.replace("2008-10-23", "23-Oct-08").replace(
        "Geolife trajectory", "OziExplorer Track Point File"
    )
    text = text.replace("23-Oct-08", "23.10.08")
    loaded = load(written(tmp_path, "ozi.plt", text))
    assert abs(first(loaded)["time"] - ms("2008-10-23T02:53:04Z")) < 5


def test_bad_points_of_a_plt_are_set_aside(tmp_path: Path) -> None:
    bad = "91,116,0,1,39744.1,2008-10-23,02:53:04\nnan,116,0,1,39744.1,2008-10-23,02:53:04\n1,2\n"
    loaded = load(written(tmp_path, "bad.plt", PLT + bad))
    assert [(one.line, one.reason.split()[0]) for one in loaded.set_aside] == [
        (9, "lat"),
        (10, "lat"),
        (11, "2"),
    ]
    with pytest.raises(InvalidFile, match="no points after its 6 lines"):
        load(written(tmp_path, "none.plt", "\n".join(PLT.splitlines()[:6])))


# OwnTracks Recorder

REC = (
    '2026-01-26T15:57:03Z\t*                 \t{"_type":"location","tid":"an","lat":37.5,"lon":127.0,'
    '"tst":1769443022,"acc":8,"alt":31,"vel":36,"cog":270,"batt":83,"inregions":["home","town"],"SSID":"=x","p":101.3}\n'
    '2026-01-26T15:57:05Z\tevent             \t{"_type":"transition","event":"enter","tst":1769443024}\n'
    '2026-01-26T15:57:06Z\t*                 \t{"_type":"location","lat":"37.6","lon":"127.1",'
    '"tst":791135826,"acc":0}\n'
    "2026-01-26T15:57:07Z\tlwt               \tgone\n"
    '2026-01-26T15:57:08Z\t*                 \t{"_type":"location","lon":1,"tst":1769443022}\n'
    '2026-01-26T15:57:08Z\t*                 \t{"_type":"location","lat":1\n'
)


def test_a_file_of_the_owntracks_recorder(tmp_path: Path) -> None:
    loaded = load(written(tmp_path, "rec/ann/phone/2026-01.rec", REC))
    row, other = loaded.table.to_pylist()
    assert (loaded.format, row["member"], loaded.received_known) == ("owntracks", "ann", True)
    assert (row["time"], row["received"]) == (1769443022000, 1769443023000)
    assert row["speed"] == pytest.approx(10)
    assert (row["battery"], row["heading"], row["altitude"], row["accuracy"]) == (0.83, 270, 31, 8)
    assert json.loads(row["extra"]) == {"inregions": "home,town", "SSID": "=x", "p": 101.3}
    # an app that counts from 2001, numbers as text, an accuracy of 0 that means unknown
    assert (other["time"], other["lat"], other["accuracy"]) == (1769443026000, 37.6, None)
    assert [one.line for one in loaded.set_aside] == [5, 6]
    assert "2 messages that are no locations are not read" in loaded.remarks


def test_a_recording_in_which_nobody_was_anywhere(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match="no locations, but 1 other"):
        load(written(tmp_path, "lwt.rec", REC.splitlines()[1] + "\n"))


# Google


def test_records_of_takeout(tmp_path: Path) -> None:
    locations = [
        {
            "latitudeE7": 375000000,
            "longitudeE7": 1270000000,
            "accuracy": 8,
            "altitude": 20,
            "velocity": 3,
            "heading": 360,
            "source": "WIFI",
            "deviceTag": -5,
            "timestamp": "2026-01-26T15:57:02.123Z",
            "activity": [{"activity": [{"type": "STILL", "confidence": 100}], "timestamp": "x"}],
        },
        {"latitudeE7": -337000000, "longitudeE7": 3000000000 - (1 << 32), "timestampMs": "1769443022124"},
        {"latitudeE7": 3957967296, "longitudeE7": 1512000000, "timestampMs": "1769443022125"},
        {"timestamp": "2026-01-26T15:57:02Z"},
        {"latitudeE7": 1e300, "longitudeE7": 0, "timestamp": "2026-01-26T15:57:02Z"},
        7,
    ]
    loaded = load(written(tmp_path, "Records.json", {"locations": locations}))
    rows = loaded.table.to_pylist()
    assert loaded.format == "google"
    assert [(row["lat"], row["lon"]) for row in rows] == [
        (37.5, 127.0),
        (-33.7, -129.4967296),
        (-33.7, 151.2),
    ]
    assert (rows[0]["time"], rows[0]["speed"], rows[0]["heading"], rows[0]["member"]) == (
        *(1769443022123, 3, 0),
        "Records",
    )
    assert json.loads(rows[0]["extra"]) == {"signal": "WIFI", "device_tag": -5}
    assert [one.line for one in loaded.set_aside] == [4, 5, 6]
    assert not loaded.received_known


def test_arrival_is_known_only_if_it_is_of_all(tmp_path: Path) -> None:
    one = {"latitudeE7": 1, "longitudeE7": 2, "timestamp": "2026-01-26T15:57:02Z"}
    told = {**one, "timestamp": "2026-01-26T15:57:01Z", "serverTimestamp": "2026-01-26T16:00:00Z"}
    assert load(written(tmp_path, "a.json", {"locations": [told]})).received_known
    loaded = load(written(tmp_path, "b.json", {"locations": [told, one]}))
    assert not loaded.received_known
    assert loaded.table.column("received").to_pylist() == loaded.table.column("time").to_pylist()
    assert loaded.table.column("time").to_pylist() == sorted(loaded.table.column("time").to_pylist())


def test_a_timeline_of_a_phone(tmp_path: Path) -> None:
    segments = [
        {
            "startTime": "2024-06-06T11:00:00.000+02:00",
            "endTime": "2024-06-06T13:00:00.000+02:00",
            "timelinePath": [{"point": "48.8337°, 2.2562°", "time": "2024-06-06T11:44:00.000+02:00"}],
        },
        {"startTime": "2024-06-06T11:00:00.000+02:00", "visit": {"topCandidate": {"placeId": "x"}}},
        {"startTime": "2024-06-06T11:00:00.000+02:00", "activity": {"start": {"latLng": "1°, 2°"}}},
    ]
    signals = [
        {
            "position": {
                "LatLng": "48.833657°, -2.256223°",
                "accuracyMeters": 13,
                "altitudeMeters": 90.7,
                "source": "GPS",
                "timestamp": "2024-06-06T11:44:37.000+02:00",
                "speedMetersPerSecond": 1.5,
            }
        },
        {"wifiScan": {"deliveryTime": "2024-06-06T11:44:37.000+02:00", "devicesRecords": [{"mac": 1}]}},
    ]
    content = {
        "semanticSegments": segments,
        "rawSignals": signals,
        "userLocationProfile": {"frequentPlaces": []},
    }
    loaded = load(written(tmp_path, "Timeline.json", content))
    path, raw = loaded.table.to_pylist()
    assert (path["lat"], path["lon"], path["time"]) == (48.8337, 2.2562, ms("2024-06-06T09:44:00Z"))
    assert json.loads(path["extra"]) == {"signal": "timelinePath"}
    assert (raw["lon"], raw["accuracy"], raw["altitude"], raw["speed"]) == (-2.256223, 13, 90.7, 1.5)
    assert "1 visits and 1 activities and 1 lists of networks are not read" in loaded.remarks


def test_a_timeline_of_an_iphone(tmp_path: Path) -> None:
    content = [
        {
            "startTime": "2024-06-06T11:00:00.000+02:00",
            "endTime": "2024-06-06T13:00:00.000+02:00",
            "timelinePath": [
                {"point": "geo:55.605487,13.007670", "durationMinutesOffsetFromStartTime": "87"},
                {"point": "nowhere", "durationMinutesOffsetFromStartTime": "88"},
            ],
        }
    ]
    loaded = load(written(tmp_path, "location-history.json", content))
    assert (first(loaded)["lat"], first(loaded)["time"]) == (55.605487, ms("2024-06-06T10:27:00Z"))
    assert loaded.set_aside_count == 1


def test_semantic_history_by_the_month_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match=r"no fixes; Records\.json"):
        load(written(tmp_path, "2021_JUNE.json", {"timelineObjects": [{"placeVisit": {}}]}))


# Traccar

TRACCAR = (
    "id,deviceId,protocol,serverTime,deviceTime,fixTime,valid,latitude,longitude,altitude,speed,course,"
    "address,accuracy"
)


def test_a_report_of_traccar_needs_its_zone(tmp_path: Path) -> None:
    row = (
        "7,3,osmand,2026-01-26 16:57:03,2026-01-26 16:57:02,2026-01-26 16:57:02,true,37.5,127.0,31.0,"
        "19.4384,270.0,Main Street 5, Seoul, KR,0.0,90,false"
    )
    path = written(tmp_path, "report.csv", f"{TRACCAR},batteryLevel,motion\n{row}\n")
    with pytest.raises(InvalidInput, match=r"line 2: fixTime .* has no zone"):
        load(path)
    loaded = load(path, tz="Europe/Berlin")
    found = first(loaded)
    assert (loaded.format, found["member"], found["time"]) == ("traccar", "3", 1769443022000)
    assert (found["received"], found["battery"], found["accuracy"]) == (1769443023000, 0.9, None)
    assert found["speed"] == pytest.approx(10, rel=1e-4)
    extra = json.loads(found["extra"])
    assert extra["address"] == "Main Street 5, Seoul, KR"  # Traccar writes its commas without quotes
    assert (extra["valid"], extra["motion"]) == (True, False)


def test_tables_of_traccar_are_in_utc(data: Path) -> None:
    loaded = load(data / "traccar_positions.csv")
    frame = loaded.frame()
    assert len(frame) == 2144
    assert loaded.received_known
    assert ((frame["received"] - frame["time"]) == pd.Timedelta(milliseconds=431)).all()
    assert frame["speed"].max() < 40
    assert frame["battery"].eq(0.9).all()
    assert any("UTC" in remark for remark in loaded.remarks)


def test_the_same_ride_in_four_formats_is_the_same(data: Path) -> None:
    """The samples are one track rewritten: places and times agree, whatever each format rounds."""
    gpx = load(data / "bus304_limerick.gpx").frame()
    for name in ("owntracks_2019-02.rec", "google_Records.json", "traccar_positions.csv"):
        frame = load(data / name).frame()
        assert len(frame) == len(gpx), name
        assert (frame["time"].to_numpy() == gpx["time"].to_numpy()).all(), name
        assert (frame[["lat", "lon"]].to_numpy() == gpx[["lat", "lon"]].to_numpy()).all(), name
        assert (frame["altitude"] - gpx["altitude"]).abs().max() <= 0.5, name


# Movebank

MOVEBANK = (
    "event-id,visible,timestamp,location-long,location-lat,external-temperature,ground-speed,heading,"
    "height-above-msl,sensor-type,individual-taxon-canonical-name,tag-local-identifier,"
    "individual-local-identifier,study-name\n"
    '1,true,2009-05-31 06:08:49.000,24.58617,61.24783,13,0.5,12,100,gps,"Larus fuscus",91732,"91732A",Gulls\n'
    '2,false,2009-05-31 06:30:44.000,,,13,0.5,12,100,gps,"Larus fuscus",91732,"91732A",Gulls\n'
)


def test_a_study_of_movebank(tmp_path: Path) -> None:
    loaded = load(written(tmp_path, "gulls.csv", MOVEBANK))
    row = first(loaded)
    assert (loaded.format, row["member"], row["lat"], row["lon"]) == (
        "movebank",
        "91732A",
        61.24783,
        24.58617,
    )
    assert row["time"] == ms("2009-05-31T06:08:49Z")
    assert (row["speed"], row["heading"], row["altitude"]) == (0.5, 12, 100)
    assert json.loads(row["extra"])["external-temperature"] == 13
    assert [one.line for one in loaded.set_aside] == [3]


# GeoJSON


def collection(*features: Any, **more: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", **more, "features": list(features)}


def point(*coordinates: Any, **properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": list(coordinates)},
        "properties": properties,
    }


def test_points_with_properties_that_have_to_be_told(tmp_path: Path) -> None:
    features = [
        point(127.0, 37.5, 31, bus="a", timestamp=1769443022, v=36.0, route="14"),
        point(127.1, 37.6, bus="b", timestamp=1769443023, late=True),
        point(200, 37.6, bus="b", timestamp=1769443023),
        {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": []}, "properties": {}},
        {"type": "Feature", "geometry": None, "properties": {}},
        "nothing",
    ]
    path = written(tmp_path, "buses.geojson", collection(*features))
    with pytest.raises(
        InvalidInput, match='say which property is which; it looks like columns="time_s=timestamp'
    ) as told:
        load(path)
    assert told.value.code == "columns_needed"
    loaded = load(
        path, columns={"member": "bus", "time_s": "timestamp", "speed_kmh": "v", "extra.route": "route"}
    )
    row, other = loaded.table.to_pylist()
    assert (row["member"], row["lat"], row["lon"], row["altitude"]) == ("a", 37.5, 127.0, 31)
    assert row["speed"] == pytest.approx(10)
    assert json.loads(row["extra"]) == {"route": 14}
    assert (other["member"], other["altitude"], other["speed"]) == ("b", None, None)
    assert [one.line for one in loaded.set_aside] == [3, 5, 6]
    assert "1 features that are neither points nor lines are not read" in loaded.remarks


def test_lines_whose_times_are_numbers(tmp_path: Path) -> None:
    line = {"type": "LineString", "coordinates": [[127.0, 37.5], [127.1, 37.6]]}
    properties = {"who": "ann", "times": [1769443022123, 1769443023123]}
    feature = {"type": "Feature", "geometry": line, "properties": properties}
    path = written(tmp_path, "ride.json", collection(feature))
    with pytest.raises(InvalidInput, match="say time_s=times") as told:
        load(path)
    assert told.value.field == "columns"
    rows = load(path, columns="member=who,time_ms=times").table.to_pylist()
    assert [(row["member"], row["time"]) for row in rows] == [("ann", 1769443022123), ("ann", 1769443023123)]


def test_lines_with_times(tmp_path: Path) -> None:
    times = ["2026-01-26T15:57:02Z", "2026-01-26T15:57:03Z"]
    line = {"type": "LineString", "coordinates": [[127.0, 37.5, 5], [127.1, 37.6]]}
    lines = {"type": "MultiLineString", "coordinates": [line["coordinates"]]}
    features = [
        {"type": "Feature", "geometry": line, "properties": {"name": "ann", "coordTimes": times}},
        {"type": "Feature", "geometry": lines, "properties": {"coordinateProperties": {"times": [times]}}},
        {"type": "Feature", "geometry": line, "properties": {}},
        {"type": "Feature", "geometry": line, "properties": {"coordTimes": times[:1]}},
    ]
    loaded = load(written(tmp_path, "ride.json", collection(*features)))
    assert [row["member"] for row in loaded.table.to_pylist()] == ["ann", "ride", "ann", "ride"]
    assert [row["altitude"] for row in loaded.table.to_pylist()] == [5, 5, None, None]
    assert [one.line for one in loaded.set_aside] == [3, 4]


def test_another_reference_system_is_refused(tmp_path: Path) -> None:
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}
    path = written(tmp_path, "mercator.geojson", collection(point(1, 2, t="2026-01-26T15:57:02Z"), crs=crs))
    with pytest.raises(InvalidFile, match="expected WGS 84"):
        load(path, columns="time=t")


# what a file is, its content says


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.gpx", b"PK\x03\x04", "ZIP archive"),
        ("a.kml", b"<?xml version='1.0'?><kml xmlns='http://www.opengis.net/kml/2.2'/>", "is KML; expected"),
        ("a.json", b'{"a": [1]}', "neither GeoJSON nor of Google"),
        ("a.json", b'\xff\xfe{\x00"\x00', "JSON"),
        ("a.csv", b"", "is empty"),
        ("a.feather", b"FEA1" + bytes(100), "Feather of before 2020"),
    ],
)
def test_what_cannot_be_read_is_said(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match=message):
        load(written(tmp_path, name, content))


def test_the_suffix_may_say_something_else(tmp_path: Path) -> None:
    assert load(written(tmp_path, "walk.csv", PLT)).format == "plt"
    assert load(written(tmp_path, "walk.gpx", REC)).format == "owntracks"
    assert load(written(tmp_path, "walk", MOVEBANK)).format == "movebank"


def test_a_format_may_be_said(tmp_path: Path) -> None:
    path = written(tmp_path, "walk.txt", PLT)
    assert load(path, format="plt").format == "plt"
    with pytest.raises(InvalidInput, match="did you mean gpx"):
        load(path, format="gpxx")
    with pytest.raises(InvalidInput, match="'kml' is unknown; "):
        load(path, format="kml")
    with pytest.raises(InvalidInput, match="needs no columns="):
        load(path, columns="time=a,lat=b,lon=c")
