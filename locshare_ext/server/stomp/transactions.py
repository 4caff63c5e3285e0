"""BEGIN, COMMIT, ABORT: frames that are done together or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from locshare_ext.broker.queues import Prepared, QueueMessage
from locshare_ext.errors import StoreError, TooLarge
from locshare_ext.server.site import Site
from locshare_ext.server.stomp.acks import Acks, Claim, put_back
from locshare_ext.server.stomp.destinations import send_target
from locshare_ext.server.stomp.peer import Peer
from locshare_ext.services.batch import Batch, Stored
from locshare_ext.services.groups import Group
from locshare_ext.stomp import Ack, Commit, Nack, Send, user_headers

__all__ = ["Transactions"]

_AT_ONCE = 100  # frames that are checked in one loop turn
_FRAME = 200  # bytes that a held frame takes beside its text, about

Held = Send | Ack | Nack


@dataclass(slots=True)
class _Work:
    """What a COMMIT is to do, all of it checked."""

    batches: dict[str, tuple[Group, Batch]] = field(default_factory=dict)  # by slug: one append each
    told: list[tuple[str, Send]] = field(default_factory=list)  # free topics
    claims: list[Claim] = field(default_factory=list)
    room: Prepared | None = None

    def give_up(self) -> None:
        """Undo what the checks have taken."""
        put_back(self.claims)
        if self.room is not None:
            self.room.cancel()


class Transactions:
    """The open transactions of one session; what they hold has a bound, over all of them.

    A MESSAGE whose ACK is held waits for its ACK until COMMIT; ABORT and the end of the
    connection drop what is held.
    """

    def __init__(self, site: Site, session: Peer, acks: Acks) -> None:
        self._site = site
        self._session = session
        self._acks = acks
        self._held: dict[str, list[Held]] = {}
        self._frames = 0
        self._size = 0  # bytes

    def begin(self, name: str) -> None:
        """Open a transaction; the protocol has checked that it is not."""
        self._held[name] = []

    def drop(self, name: str) -> list[Held]:
        """Close a transaction; returns what it held."""
        held = self._held.pop(name, [])
        self._frames -= len(held)
        self._size -= sum(map(_size, held))
        return held

    def hold(self, name: str, event: Held) -> None:
        """Keep a frame for COMMIT; raises at once for what can be seen to be wrong, and TooLarge."""
        principal, limits = self._session.principal, self._session.limits
        assert principal is not None  # noqa: S101 -- it comes after CONNECT
        if isinstance(event, Send):
            send_target(principal, event.destination)
        else:
            self._acks.check(event)
        if self._frames >= limits.transaction_frames:
            raise TooLarge(
                f"the open transactions have more than the limit of {limits.transaction_frames} frames",
                code="transaction_too_large",
                field="transaction",
            )
        size, most = _size(event), limits.transaction_bytes
        if principal.kind == "invite":
            most = min(most, limits.invite_transaction_bytes)
        if self._size + size > most:
            raise TooLarge(
                f"the open transactions have more than the limit of {most} bytes",
                code="transaction_too_large",
                field="transaction",
            )
        self._held[name].append(event)
        self._frames += 1
        self._size += size

    async def commit(self, event: Commit) -> None:
        """Check all that a transaction holds, then do it in order, and answer when it is stored.

        Raises LocShareError for the first that cannot be done; then nothing was done.
        """
        held = self.drop(event.transaction)
        work = _Work()
        try:
            await self._check(held, work)
            stored = await self._store(work)
        except BaseException:
            work.give_up()
            raise
        if work.room is not None:
            await work.room.commit()
        for topic, send in work.told:
            self._site.topics.publish(topic, send.body, send.content_type, user_headers(send.headers))
        for claim in work.claims:
            await claim.settle()
        if event.receipt is not None:
            self._session.receipt(event.receipt, _stored_headers(stored))

    async def _check(self, held: Sequence[Held], work: _Work) -> None:
        queued: list[tuple[str, QueueMessage]] = []
        principal = self._session.principal
        assert principal is not None  # noqa: S101 -- it comes after CONNECT
        for number, event in enumerate(held, 1):
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)  # others have their turn
            if not isinstance(event, Send):
                work.claims.append(self._acks.claim(event))
                continue
            target = send_target(principal, event.destination)
            if target.kind == "queue":
                headers = user_headers(event.headers)
                queued.append((target.name, QueueMessage(event.body, event.content_type, headers)))
            elif target.kind == "free":
                work.told.append((target.name, event))
            else:
                group = await self._site.groups.open(target.name)
                batch = self._site.groups.admit(principal, group, event.body)
                _, whole = work.batches.setdefault(group.slug, (group, Batch([], [])))
                whole.fixes.extend(batch.fixes)
                whole.refused.extend(batch.refused)
        if queued:
            work.room = await self._site.queues.prepare(queued)

    async def _store(self, work: _Work) -> list[Stored]:
        appends = [self._site.groups.append(group, batch) for group, batch in work.batches.values()]
        results = await asyncio.gather(*appends, return_exceptions=True)
        for result in results:
            if isinstance(result, StoreError):
                self._site.store_failed(f"a transaction was not stored: {result.message}")
                raise StoreError(
                    f"recording failed: {result.message}; the transaction was not done, but watchers "
                    "have got its fixes",
                    code=result.code,
                )
            if isinstance(result, BaseException):
                raise result
        return [result for result in results if isinstance(result, Stored)]


def _size(event: Held) -> int:
    if not isinstance(event, Send):
        return _FRAME + len(event.id)
    return _FRAME + len(event.body) + sum(len(name) + len(value) for name, value in event.headers)


def _stored_headers(stored: Sequence[Stored]) -> tuple[tuple[str, str], ...]:
    """Return what became of the fixes, of all groups together; a cursor if it was one group."""
    if not stored:
        return ()
    headers = (
        ("stored", str(sum(one.stored for one in stored))),
        ("duplicates", str(sum(one.duplicates for one in stored))),
        ("set-aside", str(sum(len(one.refused) for one in stored))),
    )
    return (*headers, ("cursor", stored[0].cursor)) if len(stored) == 1 else headers
