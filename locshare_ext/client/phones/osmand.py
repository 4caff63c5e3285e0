"""What OsmAnd's online tracking sends: a GET with the user's template filled in."""

from __future__ import annotations

import struct
from urllib.parse import urlencode

from locshare_ext.client.phones.shapes import Measured, Request, Sending

__all__ = ["new", "old"]


def new(sending: Sending) -> Request:
    """Return the request of today's version: degrees with seven decimals."""
    (fix,) = sending.fixes
    return _request(fix, f"{fix.lat:.7f}", f"{fix.lon:.7f}")


def old(sending: Sending) -> Request:
    """Return the request of versions that had 32-bit degrees, half a metre to two apart."""
    (fix,) = sending.fixes
    return _request(fix, _float(fix.lat), _float(fix.lon))


def _request(fix: Measured, lat: str, lon: str) -> Request:
    """Return the template's request; the time is the phone's when the fix came, in ms."""
    fields = {
        "lat": lat,
        "lon": lon,
        "timestamp": fix.time,
        "accuracy": _float(fix.accuracy or 0.0),
        "altitude": _float(fix.altitude or 0.0),
        "speed": _float(fix.speed or 0.0),
        "bearing": _float(fix.heading or 0.0),
    }
    return Request("GET", "/osmand", urlencode(fields), {"User-Agent": "Dalvik/2.1.0 (Linux; U; Android 14)"})


def _float(value: float) -> str:
    """Return a 32-bit float in as few digits as tell it from its neighbours, as Java writes it."""
    (narrow,) = struct.unpack("f", struct.pack("f", value))
    for digits in range(6, 9):
        text = f"{narrow:.{digits}g}"
        if struct.unpack("f", struct.pack("f", float(text)))[0] == narrow:
            break
    else:
        text = f"{narrow:.9g}"
    return repr(float(text))
