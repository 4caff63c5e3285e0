"""What one answer to a poll holds: fixes after a place, and the place after them."""

from __future__ import annotations

from collections.abc import Sequence

from locshare_ext.broker.log import GroupLog, LogEntry
from locshare_ext.model.names import fold
from locshare_ext.server.feed_options import FeedOptions
from locshare_ext.server.streams.reader import is_of, newest_of_each

__all__ = ["joined", "newest_fixes", "read_page", "wanted_of"]

_AT_ONCE = 1000  # entries of the log
_READS = 8  # of so many, when most entries are not wanted


async def read_page(log: GroupLog, after: int, limit: int, options: FeedOptions) -> tuple[int, bytes]:
    """Return the place after some fixes, and these; made once for all who ask in the same turn.

    limit: of fixes; with `conflate` of members, each with its newest fix of what was read.
    """
    made = log.made(("poll", limit, options.members, options.conflate))
    known = made.by_place.get(after)
    if known is not None:
        return known
    offset, found = after, _Found(limit, options)
    for _ in range(_READS):
        entries = await log.read(offset, _AT_ONCE if options.conflate else found.room)
        taken = found.take(entries)
        if taken:
            offset = entries[taken - 1].offset
        if taken < len(entries) or not entries or not found.room:
            break
    page = offset, joined(found.fixes())
    made.put(after, *page)
    return page


async def newest_fixes(log: GroupLog, upto: int, options: FeedOptions) -> bytes:
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
    """Fixes of a page, until it is full."""

    def __init__(self, limit: int, options: FeedOptions) -> None:
        self._members = options.members
        self._is_conflated = options.conflate
        self._all: list[LogEntry] = []
        self._named: set[str] = set()
        self.room = limit

    def take(self, entries: Sequence[LogEntry]) -> int:
        """Take what is wanted; returns how many entries were looked at until there was no room."""
        for index, entry in enumerate(entries):
            if entry.is_fix and (self._members is None or is_of(entry, self._members)):
                if not self._has_room(entry):
                    return index
                self._all.append(entry)
        return len(entries)

    def _has_room(self, entry: LogEntry) -> bool:
        if self._is_conflated:  # another fix of a member needs none
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
