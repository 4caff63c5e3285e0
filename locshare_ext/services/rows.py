"""Rows of a recording as the fixes that they stand for, made when they are needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from locshare_ext.model import wire
from locshare_ext.model.fix import Fix
from locshare_ext.model.trail import fixes_from_table

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Pair", "Rows", "pairs_of"]

_BLOCK = 256  # fixes made of columns at once: 1 ms
Pair = tuple[Fix, bytes]


class Rows:
    """Rows of a window, made into fixes a block at a time, as they are needed."""

    def __init__(self, table: pa.Table, epoch: str) -> None:
        self._table = table
        self._epoch = epoch
        self._begin = 0  # of the block
        self._block: list[Pair] = []

    def pairs(self, start: int, stop: int) -> list[Pair]:
        """Return fixes with their bodies, as the recording's log has them."""
        found: list[Pair] = []
        while start < stop:
            if not self._begin <= start < self._begin + len(self._block):
                self._begin, self._block = start, pairs_of(self._table.slice(start, _BLOCK), self._epoch)
            upto = min(stop, self._begin + len(self._block))
            found += self._block[start - self._begin : upto - self._begin]
            start = upto
        return found


def pairs_of(table: pa.Table, epoch: str) -> list[Pair]:
    """Return the fixes of a table with their bodies."""
    return [(fix, wire.encode(fix)) for fix in fixes_from_table(table, epoch=epoch)]
