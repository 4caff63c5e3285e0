"""Files as other programs and other countries write them; the shapes are of real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from locshare_ext.cli import main as cli
from locshare_ext.client.opening import open_recording
from locshare_ext.errors import InvalidFile, InvalidInput
from locshare_ext.formats import load
from locshare_ext.formats.csv import guess_file

GPX = '<gpx version="1.1" creator="logger" xmlns="http://www.topografix.com/GPX/1/1">'
TRACK = (
    '<trk><name>{name}</name><trkseg><trkpt lat="1" lon="2"><time>2026-01-26T15:57:02Z</time>{more}</trkpt>'
    "</trkseg></trk></gpx>"
)
MAP = "member=who,time=when,lat=lat,lon=lon"


def written(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def rows_of(path: Path, **options: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = load(path, **options).table.to_pylist()
    return found


# GPX


def test_waypoints_and_routes_are_read_where_there_is_no_track(tmp_path: Path) -> None:
    points = (
        '<wpt lat="1" lon="2"><time>2026-01-26T15:57:02Z</time><name>camp</name></wpt>'
        '<wpt lat="3" lon="4"/>'
        '<rte><name>bus</name><rtept lat="5" lon="6"><time>2026-01-26T15:57:04Z</time></rtept></rte>'
    )
    loaded = load(written(tmp_path, "places.gpx", f"{GPX}{points}</gpx>"))
    assert [(row["member"], row["lat"]) for row in loaded.table.to_pylist()] == [("places", 1), ("bus", 5)]
    assert loaded.set_aside_count == 1
    assert "2 waypoints and 1 route points are read, as there is no track" in loaded.remarks
    beside = load(written(tmp_path, "both.gpx", GPX + points + TRACK.format(name="ann", more="")))
    assert beside.fixes.members == ["ann"]
    assert "2 waypoints and 1 route points are not read" in beside.remarks


def test_prefixes_that_were_never_declared(tmp_path: Path) -> None:
    more = "<extensions><osmand:speed>0.5</osmand:speed><x:course>90</x:course></extensions>"
    (row,) = rows_of(written(tmp_path, "osmand.gpx", GPX + TRACK.format(name="ann", more=more)))
    assert (row["member"], row["speed"], row["heading"]) == ("ann", 0.5, 90)


@pytest.mark.parametrize("before", ["\n", "\r\n \t", "\ufeff", "\ufeff\n"])
def test_what_stands_before_the_xml_declaration(tmp_path: Path, before: str) -> None:
    text = before + '<?xml version="1.0" encoding="UTF-8"?>\n' + GPX
    bad = text + '<trk><trkseg><trkpt lat="x" lon="1"/></trkseg>' + TRACK.format(name="ann", more="")[5:]
    loaded = load(written(tmp_path, "a.gpx", bad))
    assert len(loaded.table) == 1
    assert [row.line for row in loaded.set_aside] == [1 + bad[: bad.index("<trk")].count("\n")]


@pytest.mark.parametrize("encoding", ["iso-8859-1", "windows-1252", "cp1250", "utf-16"])
def test_gpx_in_other_encodings(tmp_path: Path, encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?>' + GPX + TRACK.format(name="Jürgen", more="")
    (row,) = rows_of(written(tmp_path, "a.gpx", text.encode(encoding)))
    assert row["member"] == "Jürgen"


def test_gpx_in_an_encoding_of_several_bytes(tmp_path: Path) -> None:
    text = '<?xml version="1.0" encoding="EUC-KR"?>' + GPX + TRACK.format(name="철수", more="")
    path = written(tmp_path, "a.gpx", text.encode("euc-kr"))
    assert rows_of(path)[0]["member"] == "철수"
    path.write_bytes(text.encode("euc-kr").replace("철수".encode("euc-kr"), b"\xff\xff"))
    with pytest.raises(InvalidFile, match="euc_kr"):
        load(path)


# CSV


def test_semicolons_decimal_commas_and_a_line_that_says_so(tmp_path: Path) -> None:
    text = 'sep=;\r\nwho;when;lat;lon;speed\r\nann;2026-01-26T15:57:02,5Z;52,52;13,405;"1,5"\r\n;;;;\r\n'
    path = written(tmp_path, "excel.csv", "\ufeff" + text)
    guess = guess_file(path)
    assert guess is not None
    assert str(guess.columns) == "time=when,lat=lat,lon=lon"
    (row,) = rows_of(path, columns=MAP + ",speed=speed")
    assert (row["lat"], row["lon"], row["speed"], row["time"]) == (52.52, 13.405, 1.5, 1769443022500)
    path.write_text(text.replace("52,52", "north"))
    with pytest.raises(InvalidFile, match="line 3: lat 'north'"):
        load(path, columns=MAP)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_at_the_end_and_headers_twice(tmp_path: Path, end: str) -> None:
    lines = [
        "who,when,lat,lon,note,note,,",
        "ann,2026-01-26T15:57:02Z,1,2,a,b,,,,",
        "ann,2026-01-26T15:57:03Z,1,2",
    ]
    path = written(tmp_path, "a.csv", end.join(lines) + end)
    loaded = load(path, columns=MAP)
    assert len(loaded.table) == 1
    assert [(one.line, one.reason) for one in loaded.set_aside] == [
        (3, "4 cells, expected 8 as in the header")
    ]
    with pytest.raises(InvalidFile, match="column 'note' is in the header twice"):
        load(path, columns=MAP + ",extra.note=note")


def test_a_csv_in_another_encoding_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "a.csv", "who,when,lat,lon\n철수,2026-01-26T15:57:02Z,1,2\n".encode("euc-kr"))
    with pytest.raises(InvalidFile, match="say which with encoding=, such as cp1252 or euc-kr"):
        load(path, columns=MAP)
    assert open_recording(path, columns=MAP, encoding="euc-kr").trails()["member"].tolist() == ["철수"]
    with pytest.raises(InvalidFile, match="encoding 'klingon' is unknown"):
        load(path, columns=MAP, encoding="klingon")
    with pytest.raises(InvalidInput, match="needs no encoding="):
        load(written(tmp_path, "a.gpx", GPX + TRACK.format(name="a", more="")), encoding="euc-kr")
    options = cli.parser().parse_args(["import", str(path), "--encoding", "euc-kr"])
    assert options.encoding == "euc-kr"


@pytest.mark.parametrize("between", "-._")
def test_movebank_as_r_and_its_api_write_it(tmp_path: Path, between: str) -> None:
    names = (
        "timestamp,location-long,location-lat,individual-local-identifier,ground-speed,height-above-ellipsoid"
    )
    header = f"{names},event-id".replace("-", between)
    rows = (
        '"2009-02-11 12:16:45",-73.9,42.7,Leroy,2.1,79.3,44528397\n2009-02-11 12:20:00,NA,NA,Leroy,NA,NA,1\n'
    )
    loaded = load(written(tmp_path, "fisher.csv", f"{header}\n{rows}"))
    (row,) = loaded.table.to_pylist()
    assert loaded.format == "movebank"
    assert (row["member"], row["time"], row["speed"], row["altitude"]) == ("Leroy", 1234354605000, 2.1, 79.3)
    assert row["extra"] == '{"event-id": 44528397}'
    assert [one.line for one in loaded.set_aside] == [3]


# others


def plt(*, datum: str = "WGS 84", unit: str = "Feet", rows: str = "") -> str:
    return (
        f"OziExplorer Track Point File Version 2.1\r\n{datum}\r\nAltitude is in {unit}\r\nReserved 3\r\n"
        f"0,2,255,track,0,0,2,8421376\r\n1\r\n{rows}"
    )


def test_plt_in_metres_of_oziexplorer(tmp_path: Path) -> None:
    point = "  33.96, 107.77,1, 1000.0,45006.5,21-Mar-23, 12:00:00 PM\r\n"
    (row,) = rows_of(written(tmp_path, "a.plt", plt(unit="Meters", rows=point)))
    assert (row["altitude"], row["source"], row["time"]) == (1000, "oziexplorer", 1679400000000)
    (row,) = rows_of(written(tmp_path, "a.plt", plt(rows=point)))
    assert row["altitude"] == pytest.approx(304.8)


def test_plt_of_another_datum_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match="is in Tokyo, expected WGS 84"):
        load(written(tmp_path, "a.plt", plt(datum="Tokyo,")))


def test_a_rec_whose_tabs_became_blanks(tmp_path: Path) -> None:
    line = '2023-02-20T18:46:22Z  *                   {"_type":"location","lat":1,"lon":2,"tst":1676918782}\n'
    (row,) = rows_of(written(tmp_path, "2023-02.rec", line))
    assert (row["time"], row["source"]) == (1676918782000, "owntracks")
