"""What the columns of trails are measured in, as files and frames tell it."""

from __future__ import annotations

__all__ = ["UNITS"]

UNITS = {
    "time": "UTC, by the device's clock",
    "received": "UTC, by the server's clock",
    "lat": "degrees",
    "lon": "degrees",
    "altitude": "m",
    "accuracy": "m",
    "speed": "m/s",
    "heading": "degrees clockwise from true north, [0, 360)",
    "battery": "0-1",
}
