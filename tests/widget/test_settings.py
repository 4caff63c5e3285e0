from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from traitlets import TraitError, TraitType

from locshare_ext.errors import InvalidInput
from locshare_ext.widget.layer import TrailLayer
from locshare_ext.widget.settings import LayerSettings


@pytest.fixture
def layer() -> Iterator[TrailLayer]:
    made = TrailLayer()
    made.push(["ann", "ben"], 1000, 1.0, 2.0, temperature=[3.5, np.nan], kind=["bus", None])
    yield made
    made.close()


def test_every_setting_has_help_and_travels(layer: TrailLayer) -> None:
    own = {name: trait for name, trait in vars(LayerSettings).items() if isinstance(trait, TraitType)}
    assert {"trail", "color_by", "styles", "hidden", "followed", "units", "legend"} <= own.keys()
    for name, trait in own.items():
        assert trait.help, name
        assert trait.metadata.get("sync"), name


@pytest.mark.parametrize(
    ("settings", "field", "words"),
    [
        ({"color_by": "temprature"}, "color_by", "did you mean temperature"),
        ({"color_range": [3, 1]}, "color_range", "finite and ascending"),
        ({"trail": float("nan")}, "trail", "nan is no number of seconds"),
        ({"trail": -1}, "trail", "-1"),
        ({"shape": "hexagon"}, "shape", "'disc'"),
        ({"colour_by": "speed"}, "colour_by", "did you mean color_by"),
        ({"styles": {"ann": {"colour": "red"}}}, "colour", "did you mean color"),
        ({"styles": {"ann": "reddish"}}, "color", "'reddish' of ann is no colour"),
        ({"styles": {"ann": {"width": 99}}}, "width", "99 of ann"),
        ({"styles": {"ann": {"shape": "blob"}}}, "shape", "'blob' of ann"),
        ({"styles": {"ann": {"icon": "a line\n"}}}, "icon", "8 printable"),
        ({"hidden": "ann"}, "hidden", "'ann'"),
    ],
)
def test_what_cannot_be_set_is_named_and_changes_nothing(
    layer: TrailLayer, settings: dict[str, Any], field: str, words: str
) -> None:
    before = layer.get_state()
    with pytest.raises(InvalidInput, match=words) as refused:
        layer.set(labels=False, **settings)
    assert refused.value.field == field
    assert layer.get_state() == before


def test_a_layer_is_not_made_with_a_setting_that_there_is_not() -> None:
    with pytest.raises(InvalidInput, match="did you mean trail"):
        TrailLayer(trial=60)
    with pytest.raises(TraitError, match="trail"):
        TrailLayer(trail=-1)


def test_styles_are_put_together_and_taken_back(layer: TrailLayer) -> None:
    layer.style("ann", "ben", color="red", width=4)
    layer.style("ann", color=None, label="Annie", visible=False)
    assert layer.styles == {"ann": {"width": 4.0, "label": "Annie"}, "ben": {"color": "red", "width": 4.0}}
    assert layer.hidden == ["ann"]
    layer.style("ann")
    assert layer.styles == {"ben": {"color": "red", "width": 4.0}}
    assert layer.hidden == []
    layer.hide("ann", "ben", "ann")
    layer.show("ben")
    assert layer.hidden == ["ann"]
    layer.show()
    assert layer.hidden == []


def test_what_threads_set_is_all_there_afterwards(layer: TrailLayer) -> None:
    threads = [threading.Thread(target=layer.style, args=(f"m{k}",), kwargs={"width": 2}) for k in range(20)]
    threads += [threading.Thread(target=layer.hide, args=(f"h{k}",)) for k in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(layer.styles) == {f"m{k}" for k in range(20)}
    assert set(layer.hidden) == {f"h{k}" for k in range(20)}


def test_own_columns_are_numbers_or_texts_and_stay_so(layer: TrailLayer) -> None:
    layer.set(color_by="kind")
    with pytest.raises(InvalidInput, match="temperature was numbers until now, and is text here"):
        layer.push("ann", 2000, 1.0, 2.0, temperature="warm")
    with pytest.raises(InvalidInput, match="battery 83 is not within"):
        layer.push("ann", 2000, 1.0, 2.0, battery=83)
    with pytest.raises(InvalidInput, match="inf is not a finite number"):
        layer.push("ann", 2000, 1.0, 2.0, temperature=np.inf)
    assert len(layer._log) == 2
    assert layer._log.categories == {"kind": ["bus"]}


def test_a_frame_brings_the_columns_that_are_asked_for(layer: TrailLayer) -> None:
    frame = pd.DataFrame(
        {
            "member": ["ann", "ben"],
            "time": pd.to_datetime([1, 2], unit="ms", utc=True),
            "lat": [1.0, 2.0],
            "lon": [3.0, 4.0],
            "trip": pd.Categorical(["ann-1", None]),
            "rain": pd.array([1, None], dtype="Int64"),
            "seq": [1, 2],
        }
    )
    layer.set(color_by="temperature")
    with pytest.raises(InvalidInput, match="'temperature' is missing"):
        layer.set_trails(frame)
    assert layer._log.columns == ("temperature", "kind")  # as before
    layer.set(color_by="member")
    layer.set_trails(frame, columns=["trip", "rain"])
    assert layer._log.columns == ("trip", "rain")
    rows = layer._log.rows(0, 2)
    np.testing.assert_array_equal(rows["trip"], [0, np.nan])
    np.testing.assert_array_equal(rows["rain"], [1, np.nan])
