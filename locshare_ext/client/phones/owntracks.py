"""What OwnTracks sends in its HTTP mode: one location to a request, as JSON."""

from __future__ import annotations

from typing import Any

import msgspec

from locshare_ext.client.phones.shapes import Request, Sending

__all__ = ["android", "ios", "ios_basic"]

_KMH = 3.6  # `vel` is in km/h


def android(sending: Sending) -> Request:
    """Return what the Android app sends; what it does not know of speed and altitude it sends as 0."""
    (fix,) = sending.fixes
    shape: dict[str, Any] = {
        "_type": "location",
        "_id": f"{fix.time & 0xFFFFFFFF:08x}",
        "acc": round(fix.accuracy or 0),
        "alt": int(fix.altitude or 0),
        "batt": _percent(fix.battery),
        "bs": 0 if fix.battery is None else 1,
        "cog": None if fix.heading is None else int(fix.heading),
        "conn": "o" if fix.is_offline else "m",
        "created_at": fix.seconds,
        "lat": fix.lat,
        "lon": fix.lon,
        "m": 2,
        "tid": sending.handset.tid,
        "topic": _topic(sending),
        "tst": fix.seconds,
        "vac": 0,
        "vel": int((fix.speed or 0) * _KMH),  # truncated, as the app does
    }
    return Request(
        "POST",
        "/owntracks",
        headers={
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Owntracks-Android/gms/420505000",
            "X-Limit-U": sending.handset.user,
            "X-Limit-D": sending.handset.device,
        },
        body=msgspec.json.encode({name: value for name, value in shape.items() if value is not None}),
    )


def ios(sending: Sending) -> Request:
    """Return what the iOS app sends with `extendedData` on; unknown is -1, as CoreLocation has it."""
    fix = sending.fixes[0]
    more: dict[str, Any] = {
        "alt": round(fix.altitude or 0),
        "vac": -1 if fix.altitude is None else 8,
        "vel": -1 if fix.speed is None else round(fix.speed * _KMH),
        "cog": -1 if fix.heading is None else round(fix.heading) % 360,
        "conn": "o" if fix.is_offline else "m",
        "m": 2,
        "p": 101.325,  # kPa
        "motionactivities": ["walking"],
    }
    return _ios(sending, more)


def ios_basic(sending: Sending) -> Request:
    """Return what the iOS app sends as it is installed: neither altitude nor speed nor heading."""
    return _ios(sending, {})


def _ios(sending: Sending, more: dict[str, Any]) -> Request:
    (fix,) = sending.fixes
    shape: dict[str, Any] = {
        "_type": "location",
        "acc": -1 if fix.accuracy is None else round(fix.accuracy),
        "batt": _percent(fix.battery),
        "bs": 0 if fix.battery is None else 1,
        "lat": round(fix.lat, 6),
        "lon": round(fix.lon, 6),
        "t": "t",
        "tid": sending.handset.tid,
        "topic": _topic(sending),
        "tst": fix.seconds,
        **more,
    }
    if sending.now // 1000 - fix.seconds > 1:
        shape["created_at"] = sending.now // 1000
    return Request(
        "POST",
        "/owntracks",
        headers={
            "Content-Type": "application/json",
            "User-Agent": "OwnTracks/18.4.4 CFNetwork/1568.200.51 Darwin/24.1.0",
            "X-Limit-U": sending.handset.user,
            "X-Limit-D": sending.handset.device,
        },
        body=msgspec.json.encode({name: value for name, value in shape.items() if value is not None}),
    )


def _topic(sending: Sending) -> str:
    return f"owntracks/{sending.handset.user}/{sending.handset.device}"


def _percent(battery: float | None) -> int | None:
    return None if battery is None else round(battery * 100)
