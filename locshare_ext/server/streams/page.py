"""What one answer to a poll holds: fixes and events after a place, and the place after them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from locshare_ext.broker.live import Log
from locshare_ext.broker.tail import LogEntry
from locshare_ext.model.names import fold
from locshare_ext.server.feed_options import FeedOptions
from locshare_ext.server.streams.reader import is_of, newest_of_each

__all__ = ["Page", "joined", "newest_fixes", "read_page", "wanted_of"]

_AT_ONCE = 1000  # entries of the log
_READS = 8  # of so many, when most entries are not wanted
_BETWEEN = b"\0"  # fixes and events, where they are kept as one; JSON has none


class Page(NamedTuple):
    """offset: the place after. fixes, events: what stands between the brackets of their arrays."""

    offset: int
    fixes: bytes = b""
    events: bytes = b""

    @property
    def is_empty(self) -> bool:
        """Whether nothing came that was asked for."""
        return not self.fixes and not self.events


async def read_page(
    log: Log, after: int, limit: int, options: FeedOptions, *, with_events: bool = False
) -> Page:
    """Return what comes after a place; made once for all who ask in the same turn.

    limit: of fixes and events; with `conflate` of members, each with its newest fix of what was
    read, and events.
    """
    made = log.made(("poll", limit, options.members, options.conflate, with_events))
    known = made.by_place.get(after)
    if known is not None:
        fixes, _, events = known[1].partition(_BETWEEN)
        return Page(known[0], fixes, events)
    offset, found = after, _Found(limit, options, with_events=with_events)
    for _ in range(_READS):
        head = log.head
        entries = await log.read(offset, _AT_ONCE if options.conflate else found.room)
        taken = found.take(entries)
        if taken:
            offset = entries[taken - 1].offset
        elif not entries:  # what lay before the head was forgotten; who waits would look for it for ever
            offset = max(offset, head)
        if taken < len(entries) or not entries or not found.room:
            break
    page = Page(offset, joined(found.fixes()), joined(found.events))
    if offset > after:  # that nothing is there may be wrong in the same turn, when something came
        made.put(after, offset, page.fixes + _BETWEEN + page.events)
    return page


async def newest_fixes(log: Log, upto: int, options: FeedOptions) -> bytes:
    """Return each member's newest fix, of those up to a place: what is above it comes as it came."""
    return joined(wanted_of([entry for entry in await log.newest() if entry.offset <= upto], options))


def wanted_of(fixes: Sequence[LogEntry], options: FeedOptions) -> Sequence[LogEntry]:
    """Return those fixes that options ask for."""
    members = options.members
    if members is not None:
        fixes = [entry for entry in fixes if is_of(entry, members)]
    return newest_of_each(fixes) if options.conflate else fixes


def joined(entries: Sequence[LogEntry]) -> bytes:
    """Return bodies as what stands between the brackets of an array."""
    return b",".join([entry.body for entry in entries])


class _Found:
    """Fixes and events of a page, until it is full."""

    def __init__(self, limit: int, options: FeedOptions, *, with_events: bool) -> None:
        self.events: list[LogEntry] = []
        self._with_events = with_events
        self._members = options.members
        self._is_conflated = options.conflate
        self._all: list[LogEntry] = []
        self._named: set[str] = set()
        self.room = limit

    def take(self, entries: Sequence[LogEntry]) -> int:
        """Take what is wanted; returns how many entries were looked at until there was no room."""
        for index, entry in enumerate(entries):
            is_wanted = entry.is_fix or self._with_events
            if is_wanted and (self._members is None or is_of(entry, self._members)):
                if not self._has_room(entry):
                    return index
                (self._all if entry.is_fix else self.events).append(entry)
        return len(entries)

    def _has_room(self, entry: LogEntry) -> bool:
        if self._is_conflated and entry.is_fix:  # another fix of a member needs none
            member = fold(entry.item.member or "")
            if member in self._named:
                return True
            if self.room:
                self._named.add(member)
        if not self.room:
            return False
        self.room -= 1
        return True

    def fixes(self) -> Sequence[LogEntry]:
        return newest_of_each(self._all) if self._is_conflated else self._all
