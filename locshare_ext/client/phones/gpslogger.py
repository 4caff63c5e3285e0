"""What GPSLogger's custom URL sends: a text in which words like %LAT were replaced, one fix each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import quote_plus

import msgspec

from locshare_ext.client.phones.shapes import Measured, Request, Sending

__all__ = ["body", "json", "url"]

_LOCAL = timezone(timedelta(hours=9))  # %TIMEOFFSET is local time with its offset


def url(sending: Sending) -> Request:
    """Return a POST to a URL that ends with `?%ALL`."""
    return Request("POST", "/gpslogger", _all(sending))


def body(sending: Sending) -> Request:
    """Return a POST whose body is %ALL; the app gives it no content type of its own."""
    return Request("POST", "/gpslogger", body=_all(sending).encode())


def json(sending: Sending) -> Request:
    """Return a POST of JSON that somebody wrote as template, with the header for it."""
    (fix,) = sending.fixes
    shape = {
        "lat": fix.lat,
        "lon": fix.lon,
        "timestamp": fix.seconds,
        "alt": fix.altitude or 0.0,
        "acc": fix.accuracy or 0.0,
        "dir": fix.heading or 0.0,
        "spd": fix.speed or 0.0,
        "batt": _battery(fix),
        "aid": sending.handset.device,
    }
    return Request(
        "POST", "/gpslogger", headers={"Content-Type": "application/json"}, body=msgspec.json.encode(shape)
    )


def _all(sending: Sending) -> str:
    """Return what %ALL becomes. Times are not quoted: the `+` of an offset stands as it is."""
    (fix,) = sending.fixes
    when = datetime.fromtimestamp(fix.time / 1000, UTC)
    speed = fix.speed or 0.0
    words = {
        "lat": fix.lat,
        "lon": fix.lon,
        "sat": 9,
        "desc": quote_plus(""),
        "alt": fix.altitude or 0.0,
        "acc": fix.accuracy or 0.0,
        "dir": fix.heading or 0.0,
        "prov": "gps",
        "spd_kph": speed * 3.6,
        "spd": speed,
        "timestamp": fix.seconds,
        "timeoffset": when.astimezone(_LOCAL).isoformat(timespec="milliseconds"),
        "time": f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03}Z",
        "starttimestamp": fix.seconds - fix.seconds % 86_400,
        "date": f"{when:%Y-%m-%d}",
        "batt": _battery(fix),
        "ischarging": "false",
        "aid": sending.handset.device,
        "ser": "unknown",
        "act": "",
        "filename": f"{when:%Y%m%d}",
        "profile": "Default+Profile",
        "hdop": "",
    }
    return "&".join(f"{name}={value}" for name, value in words.items())


def _battery(fix: Measured) -> float:
    return -1.0 if fix.battery is None else float(round(fix.battery * 100))
