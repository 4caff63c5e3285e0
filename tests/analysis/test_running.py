"""Numbers that are kept while fixes come: the same as of the frame functions on the same fixes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locshare_ext import analysis
from locshare_ext.analysis import GroupNumbers, course
from locshare_ext.errors import InvalidInput
from locshare_ext.model.fix import Fix

from .helpers import BASE, empty, fixes, frame, kinds, way

OPTIONS: dict[str, Any] = {"max_gap": "40s", "radius": 60.0, "lasting": "20s", "cell": 25.0, "moving": 2.0}


def fix(member: str = "ann", at: float = 0, lat: float = 0.0, lon: float = 0.0, **more: Any) -> Fix:
    return Fix(member=member, time=BASE + round(1000 * at), lat=lat, lon=lon, flags=(), **more)


def kept(rows: list[dict[str, Any]], sizes: list[int], **options: Any) -> GroupNumbers:
    """Return the numbers after rows that came in such pieces."""
    numbers = GroupNumbers(**{**OPTIONS, **options})
    came = [fix(**row) for row in rows]
    for size in [*sizes, len(came)]:
        numbers.add(came[:size])
        came = came[size:]
    return numbers


def asked(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return what the frame functions say of the same, as far as `members` tells it."""
    walk = frame(*({**row, "seq": n} for n, row in enumerate(rows)))
    table = analysis.summary(walk, moving=OPTIONS["moving"]).set_index("member")
    table.index = table.index.astype(str)
    silences = analysis.gaps(walk, max_gap=OPTIONS["max_gap"]).groupby("member", observed=False)["duration"]
    stays = analysis.stops(
        walk, radius=OPTIONS["radius"], lasting=OPTIONS["lasting"], max_gap=OPTIONS["max_gap"]
    ).groupby("member", observed=False)["duration"]
    covered = analysis.coverage(walk, OPTIONS["cell"]).groupby("member", observed=False)
    table["gaps"], table["gap_time"] = silences.count(), silences.sum()
    table["stops"], table["stopped"] = stays.count(), stays.sum()
    table["cells"], table["area"] = covered["cells"].max(), covered["area"].max()
    return table


@given(fixes(most=40), st.lists(st.integers(1, 12), max_size=5))
def test_in_any_order_and_pieces_as_the_frame_functions_say(
    rows: list[dict[str, Any]], sizes: list[int]
) -> None:
    mine = kept(rows, sizes).members().set_index("member")
    wanted = asked(rows)
    assert list(mine.index) == sorted(wanted.index)
    wanted = wanted.loc[mine.index]
    for name in ("fixes", "trips", "first", "last", "duration", "moving_time"):
        assert mine[name].tolist() == wanted[name].tolist(), name
    for name in ("gaps", "stops", "cells"):
        assert mine[name].tolist() == wanted[name].fillna(0).tolist(), name
    for name in ("gap_time", "stopped"):
        assert mine[name].tolist() == wanted[name].fillna(pd.Timedelta(0)).tolist(), name
    for name in ("length", "max_speed", "area"):
        assert np.allclose(mine[name], wanted[name], rtol=1e-9, atol=1e-6, equal_nan=True), name


@given(fixes(most=30))
def test_the_group_as_a_plain_loop_says(rows: list[dict[str, Any]]) -> None:
    numbers = kept(rows, [7], near=100.0)
    newest: dict[str, tuple[int, float, float]] = {}
    for row in rows:
        one = fix(**row)
        if one.member not in newest or one.time >= newest[one.member][0]:
            newest[one.member] = one.time, one.lat, one.lon
    last = max((time for time, _, _ in newest.values()), default=0)
    there = {name: place[1:] for name, place in newest.items() if last - place[0] <= 40_000}
    apart = {(a, b): way(*there[a], *there[b]) for a in sorted(there) for b in sorted(there) if a < b}
    near = {pair: metres for pair, metres in apart.items() if metres <= 100}
    found = numbers.pairs()
    assert dict(
        zip(zip(found["member_a"], found["member_b"], strict=True), found["distance"], strict=True)
    ) == {pair: pytest.approx(metres, abs=1e-6) for pair, metres in near.items()}
    group = numbers.group()
    assert (group["members"], group["pairs"]) == (len(there), len(near))
    assert group["alone"] == [name for name in sorted(there) if not any(name in pair for pair in near)]
    table = numbers.members()
    assert table[table["is_alone"]]["member"].tolist() == group["alone"]


def test_centre_and_extent_are_those_of_spread() -> None:
    rows = [{"member": name, "lat": 10 + n / 100, "lon": 179.999 + n / 1000} for n, name in enumerate("abc")]
    [wanted] = analysis.spread(frame(*rows), "1s").to_dict("records")
    group = GroupNumbers()
    group.add([fix(**row) for row in rows])
    told = group.group()
    for name in ("lat", "lon", "spread", "farthest"):
        assert told[name] == pytest.approx(wanted[name], abs=1e-9)
    assert (told["farthest_member"], told["members"]) == (wanted["farthest_member"], 3)


def test_who_is_silent_is_not_there_and_nobody_is_near_him() -> None:
    numbers = GroupNumbers(max_gap="1min")
    numbers.add([fix("ann", 0), fix("bo", 100), fix("cy", 110)])
    assert numbers.members()["is_there"].tolist() == [False, True, True]
    assert numbers.group()["alone"] == []
    later = pd.Timestamp(BASE + 165_000, unit="ms", tz="UTC")
    assert numbers.group(later)["alone"] == ["cy"]
    assert numbers.group(later + pd.Timedelta("1h"))["members"] == 0
    assert numbers.group(later + pd.Timedelta("1h"))["spread"] is None


def test_a_clock_ahead_pins_nothing() -> None:
    numbers = GroupNumbers()
    numbers.add([fix("ann", 72_000, 5.0, received=BASE), fix("ann", 10, 6.0, received=BASE + 10_000)])
    assert numbers.members()["lat"].tolist() == [6.0]


def test_a_new_beginning_knows_where_everyone_was_and_counts_nothing() -> None:
    numbers = GroupNumbers()
    numbers.add([fix("ann", 0), fix("ann", 10, 0.01)])
    numbers.begin([fix("bo", 5, 1.0)])
    table = numbers.members()
    assert kinds(table) == kinds(GroupNumbers().members())
    [row] = table.to_dict("records")
    assert (row["member"], row["fixes"], row["length"], row["lat"]) == ("bo", 0, 0.0, 1.0)
    assert row["first"] is pd.NaT
    numbers.begin()
    assert (len(numbers.members()), numbers.latest, numbers.group()["time"]) == (0, None, None)
    assert len(numbers.pairs()) == 0


def test_who_stands_is_told_since_when() -> None:
    numbers = GroupNumbers(lasting="1min")
    numbers.add([fix(at=at) for at in (0, 30)])
    assert numbers.members()["stopped_since"].isna().all()
    numbers.add([fix(at=90)])
    assert numbers.members()["stopped_since"][0] == pd.Timestamp(BASE, unit="ms", tz="UTC")
    numbers.add([fix(at=100, lat=1.0)])
    assert numbers.members()["stopped_since"].isna().all()
    assert numbers.members()["stops"].tolist() == [1]


@given(fixes(members=1, most=40))
def test_what_is_too_old_to_be_kept_stays_counted(rows: list[dict[str, Any]]) -> None:
    in_order = list({row["at"]: row for row in sorted(rows, key=lambda row: row["at"])}.values())
    before = course.KEPT
    course.KEPT = 3
    try:
        mine = kept(in_order, [1, 5]).members()
    finally:
        course.KEPT = before
    wanted = kept(in_order, []).members()
    assert np.allclose(mine["length"], wanted["length"])
    pd.testing.assert_frame_equal(mine.drop(columns="length"), wanted.drop(columns="length"))


def test_a_fix_that_comes_behind_all_that_is_kept_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "KEPT", 3)
    numbers = GroupNumbers()
    numbers.add([fix(at=10 * n) for n in range(8)])
    length = numbers.members()["length"][0]
    numbers.add([fix(at=5, lat=3.0)])
    [row] = numbers.members().to_dict("records")
    assert (row["fixes"], row["too_late"], row["length"]) == (9, 1, length)


def test_the_work_is_that_of_the_new_fixes() -> None:
    numbers = GroupNumbers()
    many = [fix(at=n, lat=n / 1e5) for n in range(3000)]
    numbers.add(many[:-1])
    taken: list[int] = []
    stay_on = course.Course._stay_on
    course.Course._stay_on = lambda self, at: (taken.append(at), stay_on(self, at))[1]  # type: ignore[method-assign, func-returns-value]
    try:
        numbers.add(many[-1:])
        assert taken == [2999]
        taken.clear()
        numbers.add([fix(at=1000.5, lat=1000.5 / 1e5)])
        assert len(taken) < 100  # up to where the stays are as before
    finally:
        course.Course._stay_on = stay_on  # type: ignore[method-assign]


def test_empty_frames_have_the_same_columns() -> None:
    numbers = GroupNumbers()
    nobody = kinds(numbers.members()), kinds(numbers.pairs())
    numbers.add([fix("ann"), fix("bo")])
    assert (kinds(numbers.members()), kinds(numbers.pairs())) == nobody
    assert len(analysis.summary(empty())) == 0


@pytest.mark.parametrize(
    "options", [{"near": 0}, {"max_gap": "soon"}, {"radius": 0}, {"lasting": "-1s"}, {"cell": 0}]
)
def test_settings_that_are_none(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(options))):
        GroupNumbers(**options)


def test_a_moment_without_a_zone() -> None:
    with pytest.raises(InvalidInput, match="zone"):
        GroupNumbers().members("2026-01-01T00:00")
