from __future__ import annotations

from pathlib import Path

import gpxpy
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locshare_ext.errors import InvalidFile, InvalidInput
from locshare_ext.formats import load
from locshare_ext.formats.frame import empty_frame, frame_from_arrow
from locshare_ext.formats.gpx import read_gpx, write_gpx

from .helpers import BASE, random_table, same, table_of

BEGIN = '<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1" xmlns:x="urn:x">'
POINT = '<trkpt lat="1" lon="2"><time>2026-01-26T15:57:02Z</time></trkpt>'


def written(folder: Path, text: str | bytes, name: str = "walk.gpx") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def track(name: str, points: str = POINT) -> str:
    return f"<trk>{f'<name>{name}</name>' if name else ''}<trkseg>{points}</trkseg></trk>"


def test_a_bus_in_limerick(data: Path) -> None:
    loaded = load(data / "bus304_limerick.gpx")
    frame = loaded.frame()
    assert len(frame) == 2144
    assert frame["member"].unique().tolist() == ["304.1"]
    assert frame["altitude"].notna().all()
    assert frame["time"].iloc[0] == pd.Timestamp("2019-02-18T07:45:50Z")
    assert (loaded.name, loaded.received_known, loaded.set_aside_count) == ("bus304_limerick", False, 0)


def test_points_without_a_time_are_set_aside(data: Path) -> None:
    loaded = read_gpx(data / "korita-zbevnica.gpx")
    assert len(loaded.frame()) == 513
    assert loaded.set_aside_count == 358
    assert "no time" in loaded.set_aside[0].reason
    assert "2 waypoints are not read" in loaded.remarks


def test_a_member_may_be_said(data: Path) -> None:
    frame = load(data / "cerknicko-jezero.gpx", member="ann").frame()
    assert frame["member"].unique().tolist() == ["ann"]
    assert len(frame) == 296


def test_a_file_without_any_time_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, BEGIN + "\n" + track("a", '<trkpt lat="1" lon="2"/>') + "</gpx>")
    with pytest.raises(InvalidFile, match="none of 1 points can be used; line 2: the point has no time"):
        read_gpx(path)
    with pytest.raises(InvalidFile, match="no track points; it has 1 waypoints"):
        read_gpx(written(tmp_path, BEGIN + '<wpt lat="1" lon="2"/></gpx>'))


def test_names_of_tracks_become_members(tmp_path: Path) -> None:
    names = ["", "a/b", "a-b", "A-B", "me", "x" * 70, "  two\n words "]
    loaded = read_gpx(written(tmp_path, BEGIN + "".join(map(track, names)) + "</gpx>"))
    members = loaded.table.column("member").to_pylist()
    assert members == ["walk 2", "a-b", "a-b 2", "a-b 2", "walk", "x" * 64, "two words"]
    assert any("'a/b' is member 'a-b'" in remark for remark in loaded.remarks)
    two = read_gpx(written(tmp_path, BEGIN + track("") + track("") + "</gpx>"))
    assert two.table.column("member").to_pylist() == ["walk-1", "walk-2"]


def test_speed_heading_and_accuracy_from_where_programs_write_them(tmp_path: Path) -> None:
    garmin = (
        '<extensions><g:TrackPointExtension xmlns:g="http://www.garmin.com/xmlschemas/TrackPointExtension/v2">'
        "<g:speed>3.5</g:speed><g:course>360</g:course><g:hr>90</g:hr></g:TrackPointExtension></extensions>"
    )
    plain = (
        "<extensions><x:bearing>12</x:bearing><x:accuracy>4</x:accuracy><x:speed>fast</x:speed></extensions>"
    )
    points = "".join(
        f'<trkpt lat="1" lon="2"><ele>9</ele><time>2026-01-26T15:57:0{second}</time>{more}</trkpt>'
        for second, more in enumerate([garmin, plain])
    )
    loaded = read_gpx(written(tmp_path, BEGIN + track("ann", points) + "</gpx>"))
    frame = loaded.frame(extra=["hr"])
    assert frame["speed"].tolist()[0] == 3.5
    assert frame["heading"].tolist() == [0.0, 12.0]
    assert frame["accuracy"].tolist()[1] == 4.0
    assert frame["hr"].tolist()[0] == 90.0
    assert any("speed: 1 value left out" in remark for remark in loaded.remarks)


def test_gpx_1_0_has_speed_and_course_of_its_own(tmp_path: Path) -> None:
    text = (
        '<gpx version="1.0" xmlns="http://www.topografix.com/GPX/1/0">'
        '<trk><trkseg><trkpt lat="1" lon="2"><time>2026-01-26T15:57:02Z</time>'
        "<course>45</course><speed>2</speed></trkpt></trkseg></trk></gpx>"
    )
    frame = read_gpx(written(tmp_path, text)).frame()
    assert frame[["heading", "speed"]].to_numpy().tolist() == [[45.0, 2.0]]


def test_bad_points_are_set_aside_beside_good_ones(tmp_path: Path) -> None:
    points = [POINT, POINT.replace('"1"', '"91"'), POINT.replace('"1"', '"x"'), POINT.replace("57", "99")]
    text = BEGIN + "\n" + track("ann", "\n".join(points)) + "</gpx>"
    loaded = read_gpx(written(tmp_path, text))
    assert len(loaded.table) == 1
    assert [row.line for row in loaded.set_aside] == [3, 4, 5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('<!DOCTYPE gpx [<!ENTITY a "aaaa">]>' + BEGIN + "</gpx>", "line 1: has a DOCTYPE"),
        ('<!DOCTYPE gpx SYSTEM "file:///etc/passwd"><gpx/>', "DOCTYPE"),
        (("<!DOCTYPE gpx [<!ENTITY a 'x'>]>" + BEGIN + "</gpx>").encode("utf-16"), "DOCTYPE"),
        (BEGIN + track("ann"), "line 1: no well-formed XML"),
        ("<rss></rss>", "no GPX: it begins with <rss>"),
        (BEGIN + "<a>" * 100, "within more than 64"),
        (BEGIN + "<name>" + "x" * 100_000 + "</name></gpx>", "over 65,536 characters"),
        ('<?xml version="1.0" encoding="klingon"?><gpx/>', "walk.gpx"),
        (BEGIN + "&xxe;</gpx>", "no well-formed XML"),
        (b"<gpx>\xff\xfe</gpx>", "no well-formed XML"),
    ],
)
def test_hostile_files_are_refused_in_words(text: str | bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match=message):
        load(written(tmp_path, text))


@given(st.text("<>/&gpxtrk \"=1'!-[]", max_size=60))
def test_garbage_raises_invalid_file_only(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = written(tmp_path_factory.mktemp("g"), BEGIN + text)
    with pytest.raises(InvalidFile):
        read_gpx(path)


def test_frame_to_gpx_and_back(tmp_path: Path) -> None:
    frame = frame_from_arrow(random_table(2000), group="hikers & co", recording="walk <1>")
    frame = frame.assign(late=False, source=frame["source"].cat.add_categories("import").fillna("import"))
    write_gpx(frame, tmp_path / "out.gpx")
    loaded = load(tmp_path / "out.gpx")
    assert (loaded.name, loaded.group, loaded.received_known) == ("walk <1>", "hikers & co", True)
    back = loaded.frame()
    same(
        back.drop(columns=["seq", "late", "trip", "source"]),
        frame.drop(columns=["seq", "late", "trip", "source"]),
    )
    assert back["source"].astype(str).tolist() == frame["source"].astype(str).tolist()


def test_another_reader_finds_tracks_and_segments(tmp_path: Path) -> None:
    times = [0, 5, 10, 15, 400, 405]
    rows = [{"time": BASE + second * 1000, "member": name, "speed": 2.0} for second in times for name in "ab"]
    write_gpx(frame_from_arrow(table_of(*rows), group="g"), tmp_path / "out.gpx")
    with (tmp_path / "out.gpx").open() as file:
        read = gpxpy.parse(file)
    assert [one.name for one in read.tracks] == ["a", "b"]
    assert [len(segment.points) for segment in read.tracks[0].segments] == [4, 2]
    assert read.tracks[0].segments[0].points[0].time.timestamp() * 1000 == BASE


def test_control_characters_do_not_break_the_file(tmp_path: Path) -> None:
    rows = table_of({"extra": '{"a":"\uffff <b>"}', "source": "a&b"})
    write_gpx(frame_from_arrow(rows, group="g\x01"), tmp_path / "out.gpx")
    frame = load(tmp_path / "out.gpx").frame(extra=["a"])
    assert frame["a"].tolist() == ["\uffff <b>"]
    assert frame["source"].tolist() == ["a&b"]


def test_an_empty_frame_is_a_valid_file(tmp_path: Path) -> None:
    write_gpx(empty_frame(group="g"), tmp_path / "out.gpx")
    with (tmp_path / "out.gpx").open() as file:
        assert gpxpy.parse(file).tracks == []
    with pytest.raises(InvalidInput, match="no trail frame"):
        write_gpx(empty_frame().drop(columns="lat"), tmp_path / "out.gpx")
