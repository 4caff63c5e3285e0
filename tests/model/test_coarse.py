from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locshare_ext.model.coarse import coarsened
from locshare_ext.model.fix import Fix
from locshare_ext.model.geodesy import distance
from locshare_ext.model.sequence import ORIGINAL_TIME


def a_fix(lat: float, lon: float, **fields: object) -> Fix:
    return Fix(member="ann", time=1, lat=lat, lon=lon, flags=(), **fields)  # type: ignore[arg-type]


@given(
    st.floats(-90, 90),
    st.floats(-180, 180),
    st.sampled_from([1, 10, 37.5, 100, 1000, 100_000]),
)
def test_a_place_moves_by_less_than_the_grid_and_stays_there(lat: float, lon: float, metres: float) -> None:
    coarse = coarsened(a_fix(lat, lon), metres)
    assert distance(lat, lon, coarse.lat, coarse.lon) <= metres
    assert -90 <= coarse.lat <= 90
    assert -180 <= coarse.lon <= 180
    assert coarse.accuracy == metres
    again = coarsened(coarse, metres)
    assert distance(coarse.lat, coarse.lon, again.lat, again.lon) < 0.2


def test_neighbours_become_one_place() -> None:
    places = {
        (coarse.lat, coarse.lon)
        for north in range(10)
        for east in range(10)
        for coarse in [coarsened(a_fix(37.5665 + north * 1e-5, 126.978 + east * 1e-5), 1000)]
    }
    assert len(places) == 1


def test_what_would_tell_the_place_goes_and_the_rest_stays() -> None:
    fix = a_fix(
        37.5665,
        126.978,
        altitude=31.0,
        accuracy=2500.0,
        speed=1.4,
        heading=270.0,
        battery=0.8,
        source="owntracks",
        extra={"SSID": "home", ORIGINAL_TIME: 7},
    )
    coarse = coarsened(fix, 1000)
    assert coarse.accuracy == 2500
    assert (coarse.altitude, coarse.extra) == (None, {ORIGINAL_TIME: 7})
    assert (coarse.speed, coarse.heading, coarse.battery, coarse.source) == (1.4, 270.0, 0.8, "owntracks")
    assert (coarse.member, coarse.time) == ("ann", 1)


@pytest.mark.parametrize("lon", [-180.0, 180.0, 179.9999])
def test_the_antimeridian_is_one_place(lon: float) -> None:
    assert abs(coarsened(a_fix(0.0, lon), 1000).lon) == pytest.approx(180, abs=0.01)
