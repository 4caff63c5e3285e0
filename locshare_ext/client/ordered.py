"""A table of fixes in the order of a clock, as a replay reads it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from locshare_ext.client.lastknown import LastKnown
from locshare_ext.errors import InvalidInput
from locshare_ext.model.clock import Clock
from locshare_ext.model.fix import Fix
from locshare_ext.model.names import fold
from locshare_ext.model.trail import fixes_from_table

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Ordered"]


class Ordered:
    """Rows by a clock; of equal moments the one that arrived first comes first.

    table: by seq, with the fields of trails. epoch: of its log, for the fixes' cursors.
    moments: of each row, ms.
    """

    def __init__(self, table: pa.Table, clock: Clock, epoch: str | None) -> None:
        # in one piece: taking a few rows out of many chunks copies them all
        self._table = table.unify_dictionaries().combine_chunks()
        self._epoch = epoch
        self.moments = self._table.column(clock).to_numpy()
        if (self.moments[1:] < self.moments[:-1]).any():
            order = np.argsort(self.moments, kind="stable")
            self._table, self.moments = self._table.take(order), self.moments[order]
        self._known: LastKnown | None = None

    def __len__(self) -> int:
        return len(self.moments)

    @property
    def begin(self) -> int:
        """The first moment, ms; 0 without rows."""
        return int(self.moments[0]) if len(self) else 0

    @property
    def end(self) -> int:
        """The last moment, ms; 0 without rows."""
        return int(self.moments[-1]) if len(self) else 0

    def fixes(self, start: int, stop: int) -> Iterable[Fix]:
        """Yield the fixes of rows [start, stop)."""
        return fixes_from_table(self._table.slice(start, stop - start), epoch=self._epoch)

    def first_at(self, moment: int) -> int:
        """Return the first row that is not before a moment."""
        return int(np.searchsorted(self.moments, moment, side="left"))

    def first_after(self, moment: int) -> int:
        """Return the first row that is after a moment."""
        return int(np.searchsorted(self.moments, moment, side="right"))

    def known_before(self, row: int) -> Sequence[Fix]:
        """Return each member's newest fix of the rows before one, in order of arrival."""
        if not row:
            return ()
        if self._known is None:
            self._known = LastKnown(self._table)
        table = self._table.take(self._known.rows(row)).sort_by("seq")
        return tuple(fixes_from_table(table, epoch=self._epoch))

    def until(self, member: str, count: int, row: int) -> int:
        """Return how many rows there are from one up to the member's `count`-th; raises InvalidInput."""
        members = self._table.column("member").combine_chunks()
        numbers = [n for n, name in enumerate(members.dictionary.to_pylist()) if fold(name) == fold(member)]
        rows = np.flatnonzero(np.isin(members.indices.to_numpy(zero_copy_only=False)[row:], numbers))
        if len(rows) < count:
            raise InvalidInput(f"member {member[:64]!r} has {len(rows)} fixes from here on", field="member")
        return int(rows[count - 1]) + 1
