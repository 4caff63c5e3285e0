"""Distances and directions against known values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locshare_ext.model.geodesy import bearing, destination, distance


def test_known_distances():
    # Seoul City Hall to Busan City Hall: 321.1 km on the ellipsoid
    assert distance(37.5665, 126.9780, 35.1798, 129.0750) == pytest.approx(324_800, rel=0.02)
    assert distance(0, 179.5, 0, -179.5) == pytest.approx(111_195, rel=0.001)
    assert distance(10, 20, 10, 20) == 0


def test_known_directions():
    assert bearing(0, 0, 1, 0) == pytest.approx(0)
    assert bearing(0, 0, 0, 1) == pytest.approx(90)
    assert bearing(0, 0, -1, 0) == pytest.approx(180)
    assert bearing(0, 179.5, 0, -179.5) == pytest.approx(90)


@given(st.floats(-80, 80), st.floats(-180, 180), st.floats(0, 359.9), st.floats(1, 100_000))
def test_going_there_is_as_far_as_said(lat, lon, heading, metres):
    there = destination(lat, lon, heading, metres)
    assert -180 <= there[1] <= 180
    assert distance(lat, lon, *there) == pytest.approx(metres, rel=1e-3, abs=0.01)
    assert 0 <= bearing(lat, lon, *there) < 360
