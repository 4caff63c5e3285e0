"""SEND: fixes on their way to the store, messages to who listens to a free topic."""

from __future__ import annotations

import asyncio

from locshare_ext.broker.access import PUBLISH, require
from locshare_ext.errors import AccessDenied, InvalidInput, LocShareError, StoreError, Unavailable
from locshare_ext.server.site import Site
from locshare_ext.server.stomp.destinations import parse_destination
from locshare_ext.server.stomp.peer import Peer
from locshare_ext.services.groups import Batch, Group, Stored
from locshare_ext.stomp import Send, user_headers

__all__ = ["Sending"]

_MAX_TARGETS = 64  # destinations whose groups are remembered


class Sending:
    """Does one session's SENDs, in the order that they came.

    Those to groups are under way to the store together, up to `limits.pending`; whatever
    is answered otherwise waits for them, so that an answer says that all before it was done.
    """

    def __init__(self, site: Site, session: Peer) -> None:
        self._site = site
        self._session = session
        self._targets: dict[str, Group | str] = {}  # destination -> its open group or free topic
        self._pending: set[asyncio.Task[Stored]] = set()

    def at_once(self, event: Send) -> bool:
        """Send to an open group without waiting for the store; False when that cannot be."""
        target = self._targets.get(event.destination)
        if (
            target is None
            or self._session.is_over
            or event.transaction is not None
            or len(self._pending) >= self._session.limits.pending
            or self._session.is_full
        ):
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
        self._store(target, batch, event.receipt)
        return True

    async def do(self, event: Send) -> None:
        """Send to where the destination says; raises LocShareError for what becomes an ERROR."""
        assert self._session.principal is not None  # noqa: S101
        if event.transaction is not None:
            raise InvalidInput(
                "transactions are not supported yet", code="not_supported", field="transaction"
            )
        target = parse_destination(event.destination)
        if target.kind == "events":
            raise AccessDenied(
                f"{target.text} is written by the server; send fixes to /topic/group.{target.name}",
                code="read_only",
                field="destination",
            )
        if len(self._targets) >= _MAX_TARGETS:
            self._targets.clear()
        if target.kind == "free":
            require(self._session.principal, None, PUBLISH)
            await self.settle()
            self._targets[event.destination] = target.name
            self._tell(target.name, event)
            return
        require(self._session.principal, target.name, PUBLISH)
        group = await self._site.groups.open(target.name)
        batch = self._site.groups.admit(self._session.principal, group, event.body)
        while len(self._pending) >= self._session.limits.pending:
            await asyncio.wait(set(self._pending), return_when=asyncio.FIRST_COMPLETED)
        self._targets[event.destination] = group
        self._store(group, batch, event.receipt)

    async def settle(self) -> None:
        """Wait until all that is under way to the store is answered."""
        if self._pending:
            await asyncio.wait(set(self._pending))

    def _tell(self, topic: str, event: Send) -> None:
        """Pass a message on to who listens to a free topic now."""
        headers = user_headers(event.headers)
        self._site.topics.publish(topic, event.body, event.content_type, headers)
        if event.receipt is not None:
            self._session.receipt(event.receipt)

    def _store(self, group: Group, batch: Batch, receipt: str | None) -> None:
        task = asyncio.get_running_loop().create_task(self._site.groups.append(group, batch))
        self._pending.add(task)
        task.add_done_callback(lambda done: self._stored(done, receipt))

    def _stored(self, task: asyncio.Task[Stored], receipt: str | None) -> None:
        self._pending.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            if receipt is not None and not self._session.is_over:
                self._session.receipt(receipt, _stored_headers(task.result()))
            return
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
