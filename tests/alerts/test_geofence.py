"""Who enters and leaves an area."""

from __future__ import annotations

import pytest
import shapely

from locshare_ext.alerts import Geofence, Watch
from locshare_ext.alerts.areas import Circle, area_from_json
from locshare_ext.errors import InvalidInput
from tests.alerts.helpers import LAT, LON, fix, told


def camp(**options: object) -> Geofence:
    return Geofence.circle("camp", LAT, LON, 100, **options)


def test_entering_and_leaving_are_told_once() -> None:
    fixes = [fix(n, north=north) for n, north in enumerate((300, 90, 20, -80, -101, -300, 0))]
    assert told(Watch([camp()]), fixes) == [("enter", "ann", 1), ("exit", "ann", 4), ("enter", "ann", 6)]


def test_the_first_fix_inside_enters_and_the_first_outside_is_no_exit() -> None:
    assert told(Watch([camp()]), [fix(0), fix(0, "bob", 300)]) == [("enter", "ann", 0)]


def test_inside_and_outside_are_told_with_each_fix_when_asked_for() -> None:
    watch = Watch([camp(on="inside outside")])
    assert told(watch, [fix(0), fix(1), fix(2, north=300)]) == [
        ("inside", "ann", 0),
        ("inside", "ann", 1),
        ("outside", "ann", 2),
    ]


def test_a_jittering_position_within_the_margin_stays_inside() -> None:
    fixes = [fix(n, north=north) for n, north in enumerate((95, 105, 95, 118, 121, 105, 99))]
    assert told(Watch([camp(margin=20)]), fixes) == [
        ("enter", "ann", 0),
        ("exit", "ann", 4),
        ("enter", "ann", 6),
    ]


def test_a_backlog_sets_off_nothing() -> None:
    watch = Watch([camp()])
    assert told(watch, [fix(100, north=300)]) == []
    assert told(watch, [fix(10, north=0, delay=200)]) == []
    assert told(watch, [fix(301, north=0)]) == [("enter", "ann", 301)]


def test_only_the_members_named_count_whatever_their_case() -> None:
    assert told(Watch([camp(members=["Ann"])]), [fix(0), fix(0, "bob")]) == [("enter", "ann", 0)]


def test_a_polygon_of_any_library_with_a_hole() -> None:
    ring = shapely.Polygon(
        [(14.0, 46.0), (14.4, 46.0), (14.4, 46.4), (14.0, 46.4)],
        [[(14.1, 46.1), (14.3, 46.1), (14.3, 46.3), (14.1, 46.3)]],
    )
    area = Geofence(name="ring", area=ring).area
    assert area.contains(46.05, 14.2)
    assert not area.contains(46.2, 14.2)
    assert not area.contains(46.5, 14.2)
    assert area_from_json(area.to_json()).to_json() == area.to_json()


@pytest.mark.parametrize("ring", ["beyond", "below"])
def test_a_polygon_over_the_180th_meridian(ring: str) -> None:
    west, east = (179.0, 181.0) if ring == "beyond" else (-181.0, -179.0)
    area = area_from_json(shapely.box(west, -18, east, -16))
    assert area.contains(-17, 179.5)
    assert area.contains(-17, -179.5)
    assert not area.contains(-17, 178.5)
    assert not area.contains(-17, -178.5)
    assert not area.is_beyond(-17, -178.9999, 20)
    assert area.is_beyond(-17, -178.9, 20)


def test_the_margin_of_a_polygon_is_in_metres_in_all_directions() -> None:
    area = area_from_json(shapely.box(14.0, 60.0, 14.1, 60.1))
    assert not area.is_beyond(60.05, 14.1 + 90 / 55_800, 100)  # a degree of longitude is 55.8 km there
    assert area.is_beyond(60.05, 14.1 + 110 / 55_800, 100)
    assert not area.is_beyond(60.1 + 90 / 111_400, 14.05, 100)
    assert area.is_beyond(60.1 + 110 / 111_400, 14.05, 100)


def test_a_circle_is_geodesic() -> None:
    # the sphere is 0.3 % off here: 3 m of 1,000
    circle = Circle(0, 0, 1000)
    assert circle.contains(0, 0.0089830)  # 999.98 m along the equator
    assert not circle.contains(0, 0.0089835)
    assert circle.contains(0.0090435, 0)  # 999.98 m to the north
    assert not circle.contains(0.0090440, 0)


@pytest.mark.parametrize(
    ("area", "field", "what"),
    [
        (None, "area", "None"),
        ({"lat": 91, "lon": 0, "radius": 1}, "lat", "91"),
        ({"lat": 1, "lon": 0, "radius": 0}, "radius", "above 0"),
        ({"lat": 1, "lon": 0, "radius": float("nan")}, "radius", "nan"),
        ({"lat": True, "lon": 0, "radius": 5}, "lat", "True"),
        ({"lat": 1, "radius": 5}, "area", "no lon"),
        ({"lat": 1, "lon": 2, "radius": 5, "unit": "km"}, "area", "unit"),
        ({"type": "Point", "coordinates": [1, 2]}, "area", "Point"),
        ({"type": "Polygon"}, "area", "no GeoJSON"),
        ({"type": "Polygon", "coordinates": "abc"}, "area", "ring"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]}, "area", "fewer than 4"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1]]]}, "area", "end where"),
        (
            {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]},
            "area",
            "intersection",
        ),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 95], [1, 0], [0, 0]]]}, "area: lat", "95"),
        ({"type": "Polygon", "coordinates": [[[0, 0]] * 20_001]}, "area", "10,000"),
    ],
)
def test_what_is_no_area_is_refused_by_field(area: object, field: str, what: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Geofence(name="camp", area=area)
    assert refused.value.field == field
    assert what in refused.value.message
