"""A group, its recording on the server and the recording's file: one frame, one set of helpers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from locshare_ext import Group, Recording, analysis, open_recording, read_trails
from locshare_ext.model.trail import FRAME_COLUMNS
from tests.client.conftest import attach
from tests.support.served import Served

pytestmark = pytest.mark.process

BEGIN = pd.Timestamp.now(tz="UTC").floor("s") - pd.Timedelta("3h")
DTYPES = {
    **dict.fromkeys(("recording", "group", "member", "trip", "source"), "category"),
    "seq": "int64",
    **dict.fromkeys(("time", "received"), "datetime64[ns, UTC]"),
    **dict.fromkeys(("lat", "lon", "altitude", "accuracy", "speed", "heading", "battery"), "float64"),
    **dict.fromkeys(("late", "future", "repaired"), "bool"),
    "extra": "str",
}
LATEST = {**DTYPES, "age": "timedelta64[ns]", "heard_age": "timedelta64[ns]", "state": "category"}
Source = Group | Recording


def walk(count: int = 40) -> pd.DataFrame:
    """ann and bo side by side, a fix a minute in turn."""
    return pd.DataFrame(
        {
            "member": ["ann", "bo"] * (count // 2),
            "time": BEGIN + pd.to_timedelta(np.arange(count) * 30, unit="s"),
            "lat": 50 + np.arange(count) / 10_000,
            "lon": 14.0,
            "speed": 0.4,
            "source": "import",
        }
    )


@pytest.fixture(scope="module")
def sources(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Source]]:
    group = attach(served, "alike")
    group.publish(walk())
    group.configure(stale=30, lost=90)
    recording = group.record("morning", since=BEGIN - pd.Timedelta("1h")).stop()
    nobody = attach(served, "nobody")
    nothing = nobody.record("nothing").stop()
    folder = tmp_path_factory.mktemp("files")
    yield {
        "group": group,
        "recording": recording,
        "file": open_recording(recording.to_file(folder / "morning.gpkg")),
        "unknown group": attach(served, "never heard of"),
        "empty group": nobody,
        "empty recording": nothing,
        "empty file": open_recording(nothing.to_file(folder / "nothing.gpkg")),
    }
    group.close()
    nobody.close()


FULL = ("group", "recording", "file")
EMPTY = ("unknown group", "empty group", "empty recording", "empty file")


def kinds(table: pd.DataFrame) -> dict[str, str]:
    return {str(name): str(dtype) for name, dtype in table.dtypes.items()}


@pytest.mark.parametrize("which", [*FULL, *EMPTY])
def test_every_answer_has_the_columns_of_the_frame(sources: dict[str, Source], which: str) -> None:
    source, is_full = sources[which], which in FULL
    long_ago = BEGIN - pd.Timedelta("1 day")
    for clock in ("time", "received"):
        trails = source.trails(clock=clock)
        assert (kinds(trails), len(trails)) == (DTYPES, 40 * is_full)
        assert kinds(source.trails(since=BEGIN, until=BEGIN, clock=clock)) == DTYPES
        assert len(source.trails(until=long_ago, clock=clock)) == 0
        assert kinds(source.at(long_ago, clock=clock)) == LATEST
        assert len(source.at(long_ago, clock=clock)) == 0
        assert kinds(source.at(pd.Timestamp.now(tz="UTC"), clock=clock)) == LATEST
        assert len(source.at(pd.Timestamp.now(tz="UTC"), clock=clock)) == 2 * is_full
        assert len(source.at(pd.Timestamp.now(tz="UTC"), clock=clock, members=[])) == 0
        assert list(source.at(BEGIN, clock=clock, members="ann").columns) == list(LATEST)
    with_extra = source.trails(extra=["trip_id"])
    assert list(with_extra.columns) == [*FRAME_COLUMNS, "trip_id"]
    assert with_extra["trip_id"].isna().all()
    assert kinds(source.latest()) == LATEST
    assert isinstance(source.latest().index, pd.RangeIndex)
    assert trails.attrs["version"] == 1
    assert bool(trails.attrs["interval"]) == is_full


@pytest.mark.parametrize("which", FULL)
def test_helpers_are_those_of_the_frame(sources: dict[str, Source], which: str) -> None:
    source = sources[which]
    trails = source.trails()
    asked: list[tuple[Any, Any]] = [
        (source.summary(), analysis.summary(trails)),
        (
            source.summary(moving=99.0, members="bo"),
            analysis.summary(source.trails(members="bo"), moving=99.0),
        ),
        (source.gaps(max_gap="10s"), analysis.gaps(trails, max_gap="10s")),
        (source.resample("20s"), analysis.resample(trails, "20s")),
        (source.distances("1min"), analysis.distances(trails, "1min")),
        (source.encounters(within=20, lasting="1s"), analysis.encounters(trails, within=20, lasting="1s")),
        (source.spread("1min", last="100 days"), analysis.spread(trails, "1min")),
        (source.alone(beyond=3, lasting="1s"), analysis.alone(trails, beyond=3, lasting="1s")),
        (source.stops(radius=50, lasting="1s"), analysis.stops(trails, radius=50, lasting="1s")),
        (source.speeds(moving=0.1), analysis.speeds(trails, moving=0.1)),
        (source.coverage(50), analysis.coverage(trails, 50)),
        (source.to_movebank(), analysis.to_movebank(trails)),
        (source.to_arrow().to_pandas(), trails),
        (pd.DataFrame(source.to_geodataframe()), pd.DataFrame(analysis.to_geodataframe(trails))),
    ]
    for told, wanted in asked:
        assert len(told) > 0
        pd.testing.assert_frame_equal(told, wanted)
    assert len(source.to_movingpandas(by="member")) == 2
    assert len(source.to_traja("ann")) == 20
    assert source.quality()["late_share"].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("which", EMPTY)
def test_helpers_of_nothing_have_the_same_columns(sources: dict[str, Source], which: str) -> None:
    source, full = sources[which], sources["group"]
    helpers: list[Callable[[Any], Any]] = [
        lambda one: one.summary(),
        lambda one: one.gaps(),
        lambda one: one.quality(),
        lambda one: one.resample(),
        lambda one: one.distances(),
        lambda one: one.encounters(within=5),
        lambda one: one.spread(),
        lambda one: one.to_movebank(),
        lambda one: one.to_arrow().to_pandas(),
        lambda one: one.members(),
        lambda one: pd.DataFrame(one.to_geodataframe().drop(columns="geometry")),
    ]
    for helper in helpers:
        told = helper(source)
        assert len(told) == 0
        wanted = kinds(helper(full))
        assert kinds(told) == wanted
    assert len(source.to_movingpandas()) == 0


@pytest.mark.parametrize("which", FULL)
def test_a_member_is_the_same_in_any_case(sources: dict[str, Source], which: str) -> None:
    source = sources[which]
    assert set(source.trails(members="ANN")["member"]) == {"ann"}
    assert source.at(BEGIN + pd.Timedelta("2h"), members=["Ann"])["member"].tolist() == ["ann"]
    assert len(source.trails(members="zoe")) == 0
    assert len(source.at(BEGIN + pd.Timedelta("2h"), members=["zoe"])) == 0


@pytest.mark.parametrize("which", FULL)
def test_members_and_states_are_told_alike(sources: dict[str, Source], which: str) -> None:
    source = sources[which]
    members = source.members()
    assert list(zip(members["member"], members["fixes"], strict=True)) == [("ann", 20), ("bo", 20)]
    moment = BEGIN + pd.Timedelta("19min30s") + pd.Timedelta("40s")  # ann's last is 70 s old then, bo's 40 s
    states = source.at(moment)["state"].tolist()
    # the group's own ages, 30 and 90 s, where its server can be asked; a file has the usual ones
    assert states == (["stale", "live"] if which == "file" else ["stale", "stale"])


def test_where_everyone_was_is_the_same_of_all_three(served: Served, tmp_path: Path) -> None:
    group = attach(served, "out of order")
    rng = np.random.default_rng(7)
    marks: list[pd.Timestamp] = []
    for _ in range(6):
        at = rng.integers(0, 7200, 30)
        group.publish(
            pd.DataFrame(
                {
                    "member": rng.choice(["ann", "bo", "cy"], 30),
                    "time": BEGIN + pd.to_timedelta(at, unit="s"),
                    "lat": rng.uniform(-1, 1, 30),
                    "lon": 2.0,
                }
            )
        )
        marks.append(group.trails()["received"].max())
    recording = group.record("all", since=BEGIN - pd.Timedelta("1h")).stop()
    file = open_recording(recording.to_file(tmp_path / "all.gpkg"))
    columns = ["member", "seq", "time", "received", "lat", "late", "age", "heard_age", "state"]
    seen = set()
    for clock, moments in (
        ("time", [BEGIN + pd.Timedelta(minutes=float(minute)) for minute in rng.uniform(0, 130, 8)]),
        ("received", marks),
    ):
        for moment in moments:
            wanted = group.at(moment, clock=clock)[columns]
            trails = group.trails()
            until = trails[trails[clock] <= moment]
            newest = until.assign(effective=until[["time", "received"]].min(axis=1))
            newest = newest.sort_values(["effective", "seq"]).drop_duplicates("member", keep="last")
            assert dict(zip(wanted["member"], wanted["seq"], strict=True)) == dict(
                zip(newest["member"], newest["seq"], strict=True)
            )
            for source in (recording, file):
                pd.testing.assert_frame_equal(
                    source.at(moment, clock=clock)[columns], wanted, check_categorical=False
                )
            seen.add(tuple(wanted["seq"]))
    assert len(seen) > 8


def test_a_copy_of_time_tells_no_delay(tmp_path: Path) -> None:
    path = tmp_path / "walk.csv"
    path.write_text("member,time,lat,lon\nann,2026-01-01T00:00:00Z,1,2\nann,2026-01-01T00:00:09Z,1,2\n")
    mine = open_recording(path, columns="member=member,time=time,lat=lat,lon=lon")
    assert mine.quality()["late_share"].isna().all()
    assert mine.quality()["delay"].isna().all()


def test_many_recordings_are_one_frame(sources: dict[str, Source], tmp_path: Path) -> None:
    recording = sources["recording"]
    assert isinstance(recording, Recording)
    path = tmp_path / "other.csv"
    path.write_text("member,time,lat,lon\nzoe,2026-01-01T00:00:00Z,1,2\nann,2026-01-01T00:00:09Z,1,2\n")
    other = open_recording(path, columns="member=member,time=time,lat=lat,lon=lon", name="other")
    empty = sources["empty recording"]
    assert isinstance(empty, Recording)
    joined = read_trails([recording, other, empty])
    assert kinds(joined) == DTYPES
    assert joined["member"].cat.categories.tolist() == ["ann", "bo", "zoe"]
    assert joined.attrs["recordings"] == ["morning", "other", "nothing"]
    assert len(joined) == 42
    summary = analysis.summary(joined)
    assert summary["recording"].tolist() == ["morning", "morning", "other", "other"]
    assert joined.groupby("trip", observed=True)["recording"].nunique().max() == 1
    assert len(read_trails([recording, other], members=["zoe"])) == 1
    assert kinds(read_trails([])) == DTYPES
    assert kinds(read_trails([empty], clock="received", extra=["k"])) == {**DTYPES, "k": "str"}
