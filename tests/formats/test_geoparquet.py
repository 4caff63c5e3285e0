"""GeoParquet files of others: points of every kind, in the one reference system that is ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from locshare_ext.errors import InvalidFile
from locshare_ext.formats import load

geopandas = pytest.importorskip("geopandas")
shapely = pytest.importorskip("shapely")

COLUMNS = "member=who,time=when"


def written(path: Path, *shapes: str, crs: str | None = "EPSG:4326", to: str | None = None) -> Path:
    points = [shapely.from_wkt(shape) for shape in shapes]
    when = [f"2026-01-26T10:00:0{number}Z" for number in range(len(shapes))]
    frame = geopandas.GeoDataFrame({"who": "ann", "when": when}, geometry=points, crs=crs)
    (frame if to is None else frame.to_crs(to)).to_parquet(path)
    return path


@pytest.mark.parametrize("shape", ["POINT (14 50)", "POINT Z (14 50 300)", "POINT M (14 50 7)"])
def test_points_with_and_without_more_numbers(tmp_path: Path, shape: str) -> None:
    table = load(written(tmp_path / "a.parquet", shape, shape), columns=COLUMNS).table
    assert (table.column("lat").to_pylist(), table.column("lon").to_pylist()) == ([50.0] * 2, [14.0] * 2)


def test_points_in_a_process_whose_pyarrow_knows_of_geometries(tmp_path: Path) -> None:
    code = """if True:
        import sys, geoarrow.pyarrow
        from locshare_ext.formats import load
        print(load(sys.argv[1], columns=sys.argv[2]).table.column("lat").to_pylist())
    """
    path = written(tmp_path / "a.parquet", "POINT (14 50)")
    run = [sys.executable, "-c", code, str(path), COLUMNS]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip() == "[50.0]"


def test_points_with_height_and_measure(tmp_path: Path) -> None:
    table = load(written(tmp_path / "a.parquet", "POINT ZM (14 50 300 7)"), columns=COLUMNS).table
    assert (table.column("lat").to_pylist(), table.column("lon").to_pylist()) == ([50.0], [14.0])


@pytest.mark.parametrize("crs", ["OGC:CRS84", "EPSG:4979", None])
def test_systems_of_degrees(tmp_path: Path, crs: str | None) -> None:
    assert (
        load(written(tmp_path / "a.parquet", "POINT (14 50)", crs=crs), columns=COLUMNS).table.num_rows == 1
    )


def test_metres_that_would_pass_as_degrees_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", "POINT (0.0001 0.0002)", to="EPSG:3857")
    with pytest.raises(InvalidFile, match=r"EPSG:3857.*expected WGS 84") as caught:
        load(path, columns=COLUMNS)
    assert caught.value.field == "geometry"
