from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locshare_ext.errors import InvalidFile, InvalidInput
from locshare_ext.formats import load
from locshare_ext.formats.columns import guess_columns, parse_columns
from locshare_ext.formats.csv import guess_file, read_csv, unquoted
from locshare_ext.formats.frame import empty_frame, frame_from_arrow
from locshare_ext.formats.times import NEEDS_UNIT, TimeReader, Unit, text_of_ms, zone_of
from locshare_ext.formats.trailcsv import read_trail_csv, write_csv

from .helpers import BUSES, random_table, same, table_of


def written(folder: Path, text: str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_eight_buses(data: Path) -> None:
    loaded = read_csv(data / "liverpool_bus_route14.csv", BUSES, tz="UTC")
    frame = loaded.frame()
    assert len(frame) == 1533
    assert frame["member"].nunique() == 8
    assert frame["trip"].nunique() == 16
    assert frame["heading"].isna().sum() == 399
    assert frame["time"].iloc[0] == pd.Timestamp("2026-01-26T15:55:12Z")
    assert loaded.set_aside_count == 0
    assert not loaded.received_known
    assert loaded.name == "liverpool_bus_route14"


def test_a_csv_without_a_map_is_asked_for_with_a_guess(data: Path) -> None:
    path = data / "liverpool_bus_route14.csv"
    with pytest.raises(InvalidInput, match="member=vehicle_id,time=timestamp") as caught:
        read_csv(path)
    assert caught.value.code == "columns_needed"
    assert "tz=" in caught.value.message
    guess = guess_file(path)
    assert guess is not None
    assert str(guess.columns) == BUSES
    assert guess.needs_zone
    with pytest.raises(InvalidInput, match=r"line 2: timestamp '2026-01-26 15:57:02' has no zone"):
        read_csv(path, BUSES)


def test_received_and_units_of_another_program(data: Path) -> None:
    with (data / "traccar_positions.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    guess = guess_columns(header, rows[:50])
    assert any("speed_knots" in doubt for doubt in guess.doubts)
    loaded = read_csv(data / "traccar_positions.csv", f"{guess.columns},speed_knots=speed", tz="UTC")
    frame = loaded.frame()
    assert len(frame) == 2144
    assert loaded.received_known
    assert ((frame["received"] - frame["time"]) == pd.Timedelta(milliseconds=431)).all()
    assert frame["speed"].max() < 40
    assert frame["accuracy"].eq(8).all()


def test_bad_rows_are_set_aside_with_line_and_reason(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "who,when,lat,lon,speed,heading\n"
        "ann,2026-01-26T15:57:02Z,1,2,3,360\n"
        "ann,yesterday,1,2,3,4\n"
        "ann,2026-01-26T15:57:03Z,91,2,3,4\n"
        "\n"
        "ann,2026-01-26T15:57:04Z,1,x,3,4\n"
        "ann,2026-01-26T15:57:05Z,1,2\n"
        "a/b,2026-01-26T15:57:06Z,1,2,3,4\n"
        "ann,2026-01-26T15:57:07Z,nan,2,3,4\n"
        "ann,2026-01-26T15:57:08Z,1,2,-1,fast\n"
        "ann,2026-01-26T15:57:09.5Z,1,2,,NA\n",
    )
    loaded = read_csv(path, "member=who,time=when,lat=lat,lon=lon,speed=speed,heading=heading")
    assert [row.line for row in loaded.set_aside] == [3, 4, 6, 7, 8, 9]
    assert loaded.set_aside_count == 6
    reasons = "\n".join(row.reason for row in loaded.set_aside)
    assert "when 'yesterday' is not understood; expected ISO 8601" in reasons
    assert "lat 91.0 is outside [-90, 90] degrees" in reasons
    assert "lon 'x' is no number" in reasons
    assert "4 cells, expected 6" in reasons
    assert loaded.set_aside[0].raw == "ann,yesterday,1,2,3,4"
    frame = loaded.frame()
    assert frame["heading"].iloc[0] == 0.0
    assert frame["speed"].isna().tolist() == [False, True, True]
    assert frame["time"].iloc[2].microsecond == 500_000
    assert any("speed: 1 value left out" in remark for remark in loaded.remarks)
    assert any("heading" in remark and "'fast'" in remark for remark in loaded.remarks)


def test_a_file_without_one_good_row_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "time,lat,lon\n2026-01-26T15:57:02Z,95,1\n")
    with pytest.raises(InvalidFile, match="none of 1 rows can be used; line 2: lat 95"):
        read_csv(path, "time=time,lat=lat,lon=lon")


def test_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    path = written(tmp_path, "\ufeffzeit;breite;länge\n2026-01-26T15:57:02+01:00;52,5;13,4\n")
    frame = read_csv(path, "time=zeit,lat=breite,lon=länge").frame()
    assert frame[["lat", "lon"]].to_numpy().tolist() == [[52.5, 13.4]]
    assert frame["member"].tolist() == ["t"]
    assert frame["time"].iloc[0] == pd.Timestamp("2026-01-26T14:57:02Z")
    assert read_csv(path, "time=zeit,lat=breite,lon=länge", member="ann").frame()["member"][0] == "ann"


def test_columns_kept_in_extra(tmp_path: Path) -> None:
    path = written(
        tmp_path, 'time,lat,lon,id,note\n1769443029000,1,2,007,"a ""b"", c"\n1769443030000,1,2,8,\n'
    )
    loaded = read_csv(path, "time_ms=time,lat=lat,lon=lon,extra.id=id,extra.note=note")
    frame = loaded.frame(extra=["id", "note"])
    assert frame["note"].tolist()[0] == 'a "b", c'
    assert frame["id"].tolist() == ["007", "8"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("member=a,time=b,lat=c", "which column is lon"),
        ("latitude=a,time=b,lon=c,lat=d", "did you mean lat"),
        ("time=b,lat=c,lon", "not FIELD=COLUMN"),
        ("time=b,lat=c,lon=d,speed=e,speed_kmh=f", "say the same twice"),
        ("time=b,time_ms=b,lat=c,lon=d", "say the same twice"),
        ("", "which column is time and lat and lon"),
        ("extra.=a,time=b,lat=c,lon=d", "is no field"),
    ],
)
def test_a_wrong_map_says_which_item(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        parse_columns(text)


def test_a_column_that_is_not_there_is_named_with_what_is(tmp_path: Path) -> None:
    path = written(tmp_path, "time,latitude,lon\n")
    with pytest.raises(InvalidInput, match="no column 'latitud'; did you mean 'latitude'"):
        read_csv(path, "time=time,lat=latitud,lon=lon")


def test_a_header_with_a_comma_survives_the_map() -> None:
    columns = parse_columns('time=t,"lat=a,b",lon=c')
    assert columns.columns["lat"] == "a,b"
    assert parse_columns(str(columns)) == columns


def test_a_column_that_numbers_the_rows_is_no_member() -> None:
    rows = [[str(number), "2026-01-26 15:57:02", "1", "2"] for number in range(5)]
    guess = guess_columns(["id", "date", "Lat", "Lng"], rows)
    assert "member" not in guess.columns.columns
    assert guess.columns.columns["lon"] == "Lng"
    assert guess.doubts
    assert guess_columns(["a", "b"], [["1", "2"]]).missing == ("time", "lat", "lon")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-26T15:57:02Z", 1769443022000),
        ("2026-01-26 15:57:02.1239 UTC", 1769443022123),
        ("2026-01-26T15:57:02,5+01", 1769439422500),
        ("2026-01-26T15:57-0130", 1769448420000),
        ("1969-12-31T23:59:59.999Z", -1),
    ],
)
def test_times_are_read_by_rule(text: str, expected: int) -> None:
    assert TimeReader().read(text) == expected


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("1769443022", "s", 1769443022000),
        ("1769443022.5", "s", 1769443022500),
        ("1.769443022e9", "s", 1769443022000),
        ("1769443022123", "ms", 1769443022123),
        ("1769443022123456", "us", 1769443022123),
        ("1769443022123456789", "ns", 1769443022123),
        ("12", "ms", 12),
    ],
)
def test_numbers_are_read_in_the_unit_that_was_said(text: str, unit: Unit, expected: int) -> None:
    assert TimeReader(unit=unit).read(text) == expected
    with pytest.raises(InvalidInput, match="nothing says of which unit") as told:
        TimeReader().read(text)
    assert told.value.code == NEEDS_UNIT


@pytest.mark.parametrize(("numbers", "unit"), [((1769443022, 1769443023), "s"), ((1769443022123,), "ms")])
def test_the_unit_of_numbers_is_asked_for_never_guessed(
    tmp_path: Path, numbers: tuple[int, ...], unit: str
) -> None:
    rows = "".join(f"ann,{number},1,2\n" for number in numbers)
    path = written(tmp_path, "name,timestamp,lat,lon\n" + rows)
    with pytest.raises(InvalidInput, match=f"time_{unit}=timestamp,lat=lat.*is that so") as told:
        read_csv(path)
    assert told.value.code == "columns_needed"
    with pytest.raises(InvalidInput, match=r"say time_s=timestamp \(seconds\), time_ms=timestamp") as told:
        read_csv(path, "member=name,time=timestamp,lat=lat,lon=lon")
    assert (told.value.code, told.value.field) == (NEEDS_UNIT, "columns")
    found = read_csv(path, f"member=name,time_{unit}=timestamp,lat=lat,lon=lon").frame()
    assert found["time"][0].timestamp() == pytest.approx(numbers[0] / (1000 if unit == "ms" else 1))


def test_one_number_among_times_is_set_aside(tmp_path: Path) -> None:
    path = written(tmp_path, "t,lat,lon\n1769443022,1,2\n2026-01-26T15:57:02Z,1,2\n")
    loaded = read_csv(path, "time=t,lat=lat,lon=lon")
    assert len(loaded.table) == 1
    assert [(row.line, "which unit" in row.reason) for row in loaded.set_aside] == [(2, True)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-01-26",
        "26/01/2026 15:57",
        "2026-13-26T15:57Z",
        "20260126155702",
        "nan",
        "1e400",
        "-1e99",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        TimeReader(zone_of("UTC")).read(text)


def test_hours_that_are_twice_or_never_are_not_guessed() -> None:
    london = TimeReader(zone_of("Europe/London"))
    assert london.read("2026-07-01 12:00:00") == TimeReader().read("2026-07-01T11:00:00Z")
    with pytest.raises(InvalidInput, match="happens twice"):
        london.read("2026-10-25 01:30:00")
    with pytest.raises(InvalidInput, match="does not exist"):
        london.read("2026-03-29 01:30:00")
    with pytest.raises(InvalidInput, match="did you mean"):
        zone_of("Europe/Londn")
    assert zone_of("utc") is zone_of("Z")


@given(st.integers(-5_364_662_400_000, 7_258_118_399_999))
def test_a_moment_is_read_as_it_is_written(ms: int) -> None:
    assert TimeReader().read(text_of_ms(ms)) == ms


def test_frame_to_csv_and_back(data: Path, tmp_path: Path) -> None:
    frame = read_csv(
        data / "liverpool_bus_route14.csv", f"{BUSES},extra.trip_id=trip_id,extra.to=destination", tz="UTC"
    ).frame(extra=["trip_id", "to"])
    write_csv(frame, tmp_path / "out.csv")
    back = read_trail_csv(tmp_path / "out.csv")
    same(back, frame)
    assert back.attrs == frame.attrs
    loaded = load(tmp_path / "out.csv")
    assert not loaded.received_known
    same(loaded.frame(), back.drop(columns=["trip_id", "to"]))


@pytest.mark.parametrize("rows", [0, 3000])
def test_any_frame_to_csv_and_back(rows: int, tmp_path: Path) -> None:
    frame = frame_from_arrow(random_table(rows), group="g 1", recording="walk, the first")
    write_csv(frame, tmp_path / "out.csv")
    same(read_trail_csv(tmp_path / "out.csv"), frame)
    with io.BytesIO() as file:
        write_csv(frame, file)
        assert file.getvalue() == (tmp_path / "out.csv").read_bytes()


def test_formulas_are_quoted_and_unquoted(tmp_path: Path) -> None:
    names = ["=1+1", "+x", "-x", "@x", "'=x", "''-y", "'plain", "a=b"]
    frame = frame_from_arrow(
        table_of(*({"member": name, "source": name} for name in names)), group="=cmd", recording="@r"
    )
    write_csv(frame, tmp_path / "out.csv")
    cells = pd.read_csv(tmp_path / "out.csv", dtype=str)
    for column in ("recording", "group", "member", "trip", "source"):
        assert not cells[column].str.match(r"[=+\-@]").any()
    same(read_trail_csv(tmp_path / "out.csv"), frame)
    loaded = read_csv(tmp_path / "out.csv")
    assert sorted(loaded.frame()["member"].unique()) == sorted(names)
    assert (loaded.name, loaded.group) == ("@r", "=cmd")


@given(st.text("'=+-@\tab", max_size=6))
def test_quoting_is_undone_exactly(text: str) -> None:
    import pyarrow as pa

    from locshare_ext.formats.csvwrite import _safe

    quoted = _safe(pa.array([text]))[0].as_py()
    assert unquoted(quoted) == text
    assert quoted[:1] not in {"=", "+", "-", "@", "\t"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b"\x00\x01\x02" * 50, "no text file"),
        (b"time,lat,lon\n\xff\xfe\xff,1,2\n", "not utf-8"),
        (b"PK\x03\x04rest", "ZIP"),
        (b'{"a": 1}', "JSON"),
        (b"time,lat,lat\n", "header twice"),
        (b'time,lat,lon\n"' + b"x" * 200_000, "line 2"),
    ],
)
def test_hostile_files_are_refused_in_words(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.csv"
    path.write_bytes(content)
    with pytest.raises(InvalidFile, match=message):
        load(path, columns="time=time,lat=lat,lon=lon")


def test_a_member_column_that_is_none_is_noticed(tmp_path: Path) -> None:
    rows = "".join(f"{number},1769443022,1,2\n" for number in range(10_001))
    path = written(tmp_path, "id,time,lat,lon\n" + rows)
    with pytest.raises(InvalidFile, match="more than 10,000 different members"):
        read_csv(path, "member=id,time_s=time,lat=lat,lon=lon")


def test_names_that_differ_in_case_are_one_member(tmp_path: Path) -> None:
    path = written(tmp_path, "id,time,lat,lon\nAnn,1769443022,1,2\nann,1769443023,1,2\n")
    frame = read_csv(path, "member=id,time_s=time,lat=lat,lon=lon").frame()
    assert frame["member"].tolist() == ["Ann", "Ann"]


def test_progress_reaches_the_end(data: Path) -> None:
    told: list[tuple[int, int]] = []
    path = data / "liverpool_bus_route14.csv"
    load(path, columns=BUSES, tz="UTC", progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (path.stat().st_size, path.stat().st_size)
    assert told == sorted(told)


def test_a_damaged_trail_csv_says_what_and_keeps_what_is_good(tmp_path: Path) -> None:
    write_csv(frame_from_arrow(table_of({}, {"lat": 5.0}), group="g"), tmp_path / "t.csv")
    text = (tmp_path / "t.csv").read_text()
    (tmp_path / "t.csv").write_text(text.replace(",5,2,", ",95,2,"))
    with pytest.raises(InvalidFile, match=r"row 2: lat 95.0 is outside \[-90, 90\]"):
        read_trail_csv(tmp_path / "t.csv")
    assert read_csv(tmp_path / "t.csv").set_aside_count == 1
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InvalidFile):
        read_trail_csv(tmp_path / "t.csv")


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        write_csv(empty_frame().drop(columns="lat"), tmp_path / "t.csv")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        write_csv(empty_frame(), tmp_path / "nowhere" / "t.csv")
    assert list(tmp_path.iterdir()) == []
