"""What each app wants to be answered: as data, for an app keeps or drops its fixes by it."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import msgspec

__all__ = ["REPLIES", "Reply", "reply_to_overland"]

JSON = "application/json"
PLAIN = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Reply:
    """Of a request that was stored or set aside. is_certain: whether it is 200 whatever happens."""

    status: int
    body: bytes
    media_type: str
    is_certain: bool = False


REPLIES = {
    "owntracks": Reply(200, b"[]", JSON),
    "traccar": Reply(200, b"", PLAIN),
    "overland": Reply(200, b'{"result":"ok"}', JSON),
    "gpslogger": Reply(200, b"", PLAIN),
    "batches": Reply(201, b'{"result":"ok"}', JSON),  # of GPSLogger's Dawarich target
    "osmand": Reply(200, b"", PLAIN, is_certain=True),  # anything else it sends again at once, for ever
}

# seconds between its requests -> what Overland calls it; there is no other (GLManager.m), and
# `off`, which it knows too, could not be taken back from here
_INTERVALS = {1: "1s", 5: "5s", 10: "10s", 15: "15s", 30: "30s"} | {
    60: "1m",
    120: "2m",
    300: "5m",
    600: "10m",
    1800: "30m",
}


def reply_to_overland(interval: int | None) -> bytes:
    """Return the answer that sets how often it sends.

    interval: seconds; of those that it knows the next that is not more. None leaves it as it is.
    """
    if interval is None:
        return REPLIES["overland"].body
    known = list(_INTERVALS)
    at = bisect_left(known, interval)
    chosen = known[at] if at < len(known) and known[at] == interval else known[max(at - 1, 0)]
    return msgspec.json.encode({"result": "ok", "set": {"send_interval": _INTERVALS[chosen]}})
