"""What is written is read again as it was, but for what the registry says gets lost."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import geopandas
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locshare_ext.errors import InvalidInput
from locshare_ext.formats import load, save
from locshare_ext.formats.csv import read_csv
from locshare_ext.formats.frame import arrow_from_frame, empty_frame, frame_from_arrow
from locshare_ext.formats.registry import FORMATS, by_name, by_suffix, writable
from locshare_ext.formats.trail import trail_of_frame, trail_of_table
from locshare_ext.model.trail import FRAME_COLUMNS

from .helpers import BASE, BUSES, random_table, same, table_of

WHOLE = ("gpkg", "csv", "parquet", "geoparquet", "arrow", "geojson")  # which lose nothing of a fix
KEPT = {
    "gpx": (
        "member",
        "time",
        "received",
        "source",
        "lat",
        "lon",
        "altitude",
        "accuracy",
        "speed",
        "heading",
        "battery",
        "extra",
    ),
    "movebank": ("member", "time", "lat", "lon", "altitude", "accuracy", "speed", "heading"),
}


def through(folder: Path, name: str, frame: pd.DataFrame, **said: Any) -> pa.Table:
    path = folder / f"walk{by_name(name).suffixes[0]}"
    assert save(path, trail_of_frame(frame, **said)).name == name
    loaded = load(path)
    assert loaded.set_aside_count == 0
    return loaded.table


@pytest.mark.parametrize("name", [one.name for one in writable() if one.reader])
def test_a_recording_without_fixes_comes_back_as_one(tmp_path: Path, name: str) -> None:
    assert through(tmp_path, name, empty_frame(group="hikers", recording="quiet")).num_rows == 0


def renumbered(table: pa.Table) -> pa.Table:
    """Return the table as a recording of its own: by arrival, numbered from 1."""
    table = table.sort_by([("received", "ascending"), ("seq", "ascending")])
    return table.set_column(0, "seq", pa.array(np.arange(1, len(table) + 1)))


def plain(table: pa.Table, *columns: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.select(list(columns) or table.column_names).to_pylist()
    return rows


NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp", "Zs", "Cn", "Co"]), min_size=1, max_size=8
)
MEMBERS = st.one_of(
    NAMES.filter(lambda name: "/" not in name), st.sampled_from(["=1+1", "<b>&", "'=x", "@a", '"', "a,b"])
)


def number(low: float, high: float) -> Any:
    return st.one_of(st.none(), st.floats(low, high, exclude_max=True), st.just(low))


FIXES = st.fixed_dictionaries(
    {
        "member": MEMBERS,
        "time": st.integers(BASE - 10**11, BASE + 10**11),
        "delay": st.integers(0, 10**7),
        "lat": st.floats(-90, 90),
        "lon": st.floats(-180, 180),
        "altitude": number(-500, 9000),
        "accuracy": number(0, 1e5),
        "speed": number(0, 400),
        "heading": number(0, 360),
        "battery": number(0, 1),
        "source": st.sampled_from(["browser", "=cmd", "gps & <more>"]),
        "late": st.booleans(),
        "future": st.booleans(),
        "repaired": st.booleans(),
        "extra": st.one_of(
            st.none(), st.dictionaries(st.text(max_size=4), st.text(max_size=6), min_size=1, max_size=2)
        ),
    }
)


def usable(name: str) -> bool:
    from locshare_ext.errors import InvalidName
    from locshare_ext.model.names import member_name

    try:
        return member_name(name) == name
    except InvalidName:
        return False


def table_from(fixes: list[dict[str, Any]]) -> pa.Table:
    known: dict[str, str] = {}
    rows = []
    for fix in fixes:
        row = {**fix, "received": fix["time"] + fix["delay"]}
        del row["delay"]
        row["member"] = known.setdefault(row["member"].casefold(), row["member"])
        row["extra"] = None if row["extra"] is None else json.dumps(row["extra"], ensure_ascii=False)
        row["lat"], row["lon"] = row["lat"] + 0.0, row["lon"] + 0.0  # no -0.0
        rows.append(row)
    return table_of(*rows)


@pytest.mark.parametrize("name", WHOLE)
@settings(max_examples=20)
@given(fixes=st.lists(FIXES.filter(lambda fix: usable(fix["member"])), min_size=1, max_size=6))
def test_any_trail_comes_back(
    tmp_path_factory: pytest.TempPathFactory, name: str, fixes: list[dict[str, Any]]
) -> None:
    table = table_from(fixes)
    frame = frame_from_arrow(table, group="hikers", recording="walk")
    found = through(tmp_path_factory.mktemp("any"), name, frame)
    wanted = renumbered(table) if name != "gpkg" else table
    assert plain(found) == plain(wanted)


@pytest.mark.parametrize("name", KEPT)
@settings(max_examples=20)
@given(fixes=st.lists(FIXES.filter(lambda fix: usable(fix["member"])), min_size=1, max_size=6))
def test_what_a_poorer_format_keeps_comes_back(
    tmp_path_factory: pytest.TempPathFactory, name: str, fixes: list[dict[str, Any]]
) -> None:
    table = table_from(fixes)
    frame = frame_from_arrow(table, group="hikers", recording="walk")
    found = through(tmp_path_factory.mktemp("any"), name, frame)

    def comparable(rows: list[dict[str, Any]]) -> list[str]:
        return sorted(
            json.dumps({**row, "extra": row.get("extra") and json.loads(row["extra"])}) for row in rows
        )

    assert comparable(plain(found, *KEPT[name])) == comparable(plain(table, *KEPT[name]))


@pytest.mark.parametrize("name", WHOLE)
def test_the_eight_buses(data: Path, tmp_path: Path, name: str) -> None:
    frame = read_csv(data / "liverpool_bus_route14.csv", BUSES, tz="UTC").frame()
    path = tmp_path / f"buses{by_name(name).suffixes[0]}"
    save(path, trail_of_frame(frame))
    loaded = load(path)
    assert loaded.name == "liverpool_bus_route14"
    same(loaded.frame(), frame)


@pytest.mark.parametrize("name", [one.name for one in writable()])
def test_an_empty_trail_is_a_valid_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"nobody{by_name(name).suffixes[0]}"
    save(path, trail_of_frame(empty_frame(group="hikers")))
    assert path.stat().st_size > 0


@pytest.mark.parametrize("name", WHOLE)
def test_offsets_of_a_log_come_back(tmp_path: Path, name: str) -> None:
    rows = [{"seq": 1042 + 3 * n, "time": BASE + n, "received": BASE + 10 + n // 2} for n in range(5)]
    frame = frame_from_arrow(table_of(*rows), group="hikers", recording="walk")
    assert through(tmp_path, name, frame).column("seq").to_pylist() == [1042, 1045, 1048, 1051, 1054]


def test_pandas_and_geopandas_read_the_same_frame(tmp_path: Path) -> None:
    frame = frame_from_arrow(random_table(300), group="hikers", recording="walk", extra=["n"])
    trail = trail_of_frame(frame)
    save(tmp_path / "a.parquet", trail)
    save(tmp_path / "a.feather", trail)
    save(tmp_path / "a.geoparquet", trail)
    same(pd.read_parquet(tmp_path / "a.parquet"), frame)
    same(pd.read_feather(tmp_path / "a.feather"), frame)
    found = geopandas.read_parquet(tmp_path / "a.geoparquet")
    assert found.crs.equals("OGC:CRS84")
    assert found.geometry.x.tolist() == frame["lon"].tolist()
    assert found["time"].equals(frame["time"])


def test_a_table_is_written_as_its_frame_would_be(tmp_path: Path) -> None:
    """A server has no pandas at hand."""
    table = random_table(500)
    frame = frame_from_arrow(table, group="hikers", recording="walk")
    for one in writable():
        if one.name != "gpkg":  # which says when it was made
            texts = []
            for trail in (trail_of_frame(frame), trail_of_table(table, group="hikers", recording="walk")):
                out = io.BytesIO()
                one.write()(trail, out)
                texts.append(out.getvalue())
            if one.name in ("parquet", "arrow", "geoparquet"):  # a frame's have pandas' metadata as well
                tables = [
                    pq.read_table(io.BytesIO(text))
                    if one.name != "arrow"
                    else pa.ipc.open_file(text).read_all()
                    for text in texts
                ]
                assert tables[0].to_pylist() == tables[1].to_pylist()
            else:
                assert texts[0] == texts[1], one.name


def test_gdal_reads_what_is_written(tmp_path: Path) -> None:
    frame = frame_from_arrow(random_table(200, members=3), group="hikers", recording="walk")
    trail = trail_of_frame(frame)
    for suffix, layer in ((".geojson", None), (".gpkg", "fixes"), (".gpx", "track_points"), (".kml", None)):
        path = tmp_path / f"walk{suffix}"
        save(path, trail)
        found = pyogrio.read_dataframe(path, layer=layer)
        assert len(found) == (3 if suffix == ".kml" else 200), suffix
        assert found.crs.to_2d().to_epsg() == 4326
    read = pyogrio.read_dataframe(tmp_path / "walk.geojson")
    assert read["lat" if "lat" in read else "seq"].notna().all()
    assert read.geometry.x.tolist() == frame["lon"].tolist()


def test_kml_has_as_many_of_each_as_moments(tmp_path: Path) -> None:
    rows = [
        {
            "time": BASE + 1000 * n,
            "lat": n / 7,
            "heading": None if n == 2 else 90.0,
            "speed": 1.5,
            "altitude": 5.0 if n else None,
        }
        for n in range(4)
    ]
    rows.append({"time": BASE + 3_600_000, "lat": 1e-7, "lon": -1e-9, "altitude": 2.0, "member": "ann"})
    rows.append({"time": BASE, "member": "<b>", "lat": 1.0})
    frame = frame_from_arrow(table_of(*rows), group="hikers", recording="walk & more")
    save(tmp_path / "walk.kml", trail_of_frame(frame))
    root = ElementTree.parse(tmp_path / "walk.kml").getroot()
    names = {"k": "http://www.opengis.net/kml/2.2", "gx": "http://www.google.com/kml/ext/2.2"}
    assert root.findtext("k:Document/k:name", namespaces=names) == "walk & more"
    places = root.findall("k:Document/k:Placemark", names)
    assert [place.findtext("k:name", namespaces=names) for place in places] == ["<b>", "ann"]
    tracks = places[1].findall("gx:MultiTrack/gx:Track", names)
    assert [len(track.findall("k:when", names)) for track in tracks] == [4, 1]
    assert [len(track.findall("gx:coord", names)) for track in tracks] == [4, 1]
    assert [one.text for one in tracks[0].findall("gx:angles", names)] == ["90 0 0", "90 0 0", None, "90 0 0"]
    assert [track.findtext("k:altitudeMode", namespaces=names) for track in tracks] == [
        "clampToGround",
        "absolute",
    ]
    assert tracks[1].findtext("gx:coord", namespaces=names) == "-0.000000001 0.0000001 2"
    values = tracks[0].findall(".//gx:SimpleArrayData[@name='speed']/gx:value", names)
    assert [value.text for value in values] == ["1.5"] * 4


def test_numbers_have_no_exponents_in_xml(tmp_path: Path) -> None:
    frame = frame_from_arrow(
        table_of({"lat": 1e-7, "lon": -1.5e-10, "altitude": 1e6}), group="g", recording="r"
    )
    save(tmp_path / "walk.gpx", trail_of_frame(frame))
    text = (tmp_path / "walk.gpx").read_text()
    assert 'lat="0.0000001" lon="-0.00000000015"' in text
    assert load(tmp_path / "walk.gpx").table.column("lat").to_pylist() == [1e-7]


def test_geojson_has_longitude_first_and_text_as_text(tmp_path: Path) -> None:
    frame = frame_from_arrow(
        table_of({"lat": 1.5, "lon": 2.5, "member": '"<b>', "extra": '{"a": "</script>"}'}),
        group="g",
        recording="r",
    )
    save(tmp_path / "walk.geojson", trail_of_frame(frame))
    feature = json.loads((tmp_path / "walk.geojson").read_text())["features"][0]
    assert feature["geometry"] == {"type": "Point", "coordinates": [2.5, 1.5]}
    assert feature["properties"]["member"] == '"<b>'
    assert feature["properties"]["time"] == "2025-11-22T10:11:15.000Z"
    assert set(feature["properties"]) == set(FRAME_COLUMNS) - {"lat", "lon"}


@pytest.mark.parametrize("name", ["csv", "movebank"])
def test_no_cell_is_a_formula(tmp_path: Path, name: str) -> None:
    frame = frame_from_arrow(
        table_of({"member": "=HYPERLINK(1)"}, {"member": "+1"}), group="-g", recording="@r"
    )
    path = tmp_path / f"walk{by_name(name).suffixes[0]}"
    save(path, trail_of_frame(frame))
    cells = [cell for line in path.read_text().splitlines()[1:] for cell in line.replace('"', "").split(",")]
    assert not [cell for cell in cells if cell[:1] in "=@+" and cell]
    assert sorted(load(path).fixes.members) == ["+1", "=HYPERLINK(1)"]


def test_the_name_decides_the_format() -> None:
    assert by_suffix(Path("A.GPX")).name == "gpx"
    assert by_suffix(Path("a.movebank.csv")).name == "movebank"
    assert by_suffix(Path("a.b.csv")).name == "csv"
    for name in ("walk", "walk.docx", ".csv"):
        with pytest.raises(InvalidInput, match=r"expected \.gpkg"):
            by_suffix(Path(name))


def test_the_registry_is_whole() -> None:
    for one in FORMATS:
        assert one.reader or one.writer
        if one.reader:
            assert callable(one.read())
        if one.writer:
            assert callable(one.write())
            assert one.loses
            assert one.suffixes
    assert len({one.name for one in FORMATS}) == len(FORMATS)


def test_writing_fails_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = frame_from_arrow(random_table(10), group="hikers", recording="walk")
    path = tmp_path / "walk.gpx"
    path.write_text("old")

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("locshare_ext.formats.gpxwrite._points", fail)
    with pytest.raises(OSError, match="No space"):
        save(path, trail_of_frame(frame))
    assert [one.name for one in tmp_path.iterdir()] == ["walk.gpx"]
    assert path.read_text() == "old"
    assert arrow_from_frame(frame).num_rows == 10
