from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import time
from collections.abc import Callable
from pathlib import Path

import geopandas
import pandas as pd
import pyogrio
import pytest

from locshare_ext.errors import InvalidFile, InvalidInput, StoreError
from locshare_ext.formats import load
from locshare_ext.formats.csv import read_csv
from locshare_ext.formats.frame import arrow_from_frame, empty_frame, frame_from_arrow
from locshare_ext.formats.geopackage import read_geopackage, write_geopackage
from locshare_ext.formats.joined import concat_frames
from locshare_ext.formats.loaded import SetAside
from locshare_ext.model.event import Event
from locshare_ext.model.trail import FRAME_COLUMNS

from .helpers import BASE, BUSES, random_table, same, table_of

EVENTS = (
    Event(
        kind="note", time=BASE, received=BASE + 5, member="ann", text="lost =1+1", data={"a": 1, "b": None}
    ),
    Event(kind="gap", time=BASE + 1),
)
ASIDE = (SetAside(3, "lat 91 is outside", "a,91"),)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return frame_from_arrow(random_table(500), group="hikers", recording="walk")


@pytest.fixture
def file(frame: pd.DataFrame, tmp_path: Path) -> Path:
    path = tmp_path / "walk.gpkg"
    write_geopackage(path, frame, events=EVENTS, set_aside=ASIDE, description="morning")
    return path


def edit(path: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as database:
        for name in ("ST_IsEmpty", "ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
            database.create_function(name, 1, lambda _: 0)
        for statement in statements:
            database.execute(statement)
        database.commit()


@pytest.mark.parametrize("rows", [0, 1, 3000])
def test_frame_to_file_and_back(rows: int, tmp_path: Path) -> None:
    frame = frame_from_arrow(random_table(rows), group="3학년 2반", recording="walk")
    checksum = write_geopackage(tmp_path / "a.gpkg", frame)
    loaded = load(tmp_path / "a.gpkg")
    same(loaded.frame(), frame)
    assert loaded.frame().attrs["trip_gap_s"] == 1800
    assert loaded.info["checksum"] == checksum
    assert loaded.table.equals(arrow_from_frame(frame)) or rows == 0


def test_the_eight_buses(data: Path, tmp_path: Path) -> None:
    frame = read_csv(data / "liverpool_bus_route14.csv", BUSES, tz="UTC").frame()
    write_geopackage(tmp_path / "buses.gpkg", frame)
    loaded = load(tmp_path / "buses.gpkg")
    same(loaded.frame(), frame)
    assert loaded.frame().attrs == frame.attrs
    assert loaded.frame(trip_gap="40min")["trip"].nunique() < 16


def test_events_members_set_aside_and_manifest(file: Path) -> None:
    loaded = load(file)
    assert loaded.events == EVENTS
    assert loaded.set_aside == ASIDE
    assert (loaded.name, loaded.group, loaded.received_known) == ("walk", "hikers", True)
    assert loaded.info["description"] == "morning"
    assert loaded.info["units"]["speed"] == "m/s"
    assert loaded.info["format_version"] == 1


def test_a_gis_finds_the_layer(file: Path, frame: pd.DataFrame) -> None:
    layers = dict(pyogrio.list_layers(file))
    assert layers == {"fixes": "Point", "events": None, "members": None, "set_aside": None, "manifest": None}
    read = geopandas.read_file(file, layer="fixes")
    assert read.crs.to_epsg() == 4326
    assert len(read) == 500
    assert tuple(read.columns) == (*FRAME_COLUMNS, "geometry")
    assert read["lat"].tolist() == read.geometry.y.tolist() == frame["lat"].tolist()
    assert read["lon"].tolist() == read.geometry.x.tolist()
    assert (read["time"] == frame["time"]).all()
    assert read["late"].tolist() == frame["late"].tolist()
    info = pyogrio.read_info(file, layer="fixes")
    assert info["total_bounds"] == pytest.approx(tuple(read.total_bounds))
    assert info["capabilities"]["fast_spatial_filter"]  # the spatial index
    some = geopandas.read_file(file, layer="fixes", bbox=(0, 0, 90, 90))
    assert len(some) == (frame["lat"].between(0, 90) & frame["lon"].between(0, 90)).sum()
    members = pyogrio.read_dataframe(file, layer="members")
    assert members["fixes"].sum() == 500


def test_the_file_is_what_the_standard_says(file: Path) -> None:
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        assert database.execute("PRAGMA application_id").fetchone() == (0x47504B47,)
        assert database.execute("PRAGMA user_version").fetchone() == (10300,)
        assert database.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        srs = {row[0] for row in database.execute("SELECT srs_id FROM gpkg_spatial_ref_sys")}
        assert srs == {-1, 0, 4326}
        blob = database.execute("SELECT geom FROM fixes").fetchone()[0]
        assert blob[:8] == b"GP\x00\x01\xe6\x10\x00\x00"
        count = database.execute("SELECT count(*) FROM rtree_fixes_geom").fetchone()[0]
        assert count == 500


def test_it_opens_from_a_folder_that_cannot_be_written(file: Path, frame: pd.DataFrame) -> None:
    file.chmod(stat.S_IRUSR)
    file.parent.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        same(load(file).frame(), frame)
        assert [name.name for name in file.parent.iterdir()] == ["walk.gpkg"]
    finally:
        file.parent.chmod(stat.S_IRWXU)


def test_a_vacuum_and_a_layer_style_do_no_harm(file: Path, frame: pd.DataFrame) -> None:
    edit(file, "CREATE TABLE layer_styles (id INTEGER PRIMARY KEY, style TEXT)")
    edit(file, "VACUUM")
    same(load(file).frame(), frame)


def test_a_file_left_in_wal_mode_is_read(file: Path, frame: pd.DataFrame) -> None:
    edit(file, "PRAGMA journal_mode = WAL")
    same(load(file).frame(), frame)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE fixes SET lat = lat + 0.00001 WHERE fid = 7",
        "UPDATE fixes SET speed = NULL WHERE fid = (SELECT min(fid) FROM fixes WHERE speed NOTNULL)",
        "UPDATE fixes SET member = 'mallory' WHERE fid = 7",
        "UPDATE fixes SET geom = (SELECT geom FROM fixes WHERE fid = 8) WHERE fid = 7",
        "UPDATE fixes SET geom = NULL WHERE fid = 7",
        "DELETE FROM fixes WHERE fid = 7",
        "DELETE FROM events",
        "UPDATE set_aside SET reason = 'none'",
        "UPDATE manifest SET value = '\"evening\"' WHERE key = 'description'",
    ],
)
def test_any_change_is_noticed(statement: str, file: Path) -> None:
    edit(file, statement)
    with pytest.raises(InvalidFile, match="changed since it was written") as caught:
        load(file)
    assert caught.value.code == "file_changed"
    assert len(read_geopackage(file, verify=False).frame()) >= 499


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        (["UPDATE manifest SET value = '2' WHERE key = 'format_version'"], "written in format 2.*update"),
        (["UPDATE manifest SET value = 'x' WHERE key = 'format'"], "is no JSON"),
        (["UPDATE manifest SET value = '\"x\"' WHERE key = 'format'"], "not a recording of locshare_ext"),
        (["UPDATE manifest SET value = '0' WHERE key = 'trip_gap_s'"], "trip_gap_s"),
        (["DROP TABLE manifest"], "no table manifest"),
        (["ALTER TABLE fixes DROP COLUMN extra"], "no plain column 'extra'"),
        (["DROP TABLE events", "CREATE VIEW events AS SELECT 1"], "events is no plain table"),
        (
            ["UPDATE fixes SET lat = 'north' WHERE fid = 3"],
            "row 3 of fixes: lat 'north' is str, expected float",
        ),
        (["UPDATE fixes SET lat = 91.0, geom = NULL WHERE fid = 3"], "row 3"),
        (["UPDATE fixes SET seq = 9e300 WHERE fid = 3"], "row 3 of fixes: seq"),
        (["UPDATE fixes SET member = x'ff' WHERE fid = 3"], "row 3 of fixes: member"),
        (["UPDATE fixes SET member = CAST(x'ff' AS TEXT) WHERE fid = 3"], "is damaged"),
        (["UPDATE fixes SET extra = zeroblob(20000000) WHERE fid = 3"], "is damaged"),
    ],
)
def test_hostile_content_is_refused_in_words(statements: list[str], message: str, file: Path) -> None:
    edit(file, *statements)
    with pytest.raises(InvalidFile, match=message):
        load(file)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE fixes SET lat = 91.0 WHERE fid = 3", r"row 3: lat 91.0 is outside \[-90, 90\]"),
        ("UPDATE fixes SET time = 'soon' WHERE fid = 3", "soon"),
        ("UPDATE fixes SET member = NULL WHERE fid = 3", "row 3: member is missing"),
        ("UPDATE fixes SET heading = 9e999 WHERE fid = 3", "row 3: heading inf is outside"),
        ("UPDATE events SET kind = 'party'", "party"),
        ("UPDATE events SET data = '[]' WHERE data NOTNULL", "object"),
    ],
)
def test_values_are_checked_also_without_the_checksum(statement: str, message: str, file: Path) -> None:
    edit(file, statement)
    with pytest.raises(InvalidFile, match=message):
        read_geopackage(file, verify=False)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_bytes(b"SQLite format 3\0"), "no GeoPackage"),
        (lambda path: path.write_bytes(b"hello"), "no GeoPackage"),
        (lambda path: path.write_bytes(path.read_bytes()[:20_000]), "truncated: 20,000 of"),
        (lambda path: edit(path, "PRAGMA application_id = 7"), "no GeoPackage"),
    ],
)
def test_files_that_are_none_are_refused_in_words(
    make: Callable[[Path], object], message: str, file: Path
) -> None:
    make(file)
    with pytest.raises(InvalidFile, match=message):
        read_geopackage(file)


def test_flipped_bytes_are_noticed_wherever_they_are(file: Path, frame: pd.DataFrame, tmp_path: Path) -> None:
    good = file.read_bytes()
    bad = tmp_path / "bad.gpkg"
    for place in range(4096, len(good), len(good) // 60):
        bad.write_bytes(good[:place] + bytes([good[place] ^ 0x55]) + good[place + 1 :])
        try:
            same(load(bad).frame(), frame)  # free space, the index: nothing of the content
        except InvalidFile:
            continue


def test_somebody_elses_geopackage_is_told_apart(tmp_path: Path) -> None:
    points = geopandas.GeoDataFrame({"a": [1]}, geometry=geopandas.points_from_xy([1], [2]), crs=4326)
    points.to_file(tmp_path / "other.gpkg", layer="fixes")
    with pytest.raises(InvalidFile, match="not a recording of locshare_ext"):
        load(tmp_path / "other.gpkg")


def test_a_table_can_be_written_too(tmp_path: Path) -> None:
    write_geopackage(tmp_path / "t.gpkg", table_of({}, {"seq": 5}), name="walk", group="g")
    frame = load(tmp_path / "t.gpkg").frame()
    assert frame["recording"].tolist() == ["walk", "walk"]
    assert frame["group"].tolist() == ["g", "g"]


def test_joined_recordings_get_offsets_of_their_own(tmp_path: Path) -> None:
    parts = [frame_from_arrow(table_of({}, {}), group="g", recording=name) for name in ("a", "b")]
    joined = concat_frames(parts)
    write_geopackage(tmp_path / "t.gpkg", joined)
    loaded = load(tmp_path / "t.gpkg")
    same(loaded.frame(), joined)
    assert loaded.table.column("seq").to_pylist() == [1, 2, 3, 4]


def test_writing_replaces_whole_files_or_nothing(file: Path, frame: pd.DataFrame) -> None:
    before = file.read_bytes()

    def fail(done: int, total: int) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_geopackage(file, empty_frame(), progress=fail)
    with pytest.raises(InvalidInput, match="no trail frame"):
        write_geopackage(file, frame.drop(columns="lat"))
    with pytest.raises(FileNotFoundError, match="nowhere"):
        write_geopackage(file.parent / "nowhere" / "a.gpkg", frame)
    assert file.read_bytes() == before
    assert os.listdir(file.parent) == ["walk.gpkg"]
    write_geopackage(file, frame.iloc[:10])
    assert len(load(file).frame()) == 10


def test_sqlite_errors_become_store_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from locshare_ext.formats import gpkgwrite

    monkeypatch.setattr(gpkgwrite.schema, "create_core", ("no SQL",))
    with pytest.raises(StoreError, match="could not be written"):
        write_geopackage(tmp_path / "a.gpkg", empty_frame())
    assert list(tmp_path.iterdir()) == []


def test_progress_counts_rows_when_writing_and_bytes_when_loading(tmp_path: Path) -> None:
    frame = frame_from_arrow(random_table(45_000, extra=False), group="g")
    told: list[tuple[int, int]] = []
    write_geopackage(tmp_path / "a.gpkg", frame, progress=lambda *step: told.append(step))
    assert told == [(0, 45_000), (20_000, 45_000), (40_000, 45_000), (45_000, 45_000)]
    told.clear()
    load(tmp_path / "a.gpkg", progress=lambda *step: told.append(step))
    size = (tmp_path / "a.gpkg").stat().st_size
    assert told[-1] == (size, size)


def test_writing_costs_little_more_than_sqlite_itself(tmp_path: Path) -> None:
    frame = frame_from_arrow(random_table(50_000), group="g")
    begun = time.process_time()
    write_geopackage(tmp_path / "a.gpkg", frame)
    ours = time.process_time() - begun
    begun = time.process_time()
    with contextlib.closing(sqlite3.connect(tmp_path / "bare.db")) as database:
        columns = ", ".join(f'"{name}"' for name in frame.columns)
        database.execute(f"CREATE TABLE fixes ({columns})")
        marks = ", ".join("?" * len(frame.columns))
        plain = frame.assign(time=frame["time"].astype(str), received=frame["received"].astype(str))
        database.executemany(f"INSERT INTO fixes VALUES ({marks})", plain.itertuples(index=False, name=None))
        database.execute("CREATE VIRTUAL TABLE tree USING rtree(id, a, b, c, d)")
        database.execute("INSERT INTO tree SELECT rowid, lon, lon, lat, lat FROM fixes")
        database.commit()
    bare = time.process_time() - begun
    assert ours < 4 * bare, (ours, bare)
