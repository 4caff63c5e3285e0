"""A store's file: one thread writes it, a few read beside it, another process does the heavy reading."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from locshare_ext.errors import LocShareError, StoreError
from locshare_ext.store import upkeep
from locshare_ext.store.boot import find_unclean, mark_clean
from locshare_ext.store.connection import failure, open_reader, snapshot
from locshare_ext.store.desk import Desk
from locshare_ext.store.home import Home
from locshare_ext.store.process import Process
from locshare_ext.store.sealed import Sealed
from locshare_ext.store.sealing import has_rows
from locshare_ext.store.selecting import find_log
from locshare_ext.store.work import TASKS
from locshare_ext.store.writer import Writer

__all__ = ["StoreFile"]

_T = TypeVar("_T")

IN_THREAD = 20_000  # rows that are not worth another process
SCRUBS = 20  # tries to empty the write-ahead log while other processes read, 2 s each


class StoreFile:
    """Runs queries and work on the file; made by the first work, absent until then.

    readers: threads that read at the same time. All methods belong to one event loop at a
    time, and none blocks it. `write` and `writer` raise what the work raises, or StoreError.
    """

    def __init__(self, home: Home, writer: Writer, sealed: Sealed, readers: int) -> None:
        self.home = home
        self._sealed = sealed
        self.writer = writer
        self._process = Process(home)
        self._most_readers = readers
        self._readers: ThreadPoolExecutor | None = None
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._reading: set[asyncio.Future[Any]] = set()
        self._scrubbing: asyncio.Lock | None = None
        self._is_closed = False
        self._preparing: asyncio.Future[None] | None = None
        self.changes = 0  # goes up when anything but a batch is begun to be written, and when it is done

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.home.path

    @property
    def exists(self) -> bool:
        """Whether there is a file, or one is being made."""
        return self.writer.has_started or self.path.exists()

    @property
    def process_id(self) -> int | None:
        """Of the other process, while it runs."""
        return self._process.pid

    def write(self, work: Callable[[Desk], _T]) -> asyncio.Future[_T]:
        """Run work on the thread that writes; cancelling does not undo it."""
        future = self.writer.run(work)
        self.changes += 1
        future.add_done_callback(self._written)  # who waited for it may have been cancelled
        return asyncio.shield(future)

    async def read(self, query: Callable[[sqlite3.Connection], _T], absent: _T) -> _T:
        """Run a query on a thread that reads; `absent` is the answer while there is no file."""
        if not await self._is_readable():
            return absent
        if self._readers is None:
            self._readers = ThreadPoolExecutor(self._most_readers, "locshare-reader")
        return await self._noted(
            asyncio.get_running_loop().run_in_executor(self._readers, self._query, query)
        )

    async def work(self, task: str, effort: int, **arguments: Any) -> Any:
        """Run a task of `store.work` that looks at about `effort` rows; None while there is no file.

        Many are looked at by the other process: here that would hold up the loop and the writer.
        """
        if effort <= IN_THREAD:
            return await self.read(partial(TASKS[task], sealed=self._sealed, **arguments), None)
        if not await self._is_readable():
            return None
        return await self._noted(asyncio.ensure_future(self._process.run(task, **arguments)))

    def prepare(self, log: str) -> None:
        """Start the other process now if a log has so many rows that an export will need it."""
        if self._process.pid is None and self._preparing is None and not self._is_closed:
            self._preparing = asyncio.ensure_future(self._prepare(log))

    async def _prepare(self, log: str) -> None:
        try:
            if await self.read(partial(_has_many, log=log), False):
                await self.work("prepare", IN_THREAD + 1)
        except LocShareError:
            pass  # nobody has asked for anything yet
        finally:
            self._preparing = None

    async def scrub(self) -> None:
        """Leave no old pages; new reads wait, as emptying the write-ahead log needs a moment without any.

        StoreError when another program reads on for too long.
        """
        if self._scrubbing is None:
            self._scrubbing = asyncio.Lock()
        async with self._scrubbing:
            mark = await self.write(lambda desk: find_unclean(desk.conn))
            await self.write(upkeep.rewrite)
            for _ in range(SCRUBS):
                if self._reading:
                    await asyncio.wait(set(self._reading))
                if await self.write(upkeep.empty_wal):
                    await self.write(lambda desk: mark_clean(desk.conn, mark))
                    return
        raise StoreError(
            f"all entries are removed, but another program reads {self.path} and keeps older pages of it; "
            "end it and forget again",
            code="store_in_use",
        )

    async def close(self) -> None:
        """Finish what is to be written, end what is read, close files and threads; twice is no error."""
        self._is_closed = True
        for conn in tuple(self._connections):
            with suppress(sqlite3.ProgrammingError):  # its thread closed it just now
                conn.interrupt()  # a long read need not be waited for
        preparing = self._preparing
        await self._process.close()  # first: who closes the file last empties the write-ahead log into it
        if preparing is not None:
            await asyncio.wait([preparing])
        await self.writer.close(self._close_readers)

    def _written(self, future: asyncio.Future[Any]) -> None:
        self.changes += 1
        _noticed(future)

    async def _is_readable(self) -> bool:
        if self._is_closed:
            raise StoreError("the store is closed")
        if not self.writer.has_opened:
            if not self.exists:
                return False
            # waits for a file that is being made, and makes an older one this version's
            await self.write(lambda desk: desk.conn and None)
        if self._scrubbing is not None:
            async with self._scrubbing:
                pass
        return True

    async def _noted(self, future: asyncio.Future[_T]) -> _T:
        self._reading.add(future)
        future.add_done_callback(self._reading.discard)
        waited: Awaitable[_T] = future
        return await waited

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


def _has_many(conn: sqlite3.Connection, log: str) -> bool:
    found = find_log(conn, log)
    return found is not None and has_rows(conn, found[0], IN_THREAD)


def _noticed(future: asyncio.Future[Any]) -> None:
    """Let a failure that nobody waits for any more be no news: the writer has logged it."""
    if not future.cancelled():
        future.exception()
