"""The two clocks of a fix: `time` (as it was) and `received` (as it was known)."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec

from locshare_ext.errors import InvalidFix, InvalidInput

__all__ = [
    "Clock",
    "admit_time",
    "check_clock",
    "datetime_from_ms",
    "ms_from_rfc3339",
    "utc_text",
]

Clock = Literal["time", "received"]
_CLOCKS: dict[str, Clock] = {"time": "time", "received": "received"}

OLDEST_LIVE = 631_152_000_000  # 1990-01-01; what is older was sent in seconds
NEWEST = 253_402_300_799_999  # 9999-12-31, the end of datetime
FUTURE = 60_000  # ms ahead of the server's clock that need no remark
REPAIR = 86_400_000  # ms ahead that no clock is believed

# people leave the seconds out, and nothing else could be meant
_NO_SECONDS = re.compile(r"\A\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?=[Zz+-])")
_Aware = Annotated[datetime, msgspec.Meta(tz=True)]


def check_clock(clock: str) -> Clock:
    """Return `clock` if it is one of the two, else raise InvalidInput."""
    if clock not in _CLOCKS:
        raise InvalidInput(f"clock {clock!r} is unknown; expected 'time' or 'received'", field="clock")
    return _CLOCKS[clock]


def ms_from_rfc3339(text: str, *, field: str = "time") -> int:
    """Return integer milliseconds since 1970 UTC of RFC 3339 text with an offset.

    Raises InvalidFix when it is no such text or has no zone.
    """
    try:
        moment = msgspec.convert(_NO_SECONDS.sub(r"\g<0>:00", text), _Aware)
    except msgspec.ValidationError:
        raise InvalidFix(
            f"{field} {text[:40]!r} is not RFC 3339 with an offset, such as 2026-11-22T10:32:00+09:00",
            code=f"{field}_malformed",
            field=field,
        ) from None
    # floor, so that what is parsed and formatted again does not drift
    return math.floor(moment.timestamp() * 1000 + 1e-3)


def datetime_from_ms(ms: int) -> datetime:
    """Return the aware UTC datetime of integer milliseconds since 1970."""
    seconds, rest = divmod(ms, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)


def utc_text(ms: int) -> str:
    """Return a moment as people read it, such as `2026-11-22 14:00 UTC`."""
    return f"{datetime_from_ms(ms):%Y-%m-%d %H:%M} UTC"


def admit_time(time: int, received: int) -> tuple[int, tuple[str, ...]]:
    """Return a live fix's time and flags by the rules for clocks that are wrong.

    More than 60 s ahead of `received`: flag `future`. More than a day ahead: the time
    becomes `received`, flag `repaired`. Before 1990: InvalidFix, as it looks like seconds.
    """
    if time < OLDEST_LIVE:
        raise InvalidFix(
            f"time {time} is before 1990; expected milliseconds since 1970 (these look like seconds)",
            code="time_out_of_range",
            field="time",
        )
    if time - received > REPAIR:
        return received, ("repaired",)
    if time - received > FUTURE:
        return time, ("future",)
    return time, ()
