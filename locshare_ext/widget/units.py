"""Web Mercator as whole numbers: the coordinates that travel to the page."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["MAX_LAT", "WORLD", "from_units", "to_units"]

WORLD = 4_294_967_296.0  # units around the world: one is 9.3 mm at the equator
MAX_LAT = 85.051128779806592  # where the square world ends

Units = npt.NDArray[np.uint32]
Floats = npt.NDArray[np.float64]


def to_units(lat: npt.ArrayLike, lon: npt.ArrayLike) -> tuple[Units, Units]:
    """Return x (eastward from 180° W) and y (southward) as uint32 fractions of the world.

    x wraps, so the antimeridian is no special case; y is cut at MAX_LAT.
    """
    phi = np.radians(np.clip(np.asarray(lat, dtype=np.float64), -MAX_LAT, MAX_LAT))
    x = np.floor((np.asarray(lon, dtype=np.float64) / 360.0 + 0.5) * WORLD)
    y = np.floor((0.5 - np.arcsinh(np.tan(phi)) / (2 * np.pi)) * WORLD)
    return (
        np.mod(x, WORLD).astype(np.uint64).astype(np.uint32),
        np.clip(y, 0, WORLD - 1).astype(np.uint64).astype(np.uint32),
    )


def from_units(x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return latitude and longitude in degrees of the middle of each unit square."""
    lon = ((np.asarray(x, dtype=np.float64) + 0.5) / WORLD - 0.5) * 360.0
    lat = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * (np.asarray(y, dtype=np.float64) + 0.5) / WORLD))))
    return lat, lon
