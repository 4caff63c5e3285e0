from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from locshare_ext import analysis
from locshare_ext.errors import InvalidInput

from .helpers import empty, fixes, frame, joined, kinds, seconds, way

KINDS = {
    **dict.fromkeys(("recording", "group", "member"), "category"),
    **dict.fromkeys(("fixes", "trips"), "int64"),
    **dict.fromkeys(("first", "last"), "datetime64[ns, UTC]"),
    "duration": "timedelta64[ns]",
    "length": "float64",
    "moving_time": "timedelta64[ns]",
    **dict.fromkeys(("moving_speed", "max_speed"), "float64"),
    "interval": "timedelta64[ns]",
    "late": "int64",
}


def test_columns_are_the_same_with_and_without_rows() -> None:
    assert kinds(analysis.summary(empty())) == KINDS
    assert kinds(analysis.summary(frame({}))) == KINDS
    assert len(analysis.summary(empty())) == 0


def test_one_walk() -> None:
    walk = frame(
        {"at": 0, "lat": 10.0},
        {"at": 10, "lat": 10.001},
        {"at": 20, "lat": 10.001},
        {"at": 40, "lat": 10.002, "late": True},
    )
    [row] = analysis.summary(walk).to_dict("records")
    step = way(10.0, 2, 10.001, 2) + way(10.001, 2, 10.002, 2)
    assert row["length"] == pytest.approx(step, rel=1e-12)
    assert (row["fixes"], row["trips"], row["late"]) == (4, 1, 1)
    assert row["duration"] == pd.Timedelta("40s")
    assert row["moving_time"] == pd.Timedelta("30s")
    assert row["moving_speed"] == pytest.approx(step / 30)
    assert row["max_speed"] == pytest.approx(way(10.0, 2, 10.001, 2) / 10)
    assert row["interval"] == pd.Timedelta("10s")
    assert analysis.summary(walk, moving=100.0)["moving_time"][0] == pd.Timedelta(0)


def test_what_lies_between_trips_is_no_way() -> None:
    two = frame(
        {"at": 0, "lat": 1.0}, {"at": 10, "lat": 1.0}, {"at": 4000, "lat": 2.0}, {"at": 4010, "lat": 2.0}
    )
    [row] = analysis.summary(two).to_dict("records")
    assert (row["trips"], row["length"]) == (2, 0.0)
    assert row["duration"] == pd.Timedelta("4010s")
    own = two[["member", "time", "lat", "lon"]].astype({"member": str})
    [bare] = analysis.summary(own).to_dict("records")
    assert (bare["trips"], bare["length"], bare["recording"]) == (2, 0.0, "")


def test_one_fix_and_identical_times() -> None:
    table = analysis.summary(
        frame({"member": "one"}, {"member": "two", "lat": 1.0}, {"member": "two", "lat": 3.0})
    )
    assert table["fixes"].tolist() == [1, 2]
    assert table["length"].tolist() == [0.0, 0.0]
    assert table["duration"].tolist() == [pd.Timedelta(0)] * 2
    assert table[["moving_speed", "max_speed"]].isna().all(axis=None)
    assert table["interval"].isna().all()


def test_of_one_moment_the_last_that_arrived_counts() -> None:
    walk = frame({"at": 0, "lat": 1.0}, {"at": 10, "lat": 5.0, "seq": 9}, {"at": 10, "lat": 1.0, "seq": 10})
    assert analysis.summary(walk)["length"][0] == 0
    assert analysis.summary(walk)["fixes"][0] == 3


@pytest.mark.parametrize(
    ("a", "b", "metres"),
    [
        ((0.0, 179.9995), (0.0, -179.9995), 111.3),
        ((89.9995, 0.0), (89.9995, 180.0), 111.7),
        ((-89.9995, -90.0), (-89.9995, 90.0), 111.7),
    ],
)
def test_over_the_antimeridian_and_the_poles(
    a: tuple[float, float], b: tuple[float, float], metres: float
) -> None:
    over = frame({"at": 0, "lat": a[0], "lon": a[1]}, {"at": 60, "lat": b[0], "lon": b[1]})
    assert analysis.summary(over)["length"][0] == pytest.approx(metres, abs=0.1)


def test_members_of_several_recordings_are_apart() -> None:
    monday = frame({"at": 0}, {"at": 10, "lat": 1.001}, {"at": 5, "member": "bo"}, recording="monday")
    tuesday = frame({"at": 90_000, "lat": 5.0}, {"at": 90_010, "lat": 5.001}, recording="tuesday")
    table = analysis.summary(joined(tuesday, monday))
    assert list(zip(table["recording"], table["member"], table["fixes"], strict=True)) == [
        ("monday", "ann", 2),
        ("monday", "bo", 1),
        ("tuesday", "ann", 2),
    ]
    assert table["length"].max() < 120


def test_an_hour_that_comes_twice_is_no_silence() -> None:
    # 2025-10-26, 02:50 and again 02:10 in Berlin: 20 minutes
    local = pd.to_datetime(["2025-10-26T00:50:00Z", "2025-10-26T01:10:00Z"]).tz_convert("Europe/Berlin")
    own = pd.DataFrame({"member": "ann", "time": local, "lat": [1.0, 1.01], "lon": 2.0})
    [row] = analysis.summary(own).to_dict("records")
    assert row["duration"] == pd.Timedelta("20min")
    assert str(row["first"].tz) == "UTC"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.drop(columns="lat"), "no column 'lat'"),
        (lambda f: f.assign(lat=np.nan), "'lat' is missing in 2 of 2 rows"),
        (lambda f: f.assign(time=f["time"].dt.tz_localize(None)), "with a zone"),
        (lambda f: f.assign(member=None), "'member' is missing"),
    ],
)
def test_frames_that_are_none(change: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        analysis.summary(change(frame({}, {})))


@given(fixes())
def test_as_a_plain_loop_says(rows: list[dict[str, Any]]) -> None:
    walk = frame(*rows)
    table = analysis.summary(walk).set_index("member")
    assert sorted(table.index.astype(str)) == sorted({row["member"] for row in rows})
    for member, group in walk.groupby("member", observed=True):
        places = {
            time: (lat, lon)
            for time, lat, lon in zip(seconds(group["time"]), group["lat"], group["lon"], strict=True)
        }
        length = moving = 0.0
        times = sorted(places)
        for before, after in itertools.pairwise(times):
            metres = way(*places[before], *places[after])
            length += metres
            moving += (after - before) * (metres / (after - before) >= 0.5)
        row = table.loc[member]
        assert row["fixes"] == len(group)
        assert row["length"] == pytest.approx(length, rel=1e-9, abs=1e-6)
        assert row["moving_time"].total_seconds() == pytest.approx(moving, abs=1e-6)
        assert row["duration"].total_seconds() == pytest.approx(times[-1] - times[0])
