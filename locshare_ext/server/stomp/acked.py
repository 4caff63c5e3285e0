"""A STOMP subscription to a group whose MESSAGEs are acknowledged."""

from __future__ import annotations

from collections.abc import Sequence

from locshare_ext.broker.live import Log
from locshare_ext.broker.tail import LogEntry
from locshare_ext.server.feed_options import FeedOptions
from locshare_ext.server.stomp.acks import Ledger
from locshare_ext.server.stomp.feed import Feed
from locshare_ext.server.stomp.form import AckedForm
from locshare_ext.server.stomp.peer import Peer
from locshare_ext.server.streams.reader import Kind
from locshare_ext.services.places import Holder

__all__ = ["AckedFeed"]

_ENTRY = 1024  # bytes of an entry's body, about the most


class AckedFeed(Feed):
    """Follows a group's log, at most `ledger.most` MESSAGEs ahead of what is acknowledged.

    There is no queue: while the window is full the log is simply not read on. A MESSAGE that
    is refused by NACK leaves the window, and is not sent again by this subscription: the
    log is read forwards. With a durable name the place stays below it, so that the next
    subscription of that name gets it again.

    place: where the acknowledged is remembered, None for nowhere.
    """

    __slots__ = ("_begun", "_ledger", "_newest", "_place", "_refused", "_tokens")

    def __init__(
        self,
        session: Peer,
        log: Log,
        options: FeedOptions,
        form: AckedForm,
        kind: Kind | None,
        *,
        ledger: Ledger,
        place: Holder | None,
    ) -> None:
        super().__init__(session, log, options, form, kind)
        self._tokens = form
        self._ledger = ledger
        self._place = place
        self._refused: int | None = None  # the lowest token of what was refused
        self._newest: Sequence[LogEntry] = ()  # the snapshot
        self._begun = 0  # how many of it have gone out

    @property
    def ledger(self) -> Ledger:
        """What waits for an ACK."""
        return self._ledger

    async def start(self) -> None:
        """Follow from its place, and remember that."""
        await super().start()
        self._remember()

    async def settle(self, tokens: Sequence[int], *, is_ack: bool) -> None:
        """Go on reading where the window has room again; remember the place."""
        if not is_ack:
            self._refused = min(tokens) if self._refused is None else min(self._refused, *tokens)
        self._remember()
        if self.is_behind or self._fetched:
            self.wake()

    def stop(self) -> None:
        """Leave the log; the place is remembered."""
        if self._place is not None:
            self._remember()
            self._place.leave()
        self._newest = ()
        super().stop()

    def offer(self, items: Sequence[LogEntry]) -> None:
        """Pass on what could not be stored while there is room for it."""
        room = self._ledger.room
        if room:
            self._tokens.before = self._offset
            super().offer(items if self._batch is not None else items[:room])

    def take(self, most: int) -> bytes:
        """Return what came since the last call and there is room for."""
        room = self._ledger.room
        if not room:
            return b""
        if self._newest:
            return self._take_newest(min(room, max(most // _ENTRY, 1)))
        if self._upto is not None:
            self._tokens.before = self._upto
        data = super().take(most)
        if not data and not self._gathered:  # all that was read is of no interest: nothing of it waits
            self._remember()
        return data

    @property
    def is_behind(self) -> bool:
        """Whether there is more to take already, and room for it."""
        return self._ledger.room > 0 and (bool(self._newest) or super().is_behind)

    def _begin(self, snapshot: Sequence[LogEntry]) -> None:
        if self._batch is not None:  # it is one MESSAGE
            self._tokens.before = self._offset
            super()._begin(snapshot)
            return
        self._newest = snapshot
        self._session.woken(self)

    def _take_newest(self, count: int) -> bytes:
        """Return what comes next of the snapshot; then the log is read."""
        begun = self._begun
        part = self._newest[begun : begun + count]
        self._begun += len(part)
        if self._begun == len(self._newest):
            self._newest = ()
        self._tokens.before = self._offset
        return self._tokens.snapshot(part, begun + 1)

    def _take_all(self, most: int) -> bytes:
        found, self._fetched = self._fetched, ()
        if not found:
            tail = self._log.tail(self._offset, self._most(most))
            if tail is None:
                self._fetch()
            if not tail:
                return b""
            found = tail
        fitting = self._fitting(found)
        if len(fitting) < len(found) and self._log.tail(fitting[-1].offset, 1) is None:
            self._fetched = found[len(fitting) :]
        self._offset = fitting[-1].offset
        return self._build(fitting, self._offset)

    def _most(self, most: int) -> int:
        """Return about how many bytes have room: what has none would only be copied."""
        return most if self._batch is not None else min(most, self._ledger.room * _ENTRY)

    def _fitting(self, entries: Sequence[LogEntry]) -> Sequence[LogEntry]:
        """Return the first entries, as many as have room; at least one."""
        room = self._ledger.room
        if self._batch is not None or len(entries) <= room:
            return entries
        for index, entry in enumerate(entries):
            if self._wanted((entry,)):
                if not room:
                    return entries[:index]
                room -= 1
        return entries

    # What is sent waits in the ledger, so it cannot be shared.
    def _built(self, entries: Sequence[LogEntry], after: int) -> bytes:
        return self._build(entries, entries[-1].offset)

    def _remember(self) -> None:
        if self._place is None or self._upto is None:
            return
        first = self._ledger.first
        upto = self._upto if first is None else first
        if self._refused is not None:
            upto = min(upto, self._refused)
        self._place.move(self._log.epoch, upto)
