"""Readers that note what they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from locshare_ext.broker.live import Log
from locshare_ext.broker.log import GroupLog, LogEntry
from locshare_ext.model.store import LogInfo, LogStore
from tests.store.helpers import EPOCH


def a_log(store: LogStore, **bounds: int) -> GroupLog:
    """A log that is not stored yet."""
    return GroupLog(LogInfo("hikers", "group", EPOCH, 1, 0, 0), store, **bounds)


async def reopened(store: LogStore, **bounds: int) -> GroupLog:
    """The log as after a restart: nothing of it in memory."""
    info = await store.log("hikers")
    assert info is not None
    return GroupLog(info, store, **bounds)


class ReaderOf:
    """Follow a log from a place, as a session does: take what is there when woken."""

    def __init__(self, log: Log, after: int = 0) -> None:
        self.log = log
        self.after = after
        self.got: list[LogEntry] = []
        self.offered: list[LogEntry] = []
        self.wakes = 0
        self.closed: str | None = None
        self._more = asyncio.Event()
        log.attach(self)

    def wake(self) -> None:
        self.wakes += 1
        self._more.set()
        while some := self.log.tail(self.after):
            self.got += some
            self.after = some[-1].offset

    def offer(self, items: Sequence[LogEntry]) -> None:
        self.offered += items

    def close(self, reason: str) -> None:
        self.closed = reason

    async def woken(self) -> None:
        """Wait for the next wake-up."""
        self._more.clear()
        await asyncio.wait_for(self._more.wait(), 10)

    async def has(self, count: int) -> None:
        """Wait until that many entries came."""
        while len(self.got) < count:
            await self.woken()

    @property
    def offsets(self) -> list[int]:
        return [entry.offset for entry in self.got]


async def cancelled(task: asyncio.Task[object]) -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
