from __future__ import annotations

import itertools
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locshare_ext import analysis
from locshare_ext.errors import InvalidInput

from .helpers import empty, fixes, frame, joined, kinds, seconds, way

KINDS = {
    **dict.fromkeys(("recording", "group", "member"), "category"),
    **dict.fromkeys(("begin", "end"), "datetime64[ns, UTC]"),
    "duration": "timedelta64[ns]",
    "distance": "float64",
    "ends_trip": "bool",
    **dict.fromkeys(("seq_before", "seq_after"), "int64"),
}


def test_columns_are_the_same_with_and_without_rows() -> None:
    assert kinds(analysis.gaps(empty())) == KINDS
    assert kinds(analysis.gaps(frame({"at": 0}, {"at": 500}))) == KINDS


def test_a_silence_is_told_with_what_is_on_either_side() -> None:
    walk = frame(
        {"at": 0, "seq": 3},
        {"at": 10, "seq": 5},
        {"at": 140, "lat": 1.01, "seq": 4, "late": True},
        {"at": 150, "lat": 1.01, "seq": 6},
        {"at": 2150, "lat": 1.02, "seq": 7},
        {"at": 60, "member": "bo", "seq": 8},
    )
    table = analysis.gaps(walk, max_gap="2min")
    assert seconds(table["begin"]) == [10.0, 150.0]
    assert seconds(table["end"]) == [140.0, 2150.0]
    assert table["distance"].tolist() == [
        pytest.approx(way(1.0, 2, 1.01, 2)),
        pytest.approx(way(1.01, 2, 1.02, 2)),
    ]
    assert table["ends_trip"].tolist() == [False, True]
    assert table[["seq_before", "seq_after"]].to_numpy().tolist() == [[5, 4], [6, 7]]


def test_how_long_is_a_gap_depends_on_the_member() -> None:
    slow = frame(*({"at": 60 * n} for n in range(6)), {"at": 300 + 299}, {"at": 600 + 301})
    assert seconds(analysis.gaps(slow)["begin"]) == [599.0]  # over 5 x 60 s
    quick = frame(*({"at": n} for n in range(6)), {"at": 5 + 120}, {"at": 125 + 121})
    assert seconds(analysis.gaps(quick)["begin"]) == [125.0]  # over 2 min
    assert len(analysis.gaps(quick, max_gap="2s")) == 2
    assert len(analysis.gaps(quick, max_gap=pd.Timedelta("121s"))) == 0


def test_two_recordings_have_no_gap_between_them() -> None:
    both = joined(frame({"at": 0}, recording="a"), frame({"at": 5000}, recording="b"))
    assert len(analysis.gaps(both)) == 0


def test_spans_that_are_none() -> None:
    for wrong in ("soon", "-1s", 5, "0s"):
        with pytest.raises(InvalidInput, match="max_gap"):
            analysis.gaps(frame({}), max_gap=wrong)  # type: ignore[arg-type]


@given(fixes(), st.integers(1, 120))
def test_as_a_plain_loop_says(rows: list[dict[str, Any]], gap: int) -> None:
    walk = frame(*rows)
    wanted = []
    for member, group in walk.groupby("member", observed=True):
        times = seconds(group["time"])
        wanted += [(member, a, b) for a, b in itertools.pairwise(times) if b - a > gap]
    table = analysis.gaps(walk, max_gap=f"{gap}s")
    found = zip(table["member"], seconds(table["begin"]), seconds(table["end"]), strict=True)
    assert list(found) == wanted
