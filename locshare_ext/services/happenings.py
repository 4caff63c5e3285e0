"""The events of a recording that a replay tells of, each when its playhead comes to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from locshare_ext.model import wire
from locshare_ext.model.clock import Clock
from locshare_ext.model.event import Event
from locshare_ext.model.names import fold
from locshare_ext.model.store import LogStore, RecordingInfo, Selection

__all__ = ["Happenings"]

_UNTOLD = frozenset({"alive", "forget"})  # no ticks of a timeline: signs of life, and who is to be no more


class Happenings:
    """Events of one pass, in the order of a clock; those of members who are not asked for are left out."""

    def __init__(self, clock: Clock, members: frozenset[str] | None) -> None:
        self._clock = clock
        self._members = None if members is None else {fold(name) for name in members}
        self._waiting: deque[tuple[int, Event]] = deque()

    async def load(
        self, store: LogStore, log: str, part: Selection, info: RecordingInfo, start: int, end: int
    ) -> None:
        """Take those of a part of a log from a moment on, up to another; raises StoreError."""
        found = await store.events(log, replace(part, since=start, until=end, members=None))
        self._waiting = deque(
            sorted(
                (
                    (self._moment(entry.item), entry.item)
                    for entry in found
                    if isinstance(entry.item, Event) and self._is_told(entry.item)
                    if info.has(entry.offset, entry.item.time, entry.item.received)
                ),
                key=lambda one: one[0],  # stable: of equal moments the one that arrived first
            )
        )

    @property
    def upcoming(self) -> int | None:
        """The moment of the next one, ms; None when there is no more."""
        return self._waiting[0][0] if self._waiting else None

    def take(self, moment: float) -> Iterator[tuple[int, Event, bytes]]:
        """Yield what happened up to a moment, with its own moment and body; each once."""
        while self._waiting and self._waiting[0][0] <= moment:
            at, event = self._waiting.popleft()
            yield at, event, wire.encode(event)

    def forget(self, member: str) -> None:
        """Leave out what is of a member."""
        kept = [one for one in self._waiting if one[1].member is None or fold(one[1].member) != fold(member)]
        self._waiting = deque(kept)

    def _moment(self, event: Event) -> int:
        return event.time if self._clock == "time" else event.received

    def _is_told(self, event: Event) -> bool:
        if event.kind in _UNTOLD:
            return False
        return self._members is None or event.member is None or fold(event.member) in self._members
