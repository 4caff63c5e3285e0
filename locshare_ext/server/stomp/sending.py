"""SEND: fixes on their way to the store, messages to who listens to a free topic."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from locshare_ext.broker.queues import QueueMessage
from locshare_ext.errors import LocShareError, StoreError, Unavailable
from locshare_ext.model.store import Appended
from locshare_ext.server.site import Site
from locshare_ext.server.stomp.destinations import send_target
from locshare_ext.server.stomp.peer import Peer
from locshare_ext.services.batch import Batch, Stored
from locshare_ext.services.groups import Group
from locshare_ext.stomp import Send, user_headers

__all__ = ["Sending"]

_MAX_TARGETS = 64  # destinations whose groups are remembered


class _Merged:
    """SENDs to one group that one turn brought: stored together, each answered for itself."""

    __slots__ = ("batches", "fixes", "group", "receipts")

    def __init__(self, group: Group) -> None:
        self.group = group
        self.batches: list[Batch] = []
        self.receipts: list[str | None] = []
        self.fixes = 0


class Sending:
    """Does one session's SENDs, in the order that they came.

    Those to groups are under way to the store together, up to `limits.pending` of them and
    until they hold `limits.pending_fixes`: what others send waits for no more than that.
    Whatever is answered otherwise waits for them, so that an answer says that all before it
    was done.
    on_room: called when there is room for more after there was none.
    """

    def __init__(self, site: Site, session: Peer, on_room: Callable[[], None]) -> None:
        self._site = site
        self._session = session
        self._on_room = on_room
        self._targets: dict[str, Group | str] = {}  # destination -> its open group or free topic
        self._merged: _Merged | None = None  # gathered, not on its way yet
        self._pending = 0  # SENDs that the store has not answered
        self._pending_fixes = 0  # in them
        self._settled: asyncio.Future[None] | None = None  # somebody waits until none is pending

    @property
    def is_full(self) -> bool:
        """Whether as much is under way as may be."""
        limits = self._session.limits
        return self._pending >= limits.pending or self._pending_fixes >= limits.pending_fixes

    def at_once(self, event: Send) -> bool:
        """Send to an open group or a free topic; False when that needs waiting, or an ERROR.

        What goes to a group leaves with `flush`.
        """
        target = self._targets.get(event.destination)
        if target is None or event.transaction is not None or self.is_full:
            return False
        if isinstance(target, str):  # a free topic
            if event.receipt is not None and self._pending:
                return False  # an answer says that all before it was done
            self._tell(target, event)
            return True
        if self._site.groups.get(target.slug) is not target:
            return False  # deleted, or made room: to be opened anew
        assert self._session.principal is not None  # noqa: S101 -- SEND comes after CONNECT
        try:
            batch = self._site.groups.admit(self._session.principal, target, event.body)
        except LocShareError:
            return False  # found again, and answered, after what is under way
        self._add(target, batch, event.receipt)
        self.pace()
        return True

    async def do(self, event: Send) -> None:
        """Send to where the destination says; raises LocShareError for what becomes an ERROR."""
        assert self._session.principal is not None  # noqa: S101
        target = send_target(self._session.principal, event.destination)
        if target.kind == "queue":
            await self._queue(target.name, event)
            return
        if len(self._targets) >= _MAX_TARGETS:
            self._targets.clear()
        if target.kind == "free":
            await self.settle()
            self._targets[event.destination] = target.name
            self._tell(target.name, event)
            return
        group = await self._site.groups.open(target.name)
        batch = self._site.groups.admit(self._session.principal, group, event.body)
        self._targets[event.destination] = group
        self._add(group, batch, event.receipt)
        self.pace()
        self.flush()

    def flush(self) -> None:
        """Send off what was gathered, in one batch for the store."""
        merged, self._merged = self._merged, None
        if merged is not None:
            future = self._site.groups.append_all(merged.group, merged.batches)
            future.add_done_callback(partial(self._answered, merged))

    async def settle(self) -> None:
        """Wait until all that is under way to the store is answered."""
        self.flush()
        while self._pending:
            if self._settled is None:
                self._settled = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._settled)

    async def _queue(self, name: str, event: Send) -> None:
        """Put a message into a queue; the receipt says that the broker has it."""
        await self.settle()
        message = QueueMessage(event.body, event.content_type, user_headers(event.headers))
        await self._site.queues.publish(name, message)
        if event.receipt is not None:
            self._session.receipt(event.receipt)

    def pace(self) -> None:
        """Leave the client unread for as long as its invite has used up its rate."""
        principal = self._session.principal
        if principal is not None and principal.kind == "invite":
            seconds = self._site.groups.rates.wait(principal.id)
            if seconds > 0:
                self._session.pause(seconds)

    def _tell(self, topic: str, event: Send) -> None:
        """Pass a message on to who listens to a free topic now."""
        headers = user_headers(event.headers)
        self._site.topics.publish(topic, event.body, event.content_type, headers)
        if event.receipt is not None:
            self._session.receipt(event.receipt)

    def _add(self, group: Group, batch: Batch, receipt: str | None) -> None:
        merged = self._merged
        if merged is None or merged.group is not group:
            self.flush()
            merged = self._merged = _Merged(group)
        merged.batches.append(batch)
        merged.receipts.append(receipt)
        merged.fixes += len(batch.fixes)
        self._pending += 1
        self._pending_fixes += len(batch.fixes)

    def _answered(self, merged: _Merged, future: asyncio.Future[list[Appended | LocShareError]]) -> None:
        was_full = self.is_full
        self._pending -= len(merged.batches)
        self._pending_fixes -= merged.fixes
        if not future.cancelled():
            error = future.exception()
            for number, receipt in enumerate(merged.receipts):
                result = future.result()[number] if error is None else error
                if isinstance(result, BaseException):
                    self._failed(result, receipt)
                elif receipt is not None and not self._session.is_over:
                    stored = self._site.groups.stored(merged.group, merged.batches[number], result)
                    self._session.receipt(receipt, _stored_headers(stored))
        if not self._pending and self._settled is not None:
            self._settled.set_result(None)
            self._settled = None
        if was_full:
            self._on_room()

    def _failed(self, error: BaseException, receipt: str | None) -> None:
        if isinstance(error, StoreError):
            # watchers got it, marked volatile; who asked for a receipt learns that it is not kept
            self._site.store_failed(f"a batch was not stored: {error.message}")
            if receipt is None:
                return
            error = StoreError(
                f"recording failed: {error.message}; watchers get the fixes, but they are not kept",
                code=error.code,
            )
        if not isinstance(error, LocShareError):
            self._site.log.error("a batch was not stored", exc_info=error)
            error = Unavailable("something went wrong in the server; its log says what")
        self._session.fail(error, receipt)


def _stored_headers(stored: Stored) -> tuple[tuple[str, str], ...]:
    return (
        ("stored", str(stored.stored)),
        ("duplicates", str(stored.duplicates)),
        ("set-aside", str(len(stored.refused))),
        ("cursor", stored.cursor),
    )
