"""Who may be near a place, without asking everybody."""

from __future__ import annotations

import math
from collections.abc import Iterator

__all__ = ["Nearby"]

_DEGREE = 110_500.0  # m of latitude, at least


class Nearby:
    """Members by cells of the earth, in bands of latitude that are `reach` metres high.

    A cell of a band is at least as wide, everywhere in it, so that whoever is within reach of a
    place is in its cell or in one beside that.
    """

    def __init__(self, reach: float) -> None:
        self._height = reach / _DEGREE
        self._cells: dict[tuple[int, int], set[str]] = {}
        self._at: dict[str, tuple[int, int]] = {}

    def put(self, member: str, lat: float, lon: float) -> None:
        """Note where a member is."""
        band = math.floor(lat / self._height)
        cell = (band, self._column(band, lon)[0])
        before = self._at.get(member)
        if before == cell:
            return
        if before is not None:
            self._leave(member, before)
        self._at[member] = cell
        self._cells.setdefault(cell, set()).add(member)

    def drop(self, member: str) -> None:
        """Forget a member."""
        cell = self._at.pop(member, None)
        if cell is not None:
            self._leave(member, cell)

    def around(self, lat: float, lon: float) -> Iterator[str]:
        """Yield whoever may be within reach of a place, in no order."""
        middle = math.floor(lat / self._height)
        for band in (middle - 1, middle, middle + 1):
            at, count = self._column(band, lon)
            # the last cell before the 180th meridian may be narrow: so one more beyond it
            for column in {(at + step) % count for step in (-2, -1, 0, 1, 2)}:
                yield from self._cells.get((band, column), ())

    def _column(self, band: int, lon: float) -> tuple[int, int]:
        """Return the cell of a longitude in a band, and how many the band has."""
        # as wide as reach is where the neighbour band is narrowest
        farthest = min(90.0, (max(abs(band), abs(band + 1)) + 1) * self._height)
        narrow = math.cos(math.radians(farthest))
        width = 360.0 if narrow < 1e-3 else min(360.0, self._height / narrow)
        count = math.ceil(360.0 / width)
        return math.floor((lon + 180.0) / width) % count, count

    def _leave(self, member: str, cell: tuple[int, int]) -> None:
        members = self._cells[cell]
        members.discard(member)
        if not members:
            del self._cells[cell]
