"""The store in one SQLite file: one thread writes, a few read beside it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from locshare_ext.errors import Conflict, LocShareError, NotFound, StoreError
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
)
from locshare_ext.store import invites, recordings, selecting, upkeep
from locshare_ext.store.appending import make_log
from locshare_ext.store.columns import read_trails
from locshare_ext.store.connection import Synchronous, failure, open_reader, snapshot, transaction
from locshare_ext.store.desk import Desk
from locshare_ext.store.places import list_places, put_places
from locshare_ext.store.writer import Writer

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["SQLiteStore"]

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

SCRUBS = 20  # tries to empty the write-ahead log while other processes read, 2 s each


class SQLiteStore:
    """Keep logs and recordings in a SQLite file; the contract is `LogStore`.

    path: made (0600, its folder 0700) by the first thing that is stored; until then, and
    until something is read from a file that exists, there is no file and no thread.
    synchronous: NORMAL survives kill -9 of this program; FULL a power cut too, and is slower.
    readers: threads that read at the same time.
    All methods belong to one event loop at a time, and none blocks it.
    """

    persistent = True

    def __init__(
        self, path: str | os.PathLike[str], *, synchronous: Synchronous = "NORMAL", readers: int = 2
    ) -> None:
        self.path = Path(path).expanduser().absolute()
        self._writer = Writer(self.path, synchronous)
        self._most_readers = readers
        self._readers: ThreadPoolExecutor | None = None
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._reading: set[asyncio.Future[Any]] = set()
        self._scrubbing: asyncio.Lock | None = None
        self._is_closed = False

    @property
    def failure(self) -> str | None:
        """Why the last commit failed; None if it did not."""
        return self._writer.failure

    def append(
        self, log: str, drafts: Sequence[Fix | Event], *, epoch: str, kind: LogKind = "group"
    ) -> asyncio.Future[Appended]:
        """Store a batch; see `LogStore.append`."""
        return self._writer.append(log, drafts, epoch, kind)

    def append_all(
        self, log: str, batches: Sequence[Sequence[Fix | Event]], *, epoch: str, kind: LogKind = "group"
    ) -> asyncio.Future[list[Appended | LocShareError]]:
        """Store batches that came together; see `LogStore.append_all`."""
        return self._writer.append_all(log, batches, epoch, kind)

    async def logs(self) -> list[LogInfo]:
        """Return every log, by name."""
        return await self._read(selecting.list_logs, [])

    async def log(self, name: str) -> LogInfo | None:
        """Return one log, None if there is none of that name."""
        found = await self._read(partial(_find, name=name), None)
        return None if found is None else found[1]

    async def create_log(
        self, name: str, *, kind: LogKind, epoch: str, settings: Mapping[str, Any]
    ) -> LogInfo:
        """Make a log before it has entries; raises Conflict if there is one."""
        return await self._write(partial(_create, name=name, kind=kind, epoch=epoch, settings=settings))

    async def update_settings(self, name: str, settings: Mapping[str, Any]) -> LogInfo:
        """Replace a log's settings; raises NotFound if there is no such log."""
        if not self._exists():
            raise _no_log(name)
        return await self._write(partial(_set, name=name, settings=settings))

    async def delete_log(self, name: str) -> None:
        """Remove a log with its entries, recordings and invites; no error if there is none."""
        if not self._exists():
            return
        await self._write(partial(upkeep.begin_delete, log=name))
        await self._clear()

    async def read(self, log: str, after: int, limit: int) -> list[Entry]:
        """Return up to `limit` entries with an offset above `after`, ascending."""
        return await self._read(partial(selecting.read_entries, log=log, after=after, limit=limit), [])

    async def newest(self, log: str) -> list[Entry]:
        """Return each member's newest fix by effective time, ascending by offset."""
        return await self._read(partial(selecting.read_newest, log=log), [])

    async def counts(self, log: str) -> dict[str, int]:
        """Return how many fixes each member has."""
        return await self._read(partial(selecting.read_counts, log=log), {})

    async def trails(self, log: str, selection: Selection) -> pa.Table:
        """Return fixes as an Arrow table with `trail.ARROW_FIELDS`, ascending by seq."""
        table = await self._read(partial(read_trails, log=log, selection=selection), None)
        if table is None:
            from locshare_ext.model.trail import arrow_schema

            table = arrow_schema().empty_table()
        return table

    async def events(
        self, log: str, selection: Selection, *, kind: EventKind | None = None, limit: int | None = None
    ) -> list[Entry]:
        """Return events, ascending by offset: all or of one kind, all or the first `limit`."""
        query = partial(selecting.read_events, log=log, selection=selection, kind=kind, limit=limit)
        return await self._read(query, [])

    async def remove_event(self, log: str, offset: int) -> bool:
        """Remove one event; False: there is none."""
        if not self._exists():
            return False
        return await self._write(partial(upkeep.remove_event, log=log, offset=offset))

    async def forget(self, log: str, member: str) -> int:
        """Remove every trace of a member; returns the number of entries removed.

        The file is written anew and its write-ahead log emptied: when this returns, no byte of
        what was removed is in either. Readers that began before are waited for, later ones and
        batches wait. StoreError when another process reads on for too long: the entries are
        gone, but older pages may still be in the write-ahead log.
        """
        if not self._exists():
            return 0
        await self._write(partial(upkeep.begin_forget, log=log, member=member))
        count = await self._clear()
        await self._scrub()
        return count

    async def rename_member(self, log: str, member: str, name: str) -> None:
        """Give a member another name, everywhere; raises Conflict if another one has it."""
        if self._exists():
            await self._write(partial(upkeep.rename_member, log=log, member=member, name=name))

    async def trim(self, log: str, before: int) -> int:
        """Remove entries received before `before` (ms) that no recording keeps."""
        if not self._exists():
            return 0
        await self._clear()  # what a crash left
        count = 0
        for table in ("fixes", "events"):
            after = 0
            while True:
                find = partial(upkeep.find_old, log=log, before=before, table=table, after=after)
                nothing: tuple[list[int], int] = ([], 0)
                ids, after = await self._read(find, nothing)
                if ids:
                    count += await self._write(partial(upkeep.trim_some, log=log, table=table, ids=ids))
                if not after:
                    break
        if count:
            await self._write(partial(upkeep.finish_trim, log=log))
        return count

    async def size(self) -> int:
        """Return the bytes of the file's pages that are in use, 0 without a file."""
        return await self._read(_bytes_in_use, 0)

    async def received_first(self, logs: Sequence[str], count: int) -> int | None:
        """Return when (ms) the `count`-th entry was received that trims may remove."""
        return await self._read(partial(upkeep.nth_received, logs=logs, count=count), None)

    async def put_recording(self, recording: RecordingInfo) -> None:
        """Make or replace a recording by its id; raises NotFound if there is no such log."""
        if not self._exists():
            raise _no_log(recording.log)
        await self._write(partial(recordings.put_recording, recording=recording))

    async def recordings(self, log: str | None = None) -> list[RecordingInfo]:
        """Return recordings, of one log or of all, by time of creation."""
        return await self._read(partial(selecting.list_recordings, log=log), [])

    async def delete_recording(self, recording_id: str) -> None:
        """Remove a recording, and its log if it is an import; no error if there is none."""
        if not self._exists():
            return
        if await self._write(partial(recordings.delete_recording, recording_id=recording_id)):
            await self._clear()

    async def put_invite(self, invite: InviteInfo) -> None:
        """Make or replace an invite by its id; raises NotFound if there is no such log."""
        if not self._exists():
            raise _no_log(invite.log)
        await self._write(partial(invites.put_invite, invite=invite))

    async def exchange_invite(self, opened: str, made: InviteInfo) -> bool:
        """Count one use of an open invite and make another; False: there is no use left."""
        if not self._exists():
            return False
        return await self._write(partial(invites.exchange_invite, opened=opened, made=made))

    async def invites(self, log: str | None = None) -> list[InviteInfo]:
        """Return invites, of one log or of all, by time of creation."""
        return await self._read(partial(invites.list_invites, log=log), [])

    async def delete_invites(self, ids: Sequence[str]) -> None:
        """Remove invites by their ids, with the places they have; no error if there is none."""
        if ids and self._exists():
            await self._write(partial(invites.delete_invites, ids=ids))

    async def put_places(self, places: Sequence[PlaceInfo]) -> list[PlaceInfo]:
        """Make or replace places; returns those whose log, in that life, is not there."""
        if not self._exists():
            return list(places)
        return await self._write(partial(put_places, places=places))

    async def places(self, log: str, identity: str) -> list[PlaceInfo]:
        """Return the places of one identity in a log, by name."""
        return await self._read(partial(list_places, log=log, identity=identity), [])

    async def close(self) -> None:
        """Finish what was begun, close files and threads; twice is no error."""
        self._is_closed = True
        for conn in tuple(self._connections):
            with suppress(sqlite3.ProgrammingError):  # its thread closed it just now
                conn.interrupt()  # a long export need not be waited for
        await self._writer.close(self._close_readers)

    def _exists(self) -> bool:
        return self._writer.has_started or self.path.exists()

    def _write(self, work: Callable[[Desk], _T]) -> asyncio.Future[_T]:
        return asyncio.shield(self._writer.run(work))

    async def _read(self, query: Callable[[sqlite3.Connection], _T], absent: _T) -> _T:
        """Run a query on a thread that reads; `absent` is the answer while there is no file."""
        if self._is_closed:
            raise StoreError("the store is closed")
        if not self._writer.has_opened:
            if not self._exists():
                return absent
            # waits for a file that is being made, and makes an older one this version's
            await self._write(lambda desk: desk.conn and None)
        if self._scrubbing is not None:
            async with self._scrubbing:
                pass
        if self._readers is None:
            self._readers = ThreadPoolExecutor(self._most_readers, "locshare-reader")
        future = asyncio.get_running_loop().run_in_executor(self._readers, self._query, query)
        self._reading.add(future)
        future.add_done_callback(self._reading.discard)
        return await future

    def _query(self, query: Callable[[sqlite3.Connection], _T]) -> _T:
        try:
            conn: sqlite3.Connection | None = getattr(self._local, "conn", None)
            if conn is None:
                conn = self._local.conn = open_reader(self.path)
                self._connections.append(conn)
            with snapshot(conn):
                return query(conn)
        except sqlite3.Error as error:
            self._drop_connection()
            raise failure(error, "the store could not read") from error

    def _drop_connection(self) -> None:
        conn = getattr(self._local, "conn", None)
        if conn is not None:
            self._local.conn = None
            self._connections.remove(conn)
            conn.close()

    def _close_readers(self) -> None:
        if self._readers is not None:
            self._readers.shutdown(wait=True)
        for conn in self._connections:
            conn.close()
        self._connections.clear()

    async def _clear(self) -> int:
        total, more = 0, True
        while more:
            count, more = await self._write(upkeep.clear_some)
            total += count
        return total

    async def _scrub(self) -> None:
        """Leave no old pages; new reads wait, as emptying the log needs a moment without any."""
        if self._scrubbing is None:
            self._scrubbing = asyncio.Lock()
        async with self._scrubbing:
            await self._write(upkeep.rewrite)
            for _ in range(SCRUBS):
                if self._reading:
                    await asyncio.wait(set(self._reading))
                if await self._write(upkeep.empty_wal):
                    return
        raise StoreError(
            f"all entries are removed, but another program reads {self.path} and keeps older pages of it; "
            "end it and forget again",
            code="store_in_use",
        )


def _find(conn: sqlite3.Connection, name: str) -> tuple[int, LogInfo] | None:
    return selecting.find_log(conn, name)


def _info(conn: sqlite3.Connection, name: str) -> LogInfo:
    found = selecting.find_log(conn, name)
    if found is None:
        raise _no_log(name)
    return found[1]


def _bytes_in_use(conn: sqlite3.Connection) -> int:
    pages, free, size = (
        int(conn.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


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
