"""Where the others are, as OwnTracks shows it on the phone: the answer of its HTTP mode.

For each member a `card` with its name and a `location`, which belong together by `tid`: two letters
that no other member of the group has (Recorder's README, friends in HTTP mode; booklet, tech/json).
"""

from __future__ import annotations

import string
from collections.abc import Collection, Iterable, Iterator
from itertools import product
from typing import Any

import msgspec

from locshare_ext.model.fix import Fix

__all__ = ["friends", "new_tid"]

_SIGNS = string.ascii_uppercase + string.digits
_encode = msgspec.json.Encoder().encode


def friends(known: Iterable[tuple[str, Fix]]) -> bytes:
    """Return the answer that shows members; known: the tid of each, and its newest fix."""
    shown: list[dict[str, Any]] = []
    for tid, fix in known:
        shown.append({"_type": "card", "tid": tid, "name": fix.member})
        shown.append(_location(tid, fix))
    return _encode(shown)


def new_tid(name: str, taken: Collection[str]) -> str:
    """Return two letters for a member that nobody has yet: its initials if they are free."""
    return next((tid for tid in _candidates(name) if tid not in taken), "??")


def _candidates(name: str) -> Iterator[str]:
    words = ["".join(char for char in word if char.isalnum()).upper() for word in name.split()]
    words = [word for word in words if word]
    if len(words) > 1:
        yield words[0][0] + words[-1][0]
    letters = "".join(words) or "X"
    yield from (letters[0] + letter for letter in letters[1:])
    yield from (letters[0] + sign for sign in string.digits + string.ascii_uppercase)
    yield from ("".join(pair) for pair in product(_SIGNS, repeat=2))


def _location(tid: str, fix: Fix) -> dict[str, Any]:
    location: dict[str, Any] = {
        "_type": "location",
        "tid": tid,
        "lat": fix.lat,
        "lon": fix.lon,
        "tst": fix.effective_time // 1000,
    }
    more = {
        "acc": fix.accuracy,
        "alt": fix.altitude,
        "vel": None if fix.speed is None else fix.speed * 3.6,
        "cog": fix.heading,
        "batt": None if fix.battery is None else fix.battery * 100,
    }
    return location | {name: round(value) for name, value in more.items() if value is not None}
