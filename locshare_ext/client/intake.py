"""What is read of a group's log: each fix once, into columns, to listeners and to callbacks."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from locshare_ext.client.callbacks import Callbacks
from locshare_ext.client.columns import FixColumns
from locshare_ext.client.incoming import Row, decode_fixes, decode_rows, seqs_of
from locshare_ext.client.source import FixBatch
from locshare_ext.client.steering import Discontinuity
from locshare_ext.client.times import now_ms
from locshare_ext.client.watching import newest_of
from locshare_ext.errors import InvalidCursor
from locshare_ext.model.cursor import Cursor
from locshare_ext.model.fix import Fix

__all__ = ["LAG", "Intake"]

LAG = 1000  # ms by which time alone is behind, so that it does not overtake a fix under way
VOLATILE_KEPT = 10_000  # fixes without a place whose storing may still follow

_Key = tuple[str, int, float, float]
_FixOrRow = TypeVar("_FixOrRow", Fix, Row)


class Intake:
    """Keeps a group's fixes and the place where reading goes on, whichever transport brings them.

    tell: is handed each new batch. `forget` and `rename` may be called by any thread, the rest by the one
    that reads.
    cursor: of what was read last; None: from the start. seen: ms by the server's clock, when the
    fix that callbacks see now was received.
    """

    def __init__(self, tell: Callable[[FixBatch], None]) -> None:
        self.columns = FixColumns()
        self.callbacks = Callbacks()
        self.cursor: Cursor | None = None
        self.seen: int | None = None
        self._tell = tell
        self._taking = threading.Lock()  # held while columns change and listeners are told so
        self._volatile: dict[_Key, None] = {}
        self._ahead: int | None = None  # ms that our clock is before the server's, and what a fix takes

    def place(self) -> str:
        """Return where to go on: `start` when there was nothing yet."""
        return "start" if self.cursor is None else str(self.cursor)

    def load(self, older: Sequence[Fix], batch: FixBatch, end: Cursor) -> None:
        """Take a history that ends at `end`; older: fixes of before it, ascending."""
        if older:
            self.columns.append(older, seqs_of(older))
        self.columns.extend(batch)
        self.cursor = end
        if len(self.columns):
            self._tell(self.columns.history())

    def begin(self, text: str | None) -> None:
        """Take the place where a life begins; in another life of the log, what was known is void."""
        begin, before = _cursor(text), self.cursor
        if begin is None:
            return
        if before is not None and _is_other_life(begin, before):
            self._restart()  # the log has begun anew: its offsets name other fixes now
            self.cursor = begin
        elif before is None:
            self.cursor = begin

    def void(self) -> None:
        """Let go of all: the log is no more, and what comes next is of another one."""
        if self.cursor is not None:
            self._restart()
            self.cursor = None

    def take(self, body: bytes, read: str | None) -> None:
        """Take fixes: into the columns, to the listeners, to the callbacks.

        read: where the log was read to with them.
        """
        if not self.callbacks:  # a `Fix` is made only for those who are handed one
            self._keep(*self._unread(decode_rows(body)), _cursor(read))
            return
        fixes, seqs = self._unread(decode_fixes(body))
        self._compare_clocks(fixes)
        with self.callbacks.watching.turn(self.known):
            self._keep(fixes, seqs, _cursor(read))
            self.callbacks.run(self._one_by_one(self._not_told(fixes)))
            self.seen = None

    def known(self) -> tuple[list[Fix], int]:
        """Return each member's last fix, and the moment (ms) up to which nothing more comes."""
        return newest_of(self.columns.history()), self.moment

    @property
    def moment(self) -> int:
        """The moment (ms, by the server's clock) up to which all is here, while the feed is live."""
        return now_ms() - (self._ahead or 0) - LAG

    def advance(self, moment: int) -> None:
        """Have the clock come to a moment (ms) without a fix; any thread may call it."""
        with self.callbacks.watching.turn(self.known):
            self.seen = moment
            self.callbacks.advance(moment)
            self.seen = None

    def forget(self, member: str) -> None:
        """Let a member's fixes go from what is kept here, and from what listeners have."""
        with self._taking:
            if self.columns.forget(member):
                self._tell(FixBatch.empty(restarted=True))
                self._tell(self.columns.history())
        self.callbacks.watching.forget(member)

    def rename(self, member: str, name: str) -> None:
        """Let a member's fixes be under another name, here and for the listeners; any thread may call it."""
        with self._taking:
            if self.columns.rename(member, name):
                self._tell(FixBatch.empty(restarted=True))
                self._tell(self.columns.history())
        self.callbacks.watching.forget(member)

    def _compare_clocks(self, fixes: Sequence[Fix]) -> None:
        if fixes:
            ahead = now_ms() - max(fix.received for fix in fixes)
            self._ahead = ahead if self._ahead is None else min(ahead, self._ahead)

    def _unread(self, fixes: list[_FixOrRow]) -> tuple[list[_FixOrRow], list[int]]:
        """Return the fixes that we do not have already, and their offsets."""
        last = -1 if self.cursor is None else self.cursor.offset
        seqs = seqs_of(fixes)
        if not seqs or min(seqs) > last:
            return fixes, seqs
        new = [not 0 <= seq <= last for seq in seqs]
        return list(itertools.compress(fixes, new)), list(itertools.compress(seqs, new))

    def _keep(self, fixes: Sequence[Fix | Row], seqs: list[int], read: Cursor | None) -> None:
        if not fixes:
            return
        read = read or _newest_cursor(fixes)
        if read is not None:
            self.cursor = read
        with self._taking:
            self._tell(self.columns.append(fixes, seqs))

    def _one_by_one(self, fixes: list[Fix]) -> Iterator[Fix]:
        for fix in fixes:
            self.seen = fix.received
            yield fix

    def _not_told(self, fixes: list[Fix]) -> list[Fix]:
        """Return the fixes that callbacks have not seen: one that was volatile may be stored later."""
        if not self._volatile and all(fix.cursor is not None for fix in fixes):
            return fixes
        fresh = []
        for fix in fixes:
            key = (fix.member, fix.time, fix.lat, fix.lon)
            if fix.cursor is not None and key in self._volatile:
                del self._volatile[key]
                continue
            if fix.cursor is None:
                self._volatile[key] = None
            fresh.append(fix)
        for key in list(itertools.islice(self._volatile, max(0, len(self._volatile) - VOLATILE_KEPT))):
            del self._volatile[key]
        return fresh

    def _restart(self) -> None:
        self._void()
        self.callbacks.begin(Discontinuity("restart", now_ms()))

    def _void(self) -> None:
        self._volatile.clear()
        with self._taking:
            self.columns.clear()
            self._tell(FixBatch.empty(restarted=True))


def _cursor(text: str | None) -> Cursor | None:
    try:
        return None if text is None else Cursor.parse(text)
    except InvalidCursor:
        return None


def _newest_cursor(fixes: Sequence[Fix | Row]) -> Cursor | None:
    return next((_cursor(fix.cursor) for fix in reversed(fixes) if fix.cursor is not None), None)


def _is_other_life(begin: Cursor, before: Cursor) -> bool:
    """Return whether what is read from `begin` on can name other fixes than those read until `before`."""
    return begin.epoch != before.epoch or begin.offset < before.offset
