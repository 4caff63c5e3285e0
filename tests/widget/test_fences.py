"""Fences on a map: those that are held are shown, and what is drawn becomes one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ipyleaflet
import pandas as pd
import pytest

from locshare_ext import Geofence, GroupMap, Silence, open_recording
from locshare_ext.client.recording import Recording
from locshare_ext.errors import InvalidInput

SQUARE = {"type": "Polygon", "coordinates": [[[14, 46], [15, 46], [15, 47], [14, 47], [14, 46]]]}
STYLE = {"style": {"color": "#b3261e", "radius": 250.5}}
ROUND = {
    "type": "Feature",
    "properties": STYLE,
    "geometry": {"type": "Point", "coordinates": [14.1, 46.2]},
}


@pytest.fixture
def walk(tmp_path: Path) -> Recording:
    time = pd.to_datetime(["2026-01-01T10:00Z", "2026-01-01T10:01Z"])
    frame = pd.DataFrame({"member": "ann", "time": time, "lat": [46.3, 46.2], "lon": 14.1})
    frame.to_csv(tmp_path / "walk.csv", index=False)
    return open_recording(tmp_path / "walk.csv", columns="member=member,time=time,lat=lat,lon=lon")


@pytest.fixture
def shown(walk: Recording) -> Iterator[GroupMap]:
    made = GroupMap(walk)
    yield made
    made.close()


def fences(shown: GroupMap) -> list[Any]:
    return [one for layer in shown.layers if isinstance(layer, ipyleaflet.LayerGroup) for one in layer.layers]


def test_fences_that_are_held_are_shown(shown: GroupMap, walk: Recording) -> None:
    walk.alert([Geofence.circle("camp", 46.2, 14.1, 150.4), Geofence(name="field", area=SQUARE)])
    walk.alert(Silence(name="quiet", lasting=60))
    shown.show_fences()
    circle, field = fences(shown)
    assert (circle.name, circle.location, circle.radius) == ("camp", [46.2, 14.1], 150)
    assert (field.name, field.data["features"][0]["geometry"]) == (
        "field",
        Geofence(name="f", area=SQUARE).area.to_json(),
    )
    walk.off_alert("camp")
    shown.show_fences()
    assert [one.name for one in fences(shown)] == ["field"]


def test_what_is_drawn_becomes_a_fence_that_is_held(shown: GroupMap, walk: Recording) -> None:
    told: list[Any] = []
    shown.draw_fence("camp", told.append, margin=20)
    (control,) = [one for one in shown.controls if isinstance(one, ipyleaflet.DrawControl)]
    control._handle_leaflet_event(control, {"event": "draw:created", "geo_json": ROUND}, [])
    assert not [one for one in shown.controls if isinstance(one, ipyleaflet.DrawControl)]
    assert walk.rules() == [Geofence.circle("camp", 46.2, 14.1, 250.5, margin=20)]
    assert [one.name for one in fences(shown)] == ["camp"]
    walk.play(speed=float("inf"))
    assert [alert.text for alert in told] == ["ann entered camp"]
    with pytest.raises(InvalidInput, match="margin"):
        shown.draw_fence("camp", margin=-1)
