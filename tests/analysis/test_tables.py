from __future__ import annotations

import io
import json
import warnings
from pathlib import Path
from typing import Any

import geopandas
import pandas as pd
import pyarrow as pa
import pytest

from locshare_ext import analysis
from locshare_ext.analysis.libraries import load
from locshare_ext.formats.csv import read_csv
from locshare_ext.formats.frame import arrow_from_frame, frame_from_arrow
from locshare_ext.formats.movebank import movebank_table
from locshare_ext.model.movebank import MOVEBANK_COLUMNS
from tests.formats.helpers import BUSES, random_table, same

from .helpers import empty, frame, kinds


@pytest.fixture(scope="module")
def buses(data: Path) -> pd.DataFrame:
    return read_csv(data / "liverpool_bus_route14.csv", BUSES, tz="UTC").frame()


def many() -> pd.DataFrame:
    return frame_from_arrow(random_table(500), group="hikers", recording="walk")


@pytest.mark.parametrize("rows", [0, 1, 500])
def test_a_geodataframe_has_all_rows_and_columns(rows: int, tmp_path: Path) -> None:
    walk = many().head(rows)
    points = analysis.to_geodataframe(walk)
    assert isinstance(points, geopandas.GeoDataFrame)
    same(pd.DataFrame(points.drop(columns="geometry")), walk)
    assert points.crs == "EPSG:4326"
    assert points.attrs == walk.attrs
    assert points.geometry.x.equals(walk["lon"])
    points.to_parquet(tmp_path / "walk.parquet")
    back = geopandas.read_parquet(tmp_path / "walk.parquet")
    assert back["time"].equals(walk["time"])
    assert back.geometry.equals(points.geometry)


@pytest.mark.parametrize("rows", [0, 1, 500])
def test_arrow_there_and_back_is_the_same(rows: int) -> None:
    walk = many().head(rows)
    table = analysis.to_arrow(walk)
    back = table.to_pandas()
    same(back, walk)
    assert back.attrs == walk.attrs
    assert str(table.schema.field("time").type) == "timestamp[ns, tz=UTC]"
    assert pa.types.is_dictionary(table.schema.field("member").type)


def test_movebank_has_its_names_and_utc() -> None:
    walk = frame(
        {
            "at": 0.25,
            "lat": 1.5,
            "lon": -2.5,
            "speed": 3.0,
            "heading": 90.0,
            "altitude": 12.0,
            "accuracy": 5.0,
            "extra": '{"a":1}',
            "source": "browser",
        },
        {"at": 1, "member": "bo"},
        recording="storks",
    )
    table = analysis.to_movebank(walk)
    assert table.iloc[0].to_dict() == {
        "timestamp": "2025-11-22 10:11:15.250",
        "location-long": -2.5,
        "location-lat": 1.5,
        "height-above-msl": 12.0,
        "ground-speed": 3.0,
        "heading": 90.0,
        "location-error-numerical": 5.0,
        "sensor-type": "gps",
        "individual-local-identifier": "ann",
        "tag-local-identifier": "ann",
        "study-name": "storks",
    }
    assert analysis.to_movebank(frame({}))["study-name"].tolist() == ["g"]
    assert kinds(analysis.to_movebank(empty())) == kinds(table)
    bare = walk[["member", "time", "lat", "lon"]]
    assert kinds(analysis.to_movebank(bare)) == kinds(table)


def test_it_is_what_a_movebank_file_has() -> None:
    walk = many().sort_values("seq").reset_index(drop=True)
    written = movebank_table(arrow_from_frame(walk), "walk").to_pandas()
    table = analysis.to_movebank(walk)
    assert list(table.columns) == list(written.columns) == list(MOVEBANK_COLUMNS)
    for name in table.columns:
        pd.testing.assert_series_equal(table[name], written[name], check_dtype=False)


def test_a_movebank_file_of_ours_can_be_imported(tmp_path: Path, buses: pd.DataFrame) -> None:
    path = tmp_path / "movebank.csv"
    analysis.to_movebank(buses).to_csv(path, index=False)
    back = read_csv(
        path,
        "member=individual-local-identifier,time=timestamp,lat=location-lat,lon=location-long,heading=heading",
        tz="UTC",
    ).frame()
    for name in ("time", "lat", "lon", "heading"):
        assert back[name].equals(buses[name])
    assert back["member"].astype(str).equals(buses["member"].astype(str))
    movebank = pd.read_csv(io.StringIO(path.read_text()), dtype={"individual-local-identifier": str})
    assert len(movebank) == len(buses)


# maps


def test_lonboard_draws_points_and_trips(buses: pd.DataFrame) -> None:
    lonboard = load("lonboard", "maps")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own: pandas' convert_dtypes
        points = lonboard.ScatterplotLayer.from_geopandas(analysis.to_geodataframe(buses))
        trips = lonboard.TripsLayer.from_movingpandas(analysis.to_movingpandas(buses))
        page = lonboard.Map([points, trips]).to_html()
    assert points.table.num_rows == len(buses)
    assert {"member", "trip", "time", "late", "extra"} <= set(points.table.schema.names)
    assert trips.table.num_rows == 16
    assert "<html" in page


def test_kepler_gl_takes_the_frame_and_the_points(buses: pd.DataFrame) -> None:
    kepler = load("keplergl", "maps")
    for data in (buses, analysis.to_geodataframe(buses)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            page = kepler.KeplerGl(data={"fixes": data})
            sent: dict[str, Any] = page.get_state()["data"]["fixes"]
        json.dumps(sent)
        assert sent["format"] in ("df", "csv", "geoarrow", "arrow")
