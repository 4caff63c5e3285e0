"""Fixes made of what an app sent: what must be there is checked, what is odd is left out by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from locshare_ext.errors import InvalidFix
from locshare_ext.formats.phones.extra import Extra
from locshare_ext.formats.phones.values import number, shown, text_of
from locshare_ext.model.event import EventKind
from locshare_ext.model.report import Happening
from locshare_ext.model.wire import FixInput, check_fix, in_range

__all__ = ["KMH", "KNOT", "first", "happening", "has_place", "make_fix"]

KNOT = 1852 / 3600  # m/s
KMH = 1 / 3.6  # m/s
_TEXT = 2000  # characters of an event's text
_CUT = "…"


def has_place(lat: object, lon: object) -> bool:
    """Whether a place was sent at all; without one it only means that the phone is there."""
    return not (lat in (None, "") and lon in (None, ""))


def make_fix(
    source: str,
    *,
    time: int,
    lat: object,
    lon: object,
    altitude: float | None = None,
    accuracy: float | None = None,
    speed: float | None = None,
    heading: float | None = None,
    battery: float | None = None,
    extra: Extra | None = None,
) -> FixInput:
    """Return a fix in our units, of nobody yet; lat, lon: as sent, numbers or text.

    What is out of its range and not needed is left out, and named in `extra`. Raises
    InvalidFix for a place or time that cannot be.
    """
    more = Extra() if extra is None else extra
    if heading == 360:
        heading = 0.0

    def held(name: str, value: float | None) -> float | None:
        if value is None or in_range(name, value):
            return value
        more.drop(name)
        return None

    return check_fix(
        FixInput(
            time=time,
            lat=_degrees("lat", lat),
            lon=_degrees("lon", lon),
            altitude=held("altitude", altitude),
            accuracy=held("accuracy", accuracy),
            speed=held("speed", speed),
            heading=held("heading", heading),
            battery=held("battery", battery),
            source=source,
            extra=more.finish(),  # the last: by now it knows what was left out
        )
    )


def happening(
    text: object, time: int, *, kind: EventKind = "note", data: Mapping[str, object] | None = None
) -> Happening | None:
    """Return what somebody or an app tells, None where there is nothing to read.

    What is no character of a text goes, and what is too long is cut.
    """
    shown = "".join(char if char.isprintable() or char == "\n" else " " for char in text_of(text)).strip()
    if not shown:
        return None
    if len(shown) > _TEXT:
        shown = shown[: _TEXT - 1] + _CUT
    more = Extra()
    more.put_all(data or {})
    return Happening(kind, time, shown, more.finish())


def first(values: Mapping[str, object], names: Collection[str]) -> object:
    """Return the first of some values that is there and not empty, None if none is."""
    for name in names:
        value = values.get(name)
        if value not in (None, ""):
            return value
    return None


def _degrees(name: str, value: object) -> float:
    if value in (None, ""):
        raise InvalidFix(f"{name} is missing", code=f"{name}_missing", field=name)
    found = number(value)
    if found is None:
        raise InvalidFix(f"{name} {shown(value)} is no number", code=f"{name}_wrong_type", field=name)
    return found
