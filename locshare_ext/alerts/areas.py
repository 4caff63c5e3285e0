"""Areas on the earth, and whether a place lies in them."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from locshare_ext.errors import InvalidInput
from locshare_ext.model.geodesy import distance

if TYPE_CHECKING:
    from pyproj import Geod
    from shapely import Geometry

__all__ = ["MAX_VERTICES", "Area", "Circle", "Polygon", "area_from_json", "metres_between"]

MAX_RADIUS = 1_000_000.0  # m
MAX_VERTICES = 10_000
_DEGREE = 111_195.0  # m, of latitude
_UNSURE = 0.01  # share of a distance by which the sphere may differ from the ellipsoid, and more


class Area(Protocol):
    """Some part of the earth."""

    def contains(self, lat: float, lon: float) -> bool:
        """Return whether a place lies in it, its border included."""

    def is_beyond(self, lat: float, lon: float, metres: float) -> bool:
        """Return whether a place outside lies more than so many metres from it."""

    def to_json(self) -> dict[str, Any]:
        """Return it as `area_from_json` takes it."""


def metres_between(lat_a: float, lon_a: float, lat_b: float, lon_b: float, *, near: float) -> float:
    """Return how far two places are apart, in metres: the geodesic where it could be about `near`.

    Farther off or nearer by, where it decides nothing, the great circle does (0.5 % of it).
    """
    rough = distance(lat_a, lon_a, lat_b, lon_b)
    if abs(rough - near) > _UNSURE * max(rough, near):
        return rough
    return float(_geod().inv(lon_a, lat_a, lon_b, lat_b)[2])


class Circle:
    """All within `radius` metres (geodesic) of a place."""

    def __init__(self, lat: float, lon: float, radius: float) -> None:
        self.lat = _number(lat, "lat", -90, 90)
        self.lon = _number(lon, "lon", -180, 180)
        self.radius = _number(radius, "radius", 0, MAX_RADIUS)
        if not self.radius:
            raise InvalidInput(f"radius {radius!r} is not above 0 metres", field="radius")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Circle) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash((self.lat, self.lon, self.radius))

    def contains(self, lat: float, lon: float) -> bool:
        """Return whether a place lies in it, its border included."""
        return not self.is_beyond(lat, lon, 0.0)

    def is_beyond(self, lat: float, lon: float, metres: float) -> bool:
        """Return whether a place lies more than so many metres from it."""
        limit = self.radius + metres
        return metres_between(self.lat, self.lon, lat, lon, near=limit) > limit

    def to_json(self) -> dict[str, Any]:
        """Return it as an object of lat, lon, radius."""
        return {"lat": self.lat, "lon": self.lon, "radius": self.radius}


class Polygon:
    """A GeoJSON Polygon or MultiPolygon: straight lines in degrees, holes and all.

    One that goes over the 180th meridian may have longitudes beyond 180, or be in two parts.
    """

    def __init__(self, geometry: Any) -> None:
        self._json = _plain(geometry)
        import shapely

        shape = shapely.geometry.shape(self._json)
        if shape.is_empty or not shape.is_valid:
            why = "empty" if shape.is_empty else shapely.is_valid_reason(shape)
            raise InvalidInput(f"area is no valid polygon: {why}", field="area")
        self._shape: Geometry = shape
        shapely.prepare(shape)
        self._low, _, self._high, _ = shape.bounds  # of longitude

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Polygon) and self._json == other._json

    def __hash__(self) -> int:
        return hash((Polygon, self._shape.bounds))

    def contains(self, lat: float, lon: float) -> bool:
        """Return whether a place lies in it, its border included."""
        import shapely

        return any(bool(shapely.intersects_xy(self._shape, x, lat)) for x in self._turns(lon))

    def is_beyond(self, lat: float, lon: float, metres: float) -> bool:
        """Return whether a place lies more than so many metres from it, on the plane about the place."""
        if self.contains(lat, lon):
            return False
        if not metres:
            return True
        import shapely
        from shapely.affinity import affine_transform

        wide_metre = _DEGREE * max(math.cos(math.radians(lat)), 1e-6)
        reach, wide = metres / _DEGREE, metres / wide_metre
        for x in (lon, lon - 360.0, lon + 360.0):
            part = shapely.clip_by_rect(
                self._shape, x - 2 * wide, lat - 2 * reach, x + 2 * wide, lat + 2 * reach
            )
            if part.is_empty:
                continue
            # straight lines stay straight, and about the place a unit is a metre in all directions
            plane = affine_transform(part, (wide_metre, 0, 0, _DEGREE, -x * wide_metre, -lat * _DEGREE))
            if shapely.distance(plane, shapely.Point(0, 0)) <= metres:
                return False
        return True

    def to_json(self) -> dict[str, Any]:
        """Return its GeoJSON geometry."""
        return self._json

    def _turns(self, lon: float) -> list[float]:
        """Return a longitude as the polygon may count it."""
        return [x for x in (lon, lon - 360.0, lon + 360.0) if self._low <= x <= self._high]


def area_from_json(value: Any) -> Area:
    """Return the area of `{"lat", "lon", "radius"}` (m), or of a GeoJSON Polygon or MultiPolygon.

    A Feature of one will do, as will whatever has `__geo_interface__`: a geometry of shapely or
    GeoPandas. Raises InvalidInput naming what is wrong.
    """
    if isinstance(value, Circle | Polygon):
        return value
    if hasattr(value, "geometry") and not hasattr(value, "__geo_interface__"):
        value = value.geometry  # a row of a GeoDataFrame
    if hasattr(value, "__geo_interface__"):
        value = value.__geo_interface__
    if not isinstance(value, dict):
        raise _no_area(value)
    if "radius" in value:
        _check_circle(value)
        return Circle(value["lat"], value["lon"], value["radius"])
    if value.get("type") == "Feature":
        if (drawn := _drawn_circle(value)) is not None:
            return drawn
        value = value.get("geometry")
    elif value.get("type") == "FeatureCollection" and len(value.get("features") or ()) == 1:
        value = value["features"][0].get("geometry")
    if not isinstance(value, dict) or value.get("type") not in ("Polygon", "MultiPolygon"):
        raise _no_area(value)
    return Polygon(value)


def _check_circle(value: dict[str, Any]) -> None:
    unknown = sorted(set(value) - {"lat", "lon", "radius"})
    missing = [name for name in ("lat", "lon") if name not in value]
    if unknown or missing:
        raise InvalidInput(
            f"area has {'no ' + missing[0] if missing else 'an unknown field ' + repr(unknown[0])}; "
            "a circle is lat, lon and radius",
            field="area",
        )


def _drawn_circle(feature: dict[str, Any]) -> Circle | None:
    """Return the circle of a feature as ipyleaflet's DrawControl tells of one, if it is that."""
    geometry, properties = feature.get("geometry"), feature.get("properties")
    style = properties.get("style") if isinstance(properties, dict) else None
    if not isinstance(style, dict) or not isinstance(geometry, dict) or geometry.get("type") != "Point":
        return None
    at = geometry.get("coordinates")
    if "radius" not in style or not isinstance(at, list) or len(at) < 2:
        return None
    return Circle(at[1], at[0], style["radius"])


def _no_area(value: object) -> InvalidInput:
    kind = value.get("type") if isinstance(value, dict) else value
    return InvalidInput(
        f"area {str(kind)[:60]!r} is none; expected lat, lon and radius, "
        "or a GeoJSON Polygon or MultiPolygon",
        field="area",
    )


def _plain(geometry: dict[str, Any]) -> dict[str, Any]:
    """Return a geometry of plain lists of finite numbers within the earth, or raise InvalidInput."""
    parts: Any = geometry.get("coordinates")
    polygons = [parts] if geometry["type"] == "Polygon" else parts
    counted = 0
    found: list[list[list[list[float]]]] = []
    try:
        for polygon in polygons or []:
            found.append([])
            for ring in polygon:
                counted += len(ring)
                if counted > MAX_VERTICES:
                    raise InvalidInput(f"area has more than {MAX_VERTICES:,} vertices", field="area")
                if len(ring) < 4 or list(ring[0])[:2] != list(ring[-1])[:2]:
                    raise InvalidInput(
                        "area has a ring of fewer than 4 places, or one that does not end where it begins",
                        field="area",
                    )
                found[-1].append([_place(at) for at in ring])
    except (TypeError, ValueError, KeyError):
        raise InvalidInput("area has coordinates that are no GeoJSON", field="area") from None
    coordinates: Any = found[0] if geometry["type"] == "Polygon" and found else found
    return {"type": geometry["type"], "coordinates": coordinates}


def _place(at: Sequence[Any]) -> list[float]:
    """Return (lon, lat) in GeoJSON's order; a height is left out."""
    lon, lat = at[0], at[1]
    return [_number(lon, "area: lon", -360, 360), _number(lat, "area: lat", -90, 90)]


def _number(value: Any, field: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InvalidInput(f"{field} {str(value)[:40]!r} is outside [{low:g}, {high:g}]", field=field)
    return float(value)


@functools.cache
def _geod() -> Geod:
    from pyproj import Geod

    return Geod(ellps="WGS84")
