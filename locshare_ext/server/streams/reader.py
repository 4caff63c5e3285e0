"""A place in a group's log, for whoever is served from there on: filters, batches, catching up."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Sequence
from typing import Protocol

from locshare_ext.broker.log import GroupLog, LogEntry
from locshare_ext.errors import LocShareError
from locshare_ext.model.names import fold
from locshare_ext.server.feed_options import FeedOptions

__all__ = ["Form", "GroupReader", "Outlet", "is_of"]

_READ = 1000  # entries out of the store at once
_EVENTS = 1000  # that wait beside the newest fixes while a conflated reader catches up


class Form(Protocol):
    """How entries become bytes on one kind of connection; all that is needed is in its arguments."""

    @property
    def key(self) -> Hashable:
        """Equal for forms that make the same bytes of the same entries."""

    def entries(self, entries: Sequence[LogEntry], log: GroupLog, upto: int) -> bytes:
        """Return entries, at least one; upto: the last offset that they stand for."""

    def fixes(self, entries: Sequence[LogEntry]) -> bytes:
        """Return fixes that are no place to resume from: volatile ones, or a snapshot."""

    def hello(self, cursor: str, gap: bool) -> bytes:
        """Return what a stream begins with."""

    def gap(self, cursor: str) -> bytes:
        """Return that what lay before a cursor is no longer kept."""


class Outlet(Protocol):
    """The connection that a reader's bytes go out on; used on its loop."""

    @property
    def is_full(self) -> bool:
        """Whether so much is unsent that nothing more is to be added."""

    def woken(self) -> None:
        """Ask the reader at the end of this turn, or when there is room."""

    def send(self, data: bytes) -> None:
        """Send what is not taken from the reader, before it."""

    def stop(self, reason: str) -> None:
        """End it from this side."""

    def fail(self, error: LocShareError) -> None:
        """End it with an error."""

    def broken(self, error: Exception) -> None:
        """End it after a bug of ours."""


class GroupReader:
    """Follows a group's fixes and events from a cursor; its place is all that it holds.

    When asked it makes what came since, once for all equal readers that stand at the same
    place. One that is too far behind for the memory reads from the store until it has
    caught up. Of a batch with `conflate` only each member's newest fix goes out.
    """

    __slots__ = (
        "__weakref__",
        "_fetched",
        "_fetching",
        "_form",
        "_gathered",
        "_is_closed",
        "_log",
        "_made",
        "_next_batch",
        "_offset",
        "_options",
        "_outlet",
        "_timer",
        "_trimmed",
    )

    def __init__(self, outlet: Outlet, log: GroupLog, options: FeedOptions, form: Form) -> None:
        self._outlet = outlet
        self._log = log
        self._options = options
        self._form = form
        self._offset = 0
        self._trimmed = 0
        self._fetched: Sequence[LogEntry] = ()
        self._fetching: asyncio.Task[None] | None = None
        self._gathered: list[LogEntry] = []  # by `conflate`, while catching up
        self._next_batch = 0.0  # the loop's clock
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False
        # by all that decides which bytes come out for the same entries
        self._made = log.made((form.key, options.batch is None, options.conflate, options.members))

    async def start(self) -> None:
        """Take its place, say hello, then follow; raises InvalidCursor, StoreError, Unavailable."""
        options, log, outlet = self._options, self._log, self._outlet
        place = log.place(options.after, "now")
        self._offset, self._trimmed = place.offset, log.info.trimmed
        is_resumed = options.after not in (None, "now") and not place.gap
        snapshot: Sequence[LogEntry] = ()
        if options.last and not is_resumed:
            # nothing above our place: that comes as it came
            snapshot = [entry for entry in await log.newest() if entry.offset <= place.offset]
        if self._is_closed:
            return
        log.attach(self)
        outlet.send(self._form.hello(log.cursor(place.offset), place.gap))
        if snapshot := self._wanted(snapshot):
            outlet.send(self._form.fixes(snapshot))
        if log.head > self._offset:
            outlet.woken()

    def stop(self) -> None:
        """Leave the log; twice is no error."""
        self._is_closed = True
        self._log.detach(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._fetching is not None:
            self._fetching.cancel()

    # -- what the log calls

    def wake(self) -> None:
        """There is something new."""
        if self._options.batch is None or self._is_due():
            self._outlet.woken()

    def offer(self, items: Sequence[LogEntry]) -> None:
        """Pass on what could not be stored; it has no cursor and is not sent twice."""
        if self._outlet.is_full:
            return
        wanted = self._wanted(items)
        if self._options.conflate:
            wanted = _newest_of_each(wanted)
        if wanted:
            self._outlet.send(self._form.fixes(wanted))

    def close(self, reason: str) -> None:
        """The log is gone."""
        self._outlet.stop(reason)

    # -- for the outlet

    def wants_more(self) -> bool:
        """Whether to ask again in the next turn: there is more to take already, and it may go."""
        if self._offset >= self._log.head or self._fetching is not None or self._is_closed:
            return False
        return self._options.batch is None or self._is_due()

    def take(self, most: int) -> bytes:
        """Return what came since the last call, at most about `most` bytes."""
        if self._is_closed or (self._options.batch is not None and not self._is_due()):
            return b""
        data = self._take_conflated(most) if self._options.conflate else self._take_all(most)
        if data and self._options.batch is not None:  # what is of other members does not count as a batch
            self._next_batch = asyncio.get_running_loop().time() + self._options.batch / 1000
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
        """Take all there is, as of each member only the newest goes out."""
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
        self._gathered = _newest_of_each([*self._gathered, *self._wanted(found)])
        events = sum(1 for entry in self._gathered if not entry.is_fix)
        if tail is None and events <= _EVENTS:
            return b""  # there is more to come out of the store
        gathered, self._gathered = self._gathered, []
        return self._build(gathered, self._offset)

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
        outlet.woken()

    def _see_gap(self) -> None:
        """Say so when what comes next was trimmed since we took our place."""
        trimmed = self._log.info.trimmed
        if self._trimmed < trimmed:
            self._trimmed = trimmed
            if self._offset < trimmed:
                self._outlet.send(self._form.gap(self._log.cursor(trimmed)))

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
        self._outlet.woken()

    # -- which, and in which form

    def _wanted(self, entries: Sequence[LogEntry]) -> Sequence[LogEntry]:
        members = self._options.members
        return entries if members is None else [entry for entry in entries if is_of(entry, members)]

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
        if self._options.conflate:
            wanted = _newest_of_each(wanted)
        return self._form.entries(wanted, self._log, upto) if wanted else b""


def is_of(entry: LogEntry, members: frozenset[str]) -> bool:
    """Whether an entry is of one of these members (folded names)."""
    return entry.item.member is not None and fold(entry.item.member) in members


def _newest_of_each(entries: Sequence[LogEntry]) -> list[LogEntry]:
    """Return each member's newest fix, and all events, in their order."""
    newest: dict[str | None, LogEntry] = {}
    events: list[LogEntry] = []
    for entry in entries:
        if not entry.is_fix:
            events.append(entry)
            continue
        known = newest.get(entry.item.member)
        if known is None or entry.item.effective_time >= known.item.effective_time:
            newest[entry.item.member] = entry
    return sorted([*newest.values(), *events], key=lambda entry: entry.offset)
