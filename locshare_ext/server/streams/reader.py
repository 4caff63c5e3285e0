"""A place in a group's log, for whoever is served from there on: filters, batches, catching up."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Sequence
from typing import Literal, Protocol

from locshare_ext.broker.live import Log
from locshare_ext.broker.tail import LogEntry
from locshare_ext.errors import LocShareError
from locshare_ext.model.names import fold
from locshare_ext.server.feed_options import FeedOptions

__all__ = ["Form", "GroupReader", "Kind", "Outlet", "is_of", "newest_of_each"]

Kind = Literal["fixes", "events"]

_READ = 1000  # entries out of the store at once
_EVENTS = 1000  # that wait beside the newest fixes while a conflated reader catches up


class Form(Protocol):
    """How entries become bytes on one kind of connection; all that is needed is in its arguments."""

    @property
    def key(self) -> Hashable:
        """Equal for forms that make the same bytes of the same entries."""

    def entries(self, entries: Sequence[LogEntry], log: Log, upto: int) -> bytes:
        """Return entries, at least one; upto: the last offset that they stand for."""

    def snapshot(self, entries: Sequence[LogEntry], first: int) -> bytes:
        """Return fixes of a snapshot, no places to resume from; first: the number of the first, from 1."""

    def volatile(self, entries: Sequence[LogEntry], first: int) -> bytes:
        """Return fixes that were not stored, likewise."""

    def hello(self, cursor: str, gap: bool) -> bytes:
        """Return what a stream begins with."""

    def gap(self, cursor: str) -> bytes:
        """Return that what lay before a cursor is no longer kept; empty where that cannot be said."""


class Outlet(Protocol):
    """The connection that a reader's bytes go out on; used on its loop."""

    @property
    def is_full(self) -> bool:
        """Whether so much is unsent that nothing more is to be added."""

    def woken(self, reader: GroupReader, /) -> None:
        """Ask the reader at the end of this turn, or when there is room."""

    def let_go(self, reader: GroupReader, /) -> None:
        """Ask it no more."""

    def send_framed(self, data: bytes) -> None:
        """Send what is not taken from the reader, before it."""

    def stop(self, reason: str) -> None:
        """End it from this side."""

    def fail(self, error: LocShareError) -> None:
        """End it with an error."""

    def broken(self, error: Exception) -> None:
        """End it after a bug of ours."""


class GroupReader:
    """Follows a group's fixes and events from a cursor; its place is all that it holds.

    kind: what of the two is wanted, None for both.
    When asked it makes what came since, once for all equal readers that stand at the same
    place. One that is too far behind for the memory reads from the store until it has
    caught up. Batches are paced once it has: those of one that is behind are full anyway. Of
    a batch with `conflate` only each member's newest fix goes out.
    """

    __slots__ = (
        "__weakref__",
        "_batch",
        "_fetched",
        "_fetching",
        "_form",
        "_gathered",
        "_is_closed",
        "_is_conflated",
        "_kind",
        "_log",
        "_made",
        "_next_batch",
        "_offset",
        "_options",
        "_outlet",
        "_timer",
        "_trimmed",
        "_upto",
        "_volatile",
    )

    def __init__(
        self, outlet: Outlet, log: Log, options: FeedOptions, form: Form, kind: Kind | None = None
    ) -> None:
        self._outlet = outlet
        self._log = log
        self._options = options
        self._form = form
        self._kind = kind
        self._batch = None if options.batch is None else options.batch / 1000  # s
        self._is_conflated = options.conflate and kind != "events"
        self._offset = 0  # what is above it was not read yet,
        self._upto: int | None = None  # what is above it went out in nothing yet; None until it follows
        self._volatile = 0  # how many went out
        self._trimmed = 0
        self._fetched: Sequence[LogEntry] = ()
        self._fetching: asyncio.Task[None] | None = None
        self._gathered: list[LogEntry] = []  # by `conflate`, while catching up
        self._next_batch = 0.0  # the loop's clock
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False
        # by all that decides which bytes come out for the same entries
        self._made = log.made((form.key, self._batch is None, options.conflate, options.members, kind))

    async def start(self) -> None:
        """Take its place, say hello, then follow; raises InvalidCursor, StoreError, Unavailable."""
        options, log = self._options, self._log
        place = log.place(options.after, "now")
        self._offset, self._trimmed = place.offset, log.info.trimmed
        snapshot: Sequence[LogEntry] = ()
        if options.begins_with_newest(place.gap) and self._kind != "events":
            # nothing above our place: that comes as it came
            snapshot = [entry for entry in await log.newest() if entry.offset <= place.offset]
        if self._is_closed:
            return
        self._upto = place.offset
        log.attach(self)
        self._greet(log.cursor(place.offset), place.gap)
        if snapshot := self._wanted(snapshot):
            self._begin(snapshot)
        if log.head > self._offset:
            self._outlet.woken(self)

    @property
    def cursor(self) -> str | None:
        """The place up to which all has gone out, None until it follows."""
        return None if self._upto is None else self._log.cursor(self._upto)

    def stop(self) -> None:
        """Leave the log; twice is no error."""
        self._is_closed = True
        self._outlet.let_go(self)
        self._log.detach(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._fetching is not None:
            self._fetching.cancel()

    # -- what the log calls

    def wake(self) -> None:
        """There is something new."""
        if self._batch is None or self._is_due():
            self._outlet.woken(self)

    def offer(self, items: Sequence[LogEntry]) -> None:
        """Pass on what could not be stored; it has no cursor and is not sent twice."""
        if self._outlet.is_full:
            return
        wanted = self._wanted(items)
        if self._is_conflated:
            wanted = newest_of_each(wanted)
        if wanted:
            first = self._volatile + 1
            self._volatile += len(wanted)
            self._send(self._form.volatile(wanted, first))

    def close(self, reason: str) -> None:
        """The log is gone."""
        self._outlet.stop(reason)

    # -- for the outlet

    @property
    def is_behind(self) -> bool:
        """Whether there is more to take already: ask again in the next turn."""
        return self._offset < self._log.head and self._fetching is None and not self._is_closed

    def take(self, most: int) -> bytes:
        """Return what came since the last call, at most about `most` bytes."""
        if self._is_closed:
            return b""
        data = self._take_conflated(most) if self._is_conflated else self._take_all(most)
        if not self._gathered:
            self._upto = self._offset
        if data and self._batch is not None:  # what is of other members does not count as a batch
            self._next_batch = self._in_one_batch()
        return data

    def _take_all(self, most: int) -> bytes:
        log, after = self._log, self._offset
        if self._fetched:
            found, self._fetched = self._fetched, ()
            self._offset = found[-1].offset
            return self._build(found, self._offset)
        made = self._made.by_place.get(after)
        if made is not None:
            self._offset, data = made
            return data
        tail = log.tail(after, most)
        if tail is None:
            self._fetch()
        if not tail:
            return b""
        self._offset = tail[-1].offset
        return self._built(tail, after)

    def _take_conflated(self, most: int) -> bytes:
        """Take all there is, as of each member only the newest goes out, and that once per batch."""
        log, after = self._log, self._offset
        found, self._fetched = list(self._fetched), ()
        while tail := log.tail(found[-1].offset if found else after, most):
            found += tail
        if tail is None:
            self._fetch()
        if found:
            self._offset = found[-1].offset
        if not self._gathered and tail is not None:
            return self._built(found, after) if found else b""
        if not self._gathered:  # all that is read within a batch's time is one
            self._next_batch = max(self._next_batch, self._in_one_batch())
        self._gathered = newest_of_each([*self._gathered, *self._wanted(found)])
        if tail is None and not self._is_full():
            return b""  # there is more to come out of the store, and no batch is due
        gathered, self._gathered = self._gathered, []
        return self._build(gathered, self._offset)

    def _in_one_batch(self) -> float:
        return asyncio.get_running_loop().time() + (self._batch or 0.0)

    def _is_full(self) -> bool:
        """Whether what was gathered is to go out before all has been read."""
        if asyncio.get_running_loop().time() >= self._next_batch:
            return True
        return sum(1 for entry in self._gathered if not entry.is_fix) > _EVENTS

    # -- catching up

    def _fetch(self) -> None:
        if self._fetching is None and not self._is_closed:
            self._fetching = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        log, outlet = self._log, self._outlet
        try:
            entries = await log.read(self._offset, _READ)
        except LocShareError as error:
            outlet.fail(error)
            return
        except Exception as error:
            outlet.broken(error)
            return
        finally:
            self._fetching = None
        self._see_gap()
        if entries:
            self._fetched = entries
        else:  # all that was older is gone
            self._offset = max(self._offset, min(log.oldest - 1, log.head))
        outlet.woken(self)

    def _see_gap(self) -> None:
        """Say so when what comes next was trimmed since we took our place."""
        trimmed = self._log.info.trimmed
        if self._trimmed < trimmed:
            self._trimmed = trimmed
            if self._offset < trimmed:
                self._send(self._form.gap(self._log.cursor(trimmed)))

    def _is_due(self) -> bool:
        """Whether a batch may go now; else it goes when its time has come."""
        loop = asyncio.get_running_loop()
        if loop.time() >= self._next_batch:
            return True
        if self._timer is None:
            self._timer = loop.call_at(self._next_batch, self._on_timer)
        return False

    def _on_timer(self) -> None:
        self._timer = None
        self._outlet.woken(self)

    # -- which, and in which form

    def _wanted(self, entries: Sequence[LogEntry]) -> Sequence[LogEntry]:
        if self._kind is not None:
            is_fix = self._kind == "fixes"
            entries = [entry for entry in entries if entry.is_fix is is_fix]
        members = self._options.members
        return entries if members is None else [entry for entry in entries if is_of(entry, members)]

    def _greet(self, cursor: str, gap: bool) -> None:
        """Say hello."""
        self._send(self._form.hello(cursor, gap))

    def _begin(self, snapshot: Sequence[LogEntry]) -> None:
        """Send each member's newest fix, before all that comes."""
        self._send(self._form.snapshot(snapshot, 1))

    def _send(self, data: bytes) -> None:
        if data:
            self._outlet.send_framed(data)

    def _built(self, entries: Sequence[LogEntry], after: int) -> bytes:
        """Return the bytes of what lies between two places, made once for all equal readers."""
        upto = entries[-1].offset
        made = self._made.by_place.get(after)
        if made is not None and made[0] == upto:
            return made[1]
        data = self._build(entries, upto)
        self._made.put(after, upto, data)
        return data

    def _build(self, entries: Sequence[LogEntry], upto: int) -> bytes:
        wanted = self._wanted(entries)
        if self._is_conflated:
            wanted = newest_of_each(wanted)
        return self._form.entries(wanted, self._log, upto) if wanted else b""


def is_of(entry: LogEntry, members: frozenset[str]) -> bool:
    """Whether an entry is of one of these members (folded names)."""
    if entry.item.member is None:
        return entry.mark is not None  # of a replay: it concerns everybody
    return fold(entry.item.member) in members


def newest_of_each(entries: Sequence[LogEntry]) -> list[LogEntry]:
    """Return each member's newest fix, and all events, in their order."""
    newest: dict[str | None, LogEntry] = {}
    events: list[LogEntry] = []
    for entry in entries:
        if not entry.is_fix:
            events.append(entry)
            if entry.mark is not None and entry.mark.state == "discontinuity":
                newest.clear()
            continue
        known = newest.get(entry.item.member)
        if known is None or entry.item.effective_time >= known.item.effective_time:
            newest[entry.item.member] = entry
    return sorted([*newest.values(), *events], key=lambda entry: entry.offset)
