"""One group's log: readers are woken when there is more, and take it from where they stand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import chain

import msgspec

from locshare_ext.broker.live import LENGTH, LENGTH_BYTES, READ_BYTES, Log, Place, Reader
from locshare_ext.broker.newest import NewestFixes
from locshare_ext.broker.tail import LogEntry
from locshare_ext.errors import LocShareError, StoreError
from locshare_ext.model import wire
from locshare_ext.model.event import Event
from locshare_ext.model.fix import Fix
from locshare_ext.model.names import fold
from locshare_ext.model.store import Appended, Entry, LogInfo, LogStore

__all__ = ["GroupLog", "LogEntry", "Place", "Reader"]


class GroupLog(Log):
    """A group's log, live: the newest entries in memory, all others from the store.

    info: as the store knows it; of a log that is not stored yet, made by the caller (its
    epoch is used when the first append makes it). length, length_bytes: bounds of memory.
    Belongs to one event loop.
    """

    def __init__(
        self, info: LogInfo, store: LogStore, *, length: int = LENGTH, length_bytes: int = LENGTH_BYTES
    ) -> None:
        super().__init__(info, length, length_bytes)
        self._store = store
        self._newest = NewestFixes()

    async def append(self, drafts: Sequence[Fix | Event]) -> Appended:
        """Store a batch, then tell the readers; returns when it is committed.

        Cancelling does not undo it. StoreError: nothing is stored; the fixes were offered to
        the readers as volatile. NotFound: the log was deleted. Unavailable: it was closed.
        """
        result = (await asyncio.shield(self.append_all([drafts])))[0]
        if isinstance(result, Appended):
            return result
        raise result

    def append_all(
        self, batches: Sequence[Sequence[Fix | Event]]
    ) -> asyncio.Future[list[Appended | LocShareError]]:
        """Store batches that came together as `append` does each; returns what became of each.

        An error of one is its result and hurts no other; what concerns all is the future's.
        The readers are told before its callbacks run.
        """
        if self._closed is not None or not any(batches):
            future: asyncio.Future[list[Appended | LocShareError]]
            future = asyncio.get_running_loop().create_future()
            if self._closed is not None:
                future.set_exception(self._refusal())
            else:
                future.set_result([Appended((), 0, self.head) for _ in batches])
            return future
        future = self._store.append_all(self.name, batches, epoch=self.epoch, kind=self._info.kind)
        # Told by the future and not by whoever awaits it: a cancelled caller leaves no hole.
        if future.done():  # then awaiting it would not let the callback run first
            self._settle(batches, future)
        else:
            future.add_done_callback(partial(self._settle, batches))
        return future

    async def read(self, after: int, limit: int, max_bytes: int = READ_BYTES) -> list[LogEntry]:
        """Return what is after an offset, from wherever it is: up to `limit`, up to `max_bytes`."""
        some = self._tail.after(after, max_bytes)
        if some is not None:
            return list(some[:limit])
        entries: list[LogEntry] = []
        size = 0
        for entry in await self._store.read(self.name, after, limit):
            made = _encode(entry)
            size += len(made.body)
            # what is committed but not told yet comes by the tail
            if entry.offset > self.head or (entries and size > max_bytes):
                break
            entries.append(made)
        return entries

    async def newest(self) -> list[LogEntry]:
        """Return each member's newest fix, ascending by offset."""
        if not self._newest.is_loaded:
            await self._newest.load(self._load_newest)
        return self._newest.all()

    async def forget(self, member: str) -> int:
        """Remove every trace of a member from store and memory; returns the number of entries."""
        self._tail.remove(partial(_is_of, fold(member)))
        count = await self._store.forget(self.name, member)
        self._tail.restart(self.head)  # what the store removed of what came meanwhile, only it knows
        self._newest.reset()
        await self.refresh()
        return count

    async def rename_member(self, member: str, name: str) -> None:
        """Give a member another name in store and memory; raises Conflict if another one has it."""
        await self._store.rename_member(self.name, member, name)
        self._tail.restart(self.head)  # what is read from now on comes with the new name
        self._newest.reset()

    async def merge_member(self, member: str, into: str) -> int:
        """Make one of two members in store and memory; returns how many fixes both had."""
        twice = await self._store.merge_member(self.name, member, into)
        self._tail.restart(self.head)
        self._newest.reset()
        await self.refresh()
        return twice

    async def remove_event(self, offset: int) -> bool:
        """Remove one event from store and memory; False: there is none at this offset."""
        if not await self._store.remove_event(self.name, offset):
            return False
        self._tail.remove(lambda entry: entry.offset == offset)
        await self.refresh()
        return True

    async def trim(self, before: int) -> int:
        """Remove entries received before `before` (ms) that no recording keeps; returns how many."""
        count = await self._store.trim(self.name, before)
        if count:
            await self.refresh()
            self._tail.raise_floor(min(self._info.trimmed, self.head))
            self._newest.reset()
        return count

    async def refresh(self) -> None:
        """Take settings and bounds from the store, where another part changed them."""
        info = await self._store.log(self.name)
        if info is not None and info.epoch == self.epoch:
            self._info = info  # but for its head: what is not told of yet comes by `append`

    def _settle(
        self,
        batches: Sequence[Sequence[Fix | Event]],
        future: asyncio.Future[list[Appended | LocShareError]],
    ) -> None:
        """Tell the readers what became of batches; runs before whoever awaits it goes on."""
        if future.cancelled():
            return
        error = future.exception()
        if error is None:
            done = [result for result in future.result() if isinstance(result, Appended)]
            if done:
                self._see_trimmed(done[-1].trimmed)
            entries = [result.entries for result in done]
            self._extend(entries[0] if len(entries) == 1 else list(chain.from_iterable(entries)))
        elif isinstance(error, StoreError):
            self.offer(list(chain.from_iterable(batches)))

    def _extend(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        first = entries[0]
        assert first.item.cursor is not None  # noqa: S101 - the contract of LogStore
        epoch = first.item.cursor.rpartition("-")[0]
        if epoch != self.epoch or first.offset != self.head + 1:
            # another life, or entries that were not told of here: those are in the store
            self._tail.restart(first.offset - 1)
            self._newest.reset()
        made = [_encode(entry) for entry in entries]
        if epoch != self.epoch:
            self._info = replace(self._info, epoch=epoch)
        self._newest.extend(made)
        self._tell(made)

    def _see_trimmed(self, trimmed: int) -> None:
        if trimmed > self._info.trimmed:
            self._info = replace(self._info, trimmed=trimmed, oldest=trimmed + 1)
            self._newest.reset()

    def offer(self, drafts: Sequence[Fix | Event]) -> None:
        """Show fixes to the readers that are there now, as volatile; they are kept nowhere."""
        volatile = [_volatile(draft) for draft in drafts if isinstance(draft, Fix)]
        if volatile:
            for reader in tuple(self._readers):
                reader.offer(volatile)

    async def _load_newest(self) -> list[LogEntry]:
        return [_encode(entry) for entry in await self._store.newest(self.name)]


def _encode(entry: Entry) -> LogEntry:
    return LogEntry(entry.offset, entry.item, wire.encode(entry.item), isinstance(entry.item, Fix))


def _is_of(folded: str, entry: LogEntry) -> bool:
    return entry.item.member is not None and fold(entry.item.member) == folded


def _volatile(fix: Fix) -> LogEntry:
    offered = msgspec.structs.replace(fix, cursor=None, flags=(*fix.flags, "volatile"))
    return LogEntry(0, offered, wire.encode(offered), True)
