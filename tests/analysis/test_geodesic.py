"""The quick ways to places and bounds, held to pyproj all over the earth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locshare_ext.analysis import geodesic

from .helpers import GEOD, way

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def steps(count: int, longest: float, seed: int) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Return places all over the earth, others up to `longest` metres from them, and shares of the ways."""
    rng = np.random.default_rng(seed)
    lat, lon = rng.uniform(-90, 90, count), rng.uniform(-180, 180, count)
    metres = longest ** rng.uniform(0, 1, count)
    lat_b, lon_b = geodesic.destination(lat, lon, rng.uniform(0, 360, count), metres)
    return lat, lon, lat_b, lon_b, rng.uniform(0, 1, count)


def missed(lat: Floats, lon: Floats, lat_b: Floats, lon_b: Floats, share: Floats) -> Floats:
    """Return how many metres from pyproj's place `along` comes."""
    heading, _, metres = GEOD.inv(lon, lat, lon_b, lat_b)
    wanted_lon, wanted_lat, _ = GEOD.fwd(lon, lat, heading, metres * share)
    found_lat, found_lon = geodesic.along(lat, lon, lat_b, lon_b, share)
    assert ((found_lon >= -180) & (found_lon <= 180)).all()
    error: Floats = GEOD.inv(found_lon, found_lat, wanted_lon, wanted_lat)[2]
    return error


@pytest.mark.parametrize("longest", [100.0, 30_000.0, 20_000_000.0])
def test_places_on_the_way_are_within_a_millimetre(longest: float) -> None:
    assert missed(*steps(100_000, longest, 1)).max() < 0.001


def test_short_ways_need_no_pyproj(monkeypatch: pytest.MonkeyPatch) -> None:
    lat, lon, lat_b, lon_b, share = steps(1000, 1000.0, 2)
    is_usual = (np.abs(lat) < 75) & (np.abs(lon_b - lon) < 180)
    monkeypatch.delattr(geodesic, "_geod")
    lat, lon, lat_b, lon_b, share = (one[is_usual] for one in (lat, lon, lat_b, lon_b, share))
    found, _ = geodesic.along(lat, lon, lat_b, lon_b, share)
    assert np.isfinite(found).all()


@settings(max_examples=300)
@given(
    st.sampled_from(
        [(90.0, 0.0), (-90.0, 12.0), (89.99999, 179.9), (0.0, 180.0), (-45.0, -180.0), (60.0, 0.0)]
    ),
    st.floats(0, 30_000),
    st.floats(0, 359),
    st.floats(0, 1),
)
def test_poles_and_the_antimeridian_are_places_like_others(
    place: tuple[float, float], metres: float, heading: float, share: float
) -> None:
    lon_b, lat_b, _ = GEOD.fwd(place[1], place[0], heading, metres)
    given_ = (np.array([one]) for one in (*place, lat_b, lon_b, share))
    assert missed(*given_).max() < 0.001


def test_no_way_is_longer_than_the_bound() -> None:
    for longest in (10.0, 20_000_000.0):
        lat, lon, lat_b, lon_b, _ = steps(100_000, longest, 3)
        assert (geodesic.inverse(lat, lon, lat_b, lon_b)[0] <= geodesic.at_most(lat, lon, lat_b, lon_b)).all()
    poles = [np.array([one]) for one in (89.0, 0.0, 90.0, 0.0)]
    assert way(89.0, 0.0, 90.0, 0.0) <= geodesic.at_most(*poles)[0] < 1.001 * way(89.0, 0.0, 90.0, 0.0)
