"""Nothing is kept longer than it may be, unless a recording keeps it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from locshare_ext.errors import LocShareError
from locshare_ext.services.groups import Group, Groups

__all__ = ["Retention"]

FIRST = 60.0  # s after the start
EVERY = 600.0  # s
STEPS = 12  # of halving the age when the store is over its bytes


class Retention:
    """Trims every group's log by age, and all of them by the size of the store.

    age: seconds that are kept by default, None for ever; a group's `retention` beats it.
    max_bytes: of the store's file; over it ages are halved until it fits, None for no bound.
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

    async def run_once(self) -> int:
        """Trim what is too old or too much; returns how many entries went."""
        groups = await self._groups.all()
        removed = 0
        for group in groups:
            removed += await self._trim(group, 1.0)
        share = 1.0
        for _ in range(STEPS):
            if not await self._is_over():
                break
            share /= 2
            self._log.warning(
                "the store has more than %s bytes: keeping only %.3g of the retention", self._max_bytes, share
            )
            for group in groups:
                removed += await self._trim(group, share)
        return removed

    async def _trim(self, group: Group, share: float) -> int:
        age = group.settings["retention"] or self._age
        if age is None:
            return 0
        return await group.log.trim(self._groups.clock() - int(age * 1000 * share))

    async def _is_over(self) -> bool:
        if self._max_bytes is None:
            return False
        size = getattr(self._groups.store, "size", None)
        if size is None:
            return False
        return bool(await size() > self._max_bytes)

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
