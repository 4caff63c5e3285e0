"""Fixes, events and ways to look at a store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from locshare_ext.model.event import Event
from locshare_ext.model.fix import Fix
from locshare_ext.model.store import Appended, Entry, LogStore

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


async def put(store: LogStore, *drafts: Fix | Event, log: str = "hikers", epoch: str = EPOCH) -> Appended:
    """Append one batch."""
    return await store.append(log, drafts, epoch=epoch)


async def everything(store: LogStore, log: str = "hikers") -> list[Entry]:
    """All entries of a log, read at once."""
    return await store.read(log, 0, 1_000_000)


def offsets(entries: Sequence[Entry]) -> list[int]:
    """The entries' offsets."""
    return [entry.offset for entry in entries]
