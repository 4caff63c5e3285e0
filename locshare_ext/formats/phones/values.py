"""Numbers and moments as phone apps write them."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta

from locshare_ext.errors import InvalidFix

__all__ = ["moment_ms", "number", "positive", "shown", "text_of", "unsigned"]

# seconds since 1970 are less until 2038, milliseconds are more since January 1970 (Traccar's
# OsmAndProtocolDecoder goes by the same bound)
_SECONDS_END = 2**31
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?\Z")
_LOST_PLUS = re.compile(r"(?<=\d) (?=\d\d:?\d\d\Z)")  # in a query a bare plus is a space
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def number(value: object) -> float | None:
    """Return a finite number, also of text with a point or a comma; None for anything else."""
    if isinstance(value, str):
        text = value.strip()
        if text.count(",") == 1 and "." not in text:  # as phones write it whose language does
            text = text.replace(",", ".")
        if not _NUMBER.match(text):
            return None
        value = float(text)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def unsigned(value: object) -> float | None:
    """Return a number of what is never below 0; below it, as -1, it means unknown."""
    found = number(value)
    return None if found is None or found < 0 else found


def positive(value: object) -> float | None:
    """Return a number of what 0 means unknown for, too, as of accuracies: no receiver is exact."""
    return unsigned(value) or None


def text_of(value: object) -> str:
    """Return short text, empty for what is none: a device's id may be a number."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode().strip()  # JSON can spell halves of characters
    is_id = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63
    return str(value) if is_id else ""


def shown(value: object) -> str:
    """Return a value for an error's message: Python writes neither huge numbers nor short objects."""
    if isinstance(value, str | float | bool):
        return repr(str(value)[:40])
    is_huge = isinstance(value, int) and abs(value) >= 1 << 128
    return str(value) if isinstance(value, int) and not is_huge else f"({type(value).__name__})"


def moment_ms(value: object, name: str = "timestamp") -> int:
    """Return ms since 1970 UTC: of seconds, of ms from 2**31 on, or of ISO 8601 text.

    Text without a zone is UTC, as apps that write none mean it. Raises InvalidFix.
    """
    found = number(value)
    if found is not None:
        return round(found) if abs(found) >= _SECONDS_END else round(found * 1000)
    if isinstance(value, str):
        text = value.strip()
        if re.search("[Tt ]", text[10:11]):
            text = text[:11] + _LOST_PLUS.sub("+", text[11:])
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            return (moment - _EPOCH) // _MILLISECOND
        except (ValueError, OverflowError):
            pass
    missing = value is None or value == ""
    raise InvalidFix(
        f"{name} is missing"
        if missing
        else f"{name} {shown(value)} is no moment; expected seconds since 1970 or ISO 8601",
        code="time_missing" if missing else "time_malformed",
        field="time",
    )
