"""The newest entries of a log in memory, bounded by number and bytes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence

import msgspec

from locshare_ext.model.event import Event
from locshare_ext.model.fix import Fix
from locshare_ext.model.mark import Mark

__all__ = ["LogEntry", "Tail"]

_SLICES = 64  # that are kept; each may have as many entries as one reader takes


class LogEntry(msgspec.Struct, frozen=True, gc=False):
    """An entry with its wire body, encoded once for all readers.

    offset: its place in the log; 0 for a volatile fix, which has none. mark: of a replay, for
    what is not simply a fix of it.
    """

    offset: int
    item: Fix | Event | Mark
    body: bytes
    is_fix: bool
    mark: Mark | None = None


class Tail:
    """All entries above `floor`, ascending; what is below must be read from the store.

    Offsets may have holes (what was forgotten), so places are found by bisection. Slices
    are cached for the readers that stand at the same place.
    """

    def __init__(self, floor: int, length: int, length_bytes: int) -> None:
        self.floor = floor
        self._length = length
        self._length_bytes = length_bytes
        self._slack = length // 8  # entries let go of that may stay in the lists
        self._clear()

    def __len__(self) -> int:
        return len(self._entries) - self._start

    @property
    def size(self) -> int:
        """Bytes of the bodies in memory."""
        return self._ends[-1] - self._end_before(self._start) if len(self) else 0

    def extend(self, entries: Sequence[LogEntry]) -> None:
        """Add entries above all that are here, and let go of the oldest that are over a bound."""
        self._slices.clear()
        end = self._ends[-1] if self._ends else self._base
        for entry in entries:
            end += len(entry.body)
            self._entries.append(entry)
            self._offsets.append(entry.offset)
            self._ends.append(end)
        self._shorten()

    def after(self, offset: int, max_bytes: int) -> Sequence[LogEntry] | None:
        """Return the entries above `offset` up to `max_bytes` of bodies, at least one if there is any.

        None when some that are above it are no longer in memory. The answer is shared: read it only.
        """
        if offset < self.floor:
            return None
        key = (offset, max_bytes)
        found = self._slices.get(key)
        if found is None:
            start = max(bisect_right(self._offsets, offset), self._start)
            most = self._end_before(start) + max_bytes
            stop = max(bisect_right(self._ends, most, lo=start), start + 1)
            if len(self._slices) >= _SLICES:  # of readers that are all elsewhere: nobody asks for them again
                self._slices.clear()
            found = self._slices[key] = self._entries[start:stop]
        return found

    def restart(self, floor: int) -> None:
        """Let go of everything: what is at or below `floor` is in the store only."""
        self.floor = floor
        self._clear()

    def raise_floor(self, floor: int) -> None:
        """Let go of what is at or below an offset."""
        self._slices.clear()
        self._let_go(bisect_right(self._offsets, floor))
        self.floor = max(self.floor, floor)

    def remove(self, is_gone: Callable[[LogEntry], bool]) -> None:
        """Take entries out of the middle; their offsets stay unused."""
        kept: Iterable[LogEntry] = [entry for entry in self._entries[self._start :] if not is_gone(entry)]
        self._clear()
        self.extend(list(kept))

    def _clear(self) -> None:
        self._base = 0
        self._entries: list[LogEntry] = []
        self._offsets: list[int] = []
        self._ends: list[int] = []  # bytes of all bodies up to and with this one
        self._start = 0  # what lies before it is let go of, but still in the lists
        self._slices: dict[tuple[int, int], Sequence[LogEntry]] = {}

    def _end_before(self, index: int) -> int:
        return self._ends[index - 1] if index else self._base

    def _shorten(self) -> None:
        if not self._ends:
            return
        start = len(self._entries) - self._length
        excess = self._ends[-1] - self._length_bytes
        if excess > self._end_before(self._start):
            start = max(start, bisect_left(self._ends, excess, lo=self._start) + 1)
        self._let_go(min(start, len(self._entries) - 1))

    def _let_go(self, start: int) -> None:
        """Count what is before index `start` out; the lists move only now and then."""
        if start <= self._start:
            return
        self.floor = max(self.floor, self._offsets[start - 1])
        if start <= self._slack:
            self._start = start
            return
        self._start, self._base = 0, self._end_before(start)
        del self._entries[:start], self._offsets[:start], self._ends[:start]
