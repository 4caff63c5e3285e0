"""Append batches to logs: the part of the writer that every publisher waits for."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from locshare_ext.model.event import Event
from locshare_ext.model.fix import Fix
from locshare_ext.model.names import fold
from locshare_ext.model.sequence import Newest, sent_time
from locshare_ext.model.sequence import Sequence as Numbering
from locshare_ext.model.store import Appended, Entry, LogKind
from locshare_ext.store.known import Key, find_sealed
from locshare_ext.store.rows import (
    INSERT_EVENTS,
    INSERT_FIXES,
    REPLACE_TALLIES,
    event_row,
    first_id,
    fix_row,
    insert,
)
from locshare_ext.store.sealed import Sealed

__all__ = ["Batches", "LogState", "find_stored", "load_state", "make_log"]

_LOOKED_UP_AT_ONCE = 250

# Candidates come by (member, time), of repaired ones by (member, sent): both are plain
# indexes, as a unique one over the whole key costs four fifths of the rate (measured).
_FIND_STORED = """
    WITH wanted(member, sent) AS (VALUES {values})
    SELECT f.member, f.time, f.lat, f.lon FROM wanted AS w
      CROSS JOIN fixes AS f INDEXED BY fixes_by_time
      ON f.member = w.member AND f.time = w.sent AND f.sent IS NULL
    UNION ALL
    SELECT f.member, f.sent, f.lat, f.lon FROM wanted AS w
      CROSS JOIN fixes AS f INDEXED BY fixes_repaired
      ON f.member = w.member AND f.sent = w.sent AND f.sent IS NOT NULL"""


@dataclass(slots=True)
class _Member:
    """What the writer knows of a member beside its numbering; saved in `tallies`."""

    id: int
    fixes: int = 0
    newest_offset: int = 0  # of the newest fix that is kept, 0 if none is
    newest_kept: int | None = None  # its effective time; what was trimmed may have been newer


@dataclass(slots=True)
class LogState:
    """A log as the writer holds it in memory; thrown away when a commit fails."""

    id: int
    numbering: Numbering
    members: dict[str, _Member] = field(default_factory=dict)  # by folded name
    touched: set[str] = field(default_factory=set)  # members whose tallies are to be saved
    sealed_to: int = 0  # fixes up to this offset are in segments
    asked_at: int = 0  # at about this head it was last asked whether more can be sealed


def load_state(conn: sqlite3.Connection, name: str) -> LogState | None:
    """Return a log's state from its rows, None if there is no such log."""
    row = conn.execute("SELECT id, epoch, head, sealed_to FROM logs WHERE name = ?", (name,)).fetchone()
    if row is None:
        return None
    state = LogState(row[0], Numbering(row[1], row[2]), sealed_to=row[3])
    rows = conn.execute(
        "SELECT members.name, members.id, tallies.fixes, newest_offset, "
        "coalesce(newest_kept, min(time, received)), newest_effective, newest_sent FROM members "
        "LEFT JOIN tallies ON tallies.member = members.id "
        "LEFT JOIN fixes ON fixes.id = ? + newest_offset WHERE log = ?",
        (first_id(state.id), state.id),
    )
    for member, member_id, fixes, newest_offset, kept, effective, sent in rows:
        folded = fold(member)
        state.numbering.names[folded] = member
        state.members[folded] = _Member(member_id, fixes or 0, newest_offset or 0, kept)
        if effective is not None:
            state.numbering.newest[folded] = Newest(effective, sent)
    return state


def make_log(conn: sqlite3.Connection, name: str, kind: LogKind, epoch: str, settings: str = "{}") -> None:
    """Insert a log without entries."""
    created = time.time_ns() // 1_000_000
    conn.execute(
        "INSERT INTO logs (name, kind, epoch, created, settings) VALUES (?, ?, ?, ?, ?)",
        (name, kind, epoch, created, settings),
    )


class Batches:
    """The batches of one transaction: their rows are inserted together, just before it commits.

    That is few calls into SQLite for many small batches: each call lets go of the
    interpreter's lock, and waits for it again when another thread is busy.
    """

    def __init__(self, conn: sqlite3.Connection, sealed: Sealed) -> None:
        self._conn = conn
        self._sealed = sealed
        self._states: dict[int, LogState] = {}
        self._fixes: list[tuple[Any, ...]] = []
        self._events: list[tuple[Any, ...]] = []

    def add(self, state: LogState, batches: Sequence[Sequence[Fix | Event]]) -> list[Appended]:
        """Number, flag and take what is new of batches to one log; returns what became of each."""
        self._states[state.id] = state
        is_stored = self._stored(state, chain.from_iterable(batches))
        seen: set[tuple[str, int, float, float]] = set()
        answers: list[Appended] = []
        for drafts in batches:
            entries, duplicates = state.numbering.admit(drafts, is_stored, seen)
            self._take(state, entries)
            answers.append(Appended(tuple(entries), duplicates, state.numbering.head))
        return answers

    def _take(self, state: LogState, entries: Sequence[Entry]) -> None:
        base = first_id(state.id)
        for entry in entries:
            item = entry.item
            if isinstance(item, Event):
                of = None if item.member is None else self._member(state, fold(item.member), item.member).id
                self._events.append(event_row(base + entry.offset, of, item))
                continue
            folded = fold(item.member)
            member = self._member(state, folded, item.member)
            member.fixes += 1
            effective = item.effective_time
            if member.newest_kept is None or effective >= member.newest_kept:
                member.newest_offset, member.newest_kept = entry.offset, effective
            state.touched.add(folded)
            self._fixes.append(fix_row(base + entry.offset, member.id, item))

    def finish(self) -> None:
        """Insert all rows, and save the heads and tallies of their logs; the caller commits."""
        self._flush()
        states = self._states.values()
        self._conn.executemany(
            "UPDATE logs SET head = ? WHERE id = ?", [(state.numbering.head, state.id) for state in states]
        )
        insert(self._conn, REPLACE_TALLIES, [row for state in states for row in _tallies(state)])
        for state in states:
            state.touched.clear()

    def _flush(self) -> None:
        insert(self._conn, INSERT_FIXES, self._fixes)
        insert(self._conn, INSERT_EVENTS, self._events)
        self._fixes.clear()
        self._events.clear()

    def _member(self, state: LogState, folded: str, name: str) -> _Member:
        member = state.members.get(folded)
        if member is None:
            made = self._conn.execute("INSERT INTO members (log, name) VALUES (?, ?)", (state.id, name))
            assert made.lastrowid is not None  # noqa: S101 - an INSERT has one
            member = state.members[folded] = _Member(made.lastrowid)
        return member

    def _stored(self, state: LogState, drafts: Iterable[Fix | Event]) -> Callable[[Fix], bool]:
        """Return the test for fixes that the log already has, after one look-up for all of them.

        Fixes newer than all that is stored of their member cannot be there and cost nothing.
        """
        wanted: set[Key] = set()
        for draft in drafts:
            if isinstance(draft, Event):
                continue
            folded = fold(draft.member)
            newest = state.numbering.newest.get(folded)
            if newest is not None and (sent := sent_time(draft)) <= newest.sent:
                wanted.add((state.members[folded].id, sent, draft.lat, draft.lon))
        if not wanted:
            return _never
        self._flush()  # the batches before may hold them
        found = find_stored(self._conn, wanted)
        if state.sealed_to:
            found |= find_sealed(self._conn, self._sealed, state.id, wanted)
        if found.isdisjoint(wanted):  # as of a backlog, which is late and new
            return _never
        members = state.members

        def is_stored(fix: Fix) -> bool:
            member = members.get(fold(fix.member))
            return member is not None and (member.id, sent_time(fix), fix.lat, fix.lon) in found

        return is_stored


def _tallies(state: LogState) -> Iterator[tuple[int | None, ...]]:
    for folded in state.touched:
        member, newest = state.members[folded], state.numbering.newest[folded]
        yield (
            member.id,
            member.fixes,
            newest.effective,
            newest.sent,
            member.newest_offset,
            member.newest_kept,
        )


def find_stored(conn: sqlite3.Connection, wanted: set[Key]) -> set[Key]:
    """Return the keys of fixes in rows that may be the ones wanted, and all that are."""
    found: set[Key] = set()
    rest = iter(sorted({key[:2] for key in wanted}))
    while some := list(islice(rest, _LOOKED_UP_AT_ONCE)):
        size = 8 if len(some) <= 8 else _LOOKED_UP_AT_ONCE  # two statements, prepared once each
        some += [some[-1]] * (size - len(some))
        sql = _FIND_STORED.format(values=", ".join(["(?, ?)"] * len(some)))
        found.update(conn.execute(sql, [value for pair in some for value in pair]))
    return found


def _never(_: Fix) -> bool:
    return False
