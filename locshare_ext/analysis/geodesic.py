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

__all__ = ["destination", "from_cartesian", "inverse", "to_cartesian"]

AXIS = 6_378_137.0  # m, of the equator
_E2 = 6.694379990141317e-3  # eccentricity squared


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
