"""Times as files write them, read by explicit rules."""

from __future__ import annotations

import re
import zoneinfo
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal

from locshare_ext.errors import InvalidInput
from locshare_ext.model.names import near_names

__all__ = [
    "EARLIEST",
    "LATEST",
    "NEEDS_UNIT",
    "NEEDS_ZONE",
    "PER_MS",
    "UNITS_OF_TIME",
    "TimeReader",
    "Unit",
    "is_number",
    "text_of_ms",
    "zone_of",
]

Unit = Literal["s", "ms", "us", "ns"]
UNITS_OF_TIME: dict[Unit, str] = {
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
}
PER_MS: dict[Unit, int] = {"ms": 1, "us": 1_000, "ns": 1_000_000}
NEEDS_ZONE = "time_needs_zone"  # the code of a naive time's error
NEEDS_UNIT = "time_needs_unit"  # the code of a number's error where nobody said of what

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = -5_364_662_400_000  # 1800-01-01; what nanoseconds hold begins in 1678
LATEST = 7_258_118_400_000  # 2200-01-01; compact dates such as 20260126155702 would be later
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?(e\+?[0-9]+)?\Z", re.ASCII | re.IGNORECASE)
_ISO = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?)"
    r" ?(Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)?\Z",
    re.ASCII | re.IGNORECASE,
)
_EXPECTED = "ISO 8601 such as 2026-01-26T15:57:02+00:00"


class TimeReader:
    """Turns the texts of one column into ms since 1970 UTC.

    unit: of numbers since 1970, where the column has such; it is never guessed, as the same
    digits are another day in another unit. Without one, text is ISO 8601; if that has no
    offset, it is in `zone`. column: how errors call it.
    """

    def __init__(self, zone: tzinfo | None = None, *, unit: Unit | None = None, column: str = "time") -> None:
        self.zone = zone
        self.unit = unit
        self.column = column

    def read(self, text: str) -> int:
        """Return the ms of one text; raises InvalidInput.

        Its code is NEEDS_ZONE for a naive one, NEEDS_UNIT for a number where no unit was said.
        """
        text = text.strip()
        if _NUMBER.match(text):
            if self.unit is None:
                error = self._error(text, "is a number, and nothing says of which unit since 1970")
                raise InvalidInput(error.message, code=NEEDS_UNIT, field="columns")
            return self._within(self._of_number(text, self.unit), text)
        match = _ISO.match(text)
        if match is None or self.unit is not None:
            unit = self.unit and UNITS_OF_TIME[self.unit]
            expected = f"a number of {unit} since 1970" if unit else _EXPECTED
            raise self._error(text, f"is not understood; expected {expected}")
        day, clock, offset = match.groups()
        try:
            moment = datetime.fromisoformat(f"{day}T{clock.replace(',', '.')}")
            if offset is None:
                zone = self.zone
            elif offset[0] in "+-":
                zone = datetime.fromisoformat(f"{day}T00:00{offset}").tzinfo
            else:
                zone = UTC
        except ValueError as error:
            raise self._error(text, f"is no time: {error}") from None
        if zone is None:
            raise InvalidInput(
                f"{self.column} {text!r} has no zone; say which, such as tz='UTC' or 'Europe/London'",
                code=NEEDS_ZONE,
                field="tz",
            )
        return self._within(self._of_local(moment.replace(tzinfo=zone), text), text)

    def _of_number(self, text: str, unit: Unit) -> int:
        if abs(float(text)) > 1e20:
            raise self._error(text, "is not between the years 1800 and 2200")
        if unit == "s":
            seconds, dot, rest = text.partition(".")
            if dot and rest.isdigit() and seconds[0] != "-":
                return int(seconds) * 1000 + int((rest + "000")[:3])
            return round(float(text) * 1000)
        whole = int(text) if text.lstrip("-").isdigit() else int(float(text))  # a float would round
        return whole // PER_MS[unit]

    def _of_local(self, moment: datetime, text: str) -> int:
        if moment.tzinfo is not UTC and moment.utcoffset() != moment.replace(fold=1).utcoffset():
            is_gap = (moment.utcoffset() or timedelta()) < (moment.replace(fold=1).utcoffset() or timedelta())
            # of a skipped hour, fold 0 has the offset from before, which is the smaller one
            what = "does not exist" if is_gap else "happens twice"
            raise self._error(text, f"{what} in {moment.tzinfo}, where clocks were changed")
        passed = moment - _EPOCH
        return passed.days * 86_400_000 + passed.seconds * 1000 + passed.microseconds // 1000

    def _within(self, ms: int, text: str) -> int:
        if not EARLIEST <= ms < LATEST:
            raise self._error(text, "is not between the years 1800 and 2200")
        return ms

    def _error(self, text: str, what: str) -> InvalidInput:
        shown = text if len(text) <= 40 else text[:40] + "…"
        return InvalidInput(f"{self.column} {shown!r} {what}", code="time_malformed", field="time")


def is_number(text: str) -> bool:
    """Return whether a text is a number, and so a moment only in some unit."""
    return _NUMBER.match(text) is not None


def zone_of(tz: str | tzinfo | None) -> tzinfo | None:
    """Return the zone of an IANA name such as `Europe/London`; raises InvalidInput if unknown."""
    if tz is None or isinstance(tz, tzinfo):
        return tz
    if tz.upper() in ("UTC", "Z", "GMT"):
        return UTC
    try:
        return zoneinfo.ZoneInfo(tz)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        near = near_names(tz[:64], zoneinfo.available_timezones(), 2)
        hint = f"; did you mean {' or '.join(near)}?" if near else "; expected a name such as Europe/London"
        raise InvalidInput(f"time zone {tz[:64]!r} is unknown{hint}", field="tz") from None


def text_of_ms(ms: int) -> str:
    """Return RFC 3339 in UTC with milliseconds, `2026-01-26T15:57:02.000Z`."""
    moment = _EPOCH + timedelta(milliseconds=ms)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
