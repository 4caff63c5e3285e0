"""Who was alone, where members stopped, how fast they were, what ground was covered."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locshare_ext import analysis
from locshare_ext.analysis.cells import Cells
from locshare_ext.errors import InvalidInput

from .helpers import empty, fixes, frame, joined, kinds, seconds, way

KEYS = dict.fromkeys(("recording", "group", "member"), "category")
STRETCH = {
    **dict.fromkeys(("begin", "end"), "datetime64[ns, UTC]"),
    "duration": "timedelta64[ns]",
}
KINDS = {
    "alone": {**KEYS, **STRETCH},
    "stops": {**KEYS, **STRETCH, "fixes": "int64", "lat": "float64", "lon": "float64"},
    "speeds": {
        **KEYS,
        **dict.fromkeys(("tracked", "moving_time"), "timedelta64[ns]"),
        **dict.fromkeys(("moving_share", "mean", "moving_mean"), "float64"),
        **dict.fromkeys(("p05", "p25", "p50", "p75", "p95", "max"), "float64"),
    },
    "coverage": {
        **KEYS,
        "time": "datetime64[ns, UTC]",
        **dict.fromkeys(("lat", "lon"), "float64"),
        "is_new": "bool",
        "cells": "int64",
        "area": "float64",
        "group_cells": "int64",
        "group_area": "float64",
    },
}


def asked(name: str, trails: pd.DataFrame) -> pd.DataFrame:
    options: dict[str, Any] = {"beyond": 100} if name == "alone" else {}
    table: pd.DataFrame = getattr(analysis, name)(trails, **options)
    return table


@pytest.mark.parametrize("name", sorted(KINDS))
def test_columns_are_the_same_with_and_without_rows(name: str) -> None:
    walk = frame(*({"at": 10 * n, "lat": 1 + (n > 20) / 1000} for n in range(40)))
    assert kinds(asked(name, empty())) == KINDS[name]
    assert kinds(asked(name, walk)) == KINDS[name]
    assert (len(asked(name, empty())), len(asked(name, walk)) > 0) == (0, True)


# alone

DEGREE = way(0.0, 0.0, 0.0, 1.0)  # m along the equator


def test_who_goes_away_is_alone_and_so_is_who_stays() -> None:
    walk = frame(
        *({"member": "ann", "at": at, "lat": 0.0, "lon": 0.0} for at in range(0, 101, 10)),
        *({"member": "bo", "at": at, "lat": 0.0, "lon": at / DEGREE} for at in range(0, 101, 10)),
    )
    table = analysis.alone(walk, beyond=40)
    assert table["member"].tolist() == ["ann", "bo"]
    assert seconds(table["begin"]) == [pytest.approx(40, abs=0.01)] * 2
    assert seconds(table["end"]) == [100.0, 100.0]
    assert len(analysis.alone(walk, beyond=40, lasting="59s")) == 2
    assert len(analysis.alone(walk, beyond=40, lasting="61s")) == 0


def test_nobody_is_near_or_alone_in_a_gap() -> None:
    walk = frame(
        *({"member": "ann", "at": at, "lat": 0.0} for at in range(0, 1001, 10)),
        *({"member": "bo", "at": at, "lat": 0.0} for at in (*range(0, 101, 10), *range(900, 1001, 10))),
    )
    table = analysis.alone(walk, beyond=40)
    assert table["member"].tolist() == ["ann"]
    assert (seconds(table["begin"]), seconds(table["end"])) == ([100.0], [900.0])


def test_one_fix_is_no_time_alone() -> None:
    assert len(analysis.alone(frame({"at": 0}), beyond=40)) == 0


@given(fixes(), st.floats(5, 300))
def test_together_and_alone_fill_the_time(rows: list[dict[str, Any]], metres: float) -> None:
    walk = frame(*rows)
    solitude, meetings = analysis.alone(walk, beyond=metres), analysis.encounters(walk, within=metres)
    for member, group in walk.groupby("member", observed=True):
        times = sorted(set(seconds(group["time"])))
        limit = 1e-9 * analysis.gaps(walk[walk["member"] == member], max_gap="1ns")["duration"].astype(
            "int64"
        )
        typical = float(np.median(limit)) if len(limit) else 0.0
        places = dict(zip(seconds(group["time"]), zip(group["lat"], group["lon"], strict=True), strict=True))
        there = [
            (a, b)
            for a, b in itertools.pairwise(times)
            if b - a <= max(5 * typical, 120) and way(*places[a], *places[b]) <= 1000 * (b - a)
        ]
        mine = meetings[(meetings["member_a"] == member) | (meetings["member_b"] == member)]
        near = list(zip(seconds(mine["begin"]), seconds(mine["end"]), strict=True))
        own = solitude[solitude["member"] == member]
        by_itself = list(zip(seconds(own["begin"]), seconds(own["end"]), strict=True))
        for a, b in there:
            for when in (a + (b - a) / 3, a + (b - a) * 0.77):
                if any(abs(when - edge) < 0.01 for edge in itertools.chain(*near, *by_itself)):
                    continue
                is_near = any(begin < when < end for begin, end in near)
                assert any(begin < when < end for begin, end in by_itself) != is_near


# stops


def test_a_stop_is_told_with_its_middle() -> None:
    places = [0, 100, 200, 205, 195, 200, 300, 400]
    walk = frame(*({"at": 60 * n, "lat": 0.0, "lon": m / DEGREE} for n, m in enumerate(places)))
    table = analysis.stops(walk, radius=20, lasting="3min")
    assert (seconds(table["begin"]), seconds(table["end"])) == ([120.0], [300.0])
    assert table["fixes"].tolist() == [4]
    assert table["lon"][0] == pytest.approx(200 / DEGREE, abs=1e-9)
    assert len(analysis.stops(walk, radius=20, lasting="181s")) == 0


def test_a_gap_ends_a_stop() -> None:
    walk = frame(*({"at": at} for at in (0, 60, 120, 1120, 1180, 1240)))
    assert seconds(analysis.stops(walk, lasting="2min", max_gap="10min")["begin"]) == [0.0, 1120.0]
    assert seconds(analysis.stops(walk, lasting="2min", max_gap="20min")["end"]) == [1240.0]


@given(fixes(), st.integers(5, 200), st.integers(10, 300), st.integers(5, 200))
def test_stops_as_a_plain_loop_says(rows: list[dict[str, Any]], gap: int, radius: int, lasting: int) -> None:
    walk = frame(*rows)
    wanted = []
    for member, group in walk.groupby("member", observed=True):
        places = dict(zip(seconds(group["time"]), zip(group["lat"], group["lon"], strict=True), strict=True))
        stays: list[list[float]] = []
        for at, place in sorted(places.items()):
            is_new = not stays or at - stays[-1][-1] > gap
            if is_new or way(*places[stays[-1][0]], *place) > radius:
                stays.append([])
            stays[-1].append(at)
        wanted += [(member, one[0], one[-1], len(one)) for one in stays if one[-1] - one[0] >= lasting]
    table = analysis.stops(walk, radius=radius, lasting=f"{lasting}s", max_gap=f"{gap}s")
    found = zip(table["member"], seconds(table["begin"]), seconds(table["end"]), table["fixes"], strict=True)
    assert list(found) == wanted


# speeds


def test_percentiles_are_of_time_and_not_of_fixes() -> None:
    # 30 s at 1 m/s in one step, 10 s at 5 m/s in ten, 60 s at rest
    metres = np.cumsum([0, 30, *[5] * 10, 0])
    times = np.cumsum([0, 30, *[1] * 10, 60])
    walk = frame(*({"at": int(t), "lat": 0.0, "lon": m / DEGREE} for t, m in zip(times, metres, strict=True)))
    [row] = analysis.speeds(walk).to_dict("records")
    assert row["p05"] == row["p50"] == row["p75"] == pytest.approx(1)
    assert (row["p95"], row["max"]) == (pytest.approx(5), pytest.approx(5))
    assert (row["tracked"], row["moving_time"]) == (pd.Timedelta("100s"), pd.Timedelta("40s"))
    assert row["moving_share"] == pytest.approx(0.4)
    assert (row["mean"], row["moving_mean"]) == (pytest.approx(0.8), pytest.approx(2))


def test_who_never_moved_has_no_speeds() -> None:
    [one, still] = analysis.speeds(
        frame({"member": "a"}, {"member": "b", "at": 0}, {"member": "b", "at": 5})
    ).to_dict("records")
    assert np.isnan([one["moving_share"], one["mean"], one["p50"], one["max"]]).all()
    assert (still["moving_share"], still["mean"], still["max"]) == (0, 0, 0)
    assert np.isnan(still["p50"])


@given(fixes())
def test_speeds_agree_with_the_summary(rows: list[dict[str, Any]]) -> None:
    walk = frame(*rows)
    table, summary = analysis.speeds(walk), analysis.summary(walk)
    assert table["moving_time"].equals(summary["moving_time"])
    assert np.allclose(table["moving_mean"], summary["moving_speed"], equal_nan=True)
    assert np.allclose(table["max"], summary["max_speed"], equal_nan=True)


# coverage


def test_cells_are_about_as_large_as_asked() -> None:
    cells = Cells(100.0)
    lat, lon = np.linspace(-90, 90, 2001), np.linspace(-180, 180, 2001)
    keys = cells.of(lat, lon)
    inside = np.abs(lat) < 89.9
    assert np.all(np.abs(cells.areas(keys)[inside] / 10_000 - 1) < 0.05)
    middle = cells.middles(keys)
    assert np.array_equal(cells.of(*middle), keys)
    assert np.array_equal(
        cells.of(np.array([5.0]), np.array([180.0])), cells.of(np.array([5.0]), np.array([-180.0]))
    )


def test_each_cell_counts_once_for_a_member_and_once_for_the_group() -> None:
    walk = frame(
        {"member": "ann", "at": 0, "lat": 1.0},
        {"member": "bo", "at": 1, "lat": 1.0},
        {"member": "ann", "at": 2, "lat": 1.1},
        {"member": "ann", "at": 3, "lat": 1.0},
        {"member": "bo", "at": 4, "lat": 1.2},
    )
    table = analysis.coverage(walk, 1000)
    assert table["member"].tolist() == ["ann", "bo", "ann", "bo"]
    assert table["cells"].tolist() == [1, 1, 2, 2]
    assert table["is_new"].tolist() == [True, False, True, True]
    assert table["group_cells"].tolist() == [1, 1, 2, 3]
    assert table["group_area"].iloc[-1] == pytest.approx(3e6, rel=0.02)


def test_groups_cover_ground_by_themselves() -> None:
    both = joined(frame({"at": 0}, recording="a"), frame({"at": 5}, recording="b"))
    assert analysis.coverage(both)["group_cells"].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("ask", "field"),
    [
        (lambda f: analysis.alone(f, beyond=0), "beyond"),
        (lambda f: analysis.alone(f, beyond="near"), "beyond"),
        (lambda f: analysis.stops(f, radius=-1), "radius"),
        (lambda f: analysis.stops(f, lasting="soon"), "lasting"),
        (lambda f: analysis.coverage(f, 0.1), "cell"),
        (lambda f: analysis.coverage(f, True), "cell"),
    ],
)
def test_what_is_refused(ask: Any, field: str) -> None:
    with pytest.raises(InvalidInput, match=field) as caught:
        ask(frame({}))
    assert caught.value.field == field
