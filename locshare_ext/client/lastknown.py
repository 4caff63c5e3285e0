"""Where everyone was before a row of a long table, without reading the table each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["LastKnown"]

BLOCK = 65_536  # rows
_Rows = npt.NDArray[np.int64]


class LastKnown:
    """Each member's newest fix, by effective time, of the first rows of a table.

    The table is kept in blocks, with the newest of each member before each block: finding them
    for a row reads one block. It takes a second per 10 million rows to prepare.
    """

    def __init__(self, table: pa.Table) -> None:
        members = table.column("member").combine_chunks()
        self._member = members.indices.to_numpy(zero_copy_only=False)
        time, received = table.column("time").to_numpy(), table.column("received").to_numpy()
        self._effective = np.where((received > 0) & (received < time), received, time)
        best = np.full(len(members.dictionary), -1, dtype=np.int64)
        self._before = [best]
        for start in range(0, len(time) - BLOCK, BLOCK):
            best = self._after(best, start, start + BLOCK)
            self._before.append(best)

    def rows(self, place: int) -> _Rows:
        """Return the rows, ascending, of each member's newest fix among the first `place` rows."""
        number = min(place // BLOCK, len(self._before) - 1)
        best = self._after(self._before[number], number * BLOCK, place)
        return np.sort(best[best >= 0])

    def _after(self, best: _Rows, start: int, stop: int) -> _Rows:
        """Return the newest once rows [start, stop) are looked at as well; of equal times the later."""
        member, effective = self._member[start:stop], self._effective[start:stop]
        order = np.lexsort((effective, member))  # stable, so the later of equal ones is the last
        is_last = np.empty(len(order), dtype=bool)
        is_last[-1:] = True
        np.not_equal(member[order[1:]], member[order[:-1]], out=is_last[:-1])
        found = order[is_last] + start
        whose = self._member[found]
        before = best[whose]
        is_newer = (before < 0) | (self._effective[found] >= self._effective[before])
        best = best.copy()
        best[whose[is_newer]] = found[is_newer]
        return best
