"""What was refused goes beside the log: soon, once each, and never in the way of what is good."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from locshare_ext.errors import LocShareError, StoreError
from locshare_ext.model.aside import MAX_RAW, AsideInfo
from locshare_ext.model.names import fold
from locshare_ext.model.store import LogStore, Selection
from locshare_ext.model.wire import Refused

if TYPE_CHECKING:
    from locshare_ext.services.groups import Group

__all__ = ["Asides"]

MAX_MESSAGE = 500  # characters
_PLACES = frozenset({"lat", "lon", "altitude", "extra"})  # fields whose values say where somebody was


class _Waiting:
    """What one group has for the store, and what it had: the same again is kept once."""

    def __init__(self, keep: int) -> None:
        self.asides: deque[AsideInfo] = deque(maxlen=keep)
        self.seen: dict[tuple[str | None, str, bytes], None] = {}


class Asides:
    """Writes what was refused, `keep` of each group at most; 0 keeps none.

    Nobody waits for it: an answer names what was refused in any case. What comes while the
    store writes goes with the next write; what it cannot write waits for the next one.
    """

    def __init__(self, store: LogStore, *, clock: Callable[[], int], keep: int) -> None:
        self._store = store
        self._clock = clock
        self._keep = keep
        self._groups: dict[str, _Waiting] = {}
        self._writing: asyncio.Task[None] | None = None

    def add(self, group: Group, refused: Sequence[Refused]) -> None:
        """Keep what was refused, if the group exists: nothing is kept of one that does not."""
        if not self._keep or not group.is_stored:
            return
        waiting = self._groups.setdefault(group.slug, _Waiting(self._keep))
        is_coarse = group.settings["precision"] is not None
        for one in refused:
            key = (one.member, one.error.code, one.raw[:MAX_RAW])
            if key in waiting.seen:
                continue
            if len(waiting.seen) >= self._keep:
                del waiting.seen[next(iter(waiting.seen))]
            waiting.seen[key] = None
            aside = _aside(one, self._clock(), is_coarse=is_coarse or one.is_coarse)
            known = None if one.member is None else group.names.get(fold(one.member))
            waiting.asides.append(aside if known is None else replace(aside, member=known))
        if self._writing is None and waiting.asides:
            self._writing = asyncio.ensure_future(self._write())

    async def select(
        self, group: Group, selection: Selection, *, limit: int | None = None
    ) -> list[AsideInfo]:
        """Return what was refused, in order of arrival; see `LogStore.asides`. Raises StoreError."""
        await self.settle()
        return await self._store.asides(group.slug, selection, limit=limit)

    async def settle(self) -> None:
        """Wait until what came before is written, or could not be."""
        if self._writing is not None:
            await asyncio.wait([self._writing])
        if any(waiting.asides for waiting in self._groups.values()):
            self._writing = asyncio.ensure_future(self._write())
            await asyncio.wait([self._writing])

    async def knows(self, group: Group, member: str) -> bool:
        """Whether something of a member was refused."""
        return bool(await self.select(group, Selection(members=frozenset({member})), limit=1))

    async def forgetting(self, group: Group, member: str) -> None:
        """Let go of what waits; the store removes what it has."""
        waiting = self._groups.get(group.slug)
        if waiting is not None:
            waiting.seen.clear()
            kept = [one for one in waiting.asides if not one.concerns(member)]
            waiting.asides.clear()
            waiting.asides.extend(kept)
        if self._writing is not None:
            await asyncio.wait([self._writing])  # what it has must be there to be removed

    def renamed(self, group: Group, member: str, name: str) -> None:
        """Give a member another name in what waits."""
        waiting = self._groups.get(group.slug)
        for number, one in enumerate(waiting.asides if waiting is not None else ()):
            if waiting is not None and one.member is not None and fold(one.member) == fold(member):
                waiting.asides[number] = replace(one, member=name)

    def deleted(self, slug: str) -> None:
        """Let go of what waits."""
        self._groups.pop(slug, None)

    async def _write(self) -> None:
        try:
            for slug, waiting in list(self._groups.items()):
                while waiting.asides:
                    batch = list(waiting.asides)
                    waiting.asides.clear()
                    try:
                        await self._store.put_asides(slug, batch, self._keep)
                    except StoreError:  # who publishes is told of it
                        waiting.asides.extendleft(reversed(batch[: self._keep - len(waiting.asides)]))
                        return
        finally:
            self._writing = None


def _aside(one: Refused, received: int, *, is_coarse: bool) -> AsideInfo:
    """Return what is kept; where places are coarse nothing that says where somebody was."""
    error, raw = one.error, one.raw[:MAX_RAW]
    message = error.message[:MAX_MESSAGE]
    if is_coarse:
        raw = b""
        if error.field is None or error.field in _PLACES:
            message = _without_values(error)
    return AsideInfo(received, one.member, one.credential, error.code, message, error.field, raw)


def _without_values(error: LocShareError) -> str:
    return f"{error.field or 'it'} was not good; what was sent is not kept, as places are coarse here"
