"""The store in one SQLite file."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sqlite3
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locshare_ext.errors import Conflict, LocShareError, NotFound
from locshare_ext.model.aside import AsideInfo
from locshare_ext.model.event import Event, EventKind
from locshare_ext.model.fix import Fix
from locshare_ext.model.store import (
    Appended,
    Entry,
    InviteInfo,
    LogInfo,
    LogKind,
    PlaceInfo,
    RecordingInfo,
    Selection,
    StoreFailure,
    StorePlace,
)
from locshare_ext.model.trail import table_from_pieces
from locshare_ext.store import aside, invites, recordings, selecting, upkeep
from locshare_ext.store.appending import make_log
from locshare_ext.store.connection import Synchronous, transaction
from locshare_ext.store.desk import Desk
from locshare_ext.store.entries import read_entries, read_newest
from locshare_ext.store.exporting import export
from locshare_ext.store.file import StoreFile
from locshare_ext.store.home import Home
from locshare_ext.store.maintenance import Maintenance
from locshare_ext.store.newest import nobody, read_at
from locshare_ext.store.oldest import nth_received
from locshare_ext.store.places import list_places, put_places
from locshare_ext.store.sealed import Sealed
from locshare_ext.store.sizes import bytes_in_use, bytes_of_log
from locshare_ext.store.work import LIVE, ROWS
from locshare_ext.store.writer import Writer

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["SQLiteStore"]


class SQLiteStore:
    """Keep logs and recordings in a SQLite file; the contract is `LogStore`.

    path: made (0600, its folder 0700) by the first thing that is stored; until then, and
    until something is read from a file that exists, there is no file and no thread.
    synchronous: NORMAL survives kill -9 of this program; FULL a power cut too, and is slower.
    readers: threads that read at the same time. sealed_rows: fixes of a segment; live_rows:
    newest ones of a log that are never sealed. is_shared: other programs may write the file
    too; else a store that finds it in use by another takes a file beside it. log: told
    where the file is, and when it fails and works again.
    All methods belong to one event loop at a time, and none blocks it.
    """

    persistent = True

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        synchronous: Synchronous = "NORMAL",
        readers: int = 2,
        sealed_rows: int = ROWS,
        live_rows: int = LIVE,
        is_shared: bool = True,
        log: logging.Logger | logging.LoggerAdapter[Any] | None = None,
    ) -> None:
        self._home = Home(Path(path).expanduser().absolute(), is_shared=is_shared)
        self._sealed = Sealed()
        desk = Desk(self._home, synchronous, self._sealed, self._may_seal, sealed_rows + live_rows)
        self._file = StoreFile(self._home, Writer(desk, log), self._sealed, readers)
        self._maintenance = Maintenance(self._file, self._sealed, rows=sealed_rows, live=live_rows)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closed = False

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._home.path

    @property
    def failure(self) -> StoreFailure | None:
        """Why nothing can be committed, and since when; None if that is not so."""
        return self._file.writer.failure

    @property
    def place(self) -> StorePlace:
        """Where the file is, and how it is used."""
        return self._home.place

    @property
    def is_taken(self) -> bool:
        """Whether another server uses the file, so that this one would take its own."""
        return self._home.is_taken

    def append(
        self, log: str, drafts: Sequence[Fix | Event], *, epoch: str, kind: LogKind = "group"
    ) -> asyncio.Future[Appended]:
        """Store a batch; see `LogStore.append`."""
        self._begin()
        return self._file.writer.append(log, drafts, epoch, kind)

    def append_all(
        self, log: str, batches: Sequence[Sequence[Fix | Event]], *, epoch: str, kind: LogKind = "group"
    ) -> asyncio.Future[list[Appended | LocShareError]]:
        """Store batches that came together; see `LogStore.append_all`."""
        self._begin()
        return self._file.writer.append_all(log, batches, epoch, kind)

    async def logs(self) -> list[LogInfo]:
        """Return every log, by name."""
        return await self._file.read(selecting.list_logs, [])

    async def log(self, name: str) -> LogInfo | None:
        """Return one log, None if there is none of that name."""
        found = await self._file.read(partial(_find, name=name), None)
        return None if found is None else found[1]

    async def create_log(
        self, name: str, *, kind: LogKind, epoch: str, settings: Mapping[str, Any]
    ) -> LogInfo:
        """Make a log before it has entries; raises Conflict if there is one."""
        return await self._file.write(partial(_create, name=name, kind=kind, epoch=epoch, settings=settings))

    async def update_settings(self, name: str, settings: Mapping[str, Any]) -> LogInfo:
        """Replace a log's settings; raises NotFound if there is no such log."""
        if not self._file.exists:
            raise _no_log(name)
        return await self._file.write(partial(_set, name=name, settings=settings))

    async def delete_log(self, name: str) -> None:
        """Remove a log with its entries, recordings and invites; no error if there is none."""
        if not self._file.exists:
            return
        await self._file.write(partial(upkeep.begin_delete, log=name))
        await self._maintenance.clear()

    async def read(self, log: str, after: int, limit: int) -> list[Entry]:
        """Return up to `limit` entries with an offset above `after`, ascending."""
        query = partial(read_entries, sealed=self._sealed, log=log, after=after, limit=limit)
        return await self._file.read(query, [])

    async def newest(self, log: str) -> list[Entry]:
        """Return each member's newest fix by effective time, ascending by offset."""
        self._file.prepare(log)  # whoever looks at a large log may want all of it next
        return await self._file.read(partial(read_newest, sealed=self._sealed, log=log), [])

    async def counts(self, log: str) -> dict[str, int]:
        """Return how many fixes each member has."""
        return await self._file.read(partial(selecting.read_counts, log=log), {})

    async def trails(self, log: str, selection: Selection) -> pa.Table:
        """Return fixes as an Arrow table with `trail.ARROW_FIELDS`, ascending by seq."""
        pieces = [piece async for piece in self.export(log, selection)]
        return await asyncio.to_thread(table_from_pieces, pieces)

    async def export(self, log: str, selection: Selection) -> AsyncGenerator[bytes, None]:
        """Give fixes as pieces of an Arrow stream; many are read by another process."""
        info = await self.log(log)
        if info is None:
            return
        async with aclosing(export(self._file, self._sealed, info, selection)) as pieces:
            async for piece in pieces:
                yield piece

    async def at(self, log: str, selection: Selection) -> pa.Table:
        """Return each member's newest fix of a selection; see `LogStore.at`."""
        query = partial(read_at, sealed=self._sealed, log=log, selection=selection)
        table = await self._file.read(query, None)
        return nobody() if table is None else table

    async def events(
        self, log: str, selection: Selection, *, kind: EventKind | None = None, limit: int | None = None
    ) -> list[Entry]:
        """Return events, ascending by offset: all or of one kind, all or the first `limit`."""
        query = partial(selecting.read_events, log=log, selection=selection, kind=kind, limit=limit)
        return await self._file.read(query, [])

    async def remove_event(self, log: str, offset: int) -> bool:
        """Remove one event; False: there is none."""
        if not self._file.exists:
            return False
        return await self._file.write(partial(upkeep.remove_event, log=log, offset=offset))

    async def forget(self, log: str, member: str) -> int:
        """Remove every trace of a member; returns the number of entries removed.

        The file is written anew and its write-ahead log emptied: when this returns, no byte of
        what was removed is in either. Readers that began before are waited for, later ones and
        batches wait. StoreError when another process reads on for too long: the entries are
        gone, but older pages may still be in the write-ahead log. StoreDamaged when some of the
        log's fixes cannot be read: all others of the member are gone, and nothing shows those.
        """
        if not self._file.exists:
            return 0
        await self._file.write(partial(upkeep.begin_forget, log=log, member=member))
        try:
            return await self._maintenance.clear(log)
        finally:
            await self._file.scrub()

    async def rename_member(self, log: str, member: str, name: str) -> None:
        """Give a member another name, everywhere; raises Conflict if another one has it."""
        if self._file.exists:
            await self._file.write(partial(upkeep.rename_member, log=log, member=member, name=name))

    async def merge_member(self, log: str, member: str, into: str) -> int:
        """Make one of two members; see `LogStore.merge_member`. StoreDamaged: nothing is changed."""
        return await self._maintenance.merge(log, member, into) if self._file.exists else 0

    async def trim(self, log: str, before: int) -> int:
        """Remove entries received before `before` (ms) that no recording keeps."""
        if not self._file.exists:
            return 0
        if await self._file.read(partial(aside.has_old_asides, log=log, before=before), False):
            await self._file.write(partial(aside.trim_asides, log=log, before=before))
        return await self._maintenance.trim(log, before)

    async def seal(self, log: str) -> int:
        """Seal what there is to seal of a log now; returns how many segments were made.

        It is done by itself, in the background: this is for who waits for it.
        """
        return await self._maintenance.seal(log) if self._file.exists else 0

    async def size(self, log: str | None = None) -> int:
        """Return the bytes of the file's pages that are in use, or about those of one log."""
        if log is not None:
            return await self._file.read(partial(bytes_of_log, log=log), 0)
        return await self._file.read(bytes_in_use, 0)

    async def received_first(self, logs: Sequence[str], count: int) -> int | None:
        """Return when (ms) the `count`-th entry was received that trims may remove."""
        return await self._file.read(partial(nth_received, sealed=self._sealed, logs=logs, count=count), None)

    async def put_recording(self, recording: RecordingInfo) -> None:
        """Make or replace a recording by its id; raises NotFound if there is no such log."""
        if not self._file.exists:
            raise _no_log(recording.log)
        await self._file.write(partial(recordings.put_recording, recording=recording))

    async def recordings(self, log: str | None = None) -> list[RecordingInfo]:
        """Return recordings, of one log or of all, by time of creation."""
        return await self._file.read(partial(selecting.list_recordings, log=log), [])

    async def delete_recording(self, recording_id: str) -> None:
        """Remove a recording, and its log if it is an import; no error if there is none."""
        if not self._file.exists:
            return
        if await self._file.write(partial(recordings.delete_recording, recording_id=recording_id)):
            await self._maintenance.clear()

    async def put_invite(self, invite: InviteInfo) -> None:
        """Make or replace an invite by its id; raises NotFound if there is no such log."""
        if not self._file.exists:
            raise _no_log(invite.log)
        await self._file.write(partial(invites.put_invite, invite=invite))

    async def exchange_invite(self, opened: str, made: InviteInfo) -> bool:
        """Count one use of an open invite and make another; False: there is no use left."""
        if not self._file.exists:
            return False
        return await self._file.write(partial(invites.exchange_invite, opened=opened, made=made))

    async def invites(self, log: str | None = None) -> list[InviteInfo]:
        """Return invites, of one log or of all, by time of creation."""
        return await self._file.read(partial(invites.list_invites, log=log), [])

    async def delete_invites(self, ids: Sequence[str]) -> None:
        """Remove invites by their ids, with the places they have; no error if there is none."""
        if ids and self._file.exists:
            await self._file.write(partial(invites.delete_invites, ids=ids))

    async def put_places(self, places: Sequence[PlaceInfo]) -> list[PlaceInfo]:
        """Make or replace places; returns those whose log, in that life, is not there."""
        if not self._file.exists:
            return list(places)
        return await self._file.write(partial(put_places, places=places))

    async def places(self, log: str, identity: str) -> list[PlaceInfo]:
        """Return the places of one identity in a log, by name."""
        return await self._file.read(partial(list_places, log=log, identity=identity), [])

    async def put_asides(self, log: str, asides: Sequence[AsideInfo], keep: int) -> None:
        """Keep what was refused; the oldest over `keep` of the log go."""
        if self._file.exists:
            await self._file.write(partial(aside.put_asides, log=log, asides=asides, keep=keep))

    async def asides(self, log: str, selection: Selection, *, limit: int | None = None) -> list[AsideInfo]:
        """Return what was refused, in order of arrival; see `LogStore.asides`."""
        return await self._file.read(
            partial(aside.list_asides, log=log, selection=selection, limit=limit), []
        )

    async def close(self) -> None:
        """Finish what was begun, close files and threads; twice is no error."""
        self._is_closed = True
        await self._maintenance.close()
        await self._file.close()

    def _begin(self) -> None:
        """Know the loop that writes, and once begin what goes on beside it."""
        if self._loop is None and self._file.exists:  # a new one has nothing that must be looked after
            asyncio.get_running_loop().call_soon(self._start)
        self._loop = asyncio.get_running_loop()

    def _start(self) -> None:
        if not self._is_closed:
            self._maintenance.start()

    def _may_seal(self, log: str) -> None:
        """Seal beside what goes on; called on the writer's thread."""
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # the loop was closed
                loop.call_soon_threadsafe(self._seal_beside, log)

    def _seal_beside(self, log: str) -> None:
        if not self._is_closed:
            self._maintenance.begin(log)


def _find(conn: sqlite3.Connection, name: str) -> tuple[int, LogInfo] | None:
    return selecting.find_log(conn, name)


def _info(conn: sqlite3.Connection, name: str) -> LogInfo:
    found = selecting.find_log(conn, name)
    if found is None:
        raise _no_log(name)
    return found[1]


def _no_log(name: str) -> NotFound:
    return NotFound(f"there is no log {name!r}", code="log_not_found")


def _create(desk: Desk, name: str, kind: LogKind, epoch: str, settings: Mapping[str, Any]) -> LogInfo:
    with transaction(desk.conn):
        if selecting.find_log(desk.conn, name) is not None:
            raise Conflict(f"there is a log {name!r} already", code="log_exists")
        make_log(desk.conn, name, kind, epoch, json.dumps(dict(settings)))
    return _info(desk.conn, name)


def _set(desk: Desk, name: str, settings: Mapping[str, Any]) -> LogInfo:
    info = _info(desk.conn, name)
    with transaction(desk.conn):
        desk.conn.execute("UPDATE logs SET settings = ? WHERE name = ?", (json.dumps(dict(settings)), name))
    return replace(info, settings=dict(settings))
