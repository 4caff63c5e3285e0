"""Overland (iOS), and GPSLogger's Dawarich target, which sends the same list of features.

Units as in Overland's GLManager.m: coordinates are lon, lat; `speed` m/s, `course` degrees, negative
means unknown; `battery_level` 0-1, but of GPSLogger percent (DawarichBatchLocation.java), and 0-1 in
later versions: 1 is a full battery there, as phones are seldom at 1 % and at 100 % each morning.
Points with a `type` of trip or an `action` are no fixes: they tell what happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from locshare_ext.errors import InvalidFix, InvalidInput
from locshare_ext.formats.phones.building import happening, has_place, make_fix
from locshare_ext.formats.phones.extra import Extra
from locshare_ext.formats.phones.owntracks import add_message
from locshare_ext.formats.phones.request import Sent, check_count, json_of, raw_of
from locshare_ext.formats.phones.values import moment_ms, number, positive, text_of, unsigned
from locshare_ext.model.report import Happening, Report
from locshare_ext.model.wire import FixInput

__all__ = ["decode", "read_features"]

_USED = frozenset(
    {"timestamp", "altitude", "speed", "course", "horizontal_accuracy", "battery_level", "device_id"}
)
_GPSLOGGERS = "deffered"  # sic: only GPSLogger writes it


def decode(sent: Sent) -> Report:
    """Read a batch, or the one message of Overland's OwnTracks mode. Raises InvalidInput, TooLarge."""
    report = Report("overland")
    if not sent.body.strip():
        return report
    found = json_of(sent.body)
    if isinstance(found, dict) and "_type" in found:
        report.raws = lambda: [sent.body]
        add_message(report, 0, found, sent)
        report.device = report.name = text_of(found.get("topic")).removeprefix("owntracks/")
        return report
    read_features(report, found)
    return report


def read_features(report: Report, found: Any, *, is_percent: bool = False) -> None:
    """Add all features of a decoded body: `locations`, then `current`.

    `current` comes also with a later batch: the store knows it again then, and keeps it once.
    is_percent: of what battery levels are. Raises InvalidInput for another body.
    """
    locations = found.get("locations") if isinstance(found, dict) else None
    if not isinstance(locations, list):
        raise InvalidInput("body has no list of `locations`", code="locations_missing", field="locations")
    features = [*locations, found["current"]] if isinstance(found.get("current"), dict) else locations
    check_count(len(features))
    report.raws = lambda: [raw_of(feature) for feature in features]
    for place, feature in enumerate(features):
        try:
            _add(report, place, feature, is_percent)
        except InvalidFix as error:
            report.refuse(place, error, raw_of(feature))


def _add(report: Report, place: int, feature: Any, is_percent: bool) -> None:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    if not isinstance(properties, dict):
        raise InvalidFix("a location is a GeoJSON feature with properties", code="invalid_feature")
    if not report.device:
        report.name = text_of(properties.get("device_id"))
        report.device = text_of(properties.get("unique_id")) or report.name
    geometry = feature.get("geometry")
    coordinates = geometry.get("coordinates") if isinstance(geometry, dict) else None
    lon, lat, height = _three(coordinates)
    if properties.get("type") == "trip" or properties.get("action"):
        told = _told(report.app, properties, lat, lon)
        if told is not None:
            report.happenings.append(told)
    elif has_place(lat, lon) or properties.get("timestamp") not in (None, ""):
        is_percent = is_percent or _GPSLOGGERS in properties
        report.fixes.append((place, _fix(report.app, properties, lat, lon, height, is_percent=is_percent)))


def _three(coordinates: object) -> tuple[object, object, object]:
    """Return lon, lat and height of a GeoJSON position, None for what it has not."""
    if not isinstance(coordinates, list):
        return None, None, None
    lon, lat, height = [*coordinates, None, None, None][:3]
    return lon, lat, height


def _fix(
    source: str, properties: Mapping[str, Any], lat: object, lon: object, height: object, *, is_percent: bool
) -> FixInput:
    vertical, altitude = number(properties.get("vertical_accuracy")), number(properties.get("altitude"))
    if vertical is not None and vertical < 0:  # as iOS says that there is no altitude
        altitude = None
    elif altitude is None:
        altitude = number(height)
    battery = unsigned(properties.get("battery_level"))
    if is_percent and battery is not None and battery > 1:  # later versions divide by 100 themselves
        battery /= 100
    extra = Extra()
    for name, value in properties.items():
        is_unknown = name.endswith("_accuracy") and unsigned(value) is None
        if name not in _USED and not is_unknown:
            extra.put(name, value)
    return make_fix(
        source,
        time=moment_ms(properties.get("timestamp")),
        lat=lat,
        lon=lon,
        altitude=altitude,
        accuracy=positive(properties.get("horizontal_accuracy")),
        speed=unsigned(properties.get("speed")),
        heading=unsigned(properties.get("course")),
        battery=battery,
        extra=extra,
    )


def _told(app: str, properties: Mapping[str, Any], lat: object, lon: object) -> Happening | None:
    """Return what a feature tells that is no fix: a trip that ended, a visit, what the app did."""
    end = properties.get("end")
    time = moment_ms(properties.get("timestamp") if end in (None, "") else end)
    action = text_of(properties.get("action"))
    text = action.replace("_", " ") or _trip(properties)
    rest = {name: value for name, value in properties.items() if name not in ("timestamp", "device_id")}
    if not action:
        rest = {name: value for name, value in rest.items() if not name.endswith("_location")}
    return happening(text, time, data={"app": app, **rest, "lat": number(lat), "lon": number(lon)})


def _trip(properties: Mapping[str, Any]) -> str:
    parts = [text_of(properties.get("mode"))]
    distance, duration = unsigned(properties.get("distance")), unsigned(properties.get("duration"))
    parts += [] if distance is None else [f"{distance / 1000:.1f} km"]
    parts += [] if duration is None else [f"{duration / 60:.0f} min"]
    said = ", ".join(part for part in parts if part)
    return f"trip: {said}" if said else "trip"
