from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from locshare_ext import analysis
from locshare_ext.errors import InvalidInput

from .helpers import BASE, GEOD, empty, fixes, frame, joined, kinds, place_at, seconds, way

KINDS = {
    **dict.fromkeys(("member_a", "member_b"), "category"),
    **dict.fromkeys(("begin", "end"), "datetime64[ns, UTC]"),
    "duration": "timedelta64[ns]",
    "closest": "float64",
    "closest_time": "datetime64[ns, UTC]",
    **dict.fromkeys(("lat", "lon"), "float64"),
    **dict.fromkeys(("recording_a", "recording_b", "group_a", "group_b"), "category"),
}


def passing(lat: float = 0.0, lon: float = 0.0, **options: Any) -> pd.DataFrame:
    """ann stays, bo goes by at 10 m/s to the east, 30 m to the north of her, nearest at 100 s."""
    north_lon, north_lat, _ = GEOD.fwd(lon, lat, 0, 30)
    west, east = (GEOD.fwd(north_lon, north_lat, heading, 1000) for heading in (270, 90))
    return frame(
        {"at": 0, "lat": lat, "lon": lon},
        {"at": 200, "lat": lat, "lon": lon},
        {"at": 0, "member": "bo", "lat": west[1], "lon": west[0]},
        {"at": 200, "member": "bo", "lat": east[1], "lon": east[0]},
        **options,
    )


def test_columns_are_the_same_with_and_without_rows() -> None:
    assert kinds(analysis.encounters(empty(), within=50)) == KINDS
    assert kinds(analysis.encounters(frame({}), within=50)) == KINDS
    assert kinds(analysis.encounters(passing(), within=50, max_gap="5min")) == KINDS


@pytest.mark.parametrize("place", [(0.0, 0.0), (0.0, 180.0), (-45.0, -180.0), (60.0, 10.0)])
def test_passing_by_is_told_to_the_moment(place: tuple[float, float]) -> None:
    [row] = analysis.encounters(passing(*place), within=50, max_gap="5min").to_dict("records")
    assert (row["member_a"], row["member_b"]) == ("ann", "bo")
    assert row["closest"] == pytest.approx(30, abs=0.3)
    begin, end, nearest = seconds(pd.Series([row["begin"], row["end"], row["closest_time"]]))
    assert nearest == pytest.approx(100, abs=0.1)
    assert (begin, end) == (pytest.approx(96, abs=0.1), pytest.approx(104, abs=0.1))  # 40 m before and after
    assert row["duration"] == row["end"] - row["begin"]
    assert way(row["lat"], row["lon"], *place) == pytest.approx(15, abs=0.2)


def test_nothing_happens_across_a_gap() -> None:
    assert len(analysis.encounters(passing(), within=50, max_gap="3min")) == 0
    assert len(analysis.encounters(passing(), within=50, max_gap="200s")) == 1


def test_short_ones_can_be_left_out() -> None:
    assert len(analysis.encounters(passing(), within=50, lasting="7s", max_gap="5min")) == 1
    assert len(analysis.encounters(passing(), within=50, lasting="9s", max_gap="5min")) == 0


def test_one_fix_is_met_only_in_its_moment() -> None:
    rows: list[dict[str, Any]] = [
        *({"at": 10 * n, "lat": 1.0} for n in range(10)),
        {"at": 33.5, "lat": 1.0001, "member": "bo"},
        {"at": 500, "lat": 1.0001, "member": "cy"},
    ]
    [row] = analysis.encounters(frame(*rows), within=50).to_dict("records")
    assert (row["member_b"], row["duration"]) == ("bo", pd.Timedelta(0))
    assert seconds(pd.Series([row["begin"]])) == [33.5]


def test_standing_together_is_one_encounter() -> None:
    rows = [
        {"at": 5 * n + shift, "member": name} for n in range(400) for name, shift in (("ann", 0), ("bo", 2.2))
    ]
    [row] = analysis.encounters(frame(*rows), within=1).to_dict("records")
    assert seconds(pd.Series([row["begin"], row["end"]])) == [2.2, 1995.0]
    assert row["closest"] == 0


def test_near_over_the_pole() -> None:
    rows: list[dict[str, Any]] = [
        {"at": at, "member": name, "lat": 89.9999, "lon": lon}
        for at in (0, 10)
        for name, lon in (("ann", 0.0), ("bo", 180.0))
    ]
    [row] = analysis.encounters(frame(*rows), within=30).to_dict("records")
    assert row["closest"] == pytest.approx(22.3, abs=0.1)
    assert row["lat"] == pytest.approx(90)


def test_members_of_two_recordings_meet_but_no_group_meets_itself() -> None:
    walk = passing()
    ann = analysis_part(walk, "ann")
    bo = analysis_part(walk, "bo")

    def found(*parts: tuple[pd.DataFrame, str, str]) -> list[tuple[str, ...]]:
        frames = [
            part.assign(recording=as_name(part, rec), group=as_name(part, group))
            for part, rec, group in parts
        ]
        table = analysis.encounters(joined(*frames), within=50, max_gap="5min")
        return list(zip(table["recording_a"], table["recording_b"], strict=True))

    assert found((ann, "one", ""), (bo, "two", "")) == [("one", "two")]  # a file for each
    assert found((ann, "one", "g"), (bo, "two", "h")) == [("one", "two")]
    assert found((walk, "one", "g"), (walk, "two", "g")) == [("one", "one"), ("two", "two")]
    assert found((walk, "one", ""), (ann, "two", "")) == [("one", "one"), ("one", "two")]


def analysis_part(walk: pd.DataFrame, member: str) -> pd.DataFrame:
    return walk[walk["member"] == member].reset_index(drop=True)


def as_name(part: pd.DataFrame, name: str) -> Any:
    return pd.Categorical([name] * len(part))


@pytest.mark.parametrize("within", [0, -1, float("nan"), float("inf"), 200_000, "50", True])
def test_distances_that_cannot_be(within: Any) -> None:
    with pytest.raises(InvalidInput, match="within"):
        analysis.encounters(frame({}), within=within)


def test_ships_far_apart() -> None:
    rows: list[dict[str, Any]] = [
        {"at": at, "member": name, "lat": lat, "lon": at * 1e-4}
        for at in (0, 300, 600)
        for name, lat in (("ann", 55.0), ("bo", 55.8))
    ]
    [row] = analysis.encounters(frame(*rows), within=95_000, max_gap="10min").to_dict("records")
    assert row["closest"] == pytest.approx(way(55.0, 0, 55.8, 0), rel=1e-6)
    assert len(analysis.encounters(frame(*rows), within=80_000, max_gap="10min")) == 0


def test_long_ways_between_fixes_are_those_of_the_geodesic() -> None:
    """A flight of 150 km between two fixes passes over somebody who stands on its geodesic."""
    ends = (50.0, 0.0), (50.0, 2.1)
    track = [(BASE, *ends[0]), (BASE + 600_000, *ends[1])]
    middle = place_at(track, BASE + 300_000, 1e9)
    assert middle is not None
    rows: list[dict[str, Any]] = [
        {"at": 0, "lat": ends[0][0], "lon": ends[0][1]},
        {"at": 600, "lat": ends[1][0], "lon": ends[1][1]},
        *({"at": at, "lat": middle[0], "lon": middle[1], "member": "bo"} for at in (0, 600)),
    ]
    [row] = analysis.encounters(frame(*rows), within=5, max_gap="1h").to_dict("records")
    assert row["closest"] < 0.1
    assert seconds(pd.Series([row["closest_time"]])) == [pytest.approx(300, abs=0.01)]


GAP = 120
STEP = 500  # ms


@given(fixes(), st.sampled_from([20, 100, 400]))
@example(
    [{"member": "m0", "at": 0, "lat": 1.0, "lon": 2.0}, {"member": "m1", "at": 0, "lat": 1.0, "lon": 2.0}], 20
)
def test_as_a_plain_loop_over_time_says(rows: list[dict[str, Any]], within: int) -> None:
    table = analysis.encounters(frame(*rows), within=within, max_gap=f"{GAP}s")
    tracks: dict[str, dict[int, tuple[int, float, float]]] = {}
    for row in rows:  # of one moment the last that arrived
        at = BASE + round(row["at"] * 1000)
        tracks.setdefault(row["member"], {})[at] = (at, row["lat"], row["lon"])
    ways = {member: [track[at] for at in sorted(track)] for member, track in tracks.items()}
    moments = sorted(
        {*range(BASE, BASE + 601_000, STEP * 8), *(at for track in tracks.values() for at in track)}
    )
    for a, b in itertools.combinations(sorted(ways), 2):
        mine = table[(table["member_a"] == a) & (table["member_b"] == b)]
        begins = (mine["begin"].astype("int64") // 1_000_000).tolist()
        ends = (mine["end"].astype("int64") // 1_000_000).tolist()
        assert begins == sorted(begins)
        assert all(end < begin for end, begin in zip(ends, begins[1:], strict=False))
        for moment in moments:
            place_a, place_b = (place_at(ways[name], moment, GAP * 1000) for name in (a, b))
            told = any(begin <= moment <= end for begin, end in zip(begins, ends, strict=True))
            if place_a is None or place_b is None:
                assert not told
                continue
            apart = way(*place_a, *place_b)
            if abs(apart - within) > 0.02 * max(1, within / 100):
                assert told == (apart < within), (a, b, moment - BASE, apart)
            for begin, end, closest in zip(begins, ends, mine["closest"], strict=True):
                if begin <= moment <= end:
                    assert closest <= apart + 0.02
        for at, closest in zip(
            mine["closest_time"].astype("int64") // 1_000_000, mine["closest"], strict=True
        ):
            places = [place_at(ways[name], at, GAP * 1000) for name in (a, b)]
            if None not in places:
                assert closest == pytest.approx(
                    way(*places[0], *places[1]), abs=0.7
                )  # up to 0.5 ms beside it


def test_how_much_is_worked_on_at_once_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    rows = [
        {"at": 10 * n + 0.1 * m, "member": f"m{m}", "lat": lat, "lon": lon}
        for m in range(12)
        for n, (lat, lon) in enumerate(rng.normal(0, 4e-4, (60, 2)).cumsum(axis=0) * 0.3)
    ]
    walk = frame(*rows)
    whole = analysis.encounters(walk, within=60)
    assert len(whole) > 100
    monkeypatch.setattr("locshare_ext.analysis.meetings._AT_ONCE", 7)
    monkeypatch.setattr("locshare_ext.analysis.meetings._MANY", 50)
    pd.testing.assert_frame_equal(analysis.encounters(walk, within=60), whole)
