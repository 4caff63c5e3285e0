from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from locshare_ext import analysis
from locshare_ext.errors import InvalidInput

from .helpers import GEOD, empty, fixes, frame, joined, kinds, way

PAIRS = {
    "time": "datetime64[ns, UTC]",
    **dict.fromkeys(("member_a", "member_b"), "category"),
    "distance": "float64",
    **dict.fromkeys(("recording_a", "recording_b", "group_a", "group_b"), "category"),
}
SPREAD = {
    **dict.fromkeys(("recording", "group"), "category"),
    "time": "datetime64[ns, UTC]",
    "members": "int64",
    **dict.fromkeys(("lat", "lon", "spread", "farthest"), "float64"),
    "farthest_member": "category",
}


def test_columns_are_the_same_with_and_without_rows() -> None:
    for walk in (empty(), frame({}), frame({"at": 5}, {"at": 5, "member": "bo"}, {"at": 5, "member": "cy"})):
        assert kinds(analysis.distances(walk, "1s")) == PAIRS
        assert kinds(analysis.spread(walk, "1s")) == SPREAD
    assert len(analysis.distances(walk, "1s")) == 3
    assert len(analysis.spread(empty())) == 0


def test_a_day_of_a_crowd_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locshare_ext.analysis.pairs.MOST_PAIRS", 2)
    with pytest.raises(InvalidInput, match=r"3 rows, more than 2; .*encounters"):
        analysis.distances(frame({}, {"member": "bo"}, {"member": "cy"}), "1s")


def test_a_group_at_the_antimeridian_and_one_around_the_pole() -> None:
    row: dict[str, Any]
    [row] = analysis.spread(frame({"lon": 179.999}, {"member": "bo", "lon": -179.999}), "1s").to_dict(
        "records"
    )
    assert abs(row["lon"]) == pytest.approx(180)
    assert row["farthest"] == pytest.approx(way(1, 179.999, 1, 180))
    pole = frame(*({"member": f"m{lon}", "lat": 89.99, "lon": lon} for lon in (0, 90, 180, -90)))
    [row] = analysis.spread(pole, "1s").to_dict("records")
    assert row["lat"] == pytest.approx(90)
    assert row["spread"] == pytest.approx(row["farthest"])
    assert (row["members"], row["farthest_member"]) == (4, "m-90")


def test_opposite_ends_of_the_earth_have_no_centre() -> None:
    [row] = analysis.spread(
        frame({"lat": 0.0, "lon": 0.0}, {"member": "bo", "lat": 0.0, "lon": 180.0}), "1s"
    ).to_dict("records")
    assert row["members"] == 2
    assert np.isnan([row["lat"], row["lon"], row["spread"], row["farthest"]]).all()


def test_groups_and_recordings_are_apart() -> None:
    both = joined(
        frame({"at": 0}, {"at": 0, "member": "bo"}, recording="a"), frame({"at": 0}, recording="b", group="h")
    )
    table = analysis.spread(both, "1s")
    assert table["recording"].tolist() == ["a", "b"]
    assert table["members"].tolist() == [2, 1]


@given(fixes())
def test_as_a_plain_loop_says(rows: list[dict[str, Any]]) -> None:
    walk = frame(*rows)
    grid = analysis.resample(walk, "7s", max_gap="2min")
    pairs = analysis.distances(walk, "7s", max_gap="2min")
    centres = analysis.spread(walk, "7s", max_gap="2min").set_index("time")
    wanted = []
    for time, there in grid.groupby("time"):
        places = dict(
            zip(there["member"].astype(str), zip(there["lat"], there["lon"], strict=True), strict=True)
        )
        for a, b in itertools.combinations(sorted(places), 2):
            wanted.append((time, a, b, pytest.approx(way(*places[a], *places[b]), rel=1e-9, abs=1e-6)))
        row = centres.loc[time]
        metres = [way(row["lat"], row["lon"], *place) for place in places.values()]
        assert row["members"] == len(places)
        assert row["spread"] == pytest.approx(np.sqrt(np.mean(np.square(metres))), abs=1e-6)
        assert row["farthest"] == pytest.approx(max(metres), abs=1e-6)
        # the centre is where the sum of squares is least: no place a metre away is better
        for heading in (0.0, 90.0, 180.0, 270.0):
            away = nudged(row["lat"], row["lon"], heading)
            assert sum(way(*away, *place) ** 2 for place in places.values()) > sum(np.square(metres)) - 1e-3
    found = zip(pairs["time"], pairs["member_a"], pairs["member_b"], pairs["distance"], strict=True)
    assert list(found) == wanted
    assert len(centres) == grid["time"].nunique()


def nudged(lat: float, lon: float, heading: float) -> tuple[float, float]:
    there = GEOD.fwd(lon, lat, heading, 1.0)
    return there[1], there[0]


def test_pairs_as_a_table_of_columns() -> None:
    walk = frame(
        *(
            {"at": 10 * n + 5, "member": m, "lat": lat}
            for n in range(3)
            for m, lat in (("a", 1.0), ("b", 2.0))
        )
    )
    table = analysis.distances(walk, "10s").pivot_table(
        index="time", columns=["member_a", "member_b"], values="distance", observed=True
    )
    assert table.shape == (3, 1)
    assert isinstance(table.index, pd.DatetimeIndex)
