"""Degrees in a table as others write them: whole numbers of 1e-7, or a hemisphere behind the number."""

from __future__ import annotations

from pathlib import Path

import pytest

from locshare_ext.errors import InvalidFile, InvalidInput
from locshare_ext.formats import load

TIME = "2026-01-26T10:00:00Z"


def written(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(["when,la,lo", *(f"{TIME},{row}" for row in rows)]) + "\n")
    return path


def places(path: Path, columns: str) -> list[tuple[float, float]]:
    table = load(path, columns=columns).table
    return list(zip(table.column("lat").to_pylist(), table.column("lon").to_pylist(), strict=True))


def test_ten_millionths_of_degrees(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "375665000,-1269780001", '"375665000",0')
    assert places(path, "time=when,lat_e7=la,lon_e7=lo") == [(37.5665, -126.9780001), (37.5665, 0.0)]
    with pytest.raises(InvalidFile, match="lat 375665000"):  # never guessed
        load(path, columns="time=when,lat=la,lon=lo")
    with pytest.raises(InvalidInput, match="say the same twice"):
        load(path, columns="time=when,lat_e7=la,lat=la,lon=lo")


def test_hemispheres(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "37.5N,12.25W", "37.5 s,12.25°E", "-1.5,2")
    assert places(path, "time=when,lat=la,lon=lo") == [(37.5, -12.25), (-37.5, 12.25), (-1.5, 2.0)]


@pytest.mark.parametrize("row", ["37.5E,12.25W", "-37.5S,1", "N,1", "37.5NN,1"])
def test_what_no_hemisphere_can_be_is_set_aside(tmp_path: Path, row: str) -> None:
    loaded = load(written(tmp_path / "a.csv", "1,2", row), columns="time=when,lat=la,lon=lo")
    assert (loaded.table.num_rows, [aside.line for aside in loaded.set_aside]) == (1, [3])
    assert loaded.set_aside[0].reason.startswith("lat ")
