"""OsmAnd's online tracking: a GET with the user's template (LiveMonitoringHelper.java).

`speed` m/s, `altitude` m, `timestamp` ms; `accuracy`, or `hdop` in many templates, is m: OsmAnd calls
it hdop and writes the accuracy. Places are 32-bit floats there, about 1 m fine.
"""

from __future__ import annotations

from locshare_ext.errors import InvalidFix
from locshare_ext.formats.phones.building import first, has_place, make_fix
from locshare_ext.formats.phones.extra import Extra
from locshare_ext.formats.phones.request import Sent, form_of
from locshare_ext.formats.phones.values import moment_ms, number, positive, text_of, unsigned
from locshare_ext.model.report import Report

__all__ = ["decode"]

_IDS = ("id", "deviceid", "key")
_ACCURACY, _HEADING, _BATTERY = ("accuracy", "hdop"), ("bearing", "heading"), ("batt", "battery")
_TIME = ("timestamp", "time")
_USED = frozenset(
    {"lat", "lon", "altitude", "speed", "accuracy", "hdop", "bearing", "heading", "batt", "battery"}
) | frozenset(_TIME)


def decode(sent: Sent) -> Report:
    """Read a fix; raises InvalidInput for a query that is none."""
    report = Report("osmand")
    fields = {**form_of(sent.query), **form_of(sent.body.decode(errors="replace"))}
    report.device = report.name = text_of(first(fields, _IDS))
    report.raws = lambda: [sent.raw]
    if not has_place(fields.get("lat"), fields.get("lon")):
        return report
    battery = unsigned(first(fields, _BATTERY))
    moment = first(fields, _TIME)
    try:
        extra = Extra()
        extra.put_all(fields, _USED)
        fix = make_fix(
            "osmand",
            time=sent.now if moment is None else moment_ms(moment),
            lat=fields.get("lat"),
            lon=fields.get("lon"),
            altitude=number(fields.get("altitude")),
            accuracy=positive(first(fields, _ACCURACY)),
            speed=unsigned(fields.get("speed")),
            heading=unsigned(first(fields, _HEADING)),
            battery=None if battery is None else battery / 100,
            extra=extra,
        )
        report.fixes.append((0, fix))
    except InvalidFix as error:
        report.refuse(0, error, sent.raw)
    return report
