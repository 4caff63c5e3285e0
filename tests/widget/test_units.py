from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from locshare_ext.widget.units import MAX_LAT, WORLD, from_units, to_units


@given(st.floats(-MAX_LAT, MAX_LAT), st.floats(-180, 180, exclude_max=True))
def test_coordinates_come_back_within_a_centimetre(lat: float, lon: float) -> None:
    back_lat, back_lon = from_units(*to_units([lat], [lon]))
    assert abs(back_lat[0] - lat) < 1e-7
    assert min(abs(back_lon[0] - lon), 360 - abs(back_lon[0] - lon)) < 1e-7


def test_the_antimeridian_is_one_meridian() -> None:
    x, _ = to_units([0, 0], [180, -180])
    assert x.tolist() == [0, 0]


def test_poles_are_at_the_edges() -> None:
    _, y = to_units([90, -90, 0], [0, 0, 0])
    assert y.tolist() == [0, int(WORLD) - 1, int(WORLD) // 2]


def test_units_are_whole_numbers_of_32_bits() -> None:
    x, y = to_units(np.zeros(3), np.ones(3))
    assert x.dtype == y.dtype == np.uint32
