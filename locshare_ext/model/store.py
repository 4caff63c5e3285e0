"""What a store of logs must do; the memory, SQLite and PostgreSQL stores all do it.

An entry exists once the store has committed it: `append` returns after that, and only
then is anybody told. All methods may be called from the event loop and never block it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec

from locshare_ext.errors import LocShareError
from locshare_ext.model.aside import AsideInfo
from locshare_ext.model.clock import Clock, check_clock
from locshare_ext.model.cursor import Cursor
from locshare_ext.model.event import Event, EventKind
from locshare_ext.model.fix import Fix
from locshare_ext.model.names import fold

if TYPE_CHECKING:
    import asyncio

    import pyarrow as pa

__all__ = [
    "Appended",
    "Entry",
    "InviteInfo",
    "LogInfo",
    "LogKind",
    "LogStore",
    "PlaceInfo",
    "RecordingInfo",
    "Selection",
    "StoreFailure",
    "StorePlace",
]

LogKind = Literal["group", "import"]


# Not dataclasses: they are made for every fix, and the collector need not look at them
class Entry(msgspec.Struct, frozen=True, gc=False):
    """One entry of a log: its offset, and the fix or event with its cursor set."""

    offset: int
    item: Fix | Event


class Appended(msgspec.Struct, frozen=True, gc=False):
    """What became of a batch: its stored entries in order, and the duplicates dropped.

    head: the log's newest offset after the commit. trimmed: when the store let old entries go for
    these, the highest offset that is gone; else 0.
    """

    entries: tuple[Entry, ...]
    duplicates: int
    head: int
    trimmed: int = 0


@dataclass(frozen=True, slots=True)
class LogInfo:
    """A log as the store knows it.

    name: the group's slug, or an import's id. oldest: the lowest offset that is kept
    (head + 1 if none is). head: the newest offset ever given, 0 in a new log.
    trimmed: the highest offset that retention removed: below it recordings may keep some,
    so who resumes there misses entries. What was forgotten leaves no such mark.
    created: ms since 1970. settings: plain JSON values, `title` among them.
    """

    name: str
    kind: LogKind
    epoch: str
    oldest: int
    head: int
    created: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    trimmed: int = 0

    def cursor(self, offset: int) -> str:
        """Return the text of the cursor at `offset`."""
        return str(Cursor(self.epoch, offset))


@dataclass(frozen=True, slots=True)
class Selection:
    """Which fixes of a log: [since, until] in ms on `clock`, of `members` (None: all).

    Entries with an offset in (after, upto] only; None: no bound.
    recording: the id of one whose part of the log it must lie in, too; see `RecordingInfo.has`.
    """

    since: int | None = None
    until: int | None = None
    clock: Clock = "time"
    members: frozenset[str] | None = None
    after: int | None = None
    upto: int | None = None
    recording: str | None = None

    def has(self, entry: Entry) -> bool:
        """Whether an entry is selected, `recording` left aside."""
        item = entry.item
        at = item.received if check_clock(self.clock) == "received" else item.time
        if self.members is not None:
            wanted = {fold(name) for name in self.members}
            if item.member is None or fold(item.member) not in wanted:
                return False
        return (
            (self.since is None or at >= self.since)
            and (self.until is None or at <= self.until)
            and (self.after is None or entry.offset > self.after)
            and (self.upto is None or entry.offset <= self.upto)
        )


@dataclass(frozen=True, slots=True)
class RecordingInfo:
    """A named, kept part of a log (or the whole of an import).

    An entry belongs to it if its offset lies in (after, upto], or if it arrived later,
    before `closed`, with its `time` in [since, until]. since, until, closed, created: ms;
    until and upto are None while it runs; closed is when late entries end to be taken
    (None while it runs).
    """

    id: str
    name: str
    log: str
    kind: LogKind
    created: int
    since: int
    after: int
    until: int | None = None
    upto: int | None = None
    closed: int | None = None
    description: str = ""
    received_known: bool = True

    def state(self, now: int) -> Literal["running", "stopped", "closed"]:
        """Whether it runs, still takes what comes late, or is closed at `now` (ms)."""
        if self.until is None:
            return "running"
        return "closed" if self.closed is not None and self.closed <= now else "stopped"

    def has(self, offset: int, time: int, received: int) -> bool:
        """Whether the entry of that offset and those clocks (ms) belongs to it."""
        if offset <= self.after:
            return False
        if self.until is None or self.upto is None or offset <= self.upto:
            return True
        return self.since <= time <= self.until and (self.closed is None or received < self.closed)

    def has_refused(self, received: int) -> bool:
        """Whether what was refused at a moment (ms) came while it ran, and is kept with it."""
        return self.since <= received and (self.until is None or received <= self.until)


@dataclass(frozen=True, slots=True)
class InviteInfo:
    """An invite to one log; its secret is kept nowhere, it follows from the id and the server's key.

    roles: names, sorted. member: whose it is; None: open, to be exchanged for ones of members.
    created, expires, revoked: ms; revoked is None while it is not. uses: how often an open one
    may be exchanged, None for any number; used: how often it was. origin: the id of the open
    one that it was exchanged for. precision: metres of the grid that its holder wants its places
    on, None for as they were measured. consent: the version of the text that its holder agreed
    to; consented: ms, when.
    """

    id: str
    log: str
    roles: tuple[str, ...]
    member: str | None
    created: int
    expires: int
    uses: int | None = None
    used: int = 0
    revoked: int | None = None
    origin: str | None = None
    precision: float | None = None
    consent: str | None = None
    consented: int | None = None


@dataclass(frozen=True, slots=True)
class PlaceInfo:
    """Where a durable subscription of an identity stands in a log: all up to `upto` is acknowledged.

    epoch: the log's life that the offset is of. at: ms, when it was written.
    """

    log: str
    epoch: str
    identity: str
    name: str
    upto: int
    at: int


@dataclass(frozen=True, slots=True)
class StoreFailure:
    """Why nothing can be stored now. since: ms, of the first thing that could not be."""

    message: str
    since: int


@dataclass(frozen=True, slots=True)
class StorePlace:
    """Where a store keeps what it is given.

    path: of its file, None for memory. journal: how it commits, `wal` or `delete`; None until
    the file is open. notes: sentences for who runs the server, such as why it is not the
    file that was asked for.
    """

    path: str | None = None
    journal: str | None = None
    notes: tuple[str, ...] = ()


class LogStore(Protocol):
    """Keeps any number of append-only logs, and the recordings over them.

    Every method raises StoreError when the store cannot do it.
    """

    persistent: bool  # whether a restart keeps what was acknowledged

    @property
    def failure(self) -> StoreFailure | None:
        """Why what was last to be stored could not be; None when it was, or nothing was yet."""

    @property
    def place(self) -> StorePlace:
        """Where things are kept; may change with the first thing that is stored or read."""

    @property
    def is_taken(self) -> bool:
        """Whether another server uses that place now, so that this one would use its own."""

    def append(
        self, log: str, drafts: Sequence[Fix | Event], *, epoch: str, kind: LogKind = "group"
    ) -> asyncio.Future[Appended]:
        """Drop duplicates, give offsets, commit; then the future's result is set.

        Futures are resolved in the order of the calls, on the loop that called. The log
        is made, with life `epoch`, if it does not exist; if it does, its own epoch stays.
        A batch is stored whole or not at all. Cancelling the future does not undo it.
        NotFound: the log of that life was deleted, its offsets must not begin again.
        """

    def append_all(
        self, log: str, batches: Sequence[Sequence[Fix | Event]], *, epoch: str, kind: LogKind = "group"
    ) -> asyncio.Future[list[Appended | LocShareError]]:
        """Do `append` for batches that came together, at the price of about one.

        The result of each stands at its place. A batch that cannot be stored hurts no
        other: its error is its result. What concerns all (StoreError) is the future's.
        """

    async def logs(self) -> list[LogInfo]:
        """Return every log, by name."""

    async def log(self, name: str) -> LogInfo | None:
        """Return one log, None if there is none of that name."""

    async def create_log(
        self, name: str, *, kind: LogKind, epoch: str, settings: Mapping[str, Any]
    ) -> LogInfo:
        """Make a log before it has entries; raises Conflict if there is one."""

    async def update_settings(self, name: str, settings: Mapping[str, Any]) -> LogInfo:
        """Replace a log's settings; raises NotFound if there is no such log."""

    async def delete_log(self, name: str) -> None:
        """Remove a log with its entries, recordings and invites; no error if there is none."""

    async def read(self, log: str, after: int, limit: int) -> list[Entry]:
        """Return up to `limit` entries with an offset above `after`, ascending."""

    async def newest(self, log: str) -> list[Entry]:
        """Return each member's newest fix by effective time, ascending by offset."""

    async def counts(self, log: str) -> dict[str, int]:
        """Return how many fixes each member has."""

    async def trails(self, log: str, selection: Selection) -> pa.Table:
        """Return fixes as an Arrow table with `trail.ARROW_FIELDS`, ascending by seq."""

    def export(self, log: str, selection: Selection) -> AsyncGenerator[bytes, None]:
        """Give the fixes of `trails` as pieces of an Arrow stream, for any number of them.

        Whole messages each, between `trail.stream_head` and `trail.STREAM_END`. The reader may
        be slow: nothing is held between two pieces. What comes later than the first is not in
        it; what is forgotten meanwhile is in no later piece. NotFound: the log was deleted
        meanwhile, or the recording is unknown; of an unknown log there is nothing.
        """

    async def at(self, log: str, selection: Selection) -> pa.Table:
        """Return each member's newest fix, by effective time, of those selected; ascending by seq.

        With `heard` beside the columns of `trails`: when (ms) the last of the member's arrived.
        `until` and `clock` say where everyone was at a moment: as it was, or as it was known.
        """

    async def events(
        self, log: str, selection: Selection, *, kind: EventKind | None = None, limit: int | None = None
    ) -> list[Entry]:
        """Return events, ascending by offset: all or of one kind, all or the first `limit`."""

    async def remove_event(self, log: str, offset: int) -> bool:
        """Remove one event; its offset stays unused. False: there is none (or a fix)."""

    async def forget(self, log: str, member: str) -> int:
        """Remove every trace of a member, its invites and what was refused of it, too.

        Returns the number of entries removed. Of what was refused all goes that
        `AsideInfo.concerns` the member.
        """

    async def rename_member(self, log: str, member: str, name: str) -> None:
        """Give a member another name, in all its entries and invites.

        Raises Conflict if another member has left entries under it. No error if there is no
        such log, or the member has left nothing.
        """

    async def merge_member(self, log: str, member: str, into: str) -> int:
        """Let all that is of a member be another's, that keeps its name: entries, invites, what was refused.

        Returns how many fixes both had, by (time as sent, lat, lon): the other's stay. Fixes
        are `late` then as if all had come from one. No error if there is no such log, or one
        of them has left nothing; in one step, which a crash leaves undone or done.
        """

    async def trim(self, log: str, before: int) -> int:
        """Remove entries received before `before` (ms) that no recording keeps.

        Returns how many. Offsets are not used again; `LogInfo.oldest` moves up. What was
        refused before, while no recording ran, goes too and is not counted.
        """

    async def size(self, log: str | None = None) -> int:
        """Return the bytes in use, of all logs or about those of one; falls when entries are removed.

        A store in a file says what its entries take in it: room left by removed ones is used
        again and does not count. One in memory estimates.
        """

    async def received_first(self, logs: Sequence[str], count: int) -> int | None:
        """Return when (ms) the `count`-th entry was received that trims of these logs may remove.

        Counted in the order they were received in, over all these logs together; the last one's
        moment when there are fewer, None when there is nothing to remove.
        """

    async def put_recording(self, recording: RecordingInfo) -> None:
        """Make or replace a recording by its id."""

    async def recordings(self, log: str | None = None) -> list[RecordingInfo]:
        """Return recordings, of one log or of all, by time of creation."""

    async def delete_recording(self, recording_id: str) -> None:
        """Remove a recording, and its log if it is an import; no error if there is none."""

    async def put_invite(self, invite: InviteInfo) -> None:
        """Make or replace an invite by its id; raises NotFound if there is no such log."""

    async def exchange_invite(self, opened: str, made: InviteInfo) -> bool:
        """Count one use of an open invite and make another of its log: both or neither.

        False: the open one is not there, revoked, or has no use left.
        """

    async def invites(self, log: str | None = None) -> list[InviteInfo]:
        """Return invites, of one log or of all, by time of creation."""

    async def delete_invites(self, ids: Sequence[str]) -> None:
        """Remove invites by their ids, with the places they have; no error if there is none."""

    async def put_places(self, places: Sequence[PlaceInfo]) -> list[PlaceInfo]:
        """Make or replace places by log, identity and name.

        Returns those that are not kept, as there is no such log or it is of another life.
        They end with their log.
        """

    async def places(self, log: str, identity: str) -> list[PlaceInfo]:
        """Return the places of one identity in a log, by name."""

    async def put_asides(self, log: str, asides: Sequence[AsideInfo], keep: int) -> None:
        """Keep what was refused; the oldest over `keep` of the log go. No error without such a log."""

    async def asides(self, log: str, selection: Selection, *, limit: int | None = None) -> list[AsideInfo]:
        """Return what was refused, in order of arrival: all or the first `limit`.

        since, until: of when it was received; after: an id; members: of those whose it is.
        """

    async def close(self) -> None:
        """Finish what was begun, close files and threads; twice is no error."""
