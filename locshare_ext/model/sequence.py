"""Which fixes of a batch are new, late or duplicates: the same rule for every store."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from msgspec.structs import replace

from locshare_ext.model.event import Event
from locshare_ext.model.fix import Fix
from locshare_ext.model.names import fold
from locshare_ext.model.store import Entry

__all__ = ["ORIGINAL_TIME", "Newest", "Sequence", "sent_time"]

ORIGINAL_TIME = "original_time"  # key in `extra` where a repaired fix keeps what was sent


@dataclass(slots=True)
class Newest:
    """The newest of one member, ms: by effective time, and by the time as it was sent."""

    effective: int
    sent: int


def sent_time(fix: Fix) -> int:
    """Return the time as the device sent it, ms, also of a repaired fix."""
    if "repaired" in fix.flags and fix.extra is not None:
        original = fix.extra.get(ORIGINAL_TIME)
        if isinstance(original, int):
            return original
    return fix.time


@dataclass(slots=True)
class Sequence:
    """The state that numbers a log: its head, and each member's name and newest times.

    names: folded -> as first written; a member has one name in its group, so `ANN` and
    `ann` are stored under the one that came first.
    is_stored(fix): whether the log has this (member, sent time, lat, lon); asked only of
    fixes that are not newer than the member's newest.
    """

    epoch: str
    head: int = 0
    newest: dict[str, Newest] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def admit(
        self,
        drafts: Iterable[Fix | Event],
        is_stored: Callable[[Fix], bool],
        seen: set[tuple[str, int, float, float]] | None = None,
    ) -> tuple[list[Entry], int]:
        """Return the entries to store, numbered and flagged, and how many are duplicates.

        seen: what was admitted before and `is_stored` does not know of; added to.
        The state moves on: when the commit then fails, throw it away and load it anew.
        """
        entries: list[Entry] = []
        seen = set() if seen is None else seen
        duplicates = 0
        for draft in drafts:
            self.head += 1
            cursor = f"{self.epoch}-{self.head}"
            if isinstance(draft, Event):
                name = None if draft.member is None else self._name(draft.member, fold(draft.member))
                entries.append(Entry(self.head, replace(draft, member=name, cursor=cursor)))
                continue
            member = fold(draft.member)
            flags = draft.flags
            sent = sent_time(draft) if flags else draft.time
            newest = self.newest.get(member)
            key = (member, sent, draft.lat, draft.lon)
            if newest is not None and sent <= newest.sent and (key in seen or is_stored(draft)):
                duplicates += 1
                self.head -= 1
                continue
            seen.add(key)
            if "late" in flags:  # of another log, when it is imported
                flags = tuple(flag for flag in flags if flag != "late")
            effective = draft.effective_time
            if newest is None:
                self.newest[member] = Newest(effective, sent)
            elif effective < newest.effective:
                flags = ("late", *flags)
                newest.sent = max(newest.sent, sent)
            else:
                newest.effective = effective
                newest.sent = max(newest.sent, sent)
            name = self._name(draft.member, member)
            entries.append(Entry(self.head, replace(draft, member=name, cursor=cursor, flags=flags)))
        return entries, duplicates

    def forget(self, member: str) -> None:
        """Drop what is known of a member, in whichever spelling."""
        self.newest.pop(fold(member), None)
        self.names.pop(fold(member), None)

    def _name(self, name: str, folded: str) -> str:
        return self.names.setdefault(folded, name)
