"""A STOMP subscription to a group: a reader of its log with a cursor, and no queue."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from locshare_ext.broker.log import GroupLog, LogEntry
from locshare_ext.errors import LocShareError
from locshare_ext.model.event import Event
from locshare_ext.model.fix import Fix
from locshare_ext.model.names import fold
from locshare_ext.server.feed_options import FeedOptions
from locshare_ext.server.site import PROTOCOL
from locshare_ext.server.stomp.acks import Ledger
from locshare_ext.server.stomp.frames import in_messages
from locshare_ext.server.stomp.peer import Peer
from locshare_ext.stomp import encode_message

__all__ = ["Feed"]

JSON = "application/json"


class Feed:
    """Passes a group's fixes (or its events) on to one subscription of one session.

    Its place in the log is all it holds: when woken it takes what came since, in a buffer
    that equal subscriptions of other sessions share. A feed that is too far behind for the
    memory reads from the store until it has caught up.
    """

    __slots__ = (
        "__weakref__",
        "_destination",
        "_fetched",
        "_fetching",
        "_gathered",
        "_is_batched",
        "_is_closed",
        "_is_conflated",
        "_log",
        "_made",
        "_next_batch",
        "_offset",
        "_opcode",
        "_options",
        "_session",
        "_subscription",
        "_timer",
        "_version",
        "_volatile",
        "_wants_fixes",
    )

    def __init__(
        self,
        session: Peer,
        log: GroupLog,
        subscription: str | None,
        destination: str,
        options: FeedOptions,
        *,
        wants_fixes: bool,
    ) -> None:
        self._session = session
        self._log = log
        self._subscription = subscription
        self._destination = destination
        self._options = options
        self._wants_fixes = wants_fixes
        self._opcode = session.opcode
        self._version = session.version
        self._offset = 0
        self._fetched: Sequence[LogEntry] = ()
        self._fetching: asyncio.Task[None] | None = None
        self._gathered: list[LogEntry] = []  # by `conflate`, while catching up
        self._next_batch = 0.0  # the loop's clock
        self._timer: asyncio.TimerHandle | None = None
        self._volatile = 0
        self._is_closed = False
        self._is_batched = options.batch is not None
        self._is_conflated = options.conflate and wants_fixes
        # by all that decides which bytes come out for the same entries
        self._made = log.made(
            (
                subscription,
                self._version,
                self._opcode,
                destination,
                self._is_batched,
                options.conflate,
                options.members,
            )
        )

    async def start(self, receipt: str | None) -> None:
        """Take its place in the log, answer the RECEIPT (the hello), then follow.

        Raises InvalidCursor for a place that is none.
        """
        options, log = self._options, self._log
        place = log.place(options.after, "now")
        self._offset = place.offset
        is_resumed = options.after not in (None, "now") and not place.gap
        snapshot: Sequence[LogEntry] = ()
        if options.last and self._wants_fixes and not is_resumed:
            # nothing above our place: that comes as it came
            snapshot = [entry for entry in await log.newest() if entry.offset <= place.offset]
        if self._is_closed:
            return
        log.attach(self)
        if receipt is not None:
            self._session.receipt(
                receipt,
                (
                    ("cursor", log.cursor(place.offset)),
                    ("gap", "true" if place.gap else "false"),
                    ("locshare-protocol", PROTOCOL),
                ),
            )
        if snapshot := self._wanted(snapshot):
            self._begin(snapshot)
        if log.head > self._offset:
            self._session.woken(self)

    @property
    def ledger(self) -> Ledger | None:
        """What waits for an ACK: nothing, with ack:auto."""
        return None

    async def settle(self, tokens: Sequence[int], *, is_ack: bool) -> None:
        """Nothing waits for an ACK."""

    # -- a reader of the log

    def wake(self) -> None:
        """There is something new; called by the log, at most once per loop turn."""
        if self._is_batched and not self._is_due():
            return
        self._session.woken(self)

    def offer(self, items: Sequence[LogEntry]) -> None:
        """Pass on what could not be stored; it has no cursor and is not sent twice."""
        if self._session.is_full:
            return
        wanted = self._wanted(items)
        if not wanted:
            return
        if self._options.conflate:
            wanted = _newest_of_each(wanted)
        first = self._volatile + 1
        if self._options.batch is not None:
            self._volatile += 1
            frames = [self._encode(f"v-{first}", _array(wanted), None)]
        else:
            self._volatile += len(wanted)
            frames = [
                self._encode(f"v-{number}", entry.body, entry.item.member)
                for number, entry in enumerate(wanted, first)
            ]
        self._session.send_framed(in_messages(frames, self._opcode))

    def close(self, reason: str) -> None:
        """The log is gone: the session says so and ends."""
        self._session.stop(reason)

    # -- for the session

    def take(self, most: int) -> bytes:
        """Return what came since the last call, at most about `most` bytes, framed."""
        data = self._take_conflated(most) if self._is_conflated else self._take_all(most)
        if data and self._is_batched:  # what is of other members does not count as a batch
            self._arm_batch()
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
        """Take all there is, as only the newest of each member goes out, and that once per batch."""
        log, after = self._log, self._offset
        found, self._fetched = list(self._fetched), ()
        while tail := log.tail(found[-1].offset if found else after, most):
            found += tail
        if tail is None:
            self._fetch()
        if found:
            self._offset = found[-1].offset
        if not self._gathered and tail is not None:
            if not found:
                return b""
            return self._built(found, after)
        self._gathered = _newest_of_each([*self._gathered, *self._wanted(found)])
        if tail is None and asyncio.get_running_loop().time() < self._next_batch:
            return b""  # there is more to come out of the store, and no batch is due
        gathered, self._gathered = self._gathered, []
        return self._build(gathered, self._offset)

    @property
    def is_behind(self) -> bool:
        """Whether there is more to take already."""
        return self._offset < self._log.head and self._fetching is None and not self._is_closed

    def stop(self) -> None:
        """Leave the log."""
        self._is_closed = True
        self._session.let_go(self)
        self._log.detach(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._fetching is not None:
            self._fetching.cancel()

    # -- catching up

    def _fetch(self) -> None:
        if self._fetching is None and not self._is_closed:
            self._fetching = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        log, limits = self._log, self._session.limits
        try:
            entries = await log.read(self._offset, 1000, limits.turn)
        except LocShareError as error:
            self._session.fail(error)
            return
        except Exception as error:
            self._session.broken(error)
            return
        finally:
            self._fetching = None
        if entries:
            self._fetched = entries
        else:  # all that was older is gone
            self._offset = max(self._offset, min(log.oldest - 1, log.head))
        self._session.woken(self)

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
        self._session.woken(self)

    def _arm_batch(self) -> None:
        if self._options.batch is not None:
            self._next_batch = asyncio.get_running_loop().time() + self._options.batch / 1000

    # -- encoding

    def _wanted(self, entries: Sequence[LogEntry]) -> list[LogEntry]:
        wanted = self._wants_fixes
        if self._options.members is None:
            return [entry for entry in entries if entry.is_fix is wanted]
        return [entry for entry in entries if entry.is_fix is wanted and self._is_of_members(entry.item)]

    def _is_of_members(self, item: Fix | Event) -> bool:
        members = self._options.members
        return members is None or (item.member is not None and fold(item.member) in members)

    def _built(self, entries: Sequence[LogEntry], after: int) -> bytes:
        """Return the MESSAGEs of what lies between two places, made once for all equal readers."""
        upto = entries[-1].offset
        made = self._made.by_place.get(after)
        if made is not None and made[0] == upto:
            return made[1]
        data = self._build(entries, upto)
        self._made.put(after, upto, data)
        return data

    def _build(self, entries: Sequence[LogEntry], upto: int) -> bytes:
        """Return the MESSAGEs of entries; upto: the last offset that they stand for."""
        wanted = self._wanted(entries)
        if not wanted:
            return b""
        if self._options.batch is None:
            frames = [self._encode(str(e.item.cursor), e.body, e.item.member) for e in wanted]
            return in_messages(frames, self._opcode)
        if self._options.conflate and self._wants_fixes:
            wanted = _newest_of_each(wanted)
        frame = self._encode(self._log.cursor(upto), _array(wanted), None)
        return in_messages((frame,), self._opcode)

    def _begin(self, snapshot: Sequence[LogEntry]) -> None:
        """Send each member's newest fix, before all that comes."""
        self._session.send_framed(self._snapshot(snapshot))

    def _snapshot(self, entries: Sequence[LogEntry], first: int = 1) -> bytes:
        headers = (("snapshot", "1"),)
        if self._options.batch is not None:
            return in_messages((self._encode("s-1", _array(entries), None, headers),), self._opcode)
        frames = [
            self._encode(f"s-{number}", entry.body, entry.item.member, headers)
            for number, entry in enumerate(entries, first)
        ]
        return in_messages(frames, self._opcode)

    def _encode(
        self,
        message_id: str,
        body: bytes,
        member: str | None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> bytes:
        return encode_message(
            version=self._version,
            destination=self._destination,
            subscription=self._subscription,
            message_id=message_id,
            content_type=JSON,
            body=body,
            headers=headers if member is None else (("member", member), *headers),
        )


def _array(entries: Sequence[LogEntry]) -> bytes:
    return b"[" + b",".join([entry.body for entry in entries]) + b"]"


def _newest_of_each(entries: Sequence[LogEntry]) -> list[LogEntry]:
    newest: dict[str | None, LogEntry] = {}
    for entry in entries:
        known = newest.get(entry.item.member)
        if known is None or entry.item.effective_time >= known.item.effective_time:
            newest[entry.item.member] = entry
    return sorted(newest.values(), key=lambda entry: entry.offset)
