"""Frames in and out of a group, against a server process."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from locshare_ext import Group, open_recording
from locshare_ext.errors import InvalidFix, InvalidInput, InvalidName, NotFound
from locshare_ext.model.trail import FRAME_COLUMNS
from tests.client.conftest import attach
from tests.support.served import Served

pytestmark = pytest.mark.process

# The longest frame here lasts 20 h and must not reach into the future, where the flag `future` of a
# fix hangs on the moment at which it was received.
BEGIN = pd.Timestamp.now(tz="UTC").floor("s") - pd.Timedelta("21h")


def frame(count: int = 10, **columns: Any) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "member": ["ann", "bo"] * (count // 2),
            "time": BEGIN + pd.to_timedelta(np.arange(count) * 60, unit="s"),
            "lat": 50 + np.arange(count) / 1000,
            "lon": 14 + np.arange(count) / 1000,
            **columns,
        }
    )


def test_a_frame_goes_round(group: Group, served: Served) -> None:
    speed = [np.nan, 1.5] * 600
    sent = frame(1200, speed=speed, source="import", extra=['{"trip":"a"}', np.nan] * 600)
    published = group.publish(sent)
    assert (published.stored, published.duplicates, published.set_aside) == (1200, 0, [])
    assert group.publish(sent).duplicates == 1200

    trails = group.trails()
    assert list(trails.columns) == list(FRAME_COLUMNS)
    assert trails["time"].tolist() == sent["time"].tolist()
    assert str(trails["time"].dtype) == "datetime64[ns, UTC]"
    for name in ("lat", "lon", "speed"):
        np.testing.assert_array_equal(trails[name], sent[name])
    assert trails["member"].tolist() == sent["member"].tolist()
    assert trails["extra"].dropna().unique().tolist() == ['{"trip":"a"}']
    assert trails["seq"].tolist() == list(range(1, 1201))

    copy = attach(served, "a copy")
    assert copy.publish(trails).stored == 1200  # our own frame, with its own columns
    again = copy.trails()
    own = ["group", "received", "seq"]
    pd.testing.assert_frame_equal(
        again.drop(columns=own), trails.drop(columns=own), check_exact=True, check_flags=False
    )


def test_good_rows_are_stored_and_bad_ones_named(group: Group) -> None:
    bad = frame(6, heading=[0, 360, 90, np.nan, 1, 1]).set_index(pd.Index(list("abcdef")))
    bad.loc["c", "lat"] = 91.2
    bad.loc["e", "time"] = pd.NaT
    published = group.publish(bad)
    assert published.stored == 3
    assert [(one.row, one.field, one.value) for one in published.set_aside] == [
        ("b", "heading", 360.0),
        ("c", "lat", 91.2),
        ("e", "time", None),
    ]
    assert published.set_aside[1].message == "lat 91.2 is outside [-90, 90] degrees"
    assert "row 'b'" in str(published)
    with pytest.raises(InvalidFix, match=r"not one fix could be stored; row 'c': lat 91\.2") as caught:
        group.publish(bad.loc[["c"]])
    assert caught.value.field == "lat"


def test_what_only_the_server_refuses_is_named_too(group: Group) -> None:
    old = frame(4)
    old["time"] = [1_700_000_000, 1_700_000_001, 10**12, 10**12]
    published = group.publish(old)
    assert (published.stored, [one.row for one in published.set_aside]) == (2, [0, 1])
    assert "seconds" in published.set_aside[0].message


def test_one_time_that_cannot_be_read_costs_no_other_row(group: Group) -> None:
    mixed = frame(4).astype({"time": object})
    mixed.loc[1, "time"] = "soon"
    mixed.loc[2, "time"] = datetime(2026, 1, 1)  # without a zone
    published = group.publish(mixed)
    assert (published.stored, [(one.row, one.field) for one in published.set_aside]) == (
        2,
        [(1, "time"), (2, "time")],
    )
    assert published.set_aside[0].value == "soon"
    assert "no time zone" in published.set_aside[1].message
    fixes = [{"time": BEGIN, "lat": 5, "lon": 6}, {"time": "soon", "lat": 5, "lon": 6}]
    published = group.publish(fixes)
    assert (published.stored, [one.row for one in published.set_aside]) == (1, [1])
    with pytest.raises(InvalidInput, match="fix 1 is float, expected"):
        group.publish([fixes[0], 5.0])  # type: ignore[list-item]


def test_a_group_can_begin_with_a_recording(group: Group) -> None:
    recording = group.record("walk")
    group.publish(lat=1, lon=2)
    recording.stop()
    assert len(recording.trails()) == 1
    assert [one.name for one in group.recordings()] == ["walk"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.rename(columns={"lat": "latitude"}), "column 'latitude' is unknown; did you mean `lat`"),
        (lambda f: f.drop(columns="time"), "no column 'time'"),
        (lambda f: f.assign(time=f["time"].dt.tz_localize(None)), "row 0: .*no time zone"),
        (lambda f: f.assign(time="soon"), "row 0: time 'soon' is no moment"),
    ],
)
def test_frames_that_cannot_be(served: Served, change: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        attach(served, "cannot be").publish(change(frame()))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"lat": 91, "lon": 0}, "lat"),
        ({"lat": 1}, "lon"),
        ({"lat": 1, "lon": 2, "battery": 55}, "battery"),
        ({"lat": 1, "lon": 2, "time": datetime(2026, 1, 1)}, "time"),
        ({"lat": 1, "longitude": 2}, "longitude"),
        ({"lat": "48.1", "lon": 2}, "lat"),
    ],
)
def test_one_fix_that_cannot_be(served: Served, values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        attach(served, "cannot be").publish(**values)
    assert caught.value.field == field


def test_me_and_naive_times_with_a_zone(served: Served) -> None:
    group = attach(served, "zones", me="Jin", tz="Asia/Seoul")
    group.publish(lat=1, lon=2, time=datetime.now() - timedelta(days=1))
    naive = frame(2)
    naive["time"] = BEGIN.tz_convert("Asia/Seoul").tz_localize(None) + pd.to_timedelta([0, 1], unit="s")
    group.publish(naive.drop(columns="member"))
    trails = group.trails(since=BEGIN)
    assert trails["member"].tolist() == ["Jin", "Jin"]
    assert trails["time"].iloc[0] == BEGIN
    assert len(group.trails(since=str(BEGIN.tz_convert("Asia/Seoul").tz_localize(None)))) == 2
    with pytest.raises(InvalidName):
        attach(served, "zones", me="a/b")


def test_selections(group: Group) -> None:
    group.publish(frame(60))
    assert len(group.trails(since=BEGIN + pd.Timedelta("30min"))) == 30
    assert len(group.trails(until=BEGIN + pd.Timedelta("30min"))) == 31
    assert len(group.trails(last="1 day")) == 60
    assert set(group.trails(members="ann")["member"]) == {"ann"}
    assert len(group.trails(last="1min", clock="time")) == 0
    assert len(group.trails(since=BEGIN, until=BEGIN + pd.Timedelta("1h"), clock="received")) == 0
    assert len(group.trails(members=[])) == 0
    assert group.trails(trip_gap="30s")["trip"].nunique() == 60
    for wrong in (
        {"last": "1h", "since": BEGIN},
        {"since": BEGIN, "until": BEGIN - pd.Timedelta("1s")},
        {"clock": "known"},
        {"since": "2026-11-22T10:32"},
        {"last": "soon"},
    ):
        with pytest.raises(InvalidInput):
            group.trails(**wrong)


def test_where_everyone_is_and_was(group: Group) -> None:
    now = datetime.now(UTC)
    group.publish(frame(60))
    group.publish(lat=1, lon=2, time=now, member="ann")
    latest = group.latest()
    assert latest["member"].tolist() == ["ann", "bo"]
    assert latest["state"].tolist() == ["live", "lost"]
    assert str(latest["age"].dtype) == str(latest["heard_age"].dtype) == "timedelta64[ns]"
    assert latest["age"].iloc[1] > pd.Timedelta("119min")
    assert latest["heard_age"].iloc[1] < pd.Timedelta("1min")

    then = group.at(BEGIN + pd.Timedelta("10min 30s"))
    assert list(then.columns) == list(latest.columns)
    assert then["member"].tolist() == ["ann", "bo"]
    assert then["age"].tolist() == [pd.Timedelta("30s"), pd.Timedelta("90s")]
    assert len(group.at(BEGIN + pd.Timedelta("10min"), clock="received")) == 0
    assert group.at(now + timedelta(seconds=5), clock="received")["lat"].tolist() == [1.0, 50.059]
    assert group.at(now, members="bo")["member"].tolist() == ["bo"]
    assert group.at(BEGIN)["member"].tolist() == ["ann"]

    members = group.members()
    assert members["fixes"].tolist() == [31, 30]


def test_late_fixes_are_where_they_were_known(group: Group) -> None:
    """As known then: what arrives late changes the past by `time`, not by `received`."""
    group.publish(frame(4, member="ann"))
    known = datetime.now(UTC)
    group.publish([{"member": "ann", "time": BEGIN + pd.Timedelta("90s"), "lat": 1, "lon": 2}])
    moment = BEGIN + pd.Timedelta("100s")
    assert group.at(moment)["lat"].tolist() == [1.0]
    assert group.at(known, clock="received")["lat"].tolist() == [50.003]
    assert group.trails()["late"].tolist() == [False, False, True, False, False]


def test_an_unknown_group_has_empty_frames_of_the_same_shape(served: Served) -> None:
    attach(served, "walkers").publish(frame())
    known, unknown = attach(served, "walkers"), attach(served, "xyzzy")
    for ask in (
        lambda group: group.trails(),
        lambda group: group.latest(),
        lambda group: group.members(),
        lambda group: group.at(BEGIN),
        lambda group: group.events(),
        lambda group: group.trails(members="nobody"),
    ):
        empty = ask(unknown)
        assert len(empty) == 0
        assert {name: str(dtype) for name, dtype in empty.dtypes.items()} == {
            name: str(dtype) for name, dtype in ask(known).dtypes.items()
        }
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert attach(served, "walker").trails().empty
    assert "walkers" in str(said[0].message)


def test_the_real_buses_go_round(group: Group, data: Path) -> None:
    from locshare_ext import open_recording

    columns = "member=vehicle_id,time=timestamp,lat=latitude,lon=longitude,heading=bearing"
    buses = open_recording(data / "liverpool_bus_route14.csv", columns=columns, tz="UTC")
    sent = buses.trails()
    published = group.publish(sent)
    assert published.stored + published.duplicates == len(sent)
    assert not published.set_aside
    kept = group.trails().drop_duplicates(["member", "time", "lat", "lon"])
    expected = sent.drop_duplicates(["member", "time", "lat", "lon"])
    for name in ("time", "lat", "lon", "heading"):
        np.testing.assert_array_equal(kept[name], expected[name])
    assert kept["member"].astype(str).tolist() == expected["member"].astype(str).tolist()
    counts = dict(buses.summary().set_index("member")["fixes"])
    assert sum(counts.values()) == len(sent)
    assert len(counts) == 8


def test_simulated_past(group: Group) -> None:
    published = group.simulate(minutes=10, members=8)
    trails = group.trails(last="11min")
    assert len(trails) == published.stored > 500
    assert trails["member"].nunique() == 8
    with pytest.raises(InvalidInput):
        group.simulate(minutes=-1)


def test_a_note_is_among_the_events(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    group.note("lost the trail here")
    moment = datetime(2025, 11, 22, 10, 32, tzinfo=UTC)
    group.note("lunch", at=moment, member="ann")
    group.publish(lat=1, lon=2)
    events = group.events()
    assert list(events["text"]) == ["lost the trail here", "lunch"]
    assert list(events["seq"]) == [1, 2]
    assert list(events["kind"].astype(str)) == ["note", "note"]
    assert events["time"][1] == moment
    assert events["time"][0] == events["received"][0]
    assert (pd.isna(events["member"][0]), events["member"][1]) == (True, "ann")
    assert len(group.trails()) == 1
    with pytest.raises(InvalidInput, match="text has 0 characters"):
        group.note(" ")
    monkeypatch.setattr("locshare_ext.client.events.PAGE", 1)
    pd.testing.assert_frame_equal(group.events(), events)


def test_names_that_cannot_be() -> None:
    with pytest.raises(InvalidName):
        Group("a/b", server="http://127.0.0.1:1/")
    with pytest.raises(InvalidInput, match="token= needs server="):
        Group("hikers", token="x")
    with pytest.raises(InvalidInput):
        Group(3)  # type: ignore[arg-type]


def test_recordings_on_the_server(group: Group, tmp_path: Path) -> None:
    group.publish(frame(60))
    rec = group.record("morning walk", since=BEGIN - pd.Timedelta("1h"))
    assert rec.state == "running"
    group.publish([{"member": "cy", "time": datetime.now(UTC), "lat": 1, "lon": 2}])
    assert rec.stop().state == "stopped"
    assert len(rec.trails()) == 61
    assert set(rec.trails()["recording"]) == {"morning walk"}
    backlog = {"member": "cy", "time": BEGIN + pd.Timedelta("1s"), "lat": 1, "lon": 2}
    group.publish([backlog])
    assert len(rec.trails()) == 62  # it belongs to the morning
    assert rec.close().state == "closed"
    group.publish([{**backlog, "lat": 3}])
    assert len(rec.trails()) == 62
    assert rec.trails(members=["cy"], until=BEGIN + pd.Timedelta("1min"))["lat"].tolist() == [1.0]
    assert rec.at(BEGIN + pd.Timedelta("30s"))["member"].tolist() == ["ann", "cy"]

    rec.rename("evening walk")
    assert [(one.name, one.state) for one in group.recordings()] == [("evening walk", "closed")]
    path = rec.to_file(tmp_path / "walk.gpkg")
    from locshare_ext import open_recording

    walk = open_recording(path)
    assert (walk.name, walk.group) == ("evening walk", group.name)
    pd.testing.assert_frame_equal(walk.trails(), rec.trails())
    rec.delete()
    assert group.recordings() == []
    with pytest.raises(NotFound):
        rec.trails()
    with pytest.raises(InvalidInput, match="opened from a file"):
        walk.delete()


def test_a_recording_keeps_the_events_of_its_time_also_in_its_file(group: Group, tmp_path: Path) -> None:
    group.note("before")
    rec = group.record("with notes")
    group.publish([{"member": "cy", "time": datetime.now(UTC), "lat": 1, "lon": 2}])
    group.note("lost the trail here", member="cy")
    rec.stop()
    group.note("after")
    assert list(rec.events()["text"]) == ["lost the trail here"]
    walk = open_recording(rec.to_file(tmp_path / "walk.gpkg"))
    [event] = walk.events().to_dict("records")
    assert (event["text"], event["member"], event["kind"]) == ("lost the trail here", "cy", "note")
    assert event["time"] == rec.events()["time"][0]
