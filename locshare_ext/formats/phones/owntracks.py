"""OwnTracks in HTTP mode: one JSON message in a request.

Fields and units as in the OwnTracks booklet (tech/json): `tst` s, `vel` km/h, `acc` and `alt` m,
`cog` degrees, `batt` percent. The Android app (MessageLocation.kt) writes 0 for what it does not
know: a speed, with it the course, an altitude, with it `vac`, and an accuracy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from locshare_ext.errors import InvalidFix, InvalidInput
from locshare_ext.formats.phones.building import KMH, happening, has_place, make_fix
from locshare_ext.formats.phones.extra import Extra
from locshare_ext.formats.phones.request import Sent, check_count, json_of, raw_of
from locshare_ext.formats.phones.values import moment_ms, number, positive, text_of, unsigned
from locshare_ext.model.report import Report

__all__ = ["add_message", "decode"]

_APPLE = 978_307_200_000  # ms from 1970 to 2001: Overland's OwnTracks mode counts from there (GLManager.m)
_OLDEST = 1_262_304_000_000  # 2010: OwnTracks is younger
_USED = frozenset({"_type", "lat", "lon", "tst", "acc", "alt", "vel", "cog", "batt", "topic", "_id", "image"})
_DEFAULTS = ("", "user", "device", "phone")  # what the apps say where nobody chose a name


def decode(sent: Sent) -> Report:
    """Read a message; any but a location says only that the phone is there. Raises InvalidInput."""
    report = Report("owntracks")
    if not sent.body.strip():  # a friend was deleted in the app
        return report
    found = json_of(sent.body)
    messages = found if isinstance(found, list) else [found]
    check_count(len(messages))
    report.raws = lambda: [sent.body] * len(messages)
    _name(report, sent, messages)
    for place, message in enumerate(messages):
        if isinstance(message, dict):
            add_message(report, place, message, sent)
            continue
        error = InvalidInput("body is not an OwnTracks message", code="invalid_json", field="body")
        if len(messages) == 1:
            raise error
        report.refuse(place, error, raw_of(message))
    return report


def add_message(report: Report, place: int, message: Mapping[str, Any], sent: Sent) -> None:
    """Add what one message says; what cannot be a fix is set aside."""
    kind = message.get("_type")
    if kind == "encrypted":
        why = "the phone encrypts what it sends, and nobody here has the key: clear it in the app's settings"
        report.refuse(place, InvalidFix(why, code="encrypted"), sent.body)
        return
    if kind != "location":
        return
    try:
        time, extra = _moment(message), Extra()
        if time != _sent_moment(message):
            extra.put("time_repaired", True)
            extra.put("tst", message["tst"])
        extra.put_all(message, _USED | {"poi"})
        if "image" in message:
            extra.drop("image")
        if has_place(message.get("lat"), message.get("lon")):
            report.fixes.append((place, _fix(report.app, message, time, extra)))
    except InvalidFix as error:
        report.refuse(place, error, sent.body)
        return
    note = happening(message.get("poi"), time, data={"app": report.app, "from": "poi"})
    if note is not None:
        report.happenings.append(note)


def _fix(source: str, message: Mapping[str, Any], time: int, extra: Extra) -> Any:
    speed, heading = unsigned(message.get("vel")), unsigned(message.get("cog"))
    altitude = number(message.get("alt"))
    if not speed:  # it stands, or does not know
        speed, heading = None, heading or None
    vertical = number(message.get("vac")) or 0.0
    if vertical < 0 or (altitude == 0 and not vertical):  # iOS has -1 for it
        altitude = None
    battery = unsigned(message.get("batt"))
    return make_fix(
        source,
        time=time,
        lat=message.get("lat"),
        lon=message.get("lon"),
        altitude=altitude,
        accuracy=positive(message.get("acc")),
        speed=None if speed is None else speed * KMH,
        heading=heading,
        battery=None if battery is None else battery / 100,
        extra=extra,
    )


def _sent_moment(message: Mapping[str, Any]) -> int:
    return moment_ms(message.get("tst"), "tst")


def _moment(message: Mapping[str, Any]) -> int:
    time = _sent_moment(message)
    return time + _APPLE if 0 < time < _OLDEST else time


def _name(report: Report, sent: Sent, messages: list[Any]) -> None:
    """Say whose phone it is: by the topic owntracks/USER/DEVICE, else by the headers, else by `tid`."""
    message = next((one for one in messages if isinstance(one, dict)), {})
    parts = text_of(message.get("topic")).split("/")
    user, device = sent.user, sent.device
    if len(parts) >= 2 and parts[0] == "owntracks":
        user, device = parts[1], parts[2] if len(parts) > 2 else ""
    tid = text_of(message.get("tid"))
    named = [name for name in (user, device) if name.lower() not in _DEFAULTS]
    report.device = "/".join((user, device) if named else (user, device, tid))
    report.name = named[0] if named else tid or device or user
