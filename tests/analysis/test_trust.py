from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locshare_ext import analysis
from locshare_ext.analysis.tracks import quantiles

from .helpers import BASE, empty, frame, kinds, way

KINDS = {
    **dict.fromkeys(("recording", "group", "member"), "category"),
    "fixes": "int64",
    **dict.fromkeys(("interval", "interval_p95"), "timedelta64[ns]"),
    "rate": "float64",
    "gaps": "int64",
    "gap_time": "timedelta64[ns]",
    **dict.fromkeys(("coverage", "late_share"), "float64"),
    **dict.fromkeys(("delay", "delay_p95", "delay_max"), "timedelta64[ns]"),
    **dict.fromkeys(("duplicates", "same_time"), "int64"),
    **dict.fromkeys(("accuracy", "accuracy_p95", "accuracy_known"), "float64"),
    **dict.fromkeys(("future", "repaired", "jumps"), "int64"),
    **dict.fromkeys(("speed_known", "speed_error", "speed_ratio"), "float64"),
    "speed_unit": "str",
    "set_aside": "Int64",
}
STEP = way(1.0, 2.0, 1.001, 2.0)  # m, in 10 s below


def walk(count: int = 20, **columns: Any) -> pd.DataFrame:
    rows = [{"at": 10 * n, "lat": 1 + n / 1000, **columns} for n in range(count)]
    return frame(*rows)


def only(table: pd.DataFrame) -> dict[str, Any]:
    [row] = table.to_dict("records")
    return row


def test_columns_are_the_same_with_and_without_rows() -> None:
    assert kinds(analysis.quality(empty())) == KINDS
    assert kinds(analysis.quality(frame({}))) == KINDS
    assert kinds(analysis.quality(walk(speed=5.0))) == KINDS
    assert len(analysis.quality(empty())) == 0


def test_rhythm() -> None:
    times = [0, 10, 20, 30, 40, 540, 550]
    row = only(analysis.quality(frame(*({"at": at} for at in times))))
    assert row["interval"] == pd.Timedelta("10s")
    assert (row["gaps"], row["gap_time"]) == (1, pd.Timedelta("500s"))
    assert row["rate"] == pytest.approx(6.0)
    assert row["coverage"] == pytest.approx(50 / 550)
    alone = only(analysis.quality(frame({})))
    assert (alone["fixes"], alone["gaps"]) == (1, 0)
    assert np.isnan(alone["rate"])
    assert np.isnan(alone["coverage"])


def test_arrival() -> None:
    late = frame(
        {"at": 0, "received": BASE + 200},
        {"at": 10, "received": BASE + 10_400},
        {"at": 5, "received": BASE + 60_000, "late": True},
        {"at": 80, "received": BASE + 10_500, "future": True},
    )
    row = only(analysis.quality(late))
    assert row["late_share"] == 0.25
    assert row["delay"] == pd.Timedelta("300ms")
    assert row["delay_max"] == pd.Timedelta("55s")
    assert row["future"] == 1
    copied = only(analysis.quality(late, received_known=False))
    assert np.isnan(copied["late_share"])
    assert pd.isna(copied["delay"])


def test_repeats() -> None:
    rows: list[dict[str, Any]] = [
        {"at": 0},
        {"at": 0},
        {"at": 0, "lat": 5.0},
        {"at": 0, "lat": 5.0},
        {"at": 1},
    ]
    row = only(analysis.quality(frame(*rows)))
    assert (row["duplicates"], row["same_time"]) == (2, 1)


def test_accuracy() -> None:
    rows: list[dict[str, Any]] = [{"at": n, "accuracy": float(n)} for n in range(1, 101)]
    row = only(analysis.quality(frame(*rows, *({"at": 200 + n} for n in range(100)))))
    assert row["accuracy"] == 50.5
    assert row["accuracy_p95"] == pytest.approx(95.05)
    assert row["accuracy_known"] == 0.5
    assert np.isnan(only(analysis.quality(walk()))["accuracy"])


@pytest.mark.parametrize(
    ("factor", "unit"), [(1.0, None), (3.6, "km/h"), (1.944, "knots"), (2.237, "mph"), (1.3, None)]
)
def test_reported_speeds_are_held_against_displacement(factor: float, unit: str | None) -> None:
    row = only(analysis.quality(walk(60, speed=STEP / 10 * factor)))
    assert row["speed_known"] == 1
    assert row["speed_ratio"] == pytest.approx(factor, rel=1e-3)
    assert row["speed_error"] == pytest.approx(abs(factor - 1) * STEP / 10, abs=0.01)
    assert (row["speed_unit"] if unit else pd.isna(row["speed_unit"])) == (unit or True)


def test_a_trembling_receiver_changes_little() -> None:
    rng = np.random.default_rng(5)
    rows: list[dict[str, Any]] = [
        {"at": 5 * n, "lat": 1 + n * 6.5e-5, "lon": 2.0, "speed": 1.44 + rng.normal(0, 0.2)}
        for n in range(360)
    ]
    for row in rows:  # 7 m, as much as a walker goes in 5 s
        row["lat"] += rng.normal(0, 5 / 110_574)
        row["lon"] += rng.normal(0, 5 / 110_574)
    told = only(analysis.quality(frame(*rows)))
    assert told["speed_ratio"] == pytest.approx(1, abs=0.05)
    assert told["speed_error"] < 0.2
    assert only(analysis.summary(frame(*rows)))["length"] > 1.4 * 360 * 7.2


def test_sparse_fixes_are_compared_step_by_step() -> None:
    rows: list[dict[str, Any]] = [
        {"at": 90 * n, "lat": 1 + n / 1000, "speed": 3.6 * STEP / 90} for n in range(12)
    ]
    told = only(analysis.quality(frame(*rows)))
    assert told["speed_unit"] == "km/h"


def test_a_few_steps_tell_no_unit() -> None:
    assert pd.isna(only(analysis.quality(walk(5, speed=STEP / 10 * 3.6)))["speed_unit"])
    assert np.isnan(only(analysis.quality(walk()))["speed_error"])


def test_jumps() -> None:
    rows: list[dict[str, Any]] = [{"at": 10 * n} for n in range(5)]
    rows[2]["lat"] = 1.5
    assert only(analysis.quality(frame(*rows)))["jumps"] == 2
    assert only(analysis.quality(frame(*rows), max_speed=1e5))["jumps"] == 0


def test_what_was_set_aside() -> None:
    table = analysis.quality(frame({}, {"member": "bo"}), set_aside={"ann": 7})
    assert table["set_aside"].tolist() == [7, 0]
    assert analysis.quality(frame({}))["set_aside"].isna().all()


@given(
    st.lists(st.tuples(st.integers(0, 3), st.floats(-1e6, 1e6) | st.just(float("nan"))), max_size=40),
    st.floats(0, 1),
)
def test_quantiles_are_those_of_numpy(rows: list[tuple[int, float]], share: float) -> None:
    track = np.array([row[0] for row in rows], dtype=np.int64)
    values = np.array([row[1] for row in rows], dtype=float)
    found = quantiles(values, track, 4, share)
    for number in range(4):
        mine = values[(track == number) & ~np.isnan(values)]
        if len(mine):
            assert found[number] == pytest.approx(np.quantile(mine, share), rel=1e-9, abs=1e-6)
        else:
            assert np.isnan(found[number])
