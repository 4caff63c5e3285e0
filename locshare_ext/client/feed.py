"""What comes live of one group: a thread that connects, resumes, and never gives up."""

from __future__ import annotations

import itertools
import logging
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from locshare_ext.client.callbacks import Callbacks
from locshare_ext.client.columns import FixColumns, batch_from_table
from locshare_ext.client.connection import Connection
from locshare_ext.client.http import Api, path_of
from locshare_ext.client.incoming import Row, decode_fixes, decode_rows, seq_of, seqs_of
from locshare_ext.client.source import FixBatch, SourceState, SourceStatus
from locshare_ext.client.times import now_ms
from locshare_ext.errors import InvalidCursor, LocShareError, NotFound, ServerNotFound
from locshare_ext.model.cursor import Cursor
from locshare_ext.model.fix import Fix
from locshare_ext.model.names import group_topic
from locshare_ext.transports.refusals import is_final

__all__ = ["Feed"]

BATCH = 33  # ms between two MESSAGEs at most: one per frame of a map
HISTORY = 100_000  # fixes fetched when it starts
VOLATILE_KEPT = 10_000  # fixes without a place whose storing may still follow
FIRST_DELAY, LONGEST_DELAY = 0.25, 15.0  # s between two attempts to connect

log = logging.getLogger("locshare_ext.client")
_Key = tuple[str, int, float, float]
_FixOrRow = TypeVar("_FixOrRow", Fix, Row)


@dataclass(eq=False, slots=True)
class _Listener:
    """Someone who follows the feed; `is_on` ends it."""

    on_fixes: Callable[[FixBatch], None]
    on_status: Callable[[SourceStatus], None]
    is_on: bool = True


class Feed:
    """One group's fixes, live, on one connection and one daemon thread.

    Starts with the newest part of the group's history and goes on at the cursor where
    that ended; after a loss it goes on at the cursor of what was read last, so there is
    neither hole nor duplicate. Methods may be called from any thread.
    """

    def __init__(self, group: str, api: Api) -> None:
        self.group = group
        self.api = api
        self.columns = FixColumns()
        self.callbacks = Callbacks()
        self._listeners: list[_Listener] = []
        self._lock = threading.Lock()
        self._taking = threading.Lock()  # held while columns change and listeners are told so
        self._closing = threading.Event()
        self._settled = threading.Event()
        self._thread: threading.Thread | None = None
        self._connection: Connection | None = None
        self._cursor: Cursor | None = None  # of what was read last; None: from the start
        self._has_history = False
        self._is_refused = False
        self._is_known = True  # whether the group exists, as far as we know
        self._near: list[str] = []
        self._volatile: dict[_Key, None] = {}
        self._seen: int | None = None  # ms by the server's clock of the fix that callbacks see now
        self._status = SourceStatus("connecting", now_ms(), "Not connected yet.")

    # what others call

    @property
    def status(self) -> SourceStatus:
        """How the feed is now."""
        return self._status

    @property
    def is_closed(self) -> bool:
        """Whether it was closed, for good."""
        return self._closing.is_set()

    @property
    def is_refused(self) -> bool:
        """Whether it ended because the server refuses its credential; `status` says why."""
        return self._is_refused

    @property
    def is_idle(self) -> bool:
        """Whether nobody is called when something comes."""
        return not self.callbacks and not self._listeners

    @property
    def clock(self) -> int:
        """The moment, in ms, of what is seen: in a callback that of its fix, else now."""
        if self._seen is not None and threading.current_thread() is self._thread:
            return self._seen
        return now_ms()

    def start(self) -> None:
        """Begin to connect, once; returns at once."""
        with self._lock:
            if self._thread is not None or self._closing.is_set():
                return
            self._thread = threading.Thread(target=self._run, name=f"locshare-feed-{self.group}", daemon=True)
            self._thread.start()

    def wait(self, timeout: float) -> bool:
        """Wait until the first attempt to connect has ended, well or not; seconds."""
        return threading.current_thread() is self._thread or self._settled.wait(timeout)

    def listen(
        self, on_fixes: Callable[[FixBatch], None], on_status: Callable[[SourceStatus], None]
    ) -> Callable[[], None]:
        """Follow the feed, see `TrailSource.listen`."""
        listener = _Listener(on_fixes, on_status)
        with self._lock:
            self._listeners = [*self._listeners, listener]
        self.start()

        def stop() -> None:
            listener.is_on = False
            with self._lock:
                self._listeners = [other for other in self._listeners if other is not listener]

        return stop

    def forget(self, member: str) -> None:
        """Let a member's fixes go from what is kept here, and from what listeners have."""
        with self._taking:
            if self.columns.forget(member):
                self._tell_fixes(FixBatch.empty(restarted=True))
                self._tell_fixes(self.columns.history())

    def close(self, timeout: float = 5.0) -> None:
        """End the connection and the thread; waits for it up to `timeout` seconds."""
        with self._lock:
            self._closing.set()
            connection, thread = self._connection, self._thread
        if connection is not None:
            connection.abort()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)
        self._settled.set()
        if not self._is_refused:
            self._set_status("closed", "Closed; Group(...) opens it again.")
        self.callbacks.clear()
        self._listeners = []

    # the thread

    def _run(self) -> None:
        attempt = 0
        while not self._closing.is_set():
            try:
                self._live()
                reason = "the connection was closed"
            except LocShareError as error:
                if is_final(error) and not self.api.server.is_of_kernel:  # a kernel's is looked up anew
                    self._end(error.message)
                    break
                reason = _short(error)
            except Exception as error:  # the thread's top: a bug of ours must not end the feed
                log.exception("the feed of %s failed", self.group)
                reason = f"{type(error).__name__}: {error}"
            if self._closing.is_set():
                break
            if self._status.state in ("live", "unknown_group"):
                attempt = 0  # it was live until now
            self._go_offline(reason)
            self._settled.set()
            delay = min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(attempt, 10)) * random.uniform(0.5, 1.0)  # noqa: S311
            attempt += 1
            self._closing.wait(delay)

    def _end(self, said: str) -> None:
        """Give up: the server refuses, or has ended, what we came with."""
        self._is_refused = True
        self._set_status("closed", said)
        self._settled.set()

    def _live(self) -> None:
        """Follow the group until the connection ends; raises what ended it."""
        server = self.api.relocate()
        if not self._has_history:
            self._load_history()
        connection = Connection(server, self)
        with self._lock:
            if self._closing.is_set():
                return
            self._connection = connection
        try:
            connection.run()
        finally:
            with self._lock:
                self._connection = None

    def _load_history(self) -> None:
        """Take the newest part of what is stored, and the place where it ends."""
        try:
            about = self.api.get(path_of("groups", self.group))
        except NotFound as error:
            if error.code != "group_not_found":
                raise
            self._is_known, self._near = False, _texts(error.details.get("near"))
            self._has_history = True
            return  # from the start then: who comes first is not missed
        end = Cursor.parse(about["cursor"])
        after = max(0, end.offset - HISTORY)
        params = {"after": str(Cursor(end.epoch, after)), "upto": str(end)}
        table, _ = self.api.table(path_of("groups", self.group, "trails"), params)
        older = [msgspec.convert(one["fix"], Fix) for one in about["members"]] if after else []
        older = sorted((fix for fix in older if seq_of(fix) <= after), key=seq_of)
        if older:  # whoever has been silent for long is still somewhere
            self.columns.append(older, [seq_of(fix) for fix in older])
        self.columns.extend(batch_from_table(table))
        self._cursor, self._has_history, self._is_known = end, True, True
        if len(self.columns):
            self._tell_fixes(self.columns.history())

    # what the connection calls, on the thread

    def on_connected(self, connection: Connection) -> None:
        """Subscribe where we are; `start` when there was nothing yet."""
        after = "start" if self._cursor is None else str(self._cursor)
        connection.subscribe(group_topic(self.group), "fixes", {"after": after, "batch": str(BATCH)})

    def on_receipt(self, headers: dict[str, str]) -> None:
        """Take the place where the subscription begins; after a gap, what was known may be void."""
        if headers.get("receipt-id") != "fixes":
            return
        begin = _cursor(headers.get("cursor"))
        before = self._cursor
        if begin is not None and before is not None and _is_other_life(begin, before):
            self._restart()  # the log has begun anew: its offsets name other fixes now
            self._cursor = begin
        elif begin is not None and before is None:
            self._cursor = begin
        self._go_live()
        self._settled.set()

    def on_message(self, headers: dict[str, str], body: bytes) -> None:
        """Take new fixes: into the columns, to the listeners, to the callbacks."""
        read = _cursor(headers.get("message-id"))
        if not self.callbacks:  # a `Fix` is made only for those who are handed one
            self._take(*self._unread(decode_rows(body)), read)
            return
        fixes, seqs = self._unread(decode_fixes(body))
        self._take(fixes, seqs, read)
        self.callbacks.run(self._one_by_one(self._not_told(fixes)))
        self._seen = None

    def _unread(self, fixes: list[_FixOrRow]) -> tuple[list[_FixOrRow], list[int]]:
        """Return the fixes that we do not have already, and their offsets."""
        last = -1 if self._cursor is None else self._cursor.offset
        seqs = seqs_of(fixes)
        if not seqs or min(seqs) > last:
            return fixes, seqs
        new = [not 0 <= seq <= last for seq in seqs]
        return list(itertools.compress(fixes, new)), list(itertools.compress(seqs, new))

    def _take(self, fixes: Sequence[Fix | Row], seqs: list[int], read: Cursor | None) -> None:
        """Keep fixes and tell the listeners; `read`: where the log was read to with them."""
        if not fixes:
            return
        read = read or _newest_cursor(fixes)
        if read is not None:
            self._cursor = read
        if self._status.state != "live":
            self._is_known = True
            self._go_live()
        with self._taking:
            self._tell_fixes(self.columns.append(fixes, seqs))

    def _one_by_one(self, fixes: list[Fix]) -> Iterator[Fix]:
        for fix in fixes:
            self._seen = fix.received
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
        self._volatile.clear()
        with self._taking:
            self.columns.clear()
            self._tell_fixes(FixBatch.empty(restarted=True))

    # telling

    def _tell_fixes(self, batch: FixBatch) -> None:
        for listener in self._listeners:
            if listener.is_on:
                _guard(listener.on_fixes, batch)

    def _go_live(self) -> None:
        if self._is_known:
            self._set_status("live", f"Live: {self.group} on {self.api.server.url}")
            return
        near = f" Near names: {', '.join(self._near)}." if self._near else ""
        self._set_status(
            "unknown_group",
            f"Nobody has shared in {self.group!r} yet.{near} It begins with the first fix: publish one, "
            "simulate() some, or import a file.",
            self._near,
        )

    def _go_offline(self, reason: str) -> None:
        since = self._status.since if self._status.state == "offline" else now_ms()
        clock = datetime.fromtimestamp(since / 1000).astimezone().strftime("%H:%M:%S")
        self._set_status("offline", f"Offline since {clock}: {reason}. Trying again.", since=since)

    def _set_status(
        self, state: SourceState, text: str, near: list[str] | None = None, *, since: int | None = None
    ) -> None:
        before = self._status
        if since is None:
            since = before.since if before.state == state else now_ms()
        status = SourceStatus(state, since, text, list(near or []))
        if status == before:
            return
        self._status = status
        for listener in self._listeners:
            if listener.is_on:
                _guard(listener.on_status, status)


def _guard(call: Callable[..., None], *arguments: Any) -> None:
    """Call a listener; its error is ours to log, and nobody else's to suffer."""
    try:
        call(*arguments)
    except Exception:
        log.exception("a listener of the feed failed")


def _cursor(text: str | None) -> Cursor | None:
    try:
        return None if text is None else Cursor.parse(text)
    except InvalidCursor:
        return None


def _newest_cursor(fixes: Sequence[Fix | Row]) -> Cursor | None:
    return next((_cursor(fix.cursor) for fix in reversed(fixes) if fix.cursor is not None), None)


def _texts(values: object) -> list[str]:
    return [str(value) for value in values] if isinstance(values, list) else []


def _short(error: LocShareError) -> str:
    """Return one clause for a status; the long explanation of a missing server is for exceptions."""
    if isinstance(error, ServerNotFound):
        return "no running server with locshare_ext was found"
    return error.message.rstrip(".")


def _is_other_life(begin: Cursor, before: Cursor) -> bool:
    """Return whether what is read from `begin` on can name other fixes than those read until `before`."""
    return begin.epoch != before.epoch or begin.offset < before.offset
