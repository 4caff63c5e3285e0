"""Distances and directions on the earth."""

from __future__ import annotations

import math

__all__ = ["EARTH_RADIUS", "bearing", "destination", "distance"]

EARTH_RADIUS = 6_371_008.8  # m, mean radius of WGS 84


def distance(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Return the great-circle distance in metres (haversine: within 0.5 % of the geodesic)."""
    phi_a, phi_b = math.radians(lat_a), math.radians(lat_b)
    half_phi, half_lambda = (phi_b - phi_a) / 2, math.radians(lon_b - lon_a) / 2
    h = math.sin(half_phi) ** 2 + math.cos(phi_a) * math.cos(phi_b) * math.sin(half_lambda) ** 2
    return 2 * EARTH_RADIUS * math.asin(min(1.0, math.sqrt(h)))


def bearing(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Return the direction from a to b in degrees clockwise from true north, [0, 360)."""
    phi_a, phi_b, turn = math.radians(lat_a), math.radians(lat_b), math.radians(lon_b - lon_a)
    east = math.sin(turn) * math.cos(phi_b)
    north = math.cos(phi_a) * math.sin(phi_b) - math.sin(phi_a) * math.cos(phi_b) * math.cos(turn)
    angle = math.degrees(math.atan2(east, north)) % 360
    return 0.0 if angle >= 360 else angle  # -1e-17 % 360 is 360.0


def destination(lat: float, lon: float, heading: float, metres: float) -> tuple[float, float]:
    """Return (lat, lon) of the place `metres` away from a place, in direction `heading`."""
    phi, lam, theta, delta = (
        math.radians(lat),
        math.radians(lon),
        math.radians(heading),
        metres / EARTH_RADIUS,
    )
    phi_b = math.asin(math.sin(phi) * math.cos(delta) + math.cos(phi) * math.sin(delta) * math.cos(theta))
    lam_b = lam + math.atan2(
        math.sin(theta) * math.sin(delta) * math.cos(phi), math.cos(delta) - math.sin(phi) * math.sin(phi_b)
    )
    return math.degrees(phi_b), (math.degrees(lam_b) + 540) % 360 - 180
