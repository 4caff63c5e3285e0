"""What Overland sends: GeoJSON features, many to a request; also GPSLogger's target of that shape."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec

from locshare_ext.client.phones.shapes import Measured, Reply, Request, Sending

__all__ = ["BATCH", "dawarich", "dawarich_fraction", "interval_from", "ios", "is_ok"]

BATCH = 200  # features of a request, as the app is installed
_LOCAL = timezone(timedelta(hours=9))  # GPSLogger writes local times with their offset
_SPANS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def ios(sending: Sending) -> Request:
    """Return a batch; with more waiting than fit, `current` is where the phone is by now."""
    shape: dict[str, Any] = {"locations": [_feature(sending, fix) for fix in sending.fixes]}
    if sending.waiting > len(sending.fixes):
        shape["current"] = _feature(sending, sending.newest)
    return Request(
        "POST",
        "/overland",
        headers={"Content-Type": "application/json", "User-Agent": "Overland/1.4 iOS/18.1"},
        body=msgspec.json.encode(shape),
    )


def is_ok(reply: Reply) -> bool:
    """Return whether the app takes a batch for delivered: nothing but `{"result":"ok"}` will do."""
    answer = _object(reply) if reply.is_success else {}
    return answer.get("result") == "ok"


def interval_from(reply: Reply) -> float | None:
    """Return the seconds between two batches that a reply sets, None if it sets none."""
    told = _object(reply).get("set")
    text = told.get("send_interval") if isinstance(told, dict) else None
    if not isinstance(text, str) or text[-1:] not in _SPANS or not text[:-1].isdigit():
        return None
    return int(text[:-1]) * _SPANS[text[-1]]


def dawarich(sending: Sending) -> Request:
    """Return GPSLogger's batch for Dawarich, whose battery is in percent."""
    return _dawarich(sending, 100.0)


def dawarich_fraction(sending: Sending) -> Request:
    """Return the same of a later version, whose battery is 0-1."""
    return _dawarich(sending, 1.0)


def _feature(sending: Sending, fix: Measured) -> dict[str, Any]:
    when = datetime.fromtimestamp(fix.seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [fix.lon, fix.lat]},
        "properties": {
            "timestamp": when,
            "altitude": round(fix.altitude or 0),
            "speed": -1 if fix.speed is None else round(fix.speed),
            "course": -1 if fix.heading is None else round(fix.heading) % 360,
            "horizontal_accuracy": -1 if fix.accuracy is None else round(fix.accuracy),
            "vertical_accuracy": -1 if fix.altitude is None else 4,
            "speed_accuracy": -1,
            "course_accuracy": -1,
            "motion": ["walking"],
            "battery_state": "unknown" if fix.battery is None else "unplugged",
            "battery_level": -1 if fix.battery is None else fix.battery,
            "wifi": "",
            "device_id": sending.handset.device,
        },
    }


def _dawarich(sending: Sending, full: float) -> Request:
    features = []
    for fix in sending.fixes:
        when = datetime.fromtimestamp(fix.time / 1000, _LOCAL).isoformat(timespec="milliseconds")
        properties: dict[str, Any] = {
            "timestamp": when,
            "altitude": fix.altitude or 0.0,
            "speed": fix.speed or 0.0,
            "horizontal_accuracy": fix.accuracy or 0.0,
            "activity": "unknown",
            "desired_accuracy": 40.0,
            "deffered": 0.0,  # the app's own spelling
            "significant_change": "disabled",
            "locations_in_payload": 1,
            "device_id": sending.handset.device,
            "wifi": "unknown",
            "battery_state": "unplugged",
        }
        if fix.battery is not None:
            properties["battery_level"] = round(fix.battery * 100) * full / 100
        geometry = {"type": "Point", "coordinates": [fix.lon, fix.lat]}
        features.append({"type": "Feature", "geometry": geometry, "properties": properties})
    return Request(
        "POST",
        "/api/v1/overland/batches",
        "api_key=unused",
        {"Content-Type": "application/json", "User-Agent": "okhttp/4.12.0"},
        msgspec.json.encode({"locations": features}),
    )


def _object(reply: Reply) -> dict[str, Any]:
    try:
        answer = msgspec.json.decode(reply.body)
    except msgspec.DecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}
