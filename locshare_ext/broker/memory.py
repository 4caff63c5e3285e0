"""The store that keeps nothing: logs in memory, bounded, gone with the program."""

from __future__ import annotations

import asyncio
import bisect
import time
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import replace
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Any

from locshare_ext.broker.memory_asides import MemoryAsides
from locshare_ext.broker.memory_log import MemoryLog, entry_bytes, key_of, newest_table, rank
from locshare_ext.errors import Conflict, InvalidInput, LocShareError, NotFound, StoreError
from locshare_ext.model.aside import AsideInfo
from locshare_ext.model.event import Event, EventKind
from locshare_ext.model.fix import Fix
from locshare_ext.model.names import fold
from locshare_ext.model.sequence import Sequence as Numbering
from locshare_ext.model.store import (
    Appended,
    Entry,
    InviteInfo,
    LogInfo,
    LogKind,
    PlaceInfo,
    RecordingInfo,
    Selection,
    StorePlace,
)
from locshare_ext.model.trail import stream_piece, table_from_fixes

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["MemoryStore"]


class MemoryStore:
    """Keep the newest `length` entries of each log in memory; the contract is `LogStore`.

    What is over `length` goes even if a recording would keep it: memory has a bound.
    All methods belong to one event loop.
    """

    persistent = False
    failure = None  # nothing here can fail
    place = StorePlace()
    is_taken = False

    def __init__(self, length: int = 100_000) -> None:
        self._length = length
        self._logs: dict[str, MemoryLog] = {}
        self._recordings: dict[str, RecordingInfo] = {}
        self._invites: dict[str, InviteInfo] = {}
        self._places: dict[tuple[str, str, str], PlaceInfo] = {}  # by log, identity and name
        self._asides = MemoryAsides()
        self._deleted: set[str] = set()  # epochs
        self._is_closed = False

    def append(
        self, log: str, drafts: Sequence[Fix | Event], *, epoch: str, kind: LogKind = "group"
    ) -> asyncio.Future[Appended]:
        """Store a batch; the future is done when this returns."""
        future: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        try:
            future.set_result(self._append(log, drafts, epoch, kind))
        except LocShareError as error:
            future.set_exception(error)
        return future

    def append_all(
        self, log: str, batches: Sequence[Sequence[Fix | Event]], *, epoch: str, kind: LogKind = "group"
    ) -> asyncio.Future[list[Appended | LocShareError]]:
        """Store batches; the future is done when this returns."""
        future: asyncio.Future[list[Appended | LocShareError]] = asyncio.get_running_loop().create_future()
        results: list[Appended | LocShareError] = []
        try:
            for drafts in batches:
                try:
                    results.append(self._append(log, drafts, epoch, kind))
                except InvalidInput as error:
                    results.append(error)
        except LocShareError as error:  # it concerns all of them, so the first was none
            future.set_exception(error)
        else:
            future.set_result(results)
        return future

    async def logs(self) -> list[LogInfo]:
        """Return every log, by name."""
        return [self._info(self._logs[name]) for name in sorted(self._logs)]

    async def log(self, name: str) -> LogInfo | None:
        """Return one log, None if there is none of that name."""
        log = self._logs.get(name)
        return None if log is None else self._info(log)

    async def create_log(
        self, name: str, *, kind: LogKind, epoch: str, settings: Mapping[str, Any]
    ) -> LogInfo:
        """Make a log before it has entries; raises Conflict if there is one."""
        self._check_open()
        if name in self._logs:
            raise Conflict(f"there is a log {name!r} already", code="log_exists")
        return self._info(self._make(name, kind, epoch, settings))

    async def update_settings(self, name: str, settings: Mapping[str, Any]) -> LogInfo:
        """Replace a log's settings; raises NotFound if there is no such log."""
        log = self._known(name)
        log.info = replace(log.info, settings=dict(settings))
        return self._info(log)

    async def delete_log(self, name: str) -> None:
        """Remove a log with its entries, recordings and invites; no error if there is none."""
        log = self._logs.pop(name, None)
        if log is not None:
            self._deleted.add(log.info.epoch)
            self._asides.drop(name)
            self._recordings = {key: one for key, one in self._recordings.items() if one.log != name}
            self._invites = {key: one for key, one in self._invites.items() if one.log != name}
            self._places = {key: one for key, one in self._places.items() if one.log != name}

    async def read(self, log: str, after: int, limit: int) -> list[Entry]:
        """Return up to `limit` entries with an offset above `after`, ascending."""
        entries = self._entries(log)
        start = bisect.bisect_right(entries, after, key=_offset)
        return entries[start : start + max(limit, 0)]

    async def newest(self, log: str) -> list[Entry]:
        """Return each member's newest fix by effective time, ascending by offset."""
        if log not in self._logs:
            return []
        offsets = {offset for _, offset in self._logs[log].newest.values()}
        return [entry for entry in self._entries(log) if entry.offset in offsets]

    async def counts(self, log: str) -> dict[str, int]:
        """Return how many fixes each member has."""
        counts: dict[str, int] = {}
        for entry in self._entries(log):
            if isinstance(entry.item, Fix):
                counts[entry.item.member] = counts.get(entry.item.member, 0) + 1
        return counts

    async def trails(self, log: str, selection: Selection) -> pa.Table:
        """Return fixes as an Arrow table with `trail.ARROW_FIELDS`, ascending by seq."""
        chosen = self._select(log, selection)
        return table_from_fixes(
            [(entry.offset, entry.item) for entry in chosen if isinstance(entry.item, Fix)]
        )

    async def export(self, log: str, selection: Selection) -> AsyncGenerator[bytes, None]:
        """Give the fixes of `trails` as pieces of an Arrow stream; memory has few, so there is one."""
        table = await self.trails(log, selection)
        if table.num_rows:
            yield await asyncio.to_thread(stream_piece, table)

    async def at(self, log: str, selection: Selection) -> pa.Table:
        """Return each member's newest fix of a selection, with `received` of its last that arrived."""
        return newest_table(self._select(log, selection))

    async def events(
        self, log: str, selection: Selection, *, kind: EventKind | None = None, limit: int | None = None
    ) -> list[Entry]:
        """Return events, ascending by offset: all or of one kind, all or the first `limit`."""
        chosen = [
            entry
            for entry in self._select(log, selection)
            if isinstance(entry.item, Event) and kind in (None, entry.item.kind)
        ]
        return chosen if limit is None else chosen[: max(limit, 0)]

    async def remove_event(self, log: str, offset: int) -> bool:
        """Remove one event; False: there is none."""
        gone = [entry for entry in await self.read(log, offset - 1, 1) if entry.offset == offset]
        if not gone or not isinstance(gone[0].item, Event):
            return False
        self._remove(self._logs[log], gone)
        return True

    async def forget(self, log: str, member: str) -> int:
        """Remove every trace of a member; returns the number of entries removed."""
        if log not in self._logs:
            return 0
        known, folded = self._logs[log], fold(member)
        known.numbering.forget(member)
        self._asides.forget(log, member)
        for invite in await self.invites(log):
            if invite.member is not None and fold(invite.member) == folded:
                del self._invites[invite.id]
                for place in await self.places(log, invite.id):
                    del self._places[log, invite.id, place.name]
        return self._remove(
            known,
            [entry for entry in known.entries if entry.item.member and fold(entry.item.member) == folded],
        )

    async def rename_member(self, log: str, member: str, name: str) -> None:
        """Give a member another name, everywhere; raises Conflict if another one has it."""
        self._check_open()
        if log in self._logs:
            self._logs[log].rename(member, name)
        await self._rename_beside(log, member, name)

    async def merge_member(self, log: str, member: str, into: str) -> int:
        """Make one of two members, everywhere; returns how many fixes both had."""
        self._check_open()
        twice: list[Entry] = []
        if log in self._logs and fold(member) != fold(into):
            known = self._logs[log]
            twice = known.twice(member, into)
            self._remove(known, twice)
            known.merge(member, into)
        await self._rename_beside(log, member, into)
        return len(twice)

    async def _rename_beside(self, log: str, member: str, name: str) -> None:
        if log in self._logs:
            self._asides.rename(log, member, name)
        for invite in await self.invites(log):
            if invite.member is not None and fold(invite.member) == fold(member):
                self._invites[invite.id] = replace(invite, member=name)

    async def trim(self, log: str, before: int) -> int:
        """Remove entries received before `before` (ms) that no recording keeps."""
        if log not in self._logs:
            return 0
        recordings = await self.recordings(log)
        self._asides.trim(log, before, lambda at: any(one.has_refused(at) for one in recordings))
        old = [entry for entry in self._removable(log) if entry.item.received < before]
        if old:
            self._trim(self._logs[log], old)
        return len(old)

    async def size(self, log: str | None = None) -> int:
        """Return about how many bytes the entries take, of all logs or of one."""
        return sum(one.size for name, one in self._logs.items() if log in (None, name))

    async def received_first(self, logs: Sequence[str], count: int) -> int | None:
        """Return when (ms) the `count`-th entry was received that trims may remove."""
        ways = [(entry.item.received for entry in self._removable(log)) for log in logs]
        last = deque(islice(merge(*ways), count), maxlen=1)
        return last[0] if last else None

    async def put_recording(self, recording: RecordingInfo) -> None:
        """Make or replace a recording by its id; raises NotFound if there is no such log."""
        kind = self._known(recording.log).info.kind
        self._recordings[recording.id] = replace(recording, kind=kind)

    async def recordings(self, log: str | None = None) -> list[RecordingInfo]:
        """Return recordings, of one log or of all, by time of creation."""
        chosen = [one for one in self._recordings.values() if log is None or one.log == log]
        return sorted(chosen, key=lambda one: (one.created, one.id))

    async def delete_recording(self, recording_id: str) -> None:
        """Remove a recording, and its log if it is an import; no error if there is none."""
        recording = self._recordings.pop(recording_id, None)
        if recording is not None and recording.kind == "import":
            await self.delete_log(recording.log)

    async def put_invite(self, invite: InviteInfo) -> None:
        """Make or replace an invite by its id; raises NotFound if there is no such log."""
        self._known(invite.log)
        self._invites[invite.id] = invite

    async def exchange_invite(self, opened: str, made: InviteInfo) -> bool:
        """Count one use of an open invite and make another; False: there is no use left."""
        known = self._invites.get(opened)
        if known is None or known.revoked is not None or known.used == known.uses:
            return False
        self._known(made.log)
        self._invites[opened] = replace(known, used=known.used + 1)
        self._invites[made.id] = made
        return True

    async def invites(self, log: str | None = None) -> list[InviteInfo]:
        """Return invites, of one log or of all, by time of creation."""
        chosen = [one for one in self._invites.values() if log is None or one.log == log]
        return sorted(chosen, key=lambda one: (one.created, one.id))

    async def delete_invites(self, ids: Sequence[str]) -> None:
        """Remove invites by their ids, with the places they have; no error if there is none."""
        for invite_id in ids:
            self._invites.pop(invite_id, None)
        self._places = {key: one for key, one in self._places.items() if one.identity not in ids}

    async def put_places(self, places: Sequence[PlaceInfo]) -> list[PlaceInfo]:
        """Make or replace places; returns those whose log, in that life, is not there."""
        absent: list[PlaceInfo] = []
        for place in places:
            if place.log in self._logs and self._logs[place.log].info.epoch == place.epoch:
                self._places[place.log, place.identity, place.name] = place
            else:
                absent.append(place)
        return absent

    async def places(self, log: str, identity: str) -> list[PlaceInfo]:
        """Return the places of one identity in a log, by name."""
        chosen = [one for one in self._places.values() if one.log == log and one.identity == identity]
        return sorted(chosen, key=lambda one: one.name)

    async def put_asides(self, log: str, asides: Sequence[AsideInfo], keep: int) -> None:
        """Keep what was refused; the oldest over `keep` of the log go."""
        if log in self._logs:
            self._asides.put(log, asides, keep)

    async def asides(self, log: str, selection: Selection, *, limit: int | None = None) -> list[AsideInfo]:
        """Return what was refused, in order of arrival; see `LogStore.asides`."""
        return self._asides.select(log, selection, limit)

    async def close(self) -> None:
        """Refuse what comes from now on; twice is no error."""
        self._is_closed = True

    def _append(self, name: str, drafts: Sequence[Fix | Event], epoch: str, kind: LogKind) -> Appended:
        self._check_open()
        log = self._logs.get(name)
        if log is None:
            if epoch in self._deleted:
                raise NotFound(f"log {name!r} was deleted", code="log_deleted")
            log = self._make(name, kind, epoch, {})
        entries, duplicates = log.numbering.admit(drafts, lambda fix: key_of(fix) in log.stored)
        for entry in entries:
            if isinstance(entry.item, Fix):
                log.stored.add(key_of(entry.item))
                place, member = rank(entry.item, entry.offset), fold(entry.item.member)
                log.newest[member] = max(place, log.newest.get(member, place))
        log.entries += entries
        log.size += sum(map(entry_bytes, entries))
        over = len(log.entries) - self._length
        trimmed = 0
        if over > self._length // 10:  # in steps, as each moves what is kept
            self._trim(log, log.entries[:over])
            trimmed = log.info.trimmed
        return Appended(tuple(entries), duplicates, log.numbering.head, trimmed)

    def _make(self, name: str, kind: LogKind, epoch: str, settings: Mapping[str, Any]) -> MemoryLog:
        created = time.time_ns() // 1_000_000
        info = LogInfo(name, kind, epoch, 1, 0, created, dict(settings))
        log = self._logs[name] = MemoryLog(info, Numbering(epoch))
        return log

    def _info(self, log: MemoryLog) -> LogInfo:
        head = log.numbering.head
        return replace(log.info, head=head, oldest=log.entries[0].offset if log.entries else head + 1)

    def _known(self, name: str) -> MemoryLog:
        self._check_open()
        if name not in self._logs:
            raise NotFound(f"there is no log {name!r}", code="log_not_found")
        return self._logs[name]

    def _entries(self, name: str) -> list[Entry]:
        self._check_open()
        return self._logs[name].entries if name in self._logs else []

    def _check_open(self) -> None:
        if self._is_closed:
            raise StoreError("the store is closed")

    def _removable(self, name: str) -> Iterator[Entry]:
        """Give the entries that no recording keeps."""
        keeping = [recording for recording in self._recordings.values() if recording.log == name]
        for entry in self._entries(name):
            if not any(_has(recording, entry) for recording in keeping):
                yield entry

    def _select(self, name: str, selection: Selection) -> list[Entry]:
        recording = None
        if selection.recording is not None:
            recording = self._recordings.get(selection.recording)
            if recording is None or recording.log != name:
                raise NotFound(
                    f"{name!r} has no recording {selection.recording!r}", code="recording_not_found"
                )
        return [
            entry
            for entry in self._entries(name)
            if selection.has(entry) and (recording is None or _has(recording, entry))
        ]

    def _trim(self, log: MemoryLog, old: list[Entry]) -> None:
        log.info = replace(log.info, trimmed=max(log.info.trimmed, old[-1].offset))
        self._remove(log, old)
        staying = {fold(entry.item.member) for entry in log.entries if entry.item.member}
        for folded in log.numbering.names.keys() - staying:
            log.numbering.forget(folded)

    def _remove(self, log: MemoryLog, entries: list[Entry]) -> int:
        gone = {entry.offset for entry in entries}
        log.entries = [entry for entry in log.entries if entry.offset not in gone]
        log.size -= sum(map(entry_bytes, entries))
        log.stored -= {key_of(entry.item) for entry in entries if isinstance(entry.item, Fix)}
        lost = {member for member, (_, offset) in log.newest.items() if offset in gone}
        for member in lost:
            del log.newest[member]
        for entry in log.entries if lost else ():
            if isinstance(entry.item, Fix) and (member := fold(entry.item.member)) in lost:
                place = rank(entry.item, entry.offset)
                log.newest[member] = max(place, log.newest.get(member, place))
        return len(gone)


def _has(recording: RecordingInfo, entry: Entry) -> bool:
    return recording.has(entry.offset, entry.item.time, entry.item.received)


def _offset(entry: Entry) -> int:
    return entry.offset
