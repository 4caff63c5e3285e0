"""A log that nothing stores: what is no longer in memory is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from locshare_ext.broker.live import LENGTH, LENGTH_BYTES, READ_BYTES, Log
from locshare_ext.broker.tail import LogEntry
from locshare_ext.model.fix import Fix
from locshare_ext.model.mark import Mark
from locshare_ext.model.names import fold
from locshare_ext.model.store import LogInfo

__all__ = ["EphemeralLog"]


class EphemeralLog(Log):
    """A replay's log: readers follow it as any, and who falls behind its memory sees a gap."""

    def __init__(self, info: LogInfo, *, length: int = LENGTH, length_bytes: int = LENGTH_BYTES) -> None:
        super().__init__(info, length, length_bytes)
        self._newest: dict[str, LogEntry] = {}  # since the last discontinuity

    @property
    def info(self) -> LogInfo:
        """The log as it is now."""
        return replace(self._info, head=self.head, oldest=self.oldest, trimmed=self.trimmed)

    @property
    def oldest(self) -> int:
        """The lowest offset that is in memory."""
        return self._tail.floor + 1

    @property
    def trimmed(self) -> int:
        """The highest offset that is not."""
        return self._tail.floor

    def put_fixes(self, fixes: Sequence[tuple[Fix, bytes]], mark: Mark | None = None) -> None:
        """Add fixes with their bodies, and tell the readers; the bodies stay as they are."""
        made: list[LogEntry] = []
        for offset, (fix, body) in enumerate(fixes, self.head + 1):
            placed = msgspec.structs.replace(fix, cursor=self.cursor(offset))
            made.append(entry := LogEntry(offset, placed, body, True, mark))
            member = fold(fix.member)
            newest = self._newest.get(member)
            if newest is None or fix.effective_time >= newest.item.effective_time:
                self._newest[member] = entry
        if made:
            self._tell(made)

    def put_mark(self, mark: Mark, body: bytes) -> None:
        """Add a mark with its body, and tell the readers."""
        if mark.state == "discontinuity":
            self._newest.clear()
        offset = self.head + 1
        placed = msgspec.structs.replace(mark, cursor=self.cursor(offset))
        self._tell([LogEntry(offset, placed, body, False, placed)])

    def forget(self, member: str) -> None:
        """Remove a member's fixes."""
        folded = fold(member)
        self._newest.pop(folded, None)
        self._tail.remove(lambda entry: entry.item.member is not None and fold(entry.item.member) == folded)

    async def read(self, after: int, limit: int, max_bytes: int = READ_BYTES) -> list[LogEntry]:
        """Return what is after an offset and still in memory."""
        some = self._tail.after(max(after, self._tail.floor), max_bytes)
        return list((some or ())[:limit])

    async def newest(self) -> list[LogEntry]:
        """Return each member's newest fix since the last discontinuity, ascending by offset."""
        return sorted(self._newest.values(), key=lambda entry: entry.offset)
