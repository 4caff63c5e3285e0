"""What five families of phone apps send, read by the rules of each: no I/O, no clock.

The same field has another unit in another app, so each has a path of its own and a decoder of its
own: `decode("overland", Sent(body=...))`. Where an address is used that names no app, `detect`
tells them apart by what only one of them writes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from locshare_ext.errors import InvalidInput
from locshare_ext.formats.phones import gpslogger, osmand, overland, owntracks, traccar
from locshare_ext.formats.phones.request import Sent, form_of, is_json, json_of
from locshare_ext.model.report import Report

__all__ = ["APPS", "Sent", "decode", "detect"]

_DECODERS: dict[str, Callable[[Sent], Report]] = {
    "owntracks": owntracks.decode,
    "traccar": traccar.decode,
    "overland": overland.decode,
    "gpslogger": gpslogger.decode,
    "osmand": osmand.decode,
}
APPS = tuple(_DECODERS)


def decode(app: str, sent: Sent) -> Report:
    """Return what a request of an app says; raises InvalidInput when it cannot be read at all, TooLarge.

    What is wrong with single fixes raises nothing: they are among the report's `refused`.
    """
    return _DECODERS[app](sent)


def detect(sent: Sent) -> str:
    """Return the app that a request looks like; raises InvalidInput when it looks like none.

    Fields that name no app are Traccar Client's: its scanner takes one address, without a path for it.
    """
    if is_json(sent.body):
        found = json_of(sent.body)
        return _of_json(found[0] if isinstance(found, list) and found else found)
    names = {*form_of(sent.query), *form_of(sent.body.decode(errors="replace"))}
    if names & gpslogger.OWN:
        return "gpslogger"
    if sent.user or sent.device or not (sent.body or sent.query):
        return "owntracks"  # which sends nothing at all when a friend is deleted
    if names & {"lat", "lon", "location", "id", "deviceid"}:
        return "traccar"
    raise _unknown()


def _of_json(one: Any) -> str:
    if isinstance(one, dict):
        if "_type" in one:
            return "owntracks"
        if "locations" in one:
            return "overland"
        if "location" in one or "coords" in one or ("lat" in one and not one.keys() & gpslogger.OWN):
            return "traccar"
        if one.keys() & gpslogger.OWN:
            return "gpslogger"
        if one.keys() & {"id", "deviceid", "device_id"}:
            return "traccar"
    raise _unknown()


def _unknown() -> InvalidInput:
    return InvalidInput(
        f"this looks like none of {', '.join(APPS)}: put the app's name behind the invite, as in "
        "in/INVITE/owntracks",
        code="app_unknown",
        field="body",
    )
