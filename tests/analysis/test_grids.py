from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locshare_ext import analysis
from locshare_ext.errors import InvalidInput
from locshare_ext.formats.frame import arrow_from_frame

from .helpers import BASE, empty, fixes, frame, joined, kinds, place_at, seconds, way


def test_it_is_a_trail_frame_with_and_without_rows() -> None:
    wanted = {**kinds(empty()), "interpolated": "bool"}
    grid = analysis.resample(frame({"at": 0}, {"at": 7, "lat": 1.001}))
    for one in (grid, analysis.resample(empty()), analysis.resample(frame({"at": 0.5}))):
        assert kinds(one) == wanted
        assert isinstance(one.index, pd.RangeIndex)
    assert analysis.summary(grid)["fixes"][0] == len(grid) == 8
    assert arrow_from_frame(grid).num_rows == 8
    assert grid.attrs["resampled"] == "0 days 00:00:01"
    assert analysis.resample(empty()).attrs["interval"] == ""


def test_what_lies_between_two_fixes() -> None:
    grid = analysis.resample(
        frame(
            {
                "at": 0,
                "lat": 0.0,
                "lon": 0.0,
                "altitude": 10.0,
                "heading": 350.0,
                "accuracy": 3.0,
                "battery": 0.5,
                "extra": '{"a":1}',
                "late": True,
                "received": BASE + 9000,
            },
            {
                "at": 4,
                "lat": 0.0,
                "lon": 0.004,
                "altitude": 20.0,
                "heading": 30.0,
                "accuracy": 5.0,
                "received": BASE + 4500,
            },
        ),
        "2s",
    )
    assert seconds(grid["time"]) == [1.0, 3.0]
    middle = grid[grid["interpolated"]].iloc[0]
    share = (middle["time"].timestamp() * 1000 - BASE) / 4000
    assert middle["lon"] == pytest.approx(0.004 * share, abs=1e-9)
    assert middle["altitude"] == 10 + 10 * share
    assert middle["heading"] == pytest.approx((350 + 40 * share) % 360)
    assert np.isnan(middle["accuracy"])
    assert np.isnan(middle["battery"])  # one of both does not tell
    assert pd.isna(middle["extra"])
    assert not middle["late"]
    assert middle["received"] == pd.Timestamp(BASE + 9000, unit="ms", tz="UTC")


def test_a_fix_on_the_grid_stays_as_it_is() -> None:
    at = (-BASE // 1000) % 60  # the next full minute
    row = {"lat": 7.1234567, "accuracy": 3.0, "speed": 1.0, "heading": 0.0, "extra": '{"a":1}', "late": True}
    grid = analysis.resample(frame({"at": at - BASE % 1000 / 1000, **row}), "1min")
    one = frame({"at": at - BASE % 1000 / 1000, **row})
    pd.testing.assert_frame_equal(grid.drop(columns="interpolated"), one, check_like=True)
    assert grid["interpolated"].tolist() == [False]


def test_nothing_is_invented_in_a_gap() -> None:
    walk = frame({"at": 0}, {"at": 10, "lat": 1.0001}, {"at": 200, "lat": 1.0002}, {"at": 210, "lat": 1.0003})
    found = np.array(seconds(analysis.resample(walk)["time"]))
    assert not ((found > 10) & (found < 200)).any()
    assert len(analysis.resample(walk, max_gap="190s")) > len(found) + 180
    few = frame(*({"at": 100 * n, "lat": 1 + n / 10_000} for n in range(5)), {"at": 800, "lat": 1.01})
    found = np.array(seconds(analysis.resample(few, "1s")["time"]))
    assert (found > 400).sum() > 390  # 5 x 100 s: that silence is usual for this member


def test_nobody_goes_faster_than_can_be() -> None:
    found = analysis.resample(frame({"at": 0, "lat": 0.0}, {"at": 10, "lat": 5.0}))
    assert not found["interpolated"].any()


def test_across_the_antimeridian() -> None:
    found = analysis.resample(
        frame({"at": 0, "lat": 0.0, "lon": 179.999}, {"at": 20, "lat": 0.0, "lon": -179.999})
    )
    assert (found["lon"].abs() > 179.99).all()
    assert set(np.sign(found["lon"])) == {-1.0, 1.0}


def test_members_share_one_grid_in_the_order_of_a_frame() -> None:
    both = joined(
        frame({"at": 0.3, "member": "bo"}, {"at": 9.7, "member": "bo"}, recording="a"),
        frame({"at": 0.1}, {"at": 9.9}, recording="b"),
    )
    found = analysis.resample(both, "5s")
    assert found["time"].is_monotonic_increasing
    assert found["member"].tolist()[:2] == ["ann", "bo"]
    assert found["time"].nunique() == len(found) / 2
    hour = analysis.resample(frame({"at": 0}, {"at": 9000}), "1h", max_gap="3h")
    assert {time.minute for time in hour["time"]} == {0}


def test_columns_of_ones_own_and_bare_frames() -> None:
    walk = frame({"at": 0}, {"at": 4}).assign(mood=["good", "bad"])
    assert set(analysis.resample(walk)["mood"]) <= {"good", "bad"}
    bare = walk[["member", "time", "lat", "lon"]]
    assert list(analysis.resample(bare).columns) == ["member", "time", "lat", "lon", "interpolated"]


@pytest.mark.parametrize("every", ["soon", "0s", "-1s", None, 5, "1ns"])
def test_grids_that_cannot_be(every: Any) -> None:
    with pytest.raises(InvalidInput, match="every"):
        analysis.resample(frame({"at": 0}, {"at": 60}), every)
    with pytest.raises(InvalidInput, match="max_gap"):
        analysis.resample(frame({}), "1s", max_gap="0s")


@given(fixes(), st.sampled_from([1, 7, 60]), st.sampled_from([30, 120]))
def test_as_a_plain_loop_says(rows: list[dict[str, Any]], every: int, gap: int) -> None:
    walk = frame(*rows)
    found = analysis.resample(walk, f"{every}s", max_gap=f"{gap}s")
    count = 0
    for member, fixes_of in walk.groupby("member", observed=True):
        mine = found[found["member"] == member]
        at = dict(
            zip(
                mine["time"].astype("int64") // 1_000_000,
                zip(mine["lat"], mine["lon"], strict=True),
                strict=True,
            )
        )
        count += len(at)
        by_time = {
            int(time) // 1_000_000: (int(time) // 1_000_000, lat, lon)
            for time, lat, lon in zip(
                fixes_of["time"].astype("int64"), fixes_of["lat"], fixes_of["lon"], strict=True
            )
        }
        track = [by_time[time] for time in sorted(by_time)]
        step = every * 1000
        for moment in range(-(-track[0][0] // step) * step, track[-1][0] + 1, step):
            wanted = place_at(track, moment, gap * 1000)
            assert (moment in at) == (wanted is not None)
            if wanted is not None:
                assert way(*at[moment], *wanted) < 1e-6
    assert count == len(found)


@given(fixes(most=12))
def test_on_a_grid_of_its_own_every_fix_stays(rows: list[dict[str, Any]]) -> None:
    walk = frame(*rows)
    found = analysis.resample(walk, "125ms", max_gap="1ms")  # joins nothing
    on_grid = walk[walk["time"].astype("int64") % 125_000_000 == 0]
    last = on_grid.drop_duplicates(["member", "time"], keep="last")
    pd.testing.assert_frame_equal(
        found.drop(columns="interpolated"), last.reset_index(drop=True), check_like=True
    )
