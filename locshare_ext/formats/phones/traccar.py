"""Traccar Client in all its versions, and whatever else speaks the OsmAnd protocol of Traccar.

(a) 10 and later: a form of one fix, or an array of the same keys as JSON; (b) 9: JSON of
transistorsoft's background-geolocation; (c) up to 8, and many trackers: all in the query. Units as
in Traccar's OsmAndProtocolDecoder: (a) and (c) speed in knots, battery in percent; (b) m/s, 0-1,
and -1 for unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from locshare_ext.errors import InvalidFix, InvalidInput
from locshare_ext.formats.phones.building import KNOT, first, happening, has_place, make_fix
from locshare_ext.formats.phones.extra import Extra
from locshare_ext.formats.phones.request import Sent, check_count, form_of, is_json, json_of, raw_of
from locshare_ext.formats.phones.values import moment_ms, number, positive, text_of, unsigned
from locshare_ext.model.report import Happening, Report
from locshare_ext.model.wire import FixInput

__all__ = ["decode", "split_location"]

_IDS = ("id", "deviceid", "device_id", "uniqueId", "imei")
_PLAIN = frozenset(
    {"lat", "lon", "location", "timestamp", "speed", "bearing", "heading", "altitude", "accuracy", "batt"}
)
_COORDS = frozenset({"latitude", "longitude", "accuracy", "speed", "heading", "altitude"})
_NESTED = frozenset({"timestamp", "coords", "battery", "_"})  # `_` is a template of (c), filled in


def decode(sent: Sent) -> Report:
    """Read what any version sends; without a place it says that the phone is there. Raises InvalidInput."""
    report = Report("traccar")
    query = form_of(sent.query)
    if is_json(sent.body):
        found = json_of(sent.body)
        _identify(report, {**query, **_first_object(found)})
        parts = _parts(found)
    else:
        fields = {**query, **form_of(sent.body.decode(errors="replace"))}
        _identify(report, fields)
        parts = [fields] if fields else []
    check_count(len(parts))
    report.raws = lambda: [sent.raw] if len(parts) == 1 else [raw_of(one) for one in parts]
    for place, part in enumerate(parts):
        try:
            if not isinstance(part, dict):
                raise InvalidFix(f"a fix is an object, got {type(part).__name__}")
            _add(report, place, part, sent.now)
        except InvalidFix as error:
            report.refuse(place, error, sent.raw if len(parts) == 1 else raw_of(part))
    return report


def split_location(value: str) -> tuple[str, str]:
    """Return the two numbers of `lat,lon`, also of ones with a decimal comma; raises InvalidFix."""
    parts = value.split(",")
    if len(parts) == 2:
        return parts[0], parts[1]
    if len(parts) == 4:
        return ".".join(parts[:2]), ".".join(parts[2:])
    raise InvalidFix(f"location {value[:40]!r} is not `lat,lon`", code="lat_wrong_type", field="lat")


def _parts(found: Any) -> list[Any]:
    """Return the fixes of a JSON body: one, an array, or an array inside `location`."""
    parts: list[Any] = found if isinstance(found, list) else [found]
    if len(parts) == 1 and isinstance(parts[0], dict) and isinstance(parts[0].get("location"), list):
        parts = [{"location": one} for one in parts[0]["location"]]
    if parts and not any(isinstance(part, dict) for part in parts):
        raise InvalidInput("body is not what Traccar Client sends", code="invalid_json", field="body")
    return parts


def _first_object(found: Any) -> Mapping[str, Any]:
    one = found[0] if isinstance(found, list) and found else found
    return one if isinstance(one, dict) else {}


def _identify(report: Report, values: Mapping[str, object]) -> None:
    report.device = report.name = text_of(first(values, _IDS))


def _add(report: Report, place: int, part: Mapping[str, Any], now: int) -> None:
    inner = part.get("location")
    if isinstance(inner, dict):
        rest = {name: value for name, value in part.items() if name != "location" and name not in _IDS}
        fix, alarm = _nested(inner, rest, now)
    elif isinstance(part.get("coords"), dict):  # the array of transistorsoft, without an envelope
        fix, alarm = _nested(part, {}, now)
    else:
        fix, alarm = _flat(part, now)
    if fix is not None:
        report.fixes.append((place, fix))
    if alarm is not None:
        report.happenings.append(alarm)


def _flat(part: Mapping[str, Any], now: int) -> tuple[FixInput | None, Happening | None]:
    time = now if part.get("timestamp") in (None, "") else moment_ms(part["timestamp"])
    alarm = _alarm(part.get("alarm"), time)
    lat, lon = part.get("lat"), part.get("lon")
    if isinstance(part.get("location"), str) and part["location"]:
        lat, lon = split_location(part["location"])
    if not has_place(lat, lon):
        return None, alarm
    extra = Extra()
    extra.put_all(part, _PLAIN)
    speed, battery = unsigned(part.get("speed")), unsigned(part.get("batt"))
    fix = make_fix(
        "traccar",
        time=time,
        lat=lat,
        lon=lon,
        altitude=number(part.get("altitude")),
        accuracy=positive(part.get("accuracy")),
        speed=None if speed is None else speed * KNOT,
        heading=unsigned(first(part, ("bearing", "heading"))),
        battery=None if battery is None else battery / 100,
        extra=extra,
    )
    return fix, alarm


def _nested(
    location: Mapping[str, Any], envelope: Mapping[str, Any], now: int
) -> tuple[FixInput | None, Happening | None]:
    """Read a location of (b), or of Dawarich's flatter form of it."""
    time = now if location.get("timestamp") in (None, "") else moment_ms(location["timestamp"])
    alarm = _alarm(first({**envelope, **location}, ("alarm",)), time)
    coords = location.get("coords")
    is_deep = isinstance(coords, dict)
    place: Mapping[str, Any] = coords if isinstance(coords, dict) else location
    if not has_place(place.get("latitude"), place.get("longitude")):
        return None, alarm
    power = first(location, ("battery",)) or envelope.get("battery")
    level = power.get("level") if isinstance(power, dict) else power
    extra = Extra()
    extra.put_all(location, _NESTED if is_deep else _NESTED | _COORDS)
    if is_deep:
        extra.put_all(place, _COORDS)
    if isinstance(power, dict):
        extra.put_all(power, ("level",))
    extra.put_all(envelope, ("battery",))
    fix = make_fix(
        "traccar",
        time=time,
        lat=place.get("latitude"),
        lon=place.get("longitude"),
        altitude=number(place.get("altitude")),
        accuracy=positive(place.get("accuracy")),
        speed=unsigned(place.get("speed")),
        heading=unsigned(place.get("heading")),
        battery=unsigned(level),
        extra=extra,
    )
    return fix, alarm


def _alarm(value: object, time: int) -> Happening | None:
    name = text_of(value)
    if not name:
        return None
    return happening(f"alarm: {name}", time, data={"app": "traccar", "alarm": name})
