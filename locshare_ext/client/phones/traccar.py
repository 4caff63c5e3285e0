"""What Traccar Client sends, by version: a form, JSON, or all of it in the query."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode

import msgspec

from locshare_ext.client.phones.shapes import Measured, Request, Sending

__all__ = ["v5", "v8", "v9", "v10", "v10_json"]

_KNOTS = 1.94384  # knots in 1 m/s
_FORM = "application/x-www-form-urlencoded"


def v10(sending: Sending) -> Request:
    """Return a form with one fix: knots, percent, seconds."""
    (fix,) = sending.fixes
    body = urlencode({name: _text(value) for name, value in _fields(sending, fix).items()})
    return Request("POST", headers={"Content-Type": _FORM, "User-Agent": "okhttp/4.12.0"}, body=body.encode())


def v10_json(sending: Sending) -> Request:
    """Return an array of the same fields, as the SDK sends it with `uploadJson`."""
    body = msgspec.json.encode([_fields(sending, fix) for fix in sending.fixes])
    return Request("POST", headers={"Content-Type": "application/json"}, body=body)


def v9(sending: Sending) -> Request:
    """Return nested JSON with one fix: m/s, 0-1, ISO times; unknown is -1."""
    (fix,) = sending.fixes
    when = datetime.fromtimestamp(fix.time / 1000, UTC).isoformat(timespec="milliseconds")
    when = when.replace("+00:00", "Z")
    device = sending.handset.device
    location = {
        "timestamp": when,
        "coords": {
            "latitude": fix.lat,
            "longitude": fix.lon,
            "accuracy": -1 if fix.accuracy is None else fix.accuracy,
            "speed": -1 if fix.speed is None else fix.speed,
            "heading": -1 if fix.heading is None else fix.heading,
            "altitude": 0 if fix.altitude is None else fix.altitude,
        },
        "is_moving": True,
        "odometer": 0,
        "uuid": f"{fix.time:032x}",
        "battery": {"level": -1 if fix.battery is None else fix.battery, "is_charging": False},
        "activity": {"type": "walking"},
        "extras": {},
        "_": f"&id={device}&lat={fix.lat}&lon={fix.lon}&timestamp={when}&",
    }
    body = msgspec.json.encode({"location": location, "device_id": device})
    return Request("POST", headers={"Content-Type": "application/json"}, body=body)


def v8(sending: Sending) -> Request:
    """Return a POST whose query has it all, with an empty body."""
    return Request("POST", "/traccar", _query(sending), {"Content-Type": _FORM})


def v5(sending: Sending) -> Request:
    """Return the same query by GET, as old versions and many trackers send it."""
    return Request("GET", "", _query(sending))


def _fields(sending: Sending, fix: Measured) -> Mapping[str, str | float | bool]:
    """Return what version 10 knows of a fix; what it does not know is left out."""
    known: dict[str, str | float | bool | None] = {
        "id": sending.handset.device,
        "lat": fix.lat,
        "lon": fix.lon,
        "timestamp": fix.seconds,
        "accuracy": fix.accuracy,
        "altitude": fix.altitude,
        "speed": None if fix.speed is None else round(fix.speed * _KNOTS, 2),
        "bearing": fix.heading,
        "batt": None if fix.battery is None else round(fix.battery * 100),
        "charge": False,
    }
    return {name: value for name, value in known.items() if value is not None}


def _query(sending: Sending) -> str:
    """Return the query of version 8 and before: what Android does not know is 0 there."""
    (fix,) = sending.fixes
    fields = {
        "id": sending.handset.device,
        "timestamp": fix.seconds,
        "lat": fix.lat,
        "lon": fix.lon,
        "speed": (fix.speed or 0.0) * 1.943844,
        "bearing": fix.heading or 0.0,
        "altitude": fix.altitude or 0.0,
        "accuracy": fix.accuracy or 0.0,
    }
    if fix.battery is not None:
        fields["batt"] = fix.battery * 100
    return urlencode(fields)


def _text(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
