"""That the server runs while it records, noted now and then: what lies between is not in question."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from locshare_ext.errors import LocShareError
from locshare_ext.model.store import LogStore, PlaceInfo

__all__ = ["EVERY", "Presence"]

EVERY = 10.0  # s; an interruption by a crash may be told so much too long
_RECORDER = "server:recorder"  # reads all logs that it records; its places say until when it did
_NAME = "seen"


class Presence:
    """Writes to each log that is being recorded when its server was last there; clock: ms since 1970 UTC."""

    def __init__(self, store: LogStore, *, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock
        self._logs: set[str] = set()  # not all: what an earlier server recorded is not ours until resumed
        self._task: asyncio.Task[None] | None = None

    def begin(self, log: str) -> None:
        """Note it from now on for as long as this log is recorded; twice is no error."""
        self._logs.add(log)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def seen(self, log: str) -> int | None:
        """Return when (ms) a server that records a log was last there; None: it was never noted."""
        places = await self._store.places(log, _RECORDER)
        return max((one.at for one in places), default=None)

    async def note(self) -> bool:
        """Note that it is there now; returns whether anything is being recorded."""
        known = await self._store.recordings()
        running = {info.log for info in known if info.until is None} & self._logs
        now = self._clock()
        logs = [log for log in await self._store.logs() if log.name in running] if running else []
        if logs:
            await self._store.put_places(
                [PlaceInfo(log.name, log.epoch, _RECORDER, _NAME, log.head, now) for log in logs]
            )
        return bool(logs)

    async def close(self) -> None:
        """Note it for the last time."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.wait([task])
        with contextlib.suppress(LocShareError):  # the last note that could be made stays
            await self.note()

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(LocShareError):  # of a store that fails others tell; it may recover
                if not await self.note():
                    return
            await asyncio.sleep(EVERY)
