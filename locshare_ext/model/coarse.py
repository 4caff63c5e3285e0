"""Positions made coarser on purpose, before anybody sees or keeps them."""

from __future__ import annotations

import math

import msgspec

from locshare_ext.model.fix import Fix, Scalar
from locshare_ext.model.geodesy import EARTH_RADIUS
from locshare_ext.model.sequence import ORIGINAL_TIME

__all__ = ["coarsened", "coarser", "grid_place"]

_DEGREE = math.radians(1) * EARTH_RADIUS  # m of latitude
_DECIMALS = 6  # 0.1 m


def coarsened(fix: Fix, metres: float) -> Fix:
    """Return a fix whose place is one of a grid of about `metres`, and which claims no more.

    The same place always becomes the same point, so that what is sent again is known again
    and many fixes of one place do not average out. The accuracy becomes `metres` where it was
    better or unknown. Altitude and `extra` go: heights, networks and addresses tell the place.
    Time, speed, heading and battery stay.
    """
    lat, lon = grid_place(fix.lat, fix.lon, metres)
    return msgspec.structs.replace(
        fix,
        lat=lat,
        lon=lon,
        accuracy=max(fix.accuracy or 0.0, float(metres)),
        altitude=None,
        extra=_kept(fix),
    )


def grid_place(lat: float, lon: float, metres: float) -> tuple[float, float]:
    """Return lat, lon of the nearest point of a grid of about `metres`."""
    step = metres / _DEGREE
    lat = min(max(round(lat / step) * step, -90.0), 90.0)
    around = math.ceil(360 / step * max(math.cos(math.radians(lat)), 1e-9))  # points: the grid closes
    lon = round(lon / 360 * around) % around * 360 / around
    return round(lat, _DECIMALS), round(lon if lon <= 180 else lon - 360, _DECIMALS)


def coarser(one: float | None, other: float | None) -> float | None:
    """Return the coarser of two precisions (metres), None when places stay as they were measured."""
    return max(one or 0.0, other or 0.0) or None


def _kept(fix: Fix) -> dict[str, Scalar] | None:
    """Return of `extra` what the server itself wrote: by it a repaired fix is known again."""
    if not fix.extra or ORIGINAL_TIME not in fix.extra:
        return None
    return {ORIGINAL_TIME: fix.extra[ORIGINAL_TIME]}
