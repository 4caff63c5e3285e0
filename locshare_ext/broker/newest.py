"""Each member's newest fix, kept up as entries come."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from locshare_ext.broker.tail import LogEntry
from locshare_ext.model.fix import Fix
from locshare_ext.model.names import fold

__all__ = ["NewestFixes"]


class NewestFixes:
    """The newest fix by effective time of each member; loaded once, when first asked for."""

    def __init__(self) -> None:
        self.is_loaded = False
        self._life = 0  # counts resets: what was loaded before one is stale
        self._is_wanted = False  # until somebody asks, nothing is kept
        self._fixes: dict[str, LogEntry] = {}

    async def load(self, read: Callable[[], Awaitable[Sequence[LogEntry]]]) -> None:
        """Add what was stored before; entries that come meanwhile are not lost."""
        while not self.is_loaded:
            self._is_wanted = True
            life = self._life
            stored = await read()
            if life == self._life:
                self.extend(stored)
                self.is_loaded = True

    def reset(self) -> None:
        """Load anew when next asked for: something was removed."""
        self._life += 1
        self.is_loaded = self._is_wanted = False
        self._fixes.clear()

    def extend(self, entries: Sequence[LogEntry]) -> None:
        """Take entries in any order; of equal times the one that came later counts."""
        if not self._is_wanted:
            return
        for entry in entries:
            if not isinstance(entry.item, Fix):
                continue
            member = fold(entry.item.member)
            other = self._fixes.get(member)
            if other is None or _rank(entry) >= _rank(other):
                self._fixes[member] = entry

    def all(self) -> list[LogEntry]:
        """Return the newest fixes, ascending by offset."""
        return sorted(self._fixes.values(), key=lambda entry: entry.offset)


def _rank(entry: LogEntry) -> tuple[int, int]:
    return entry.item.effective_time, entry.offset
