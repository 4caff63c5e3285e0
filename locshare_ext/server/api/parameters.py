"""Values of queries and bodies, read with answers that say what was expected."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from locshare_ext.errors import InvalidInput
from locshare_ext.model.clock import NEWEST, check_clock, ms_from_rfc3339
from locshare_ext.model.names import split_names
from locshare_ext.model.store import Selection

__all__ = ["AT", "TRAIL_PARAMETERS", "moment", "selection", "whole_number"]

# the offset of a time whose + was not percent-encoded in a query
_SPACE_FOR_PLUS = re.compile(r"(?<=:\d\d) (?=\d\d:\d\d\Z)|(?<=\d\d\d) (?=\d\d:\d\d\Z)")
TRAIL_PARAMETERS = ("since", "until", "clock", "members", "after", "upto", "recording", "format", "at")
AT = "at"  # the moment of which each member's newest fix is asked for


def whole_number(text: str, name: str, low: int, high: int) -> int:
    """Return an integer in [low, high]; raises InvalidInput."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 19 or not low <= int(text) <= high:
        raise InvalidInput(
            f"{name} {text[:40]!r} is not a whole number from {low} to {high}",
            code=f"{name}_out_of_range",
            field=name,
        )
    return int(text)


def moment(value: object, name: str) -> int:
    """Return ms since 1970 of a whole number of them or of RFC 3339 text; raises InvalidInput."""
    if isinstance(value, int) and not isinstance(value, bool):
        return whole_number(str(value), name, -NEWEST, NEWEST)
    if not isinstance(value, str):
        raise InvalidInput(f"{name} {value!r} is neither milliseconds nor RFC 3339 text", field=name)
    if value.removeprefix("-").isdigit():
        return whole_number(value, name, -NEWEST, NEWEST)
    return ms_from_rfc3339(_SPACE_FOR_PLUS.sub("+", value), field=name)


def selection(query: Mapping[str, str], place: Any) -> Selection:
    """Return what a query selects; place: reads a cursor's text into an offset."""
    members = split_names(query.get("members", ""))
    if AT in query and "until" in query:
        raise InvalidInput("at goes without until: it means the newest fixes until then", field=AT)
    until = AT if AT in query else "until"
    return Selection(
        since=None if "since" not in query else moment(query["since"], "since"),
        until=None if until not in query else moment(query[until], until),
        clock=check_clock(query.get("clock", "time")),
        members=frozenset(members) if "members" in query else None,
        after=None if "after" not in query else _offset(query["after"], "after", place),
        upto=None if "upto" not in query else _offset(query["upto"], "upto", place),
    )


def _offset(text: str, name: str, place: Any) -> int:
    if text.isascii() and text.isdigit():
        return whole_number(text, name, 0, (1 << 63) - 1)
    return int(place(text, name))
