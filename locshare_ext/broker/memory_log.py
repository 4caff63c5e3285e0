"""One log in memory, and what its entries weigh and are known by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING

from msgspec.structs import replace

from locshare_ext.errors import Conflict
from locshare_ext.model.fix import Fix
from locshare_ext.model.names import fold
from locshare_ext.model.sequence import Newest, sent_time
from locshare_ext.model.sequence import Sequence as Numbering
from locshare_ext.model.store import Entry, LogInfo
from locshare_ext.model.trail import table_from_fixes, with_heard

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["MemoryLog", "entry_bytes", "key_of", "newest_table", "rank"]

ENTRY_BYTES = 650  # measured: 590 for a bare fix, 700 with every number

_Key = tuple[str, int, float, float]  # folded member, sent time, lat, lon


@dataclass(slots=True)
class MemoryLog:
    """Entries ascending by offset, and what is known of their members, who are all folded.

    newest: member -> effective time and offset. stored: the keys of all fixes. size: bytes, about.
    """

    info: LogInfo
    numbering: Numbering
    entries: list[Entry] = field(default_factory=list)
    newest: dict[str, tuple[int, int]] = field(default_factory=dict)
    stored: set[_Key] = field(default_factory=set)
    size: int = 0

    def rename(self, member: str, name: str) -> None:
        """Give a member another name; raises Conflict if another one has it."""
        old, new = fold(member), fold(name)
        names, newest = self.numbering.names, self.numbering.newest
        if new != old and new in names:
            raise Conflict(f"there is a member {names[new]!r} already", code="member_taken", field="name")
        if old not in names:
            return
        del names[old]
        names[new] = name
        if old in newest:
            newest[new] = newest.pop(old)
        if old in self.newest:
            self.newest[new] = self.newest.pop(old)
        self._rename_entries(old, new, name)

    def twice(self, member: str, into: str) -> list[Entry]:
        """Return the fixes of a member that another one has as well."""
        old, new = fold(member), fold(into)
        return [
            entry
            for entry in self.entries
            if isinstance(entry.item, Fix)
            and fold(entry.item.member) == old
            and (new, *key_of(entry.item)[1:]) in self.stored
        ]

    def merge(self, member: str, into: str) -> None:
        """Let all that is of a member be another's, but for what is `twice` there, which must be gone."""
        old, new = fold(member), fold(into)
        numbering = self.numbering
        if old not in numbering.names:
            return
        name = numbering.names.setdefault(new, into)
        both = [one for one in (numbering.newest.get(old), numbering.newest.get(new)) if one is not None]
        if both:
            numbering.newest[new] = Newest(max(one.effective for one in both), max(one.sent for one in both))
        numbering.forget(member)
        places = [one for one in (self.newest.pop(old, None), self.newest.get(new)) if one is not None]
        if places:
            self.newest[new] = max(places)
        self._rename_entries(old, new, name)
        self._flag_late(new)

    def _rename_entries(self, old: str, new: str, name: str) -> None:
        self.stored = {(new, *key[1:]) if key[0] == old else key for key in self.stored}
        self.entries = [
            Entry(entry.offset, replace(entry.item, member=name))
            if entry.item.member is not None and fold(entry.item.member) == old
            else entry
            for entry in self.entries
        ]

    def _flag_late(self, member: str) -> None:
        """Flag what is older than something of its member before it."""
        highest = None
        for number, entry in enumerate(self.entries):
            item = entry.item
            if not isinstance(item, Fix) or fold(item.member) != member:
                continue
            effective = item.effective_time
            if highest is not None and effective < highest and "late" not in item.flags:
                self.entries[number] = Entry(entry.offset, replace(item, flags=("late", *item.flags)))
            highest = effective if highest is None else max(highest, effective)


def rank(fix: Fix, offset: int) -> tuple[int, int]:
    """Return what is greatest in the newest: of equal times the one that came later."""
    return fix.effective_time, offset


def entry_bytes(entry: Entry) -> int:
    """Return about how many bytes of memory an entry takes with all that points to it."""
    item = entry.item
    more = item.extra if isinstance(item, Fix) else item.data
    text = "" if isinstance(item, Fix) else item.text or ""
    return ENTRY_BYTES + 2 * len(text) + sum(200 + 2 * len(str(value)) for value in (more or {}).values())


def key_of(fix: Fix) -> _Key:
    """Return by what a fix is known again."""
    return fold(fix.member), sent_time(fix), fix.lat, fix.lon


def newest_table(entries: Iterable[Entry]) -> pa.Table:
    """Return each member's newest fix by effective time, with `received` of its last that arrived."""
    newest: dict[str, tuple[tuple[int, int], Fix]] = {}
    heard: dict[str, int] = {}
    for entry in entries:
        if isinstance(entry.item, Fix):
            member, place = fold(entry.item.member), rank(entry.item, entry.offset)
            newest[member] = max(
                newest.get(member, (place, entry.item)), (place, entry.item), key=itemgetter(0)
            )
            heard[member] = entry.item.received
    rows = sorted(
        ((place[1], fix, heard[member]) for member, (place, fix) in newest.items()), key=itemgetter(0)
    )
    return with_heard(table_from_fixes([row[:2] for row in rows]), [row[2] for row in rows])
