"""Columns that callers hand to a layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from locshare_ext.errors import InvalidInput
from locshare_ext.widget.inputs import columns_of_frame
from locshare_ext.widget.layer import TrailLayer


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("acuracy", "accuracy"),
        ("accurracy", "accuracy"),
        ("Speed", "speed"),
        ("spede", "speed"),
        ("altitute", "altitude"),
        ("recieved", "received"),
        ("latitude", "lat"),
        ("Longitude", "lon"),
        ("bearing", "heading"),
    ],
)
def test_a_known_column_misspelt_is_refused_and_nothing_shown(name: str, meant: str) -> None:
    layer = TrailLayer()
    with pytest.raises(InvalidInput, match=f"'{name}' is no known column; did you mean {meant}") as refused:
        layer.push("ann", 1, 53.4, -2.9, **{name: 5.0})
    assert refused.value.field == name
    assert layer.reach() is None
    layer.close()


@pytest.mark.parametrize("name", ["temperature", "reading", "late", "spread", "accuracy_m", "altitude_gps"])
def test_other_names_are_columns_of_ones_own(name: str) -> None:
    layer = TrailLayer()
    layer.push("ann", 1, 53.4, -2.9, **{name: 5.0})
    layer.color_by = name
    layer.close()


def test_a_frame_that_says_latitude_is_told_what_is_wanted() -> None:
    frame = pd.DataFrame({"member": ["ann"], "time": [1], "latitude": [53.4], "lon": [-2.9]})
    with pytest.raises(InvalidInput, match="'lat' is missing from the frame; rename 'latitude' to it"):
        columns_of_frame(frame)


@pytest.mark.parametrize(
    ("time", "said"),
    [
        ([1.0, np.nan], "unknown in 1 of 2"),
        (pd.to_datetime(["2026-11-22", "NaT"]), "unknown in 1 of 2"),
        ([1.0, np.inf], "no moment"),
        ([1, 2**62], "no moment"),
    ],
)
def test_a_fix_without_a_moment_is_refused_and_nothing_shown(time: Any, said: str) -> None:
    layer = TrailLayer()
    with pytest.raises(InvalidInput, match=said) as refused:
        layer.push(["ann", "ben"], time, 53.4, -2.9)
    assert refused.value.field == "time"
    assert layer.reach() is None
    layer.close()


def test_when_a_frame_s_fix_was_known_may_be_unknown() -> None:
    known = pd.to_datetime(["2026-11-22T10:00Z", "NaT"])
    frame = pd.DataFrame(
        {"member": ["ann", "ben"], "time": [1, 2], "received": known, "lat": 53.4, "lon": -2.9}
    )
    received = columns_of_frame(frame)[2]
    assert received.tolist() == [1795341600000, 0]
