"""GPSLogger: a URL of the user's own (CustomUrlManager.java), and its Dawarich target.

Names of the URL's parameters as its `%ALL` writes them, and the long ones that people type. `spd`
m/s, `spd_kph` km/h, `dir` degrees, `batt` percent, `timestamp` s since 1970, `time` ISO 8601. `desc`
is what its user typed: a note.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from locshare_ext.errors import InvalidFix, InvalidInput
from locshare_ext.formats.phones.building import KMH, first, happening, has_place, make_fix
from locshare_ext.formats.phones.extra import Extra
from locshare_ext.formats.phones.overland import read_features
from locshare_ext.formats.phones.request import Sent, form_of, is_json, json_of
from locshare_ext.formats.phones.values import moment_ms, number, positive, text_of, unsigned
from locshare_ext.model.report import Report

__all__ = ["OWN", "batch_profile", "decode", "profile"]

OWN = frozenset({"spd", "spd_kph", "dir", "prov", "aid", "ser", "starttimestamp", "timeoffset"})  # its alone
_LAT, _LON = ("lat", "latitude"), ("lon", "lng", "longitude")
_ALTITUDE, _ACCURACY, _HEADING = ("alt", "altitude"), ("acc", "accuracy"), ("dir", "bearing", "heading")
_SPEED, _BATTERY, _TEXT = ("spd", "speed"), ("batt", "battery"), ("desc", "annotation")
_IDS = ("id", "deviceid", "device_id", "aid", "ser")  # the serial is `unknown` on all newer phones
_USED = frozenset(
    (
        *_LAT,
        *_LON,
        *_ALTITUDE,
        *_ACCURACY,
        *_HEADING,
        *_SPEED,
        *_BATTERY,
        *_TEXT,
        "spd_kph",
        "timestamp",
        "time",
    )
)


def decode(sent: Sent) -> Report:
    """Read a request by any method: query, form, JSON object, or a batch. Raises InvalidInput."""
    report = Report("gpslogger")
    fields: dict[str, Any] = dict(form_of(sent.query))
    if is_json(sent.body):
        found = json_of(sent.body)
        if isinstance(found, dict) and "locations" in found:
            read_features(report, found, is_percent=True)
            return report
        if not isinstance(found, dict):
            raise InvalidInput("body is not an object", code="invalid_json", field="body")
        fields |= found
    else:
        fields |= form_of(sent.body.decode(errors="replace"))
    report.device = report.name = text_of(first(fields, _IDS))
    report.raws = lambda: [sent.raw]
    try:
        _add(report, fields, sent.now)
    except InvalidFix as error:
        report.refuse(0, error, sent.raw)
    return report


def profile(url: str) -> str:
    """Return the properties that GPSLogger takes from a link `gpslogger://properties/...`.

    url: the address of the app below an invite. What is measured without network is sent later.
    """
    names = ("lat", "lon", "alt", "acc", "dir", "spd", "timestamp", "batt", "sat", "prov", "hdop", "desc")
    parts = "&".join(f"{name}=%{name.upper()}" for name in names)
    return _properties(
        log_customurl_enabled="true",
        log_customurl_url=f"{url}?{parts}",
        log_customurl_method="POST",
        log_customurl_discard_offline_locations_enabled="false",
    )


def batch_profile(url: str, device: str) -> str:
    """Return those of its Dawarich target, which sends many fixes at once, without headings and notes.

    device: what it is to call itself.
    """
    return _properties(
        dawarich_enable_logging="true",
        dawarich_server=url,
        dawarich_apikey="none",  # the invite is in the address; it wants something here
        dawarich_device_id=device,
        dawarich_bulk_min="1",  # else the first fixes wait for others
    )


def _properties(**settings: str) -> str:
    often = {"time_before_logging": "10", "distance_before_logging": "0"}
    return "".join(f"{name}={value}\n" for name, value in {**settings, **often}.items())


def _add(report: Report, fields: Mapping[str, Any], now: int) -> None:
    moment = first(fields, ("timestamp", "time"))
    time = now if moment is None else moment_ms(moment)
    lat, lon = first(fields, _LAT), first(fields, _LON)
    if has_place(lat, lon):
        kmh, speed = unsigned(fields.get("spd_kph")), unsigned(first(fields, _SPEED))
        battery = unsigned(first(fields, _BATTERY))
        extra = Extra()
        extra.put_all(fields, _USED)
        fix = make_fix(
            "gpslogger",
            time=time,
            lat=lat,
            lon=lon,
            altitude=number(first(fields, _ALTITUDE)),
            accuracy=positive(first(fields, _ACCURACY)),
            speed=kmh * KMH if speed is None and kmh is not None else speed,
            heading=unsigned(first(fields, _HEADING)),
            battery=None if battery is None else battery / 100,
            extra=extra,
        )
        report.fixes.append((0, fix))
    note = happening(first(fields, _TEXT), time, data={"app": "gpslogger", "from": "desc"})
    if note is not None:
        report.happenings.append(note)
