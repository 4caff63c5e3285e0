"""Distances and places on WGS 84 for whole columns: geodesics by pyproj, chords by numpy.

lat, lon are degrees; everything takes arrays of one length and returns such.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["along", "at_most", "destination", "from_cartesian", "inverse", "to_cartesian"]

AXIS = 6_378_137.0  # m, of the equator
_E2 = 6.694379990141317e-3  # eccentricity squared
_DEGREE = 111_700.0  # m, of latitude at the poles, where they are longest, and more than one of longitude
_SHORT = 2e-3  # of the earth's radius: 12 km at the equator, 3 to 5 in latitude 60; see `along`


@cache
def _geod() -> Any:
    from pyproj import Geod  # a tenth of a second, which a notebook server has no use for

    return Geod(ellps="WGS84")


def inverse(lat_a: Floats, lon_a: Floats, lat_b: Floats, lon_b: Floats) -> tuple[Floats, Floats]:
    """Return the metres of the shortest ways from a to b, and the heading at a in [0, 360)."""
    heading, _, metres = _geod().inv(lon_a, lat_a, lon_b, lat_b)
    return metres, np.mod(heading, 360.0)


def destination(lat: Floats, lon: Floats, heading: Floats, metres: Floats) -> tuple[Floats, Floats]:
    """Return lat and lon of where one comes by going straight; lon in [-180, 180]."""
    lon_b, lat_b, _ = _geod().fwd(lon, lat, heading, metres)
    return lat_b, lon_b


def at_most(lat_a: Floats, lon_a: Floats, lat_b: Floats, lon_b: Floats) -> Floats:
    """Return metres that the shortest ways are never longer than: quick, and far too many near the poles.

    It is the way along a meridian and then along the equator.
    """
    bound: Floats = (np.abs(lat_b - lat_a) + np.abs(lon_b - lon_a)) * _DEGREE
    return bound


def along(lat_a: Floats, lon_a: Floats, lat_b: Floats, lon_b: Floats, share: Floats) -> tuple[Floats, Floats]:
    """Return lat and lon of where one is after a share of each shortest way from a to b.

    Short ways bend so little that the first two terms of their series do, with their bend in
    the middle: within 1 mm of the geodesic, and a fifteenth of its time. Long ones, those near the
    poles and over the antimeridian go by pyproj.
    """
    north, east = lat_b - lat_a, lon_b - lon_a  # degrees
    phi = np.radians((lat_a + lat_b) / 2)
    sin, cos = np.sin(phi), np.cos(phi)
    is_short = (np.abs(north) + np.abs(east)) * (cos + np.abs(sin)) < np.degrees(_SHORT) * cos
    # what the equation of geodesics says of the second derivatives; ratio: of the radii of curvature
    flat = 1 - _E2 * sin * sin
    ratio = (1 - _E2) / flat
    bent = np.radians(share * (1 - share))
    turn = sin / np.where(is_short, cos, 1.0)
    lat = lat_a + share * north
    lat += bent * sin * cos * (east * east / (2 * ratio) + 1.5 * _E2 / flat * north * north)
    lon = lon_a + share * east - bent * ratio * turn * north * east
    far = np.flatnonzero(~is_short)
    if len(far):
        metres, heading = inverse(lat_a[far], lon_a[far], lat_b[far], lon_b[far])
        lat[far], lon[far] = destination(lat_a[far], lon_a[far], heading, metres * share[far])
    return lat, lon


def to_cartesian(lat: Floats, lon: Floats) -> Floats:
    """Return earth-centred x, y, z in metres, one row for each place on the ellipsoid.

    There is no edge at the poles and at the antimeridian, and a chord is never longer than
    the way on the surface.
    """
    phi, lam = np.radians(lat), np.radians(lon)
    sin = np.sin(phi)
    normal = AXIS / np.sqrt(1 - _E2 * sin * sin)
    flat = normal * np.cos(phi)
    return np.stack([flat * np.cos(lam), flat * np.sin(lam), normal * (1 - _E2) * sin], axis=1)


def from_cartesian(xyz: Floats) -> tuple[Floats, Floats]:
    """Return lat and lon of where the rays from the earth's centre through x, y, z pass the surface."""
    x, y, z = xyz.T
    lat = np.degrees(np.arctan2(z, (1 - _E2) * np.hypot(x, y)))
    return lat, np.degrees(np.arctan2(y, x))
