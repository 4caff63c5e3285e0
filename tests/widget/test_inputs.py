"""Columns that callers hand to a layer."""

from __future__ import annotations

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
