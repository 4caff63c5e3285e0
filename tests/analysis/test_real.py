"""Real recordings: what is known of them, and what they come to elsewhere."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from pyproj import Geod

from locshare_ext import analysis, open_recording, read_trails
from tests.formats.helpers import BUSES


@pytest.fixture(scope="module")
def phone(data: Path) -> pd.DataFrame:
    return open_recording(data / "bus304_limerick.gpx").trails()


@pytest.fixture(scope="module")
def buses(data: Path) -> pd.DataFrame:
    return open_recording(data / "liverpool_bus_route14.csv", columns=BUSES, tz="UTC").trails()


def test_one_phone_on_a_bus(phone: pd.DataFrame) -> None:
    assert len(analysis.gaps(phone, max_gap="30s")) == 18
    [row] = analysis.summary(phone).to_dict("records")
    assert row["fixes"] == 2144
    assert row["length"] == pytest.approx(
        Geod(ellps="WGS84").line_length(phone["lon"], phone["lat"]), rel=1e-9
    )
    grid = analysis.resample(phone, "1s", max_gap="30s")
    silent = analysis.gaps(phone, max_gap="30s")["duration"].sum()
    assert len(grid) == pytest.approx((row["duration"] - silent).total_seconds() + 19, abs=1)
    assert analysis.summary(grid)["length"][0] < row["length"] * 1.001
    assert len(analysis.encounters(phone, within=1000)) == 0


def test_eight_buses(buses: pd.DataFrame) -> None:
    summary = analysis.summary(buses)
    assert (len(summary), summary["trips"].sum(), summary["fixes"].sum()) == (8, 16, 1533)
    pauses = analysis.gaps(buses).query("ends_trip")["duration"]
    assert pauses.between(pd.Timedelta("30min"), pd.Timedelta("53min")).all()
    assert len(pauses) == 8
    quality = analysis.quality(buses)
    assert (quality["jumps"] == 0).all()
    assert quality["interval"].between(pd.Timedelta("10s"), pd.Timedelta("30s")).all()
    met = analysis.encounters(buses, within=50, lasting="30s")
    assert len(met) == 16
    near = analysis.distances(buses, "1s").query("distance <= 50")
    assert set(zip(met["member_a"], met["member_b"], strict=True)) <= set(
        zip(near["member_a"], near["member_b"], strict=True)
    )


def test_two_files_of_two_people_at_different_times(data: Path, phone: pd.DataFrame) -> None:
    both = read_trails([data / "bus304_limerick.gpx", data / "korita-zbevnica.gpx"])
    assert analysis.summary(both)["recording"].nunique() == 2
    assert len(analysis.encounters(both, within=100_000)) == 0
    assert analysis.spread(both, "1min")["members"].max() == 1
