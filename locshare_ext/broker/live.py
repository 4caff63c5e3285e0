"""A log that readers follow: each has a place in it, and is woken when there is more."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from locshare_ext.broker.sharing import Made, Sharing
from locshare_ext.broker.tail import LogEntry, Tail
from locshare_ext.errors import Unavailable
from locshare_ext.model.cursor import Cursor
from locshare_ext.model.store import LogInfo

__all__ = ["LENGTH", "LENGTH_BYTES", "READ_BYTES", "Log", "Place", "Reader"]

LENGTH = 10_000  # entries in memory
LENGTH_BYTES = 4 << 20  # of their bodies
READ_BYTES = 256 << 10  # what one reader takes at a time


class Reader(Protocol):
    """Somebody with a place in the log. All calls come on the log's loop and must not raise."""

    def wake(self) -> None:
        """There is something after some place; cheap, at most once per loop turn."""

    def offer(self, items: Sequence[LogEntry]) -> None:
        """Take fixes that could not be stored: flag `volatile`, no cursor, offset 0."""

    def close(self, reason: str) -> None:
        """The log ends; it has let go of this reader already."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reader begins: after `offset`. gap: something it has not seen is no longer kept."""

    offset: int
    gap: bool


class Log(ABC):
    """The newest entries in memory, and the readers; where older ones are is a subclass's matter.

    length, length_bytes: bounds of memory. Belongs to one event loop.
    """

    def __init__(self, info: LogInfo, length: int, length_bytes: int) -> None:
        self._info = info  # its head is that of when it was read: `head` moves with each batch
        self.head = info.head  # the newest offset that readers were told of, 0 in a new log
        self._tail = Tail(info.head, length, length_bytes)
        self._readers: set[Reader] = set()
        self._is_waking = False
        self._sharing = Sharing()
        self._closed: str | None = None

    @abstractmethod
    async def read(self, after: int, limit: int, max_bytes: int = READ_BYTES) -> list[LogEntry]:
        """Return what is after an offset, from wherever it is: up to `limit`, up to `max_bytes`."""

    @abstractmethod
    async def newest(self) -> list[LogEntry]:
        """Return each member's newest fix, ascending by offset."""

    @property
    def info(self) -> LogInfo:
        """The log as it is now."""
        return replace(self._info, head=self.head)

    @property
    def name(self) -> str:
        """The group's slug."""
        return self._info.name

    @property
    def epoch(self) -> str:
        """The log's life, the first part of its cursors."""
        return self._info.epoch

    @property
    def oldest(self) -> int:
        """The lowest offset that is kept, head + 1 if none is."""
        return self._info.oldest

    @property
    def trimmed(self) -> int:
        """The highest offset that was removed: who resumes below it misses entries."""
        return self._info.trimmed

    @property
    def readers(self) -> int:
        """How many readers are attached."""
        return len(self._readers)

    def cursor(self, offset: int) -> str:
        """Return the text of the cursor at `offset`."""
        return self._info.cursor(offset)

    def attach(self, reader: Reader) -> None:
        """Wake `reader` from now on; take its place in the same loop turn to miss nothing."""
        self._check_open()
        self._readers.add(reader)

    def detach(self, reader: Reader) -> None:
        """Leave `reader` alone; no error if it is not attached."""
        self._readers.discard(reader)

    def place(self, text: str | None, default: Literal["start", "now"]) -> Place:
        """Return the place that a cursor's text, `start` or `now` names; None is `default`.

        A cursor of another life begins at the oldest entry with a gap, one below what was
        trimmed goes on from there with a gap. Raises InvalidCursor for other text.
        """
        text = default if text is None else text
        first = self.oldest - 1
        if text == "start":
            return Place(first, False)
        if text == "now":
            return Place(self.head, False)
        cursor = Cursor.parse(text)
        if cursor.epoch != self.epoch:
            return Place(first, True)
        if cursor.offset > self.head:  # the file was replaced by an older copy
            return Place(self.head, True)
        return Place(max(cursor.offset, first), cursor.offset < self.trimmed)

    def tail(self, after: int, max_bytes: int = READ_BYTES) -> Sequence[LogEntry] | None:
        """Return what is after an offset and in memory: entries of up to `max_bytes`, at least one.

        Empty: nothing is there yet. None: older than memory, use `read`. The sequence is shared
        by all readers at that place and must not be changed.
        """
        return self._tail.after(after, max_bytes)

    def made(self, key: Hashable) -> Made:
        """Return what the readers of one key share; it lives as long as one of them."""
        return self._sharing.made(key)

    def close(self, reason: str = "the group was closed") -> None:
        """Let go of all readers and refuse further batches; twice is no error."""
        if self._closed is not None:
            return
        self._closed = reason
        readers, self._readers = self._readers, set()
        for reader in readers:
            reader.close(reason)

    def _tell(self, made: Sequence[LogEntry]) -> None:
        """Add entries above all that are here, and wake the readers at the end of this turn."""
        self.head = made[-1].offset
        self._tail.extend(made)
        if not self._is_waking and self._readers:
            self._is_waking = True
            asyncio.get_running_loop().call_soon(self._wake)

    def _check_open(self) -> None:
        if self._closed is not None:
            raise self._refusal()

    def _refusal(self) -> Unavailable:
        return Unavailable(self._closed or "the group is closed", code="log_closed")

    def _wake(self) -> None:
        self._is_waking = False
        for reader in tuple(self._readers):
            reader.wake()
