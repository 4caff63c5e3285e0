"""A STOMP subscription to a free topic."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from locshare_ext.broker.topics import Told, Topics
from locshare_ext.server.stomp.acks import Ledger
from locshare_ext.server.stomp.frames import framed
from locshare_ext.server.stomp.peer import Peer
from locshare_ext.stomp import encode_message

__all__ = ["FreeListener"]


class FreeListener:
    """Passes messages on in order; what its connection cannot take at once waits for a while.

    What waits are the messages themselves, shared with all who wait for the same, up to
    `limits.behind` bytes. Over that a message is dropped, and the next one that is not has
    the header `dropped` with how many were. What is refused by NACK is gone, as what was
    acknowledged.
    """

    def __init__(
        self, session: Peer, topics: Topics, name: str, subscription: str | None, ledger: Ledger | None = None
    ) -> None:
        self._session = session
        self._topics = topics
        self._name = name
        self._subscription = subscription
        self._ledger = ledger
        self._waiting: deque[tuple[Told, int]] | None = None  # with how many were dropped before it
        self._behind = 0  # bytes of _waiting
        self._dropped = 0
        topics.attach(name, self)

    @property
    def ledger(self) -> Ledger | None:
        """What waits for an ACK."""
        return self._ledger

    def tell(self, told: Told) -> None:
        """Send a message, or let it wait for room."""
        session, ledger = self._session, self._ledger
        if (
            self._waiting
            or (ledger is not None and not ledger.room)
            or session.is_full
            or session.owed > session.limits.unsent
        ):
            self._wait(told)
        else:
            session.send_framed(self._framed(told))

    def take(self, most: int) -> bytes:
        """Return what waited and may go out now, framed."""
        waiting, ledger = self._waiting, self._ledger
        out: list[bytes] = []
        while waiting and most > 0 and (ledger is None or ledger.room):
            told, dropped = waiting.popleft()
            self._behind -= told.size
            out.append(self._framed(told, dropped))
            most -= len(out[-1])
        return b"".join(out)

    @property
    def is_behind(self) -> bool:
        """Whether something waits, and there is room for it."""
        return bool(self._waiting) and (self._ledger is None or self._ledger.room > 0)

    async def settle(self, tokens: Sequence[int], *, is_ack: bool) -> None:
        """Go on where the window has room again."""
        if self.is_behind:
            self._session.woken(self)

    def stop(self) -> None:
        """Hear no more."""
        self._topics.detach(self._name, self)
        self._waiting = None
        self._session.let_go(self)

    def _wait(self, told: Told) -> None:
        if self._waiting is None:
            self._waiting = deque()
        if self._behind + told.size > self._session.limits.behind:
            self._dropped += 1
            return
        self._waiting.append((told, self._dropped))
        self._behind += told.size
        self._dropped = 0
        if self.is_behind:
            self._session.woken(self)

    def _framed(self, told: Told, dropped: int = 0) -> bytes:
        added = () if self._ledger is None else self._ledger.add(told.message_id, 0)
        if dropped:
            return self._encode(told, (*added, ("dropped", str(dropped))))
        key = (self._subscription, self._session.version, self._session.opcode, self._ledger is None)
        found = told.frames.get(key)
        if found is None:
            found = told.frames[key] = self._encode(told, added)
        return found

    def _encode(self, told: Told, added: tuple[tuple[str, str], ...]) -> bytes:
        session = self._session
        frame = encode_message(
            version=session.version,
            destination=told.destination,
            subscription=self._subscription,
            message_id=told.message_id,
            content_type=told.content_type,
            body=told.body,
            headers=(*added, *told.headers) if added else told.headers,
        )
        return framed(frame, session.opcode)
