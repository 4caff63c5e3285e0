"""Two stores as one: what ephemeral groups send stays in memory, all else is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from locshare_ext.broker.memory import MemoryStore
from locshare_ext.errors import Conflict, LocShareError
from locshare_ext.model.aside import AsideInfo
from locshare_ext.model.cursor import new_epoch
from locshare_ext.model.event import Event, EventKind
from locshare_ext.model.fix import Fix
from locshare_ext.model.store import (
    Appended,
    Entry,
    InviteInfo,
    LogInfo,
    LogKind,
    LogStore,
    PlaceInfo,
    RecordingInfo,
    Selection,
    StoreFailure,
    StorePlace,
)

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["RoutedStore", "check_recordable"]

_T = TypeVar("_T")


class RoutedStore:
    """Keeps what groups send in `kept`, but for the ephemeral ones; the contract is `LogStore`.

    Which groups are is a setting of their logs in `kept`, which has nothing else of them but
    invites. Until that was read nothing is put anywhere. length: entries of an ephemeral
    group; each start of the program is another life of its log. All methods belong to one loop.
    """

    def __init__(self, kept: LogStore, length: int) -> None:
        self.kept = kept
        self.persistent = kept.persistent
        self._memory = MemoryStore(length)
        self._names: set[str] | None = None  # of ephemeral logs; None: not read yet
        self._early: set[asyncio.Task[Any]] = set()  # batches that wait for that

    @property
    def failure(self) -> StoreFailure | None:
        """Why nothing can be kept."""
        return self.kept.failure

    @property
    def place(self) -> StorePlace:
        """Where what is kept is."""
        return self.kept.place

    @property
    def is_taken(self) -> bool:
        """Whether another server uses that place."""
        return self.kept.is_taken

    # what is put in

    def append(
        self, log: str, drafts: Sequence[Fix | Event], *, epoch: str, kind: LogKind = "group"
    ) -> asyncio.Future[Appended]:
        """Store a batch; see `LogStore.append`."""
        if self._names is None or self._early:
            return self._later(self._append_then(log, drafts, epoch, kind))
        return self._home(log).append(log, drafts, epoch=epoch, kind=kind)

    def append_all(
        self, log: str, batches: Sequence[Sequence[Fix | Event]], *, epoch: str, kind: LogKind = "group"
    ) -> asyncio.Future[list[Appended | LocShareError]]:
        """Store batches that came together; see `LogStore.append_all`."""
        if self._names is None or self._early:
            return self._later(self._append_all_then(log, batches, epoch, kind))
        return self._home(log).append_all(log, batches, epoch=epoch, kind=kind)

    async def put_asides(self, log: str, asides: Sequence[AsideInfo], keep: int) -> None:
        """Keep what was refused; the oldest over `keep` of the log go."""
        await (await self._home_of(log)).put_asides(log, asides, keep)

    async def put_places(self, places: Sequence[PlaceInfo]) -> list[PlaceInfo]:
        """Make or replace places; returns those whose log, in that life, is not there."""
        names = await self._known()
        absent: list[PlaceInfo] = []
        for store, is_ephemeral in ((self.kept, False), (self._memory, True)):
            some = [place for place in places if (place.log in names) is is_ephemeral]
            if some:
                absent += await store.put_places(some)
        return absent

    async def put_recording(self, recording: RecordingInfo) -> None:
        """Make or replace a recording; raises Conflict if its log is ephemeral."""
        if recording.log in await self._known():
            check_recordable(recording.log, {"ephemeral": True})
        await self.kept.put_recording(recording)

    async def delete_recording(self, recording_id: str) -> None:
        """Remove a recording, and its log if it is an import; no error if there is none."""
        await self.kept.delete_recording(recording_id)

    async def put_invite(self, invite: InviteInfo) -> None:
        """Make or replace an invite by its id; raises NotFound if there is no such log."""
        await self.kept.put_invite(invite)

    async def exchange_invite(self, opened: str, made: InviteInfo) -> bool:
        """Count one use of an open invite and make another; False: there is no use left."""
        return await self.kept.exchange_invite(opened, made)

    async def delete_invites(self, ids: Sequence[str]) -> None:
        """Remove invites by their ids, with the places they have; no error if there is none."""
        await self.kept.delete_invites(ids)

    # logs

    async def logs(self) -> list[LogInfo]:
        """Return every log, by name."""
        names = await self._known()
        return [
            await self._in_memory(info) if info.name in names else info for info in await self.kept.logs()
        ]

    async def log(self, name: str) -> LogInfo | None:
        """Return one log, None if there is none of that name."""
        names = await self._known()
        info = await self.kept.log(name)
        return info if info is None or name not in names else await self._in_memory(info)

    async def create_log(
        self, name: str, *, kind: LogKind, epoch: str, settings: Mapping[str, Any]
    ) -> LogInfo:
        """Make a log before it has entries; raises Conflict if there is one."""
        names = await self._known()
        is_new = _is_ephemeral(settings) and name not in names
        if is_new:
            names.add(name)  # first: what is sent meanwhile must not be kept
        try:
            info = await self.kept.create_log(name, kind=kind, epoch=epoch, settings=settings)
        except BaseException:
            if is_new:
                names.discard(name)
            raise
        return await self._in_memory(info, epoch) if name in names else info

    async def update_settings(self, name: str, settings: Mapping[str, Any]) -> LogInfo:
        """Replace a log's settings; it can become ephemeral while it is empty, and stays so.

        Raises NotFound if there is no such log, Conflict.
        """
        names = await self._known()
        before = await self.kept.log(name)
        was, will = name in names, _is_ephemeral(settings)
        if before is None or was == will:
            info = await self.kept.update_settings(name, settings)
            return info if not was else await self._in_memory(info)
        if was or before.head or await self.kept.recordings(name):
            raise _settled(name)
        names.add(name)  # first: what is sent meanwhile must not be kept
        try:
            info = await self.kept.update_settings(name, settings)
            if info.head:  # something was on its way
                await self.kept.update_settings(name, before.settings)
                raise _settled(name)
        except BaseException:
            names.discard(name)
            raise
        return await self._in_memory(info, info.epoch)

    async def delete_log(self, name: str) -> None:
        """Remove a log with its entries, recordings and invites; no error if there is none."""
        names = await self._known()
        await self.kept.delete_log(name)
        await self._memory.delete_log(name)
        names.discard(name)

    # what is read

    async def read(self, log: str, after: int, limit: int) -> list[Entry]:
        """Return up to `limit` entries with an offset above `after`, ascending."""
        return await (await self._home_of(log)).read(log, after, limit)

    async def newest(self, log: str) -> list[Entry]:
        """Return each member's newest fix by effective time, ascending by offset."""
        return await (await self._home_of(log)).newest(log)

    async def counts(self, log: str) -> dict[str, int]:
        """Return how many fixes each member has."""
        return await (await self._home_of(log)).counts(log)

    async def trails(self, log: str, selection: Selection) -> pa.Table:
        """Return fixes as an Arrow table with `trail.ARROW_FIELDS`, ascending by seq."""
        return await (await self._home_of(log)).trails(log, selection)

    async def export(self, log: str, selection: Selection) -> AsyncGenerator[bytes, None]:
        """Give the fixes of `trails` as pieces of an Arrow stream."""
        home = await self._home_of(log)
        async with aclosing(home.export(log, selection)) as pieces:
            async for piece in pieces:
                yield piece

    async def at(self, log: str, selection: Selection) -> pa.Table:
        """Return each member's newest fix of a selection; see `LogStore.at`."""
        return await (await self._home_of(log)).at(log, selection)

    async def events(
        self, log: str, selection: Selection, *, kind: EventKind | None = None, limit: int | None = None
    ) -> list[Entry]:
        """Return events, ascending by offset: all or of one kind, all or the first `limit`."""
        return await (await self._home_of(log)).events(log, selection, kind=kind, limit=limit)

    async def asides(self, log: str, selection: Selection, *, limit: int | None = None) -> list[AsideInfo]:
        """Return what was refused, in order of arrival; see `LogStore.asides`."""
        return await (await self._home_of(log)).asides(log, selection, limit=limit)

    async def places(self, log: str, identity: str) -> list[PlaceInfo]:
        """Return the places of one identity in a log, by name."""
        return await (await self._home_of(log)).places(log, identity)

    async def recordings(self, log: str | None = None) -> list[RecordingInfo]:
        """Return recordings, of one log or of all, by time of creation."""
        return await self.kept.recordings(log)

    async def invites(self, log: str | None = None) -> list[InviteInfo]:
        """Return invites, of one log or of all, by time of creation."""
        return await self.kept.invites(log)

    # what is removed

    async def remove_event(self, log: str, offset: int) -> bool:
        """Remove one event; False: there is none."""
        return await (await self._home_of(log)).remove_event(log, offset)

    async def forget(self, log: str, member: str) -> int:
        """Remove every trace of a member; returns the number of entries removed."""
        count = await self.kept.forget(log, member)  # of an ephemeral log: invites
        return count + (await self._memory.forget(log, member) if log in await self._known() else 0)

    async def rename_member(self, log: str, member: str, name: str) -> None:
        """Give a member another name, everywhere; raises Conflict if another one has it."""
        if log in await self._known():
            await self._memory.rename_member(log, member, name)
        await self.kept.rename_member(log, member, name)

    async def merge_member(self, log: str, member: str, into: str) -> int:
        """Make one of two members, everywhere; returns how many fixes both had."""
        twice = await self._memory.merge_member(log, member, into) if log in await self._known() else 0
        return twice + await self.kept.merge_member(log, member, into)

    async def trim(self, log: str, before: int) -> int:
        """Remove entries received before `before` (ms) that no recording keeps."""
        return await (await self._home_of(log)).trim(log, before)

    async def size(self, log: str | None = None) -> int:
        """Return the bytes in use of what is kept; of an ephemeral log those in memory."""
        home = self.kept if log is None else await self._home_of(log)
        return await home.size(log)

    async def received_first(self, logs: Sequence[str], count: int) -> int | None:
        """Return when (ms) the `count`-th entry was received that trims may remove, of what is kept."""
        names = await self._known()
        return await self.kept.received_first([log for log in logs if log not in names], count)

    async def close(self) -> None:
        """Close both; twice is no error."""
        await self._memory.close()
        await self.kept.close()

    # which of the two

    def _home(self, log: str) -> LogStore:
        return self._memory if self._names is not None and log in self._names else self.kept

    async def _home_of(self, log: str) -> LogStore:
        await self._known()
        return self._home(log)

    async def _known(self) -> set[str]:
        """Return the names of ephemeral logs; raises StoreError as long as they cannot be read."""
        if self._names is None:
            found = {info.name for info in await self.kept.logs() if _is_ephemeral(info.settings)}
            if self._names is None:  # nobody was faster
                self._names = found
        return self._names

    async def _in_memory(self, info: LogInfo, epoch: str | None = None) -> LogInfo:
        """Return an ephemeral log as memory has it, made there by the first who asks.

        epoch: of a log that begins now; else it is one of an earlier start, whose offsets are
        not known any more.
        """
        found = await self._memory.log(info.name)
        if found is None:
            found = await self._memory.create_log(
                info.name, kind=info.kind, epoch=epoch or new_epoch(), settings={}
            )
        return replace(found, settings=info.settings, created=info.created)

    def _later(self, work: Coroutine[Any, Any, _T]) -> asyncio.Future[_T]:
        """Do what must wait; cancelling does not undo it."""
        task = asyncio.get_running_loop().create_task(work)
        self._early.add(task)
        task.add_done_callback(self._noticed)
        return asyncio.shield(task)

    def _noticed(self, task: asyncio.Task[Any]) -> None:
        self._early.discard(task)
        if not task.cancelled():
            task.exception()  # who waited for it may have been cancelled

    async def _append_then(
        self, log: str, drafts: Sequence[Fix | Event], epoch: str, kind: LogKind
    ) -> Appended:
        home = await self._home_of(log)
        return await home.append(log, drafts, epoch=epoch, kind=kind)

    async def _append_all_then(
        self, log: str, batches: Sequence[Sequence[Fix | Event]], epoch: str, kind: LogKind
    ) -> list[Appended | LocShareError]:
        home = await self._home_of(log)
        return await home.append_all(log, batches, epoch=epoch, kind=kind)


def check_recordable(log: str, settings: Mapping[str, Any]) -> None:
    """Raise Conflict if nothing of a group may be kept."""
    if _is_ephemeral(settings):
        raise Conflict(
            f"group {log!r} is ephemeral: nothing of it is kept, so it cannot be recorded",
            code="group_ephemeral",
            field="group",
        )


def _is_ephemeral(settings: Mapping[str, Any]) -> bool:
    return settings.get("ephemeral") is True


def _settled(log: str) -> Conflict:
    return Conflict(
        f"whether group {log!r} is ephemeral is settled: it becomes so before its first fix, and stays so; "
        "make another group",
        code="ephemeral_settled",
        field="ephemeral",
    )
