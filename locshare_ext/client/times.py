"""Moments as people write them, as the integer milliseconds of the wire."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from locshare_ext.errors import InvalidInput
from locshare_ext.model.clock import NEWEST

__all__ = ["GroupZone", "check_zone", "ms_from", "now_ms"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def now_ms() -> int:
    """Return this machine's clock in integer ms since 1970 UTC."""
    return (datetime.now(UTC) - _EPOCH) // _MS


class GroupZone(tzinfo):
    """The zone that a group has set; asked for once, by the first moment that has none of its own.

    ask: returns the zone's name, None if the group has none. Any thread may use it.
    """

    def __init__(self, ask: Callable[[], str | None]) -> None:
        self._ask = ask
        self._found: tzinfo | None = None

    def found(self) -> tzinfo | None:
        """Return the zone, None as long as there is none."""
        if self._found is None:
            self._found = check_zone(self._ask())
        return self._found

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        """Return the zone's, None without one."""
        found = self.found()
        return None if found is None else found.utcoffset(moment)

    def dst(self, moment: datetime | None) -> timedelta | None:
        """Return the zone's, None without one."""
        found = self.found()
        return None if found is None else found.dst(moment)

    def tzname(self, moment: datetime | None) -> str | None:
        """Return the zone's, None without one."""
        found = self.found()
        return None if found is None else found.tzname(moment)


def check_zone(tz: str | tzinfo | None) -> tzinfo | None:
    """Return the zone of a name such as `Europe/Paris`; raises InvalidInput for an unknown one."""
    if tz is None or isinstance(tz, tzinfo):
        return tz
    try:
        return ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError, TypeError):
        raise InvalidInput(
            f"time zone {tz!r} is unknown; expected a name such as 'Europe/Paris' or 'UTC'", field="tz"
        ) from None


def ms_from(value: Any, *, tz: tzinfo | None = None, field: str = "time") -> int:
    """Return integer ms since 1970 UTC of a moment.

    value: a datetime or pandas Timestamp with a zone, RFC 3339 text, or integer ms.
    tz: the zone of moments that have none; without it they are refused, because a guess
    is wrong by hours and nobody sees it. Raises InvalidInput.
    """
    if isinstance(value, bool):
        raise _refuse(value, field)
    if isinstance(value, int):
        if not -NEWEST <= value <= NEWEST:
            raise InvalidInput(
                f"{field} {value} is out of range; expected milliseconds since 1970", field=field
            )
        return value
    moment = _datetime(value, field)
    if moment.tzinfo is None:
        if isinstance(tz, GroupZone):
            tz = tz.found()
        if tz is None:
            raise InvalidInput(
                f"{field} {str(value)!r} has no time zone, so it could be any of 24 moments; "
                'add one (datetime.now(UTC), "2026-11-22T10:32+09:00") or set tz= once',
                code="time_naive",
                field=field,
            )
        moment = moment.replace(tzinfo=tz)
    # floor, as the server does with RFC 3339 text: the same moment gets the same number
    return (moment - _EPOCH) // _MS


def _datetime(value: Any, field: str) -> datetime:
    if isinstance(value, datetime):  # pandas' Timestamp is one
        if value != value:
            raise _refuse(value, field)
        return value
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value.strip())
        except ValueError:
            raise _refuse(value, field) from None
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    kind = type(value)
    if kind.__module__ == "numpy":  # the only numpy that is loaded is the caller's
        if kind.__name__ == "datetime64":
            import pandas as pd

            moment: datetime = pd.Timestamp(value).to_pydatetime(warn=False)
            return _datetime(moment, field)
        if kind.__name__.startswith(("int", "uint")):
            return _EPOCH + int(value) * _MS
    raise _refuse(value, field)


def _refuse(value: Any, field: str) -> InvalidInput:
    return InvalidInput(
        f"{field} {str(value)[:40]!r} is no moment; expected a datetime with a zone, a pandas Timestamp, "
        "RFC 3339 text such as 2026-11-22T10:32+09:00, or integer milliseconds since 1970",
        field=field,
    )
