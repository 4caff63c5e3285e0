"""Where durable subscriptions stand, by identity and name, over connections and restarts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from locshare_ext.errors import Conflict, StoreError
from locshare_ext.model.store import LogStore, PlaceInfo

__all__ = ["Holder", "Places"]

WRITE_EVERY = 1.0  # s
MAX_NAMES = 64  # of one identity in one log
MAX_UNSTORED = 10_000  # places of groups that the store does not know yet

Key = tuple[str, str, str]  # log, identity, name


class Holder:
    """A durable subscription that is open, by its place.

    on_taken: called when another subscription takes the place over.
    """

    def __init__(self, places: Places, key: Key, on_taken: Callable[[], None]) -> None:
        self._places = places
        self._key = key
        self.on_taken = on_taken

    def move(self, epoch: str, upto: int) -> None:
        """Remember that all up to an offset is acknowledged; written later, with others."""
        self._places.moved(self, self._key, epoch, upto)

    def leave(self) -> None:
        """Let the place go; it stays remembered. Twice is no error."""
        self._places.left(self, self._key)


class Places:
    """The places of all durable subscriptions of a server; one holder each.

    In memory are those that are held, and those that are not written yet: a store that
    fails, or a group that nobody has published to, keeps them waiting. After a crash a
    place is at most WRITE_EVERY s old: what was acknowledged since comes again.
    """

    def __init__(
        self,
        store: LogStore,
        *,
        clock: Callable[[], int],
        log: logging.Logger | logging.LoggerAdapter[Any],
        names: int = MAX_NAMES,
    ) -> None:
        self._store = store
        self._clock = clock
        self._log = log
        self._names = names
        self._known: dict[Key, PlaceInfo] = {}
        self._unwritten: dict[Key, None] = {}
        self._unstored: dict[Key, None] = {}  # of logs that are not in the store
        self._holders: dict[Key, Holder] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None

    async def hold(
        self, log: str, identity: str, name: str, on_taken: Callable[[], None]
    ) -> tuple[Holder, PlaceInfo | None]:
        """Take the place of (identity, name) in a log, from who holds it; None: there was none yet.

        Raises Conflict when the identity has too many names in this log, StoreError.
        """
        key = (log, identity, name)
        if key not in self._known:
            stored = {one.name: one for one in await self._store.places(log, identity)}
            known = {found[2] for found in self._known if found[:2] == key[:2]}
            if key not in self._known:  # nobody was faster
                if name in stored:
                    self._known[key] = stored[name]
                elif len(known | stored.keys()) >= self._names:
                    raise Conflict(
                        f"{self._names} durable names of this identity are known in the group, the limit",
                        code="too_many_names",
                        field="durable-name",
                    )
        before = self._holders.get(key)
        holder = self._holders[key] = Holder(self, key, on_taken)
        if before is not None:
            before.on_taken()
        return holder, self._known.get(key)

    def moved(self, holder: Holder, key: Key, epoch: str, upto: int) -> None:
        """Remember a place for who holds it."""
        if self._holders.get(key) is not holder:
            return
        log, identity, name = key
        self._known[key] = PlaceInfo(log, epoch, identity, name, upto, self._clock())
        self._unwritten[key] = None
        self._unstored.pop(key, None)
        self._write_later()

    def left(self, holder: Holder, key: Key) -> None:
        """Let go of a place, if it is still held by `holder`."""
        if self._holders.get(key) is holder:
            del self._holders[key]
            self._forget_written([key])

    async def write(self) -> None:
        """Write what has moved; what cannot be written stays for the next time."""
        if self._writing is not None:
            await asyncio.shield(self._writing)
        if self._unwritten or self._unstored:
            self._writing = asyncio.ensure_future(self._write())
            await asyncio.shield(self._writing)

    async def close(self) -> None:
        """Write what has moved, then no more."""
        if self._timer is not None:
            self._timer.cancel()
        await self.write()
        if self._timer is not None:
            self._timer.cancel()

    async def _write(self) -> None:
        keys = [*self._unwritten, *self._unstored]
        self._unwritten.clear()
        self._unstored.clear()
        given = [self._known[key] for key in keys]
        try:
            absent = await self._store.put_places(given)
        except StoreError as error:
            self._log.debug("places of durable subscriptions were not written: %s", error.message)
            self._unwritten.update(dict.fromkeys(keys))
            self._write_later()
            return
        finally:
            self._writing = None
        waiting = {(place.log, place.identity, place.name) for place in absent}
        for key in keys:
            if key in waiting and key not in self._unwritten:
                self._unstored[key] = None
        while len(self._unstored) > MAX_UNSTORED:
            key = next(iter(self._unstored))
            del self._unstored[key]
            self._forget_written([key])
        self._forget_written(keys)

    def _forget_written(self, keys: list[Key]) -> None:
        for key in keys:
            if key not in self._holders and key not in self._unwritten and key not in self._unstored:
                self._known.pop(key, None)

    def _write_later(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WRITE_EVERY, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._writing is None:
            self._writing = asyncio.ensure_future(self._write())
        else:
            self._write_later()
