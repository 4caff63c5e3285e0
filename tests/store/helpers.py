"""Fixes, events and ways to look at a store."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from locshare_ext.model.event import Event
from locshare_ext.model.fix import Fix
from locshare_ext.model.store import Appended, Entry, LogStore
from locshare_ext.store import SQLiteStore

T0 = 1_763_806_275_000  # ms
EPOCH = "abcdefgh"


def a_fix(member: str = "ann", at: float = 0, **fields: Any) -> Fix:
    """A fix measured `at` seconds after T0 and received 50 ms later, unless said otherwise."""
    time = fields.pop("time", T0 + round(at * 1000))
    values = {"lat": 37.5, "lon": 127.0, "received": time + 50, "flags": (), **fields}
    return Fix(member=member, time=time, **values)


def a_note(text: str = "lost the trail", at: float = 0, **fields: Any) -> Event:
    """A note `at` seconds after T0."""
    time = T0 + round(at * 1000)
    return Event(**{"kind": "note", "time": time, "received": time, "text": text, **fields})


class SealingStore(SQLiteStore):
    """A store that has sealed what it can, three fixes at a time, before anybody looks."""

    def __init__(self, path: Path, *, rows: int = 3, live: int = 0) -> None:
        super().__init__(path, sealed_rows=rows, live_rows=live)
        self._before: asyncio.Future[Any] | None = None

    def append(self, log: str, *args: Any, **kwargs: Any) -> asyncio.Future[Any]:
        return self._then_seal(log, super().append(log, *args, **kwargs))

    def append_all(self, log: str, *args: Any, **kwargs: Any) -> asyncio.Future[Any]:
        return self._then_seal(log, super().append_all(log, *args, **kwargs))

    def _then_seal(self, log: str, future: asyncio.Future[Any]) -> asyncio.Future[Any]:
        async def answer(before: asyncio.Future[Any] | None) -> Any:
            appended = await asyncio.shield(future)
            if before is not None:
                await asyncio.wait([before])  # answers keep their order
            if getattr(appended, "head", 0) < 100:  # beyond, there would be thousands of segments
                await self.seal(log)
            return appended

        self._before = asyncio.ensure_future(answer(self._before))
        return self._before


async def put(store: LogStore, *drafts: Fix | Event, log: str = "hikers", epoch: str = EPOCH) -> Appended:
    """Append one batch."""
    return await store.append(log, drafts, epoch=epoch)


async def everything(store: LogStore, log: str = "hikers") -> list[Entry]:
    """All entries of a log, read at once."""
    return await store.read(log, 0, 1_000_000)


def offsets(entries: Sequence[Entry]) -> list[int]:
    """The entries' offsets."""
    return [entry.offset for entry in entries]
