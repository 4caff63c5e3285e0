"""What equal readers of a log have made of it, shared by them for one turn of the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from weakref import WeakValueDictionary

__all__ = ["Made", "Sharing"]


class Sharing:
    """What the readers of one log share, by a key of all that decides what they make of it."""

    __slots__ = ("_fresh", "_made")

    def __init__(self) -> None:
        self._made: WeakValueDictionary[Hashable, Made] = WeakValueDictionary()
        self._fresh: list[Made] = []  # those that hold something until the end of this turn

    def made(self, key: Hashable) -> Made:
        """Return what the readers of one key share; it lives as long as one of them."""
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = Made(self._fresh)
        return made


class Made:
    """What equal readers have made of the log in this turn of the loop, so that one makes it for all.

    by_place: a place in the log -> the place after, and the bytes of what lies between.
    """

    __slots__ = ("__weakref__", "_fresh", "by_place")

    def __init__(self, fresh: list[Made]) -> None:
        self.by_place: dict[int, tuple[int, bytes]] = {}
        self._fresh = fresh

    def put(self, after: int, upto: int, data: bytes) -> None:
        """Keep what lies between two places until the end of this turn."""
        fresh = self._fresh
        if not fresh:
            asyncio.get_running_loop().call_soon(_let_go, fresh)
        if not self.by_place:
            fresh.append(self)
        self.by_place[after] = upto, data


def _let_go(fresh: list[Made]) -> None:
    for made in fresh:
        made.by_place.clear()
    fresh.clear()
