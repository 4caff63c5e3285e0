"""How a phone is set up for an invite: a link, a code to scan or an address to paste, for each app."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote, urlencode

from locshare_ext.model.names import fold

__all__ = ["INTERVAL", "SetUp", "qr_path", "setups", "way_json"]

INTERVAL = 10  # s between fixes: what the apps do by themselves is too sparse to watch
OSMAND = {  # its placeholders; what it calls hdop is accuracy in metres
    "lat": "{0}",
    "lon": "{1}",
    "timestamp": "{2}",
    "accuracy": "{3}",
    "altitude": "{4}",
    "speed": "{5}",
    "bearing": "{6}",
}


@dataclass(frozen=True, slots=True)
class SetUp:
    """One app's way in. link: a secret, as the invite's token is in it.

    kind: `open` is a link to tap on the phone, `scan` one that the app scans or that opens in
    a browser, `paste` an address to copy into the app's settings.
    """

    app: str
    kind: Literal["open", "scan", "paste"]
    link: str = field(repr=False)

    @property
    def is_scannable(self) -> bool:
        """Whether a QR code of it is of use: an address to paste cannot be scanned by the app."""
        return self.kind != "paste"


def setups(address: str, token: str, member: str | None) -> list[SetUp]:
    """Return the ways in: the page that leads to all others, then apps that go on in a pocket.

    address: of `locshare/`, as phones reach it, ending in `/`. member: who it is; None for an
    open invite, whose apps send a device id of their own.
    """
    ingest = f"{address}in/{token}"
    return [
        SetUp("browser", "scan", f"{address}share#t={token}"),
        SetUp("owntracks", "open", _owntracks(f"{ingest}/owntracks", member)),
        SetUp("traccar", "scan", _traccar(ingest, member)),
        SetUp("overland", "open", _overland(f"{ingest}/overland", token, member)),
        SetUp("gpslogger", "open", f"gpslogger://properties/{ingest}/gpslogger/profile.properties"),
        SetUp("osmand", "paste", f"{ingest}/osmand?{urlencode(OSMAND, safe='{}')}"),
    ]


def way_json(one: SetUp) -> dict[str, Any]:
    """Return a way in for a page: app, link, and the code if one is of use (see `qr_path`)."""
    path, width = qr_path(one.link) if one.is_scannable else ("", 0)
    return {"app": one.app, "link": one.link, "code": {"path": path, "width": width} if path else None}


def qr_path(text: str) -> tuple[str, int]:
    """Return a QR code as the `d` of an SVG path, a module one unit wide, and its width with the border."""
    import segno

    code = segno.make(text, error="m", micro=False)
    border = 4
    rows = enumerate(code.matrix_iter(border=border))
    steps = [f"M{left} {y}h{width}v1h-{width}z" for y, row in rows for left, width in _runs(bytes(row))]
    return "".join(steps), int(code.symbol_size(border=border)[0])


def _runs(row: bytes) -> list[tuple[int, int]]:
    """Return where a row is dark, as (left, width)."""
    found, left = [], row.find(1)
    while left >= 0:
        end = row.find(0, left)  # there is light around
        found.append((left, end - left))
        left = row.find(1, end)
    return found


def _owntracks(url: str, member: str | None) -> str:
    settings = {
        "_type": "configuration",
        "mode": 3,  # HTTP
        "url": url,
        "auth": False,
        "monitoring": 2,  # move: every few seconds, and not only when it went far
        "locatorInterval": INTERVAL,
        "locatorDisplacement": 0,
        "extendedData": True,  # without it iOS tells neither speed nor accuracy
    }
    if member is not None:
        settings["deviceId"] = member
        settings["tid"] = fold(member)[:2].upper()
    text = json.dumps(settings, separators=(",", ":"), ensure_ascii=False).encode()
    return f"owntracks:///config?inline={quote(base64.b64encode(text), safe='')}"


def _traccar(url: str, member: str | None) -> str:
    settings = {
        "accuracy": "high",
        "interval": INTERVAL,
        "distance": 0,
        "stop_detection": "false",
        "buffer": "true",
    }
    named = {} if member is None else {"id": member}
    return f"{url}?{urlencode({**named, **settings}, quote_via=quote)}"


def _overland(url: str, token: str, member: str | None) -> str:
    named = {} if member is None else {"device_id": member}
    settings = {"url": url, "token": token, **named, "unique_id": "yes"}
    return f"overland://setup?{urlencode(settings, quote_via=quote)}"
