from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locshare_ext.errors import InvalidInput
from locshare_ext.formats.frame import arrow_from_frame, empty_frame, frame_from_arrow
from locshare_ext.formats.joined import concat_frames
from locshare_ext.formats.latest import at_frame, latest_frame, ms_from_moment
from locshare_ext.model.trail import FRAME_COLUMNS, TRIP_GAP, arrow_schema

from .helpers import BASE, random_table, same, table_of

DTYPES = {
    **dict.fromkeys(("recording", "group", "member", "trip", "source"), "category"),
    "seq": "int64",
    **dict.fromkeys(("time", "received"), "datetime64[ns, UTC]"),
    **dict.fromkeys(("lat", "lon", "altitude", "accuracy", "speed", "heading", "battery"), "float64"),
    **dict.fromkeys(("late", "future", "repaired"), "bool"),
    "extra": "str",
}


@pytest.mark.parametrize("rows", [0, 1, 100])
def test_columns_and_dtypes_are_the_contract(rows: int) -> None:
    frame = frame_from_arrow(random_table(rows), group="g")
    assert tuple(frame.columns) == FRAME_COLUMNS
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == DTYPES
    assert isinstance(frame.index, pd.RangeIndex)
    for name in ("recording", "group", "member", "trip", "source"):
        assert str(frame[name].cat.categories.dtype) == "str"


def test_an_empty_frame_joins_and_saves_as_any_other(tmp_path) -> None:
    frame = empty_frame(group="g")
    assert len(frame) == 0
    frame.to_parquet(tmp_path / "empty.parquet")
    assert {name: str(kind) for name, kind in latest_frame(frame, BASE).dtypes.items()} == {
        **DTYPES,
        "age": "timedelta64[ns]",
        "heard_age": "timedelta64[ns]",
        "state": "category",
    }


def test_rows_are_sorted_by_time_member_and_seq() -> None:
    table = table_of(
        {"time": BASE + 1, "member": "bob"},
        {"time": BASE + 1, "member": "ann", "lat": 3.0},
        {"time": BASE, "member": "bob"},
        {"time": BASE + 1, "member": "ann", "lat": 4.0},
    )
    frame = frame_from_arrow(table, group="g")
    assert frame["seq"].tolist() == [3, 2, 4, 1]


def test_missing_values_are_nan() -> None:
    frame = frame_from_arrow(table_of({"extra": '{"a": 1}', "source": "browser"}, {"seq": 9}), group="g")
    assert frame["source"].isna().tolist() == [False, True]
    assert isinstance(frame["extra"].iloc[1], float)
    assert frame[["altitude", "battery"]].isna().all(axis=None)


def test_trips_are_split_at_gaps_over_30_minutes() -> None:
    times = [0, TRIP_GAP, 2 * TRIP_GAP + 1, 2 * TRIP_GAP + 2]
    rows = [{"time": BASE + at, "member": name} for at in times for name in ("ann", "ann-1")]
    frame = frame_from_arrow(table_of(*rows), group="g")
    assert frame[frame["member"] == "ann"]["trip"].tolist() == ["ann-1", "ann-1", "ann-2", "ann-2"]
    assert frame[frame["member"] == "ann-1"]["trip"].tolist() == ["ann-1-1", "ann-1-1", "ann-1-2", "ann-1-2"]
    longer = frame_from_arrow(table_of(*rows), group="g", trip_gap="2h")
    assert longer["trip"].nunique() == 2
    assert longer.attrs["trip_gap_s"] == 7200
    same(frame_from_arrow(table_of(*rows), group="g", trip_gap=timedelta(hours=2)), longer)


@pytest.mark.parametrize("gap", [0, -1, "soon", "0s", None, "-3min"])
def test_a_gap_that_is_none_is_refused(gap: object) -> None:
    with pytest.raises(InvalidInput, match="trip_gap"):
        frame_from_arrow(table_of({}), group="g", trip_gap=gap)  # type: ignore[arg-type]


def test_attrs_are_plain_json_and_frames_save_as_parquet(tmp_path) -> None:
    frame = frame_from_arrow(random_table(50), group="hikers", recording="walk")
    attrs = json.loads(json.dumps(frame.attrs))
    assert attrs == frame.attrs
    assert attrs["recordings"] == ["walk"]
    assert attrs["units"]["speed"] == "m/s"
    assert attrs["crs"] == "EPSG:4326"
    assert "/" in attrs["interval"]
    frame.to_parquet(tmp_path / "walk.parquet")
    back = pd.read_parquet(tmp_path / "walk.parquet")
    assert back.attrs == frame.attrs
    assert back["time"].dtype == frame["time"].dtype


def test_keys_of_extra_become_columns() -> None:
    rows = [
        {"extra": '{"trip_id":7,"name":"x","ok":true,"speed":1}'},
        {"extra": '{"trip_id":null,"ok":false}'},
    ]
    frame = frame_from_arrow(table_of(*rows), group="g", extra=["trip_id", "name", "ok", "speed", "none"])
    assert frame["trip_id"].tolist()[0] == 7.0
    assert frame["trip_id"].isna().tolist() == [False, True]
    assert str(frame["name"].dtype) == "str"
    assert frame["ok"].tolist() == [True, False]
    assert frame["extra.speed"].iloc[0] == 1.0
    assert frame["speed"].isna().all()
    assert frame["none"].isna().all()
    with pytest.raises(InvalidInput, match="JSON object"):
        frame_from_arrow(table_of({"extra": "[1"}), group="g", extra=["a"])
    with pytest.raises(InvalidInput, match="list of keys"):
        frame_from_arrow(table_of({}), group="g", extra="trip_id")


def test_chunks_with_dictionaries_of_their_own_are_one_table() -> None:
    parts = [table_of({"member": name, "seq": seq}) for seq, name in enumerate(["zoe", "ann", "bob"], 1)]
    frame = frame_from_arrow(pa.concat_tables(parts), group="g")
    assert frame["member"].tolist() == ["ann", "bob", "zoe"]


def test_moments_beyond_nanoseconds_are_clamped_and_counted() -> None:
    frame = frame_from_arrow(table_of({"time": 253_402_300_799_999}, {}), group="g")
    assert frame["time"].iloc[1].year == 2262
    assert frame.attrs["clamped"] == 1


def test_there_and_back_is_the_same() -> None:
    table = random_table(5000)
    frame = frame_from_arrow(table, group="g")
    back = arrow_from_frame(frame)
    assert back.schema.equals(arrow_schema())
    assert back.column("seq").to_pylist() == list(range(1, 5001))
    same(frame_from_arrow(back, group="g"), frame)
    assert len(arrow_from_frame(empty_frame())) == 0


def test_a_frame_of_ones_own_needs_four_columns() -> None:
    moments = pd.to_datetime(["2026-01-26T15:57:02Z", "2026-01-26T15:57:01Z"])
    own = pd.DataFrame({"member": ["ann", "bob"], "time": moments, "lat": [1.0, 2.0], "lon": [3.0, 4.0]})
    frame = frame_from_arrow(arrow_from_frame(own), group="g")
    assert frame["member"].tolist() == ["bob", "ann"]
    with pytest.raises(InvalidInput, match="no column 'lat'"):
        arrow_from_frame(own.drop(columns="lat"))
    with pytest.raises(InvalidInput, match="with a zone"):
        arrow_from_frame(own.assign(time=own["time"].dt.tz_localize(None)))


def test_missing_times_are_named() -> None:
    own = pd.DataFrame(
        {"member": ["a"], "time": pd.to_datetime([None], utc=True), "lat": [1.0], "lon": [1.0]}
    )
    with pytest.raises(InvalidInput, match="missing times"):
        arrow_from_frame(own)


def test_joined_frames_share_categories_and_keep_trips_apart() -> None:
    first = frame_from_arrow(table_of({}, {"member": "bob"}), group="g", recording="monday")
    second = frame_from_arrow(table_of({"time": BASE - 1}, {"member": "cy"}), group="g", recording="tuesday")
    joined = concat_frames([first, second])
    assert {name: str(dtype) for name, dtype in joined.dtypes.items()} == DTYPES
    assert joined["member"].cat.categories.tolist() == ["ann", "bob", "cy"]
    assert joined.groupby("trip", observed=True)["recording"].nunique().max() == 1
    assert joined["trip"].nunique() == 4
    assert joined["trip"].tolist()[0] == "ann-1"  # the earlier one, though of the second frame
    assert joined["time"].is_monotonic_increasing
    assert joined.attrs["recordings"] == ["monday", "tuesday"]
    assert isinstance(joined.index, pd.RangeIndex)


def test_joining_one_frame_or_none_changes_nothing() -> None:
    frame = frame_from_arrow(random_table(300), group="g", recording="r")
    joined = concat_frames([frame, empty_frame(group="g")])
    same(joined, frame)
    same(concat_frames([]), empty_frame())
    with pytest.raises(InvalidInput, match="no trail frame"):
        concat_frames([frame.drop(columns="trip")])


def test_columns_that_only_some_frames_have_are_missing_in_the_others() -> None:
    first = frame_from_arrow(table_of({"extra": '{"n":1,"s":"x"}'}), group="g", extra=["n", "s"])
    joined = concat_frames([first, frame_from_arrow(table_of({"time": BASE + 1}), group="g")])
    assert joined["n"].tolist()[0] == 1.0
    assert np.isnan(joined["n"].iloc[1])
    assert joined["s"].isna().tolist() == [False, True]


def test_latest_is_newest_by_effective_time_with_both_ages() -> None:
    table = table_of(
        {"time": BASE, "lat": 1.0},
        {"time": BASE + 72_000_000, "received": BASE + 5_000, "lat": 2.0},  # a phone 20 h ahead
        {"time": BASE + 10_000, "received": BASE + 10_500, "lat": 3.0},
        {"time": BASE - 60_000, "received": BASE + 20_000, "lat": 4.0, "late": True},
        {"member": "bob", "time": BASE - 700_000},
        {"member": "cy", "time": BASE - 90_000},
    )
    latest = latest_frame(frame_from_arrow(table, group="g"), BASE + 30_000)
    assert latest["member"].tolist() == ["ann", "bob", "cy"]
    assert latest["lat"].iloc[0] == 3.0
    assert latest["age"].iloc[0] == pd.Timedelta(seconds=20)
    assert latest["heard_age"].iloc[0] == pd.Timedelta(seconds=10)
    assert latest["state"].tolist() == ["live", "lost", "stale"]
    assert latest["state"].cat.categories.tolist() == ["live", "stale", "lost"]
    heard = latest_frame(frame_from_arrow(table, group="g"), BASE + 30_000, heard={"bob": BASE + 29_000})
    assert heard["heard_age"].iloc[1] == pd.Timedelta(seconds=1)


def test_at_tells_what_was_and_what_was_known() -> None:
    table = table_of(
        {"time": BASE, "received": BASE + 100, "lat": 1.0},
        {"time": BASE + 20_000, "received": BASE + 20_100, "lat": 3.0},
        {"time": BASE + 10_000, "received": BASE + 30_000, "lat": 2.0},  # came late
    )
    frame = frame_from_arrow(table, group="g")
    assert at_frame(frame, BASE + 15_000)["lat"].tolist() == [2.0]
    assert at_frame(frame, BASE + 15_000, clock="received")["lat"].tolist() == [1.0]
    assert len(at_frame(frame, BASE - 1)) == 0
    with pytest.raises(InvalidInput, match="clock"):
        at_frame(frame, BASE, clock="device")  # type: ignore[arg-type]


def test_moments_are_read_in_every_form_with_a_zone() -> None:
    moment = datetime(2025, 11, 22, 10, 11, 15, 123_000, UTC)
    for form in (
        moment,
        pd.Timestamp(moment),
        "2025-11-22T19:11:15.123+09:00",
        BASE + 123,
        np.int64(BASE + 123),
    ):
        assert ms_from_moment(form) == BASE + 123  # type: ignore[arg-type]
    for wrong in (datetime(2025, 11, 22), "2025-11-22T10:11:15", 1.5, True, None):
        with pytest.raises(InvalidInput):
            ms_from_moment(wrong)  # type: ignore[arg-type]


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "a-1", "b"]), st.integers(0, 4 * TRIP_GAP), st.floats(-90, 90)),
        max_size=40,
    )
)
def test_every_fix_is_one_row_in_one_trip(rows: list[tuple[str, int, float]]) -> None:
    table = table_of(*({"member": member, "time": BASE + at, "lat": lat} for member, at, lat in rows))
    frame = frame_from_arrow(table, group="g")
    assert len(frame) == len(rows)
    assert frame["time"].is_monotonic_increasing
    for trip, fixes in frame.groupby("trip", observed=True):
        assert fixes["member"].nunique() == 1
        assert str(trip).startswith(f"{fixes['member'].iloc[0]}-")
        assert (fixes["time"].diff().dropna() <= pd.Timedelta(milliseconds=TRIP_GAP)).all()


def test_a_million_rows_become_a_frame_about_as_fast_as_they_are_sorted() -> None:
    table = random_table(1_000_000, extra=False)
    ours = min(_seconds(lambda: frame_from_arrow(table, group="g")) for _ in range(3))
    bare = min(_seconds(lambda: table.to_pandas().sort_values("time")) for _ in range(3))
    assert ours < 8 * bare, (ours, bare)


def _seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun
