"""Nothing is kept longer than it may be, unless a recording keeps it."""

from __future__ import annotations

import asyncio
import logging
import math
from dataclasses import dataclass
from typing import Any

from locshare_ext.errors import LocShareError
from locshare_ext.services.groups import Group, Groups

__all__ = ["Retention"]

FIRST = 60.0  # s after the start
EVERY = 600.0  # s
ROOM = 0.05  # of the bytes are made free beyond the bound, so that the next fix is not over it again
AT_ONCE = 20_000  # entries looked at for one step, a few ms
ROUNDS = 1000  # of one run; what is still too much goes in the next


class Retention:
    """Trims every group's log by age and by its own bound of bytes, and all together by the bytes in use.

    age: seconds that are kept by default, None for ever; a group's `retention` beats it.
    max_bytes: of all that no recording keeps; over it what was received first goes first,
    of whichever group. None for no bound. A group's `retention_bytes` is one of its own.
    Does nothing until `start`.
    """

    def __init__(
        self,
        groups: Groups,
        *,
        age: int | None,
        max_bytes: int | None,
        log: logging.Logger | logging.LoggerAdapter[Any],
    ) -> None:
        self._groups = groups
        self._age = age
        self._max_bytes = max_bytes
        self._log = log
        self._task: asyncio.Task[None] | None = None

    @property
    def age(self) -> int | None:
        """Seconds that are kept where a group says nothing else."""
        return self._age

    def start(self) -> None:
        """Trim now and then, as a task of the running loop; twice is no error."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def stop(self) -> None:
        """End the task."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    @property
    def max_bytes(self) -> int | None:
        """Bytes over which the oldest goes."""
        return self._max_bytes

    async def run_once(self) -> int:
        """Trim what is too old, then what is too much; returns how many entries went."""
        groups = await self._groups.all()
        removed = 0
        for group in groups:
            age = group.settings["retention"] or self._age
            if age is not None:
                removed += await group.log.trim(self._groups.clock() - int(age * 1000))
        kept = [group for group in groups if not group.settings["ephemeral"]]  # else memory has its own bound
        for group in kept:
            if (own := group.settings["retention_bytes"]) is not None:
                removed += await self._shrink([group], own, group.slug)
        if self._max_bytes is not None and kept:
            removed += await self._shrink(kept, self._max_bytes)
        return removed

    async def _shrink(self, groups: list[Group], max_bytes: int, only: str | None = None) -> int:
        """Trim groups to a bound: `only` one by its setting, or all by the server's."""
        store = self._groups.store
        names = [group.slug for group in groups]
        removed, bound = 0, float(max_bytes)
        for _ in range(ROUNDS):
            share = await self._entries(only)
            size = await store.size(only) if share.removable else 0
            free = size * share.removable / (share.removable + share.kept or 1)  # bytes that could go
            if free <= bound:
                break
            bound = max_bytes * (1 - ROOM)
            too_many = math.ceil(share.removable * (free - bound) / free)
            last = await store.received_first(names, min(too_many, AT_ONCE))
            if last is None:
                break
            gone = 0
            for group in groups:
                gone += await group.log.trim(last + 1)
            if not gone:
                break  # a recording has come to keep them
            removed += gone
        if removed:
            self._log.warning(
                "%s had more than %d bytes that no recording keeps: the %d entries received first "
                "are removed; %s is the bound",
                "the store" if only is None else f"group {only}",
                max_bytes,
                removed,
                "LocShareApp.retention_bytes" if only is None else "its setting retention_bytes",
            )
        return removed

    async def _entries(self, only: str | None) -> _Entries:
        """Return how many entries recordings and imports keep, and how many they do not, by offsets.

        A little too many where some were forgotten, and late ones of a recording count as its
        group's: walking millions of rows to know better is not worth it.
        """
        store = self._groups.store
        recordings = await store.recordings()
        kept = removable = 0
        for info in await store.logs():
            if info.settings.get("ephemeral") or only not in (None, info.name):
                continue
            if info.kind != "group":
                kept += info.head - info.oldest + 1
                continue
            ranges = [
                (one.after, info.head if one.upto is None else one.upto)
                for one in recordings
                if one.log == info.name
            ]
            kept += _length(ranges, info.oldest - 1, info.head)
            here = max(info.trimmed, info.oldest - 1)  # below it there is only what is kept
            removable += (info.head - here) - _length(ranges, here, info.head)
        return _Entries(kept, removable)

    async def _run(self) -> None:
        await asyncio.sleep(FIRST)
        while True:
            try:
                removed = await self.run_once()
                if removed:
                    self._log.info("%d entries were older than the retention and are removed", removed)
            except LocShareError as error:
                self._log.warning("retention: %s", error.message)
            except Exception:
                self._log.exception("retention failed")
            await asyncio.sleep(EVERY)


@dataclass(frozen=True, slots=True)
class _Entries:
    kept: int
    removable: int


def _length(ranges: list[tuple[int, int]], low: int, high: int) -> int:
    """Return how many offsets in (low, high] lie in any of the ranges (after, upto]."""
    length, end = 0, low
    for after, upto in sorted(ranges):
        start, stop = max(after, end), min(upto, high)
        if stop > start:
            length += stop - start
            end = stop
    return length
