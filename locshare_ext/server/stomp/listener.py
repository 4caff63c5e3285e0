"""A STOMP subscription to a free topic."""

from __future__ import annotations

from collections.abc import Sequence

from locshare_ext.broker.topics import Told, Topics
from locshare_ext.server.frames import BINARY, TEXT, message
from locshare_ext.server.stomp.acks import Ledger
from locshare_ext.server.stomp.peer import Peer
from locshare_ext.stomp import encode_message

__all__ = ["FreeListener", "framed"]


class FreeListener:
    """Passes messages on while the connection keeps up; what it misses is counted and said.

    Nothing is kept for a slow reader, nor for one that has as many unacknowledged as it may:
    the next message that it gets has the header `dropped` with the number of those that it
    did not. What is refused by NACK is gone, as what was acknowledged.
    """

    def __init__(
        self, session: Peer, topics: Topics, name: str, subscription: str | None, ledger: Ledger | None = None
    ) -> None:
        self._session = session
        self._topics = topics
        self._name = name
        self._subscription = subscription
        self._ledger = ledger
        self._dropped = 0
        topics.attach(name, self)

    @property
    def ledger(self) -> Ledger | None:
        """What waits for an ACK."""
        return self._ledger

    def tell(self, told: Told) -> None:
        """Send a message, or count it as dropped."""
        session, ledger = self._session, self._ledger
        is_full = session.is_full or session.owed > session.limits.unsent
        if is_full or (ledger is not None and not ledger.room):
            self._dropped += 1
            return
        added = () if ledger is None else ledger.add(told.message_id, 0)
        if self._dropped:
            added += (("dropped", str(self._dropped)),)
            self._dropped = 0
            session.send_framed(self._encode(told, added))
            return
        key = (self._subscription, session.version, session.opcode, ledger is None)
        found = told.frames.get(key)
        if found is None:
            found = told.frames[key] = self._encode(told, added)
        session.send_framed(found)

    async def settle(self, tokens: Sequence[int], *, is_ack: bool) -> None:
        """Nothing is kept, so there is nothing to do."""

    def stop(self) -> None:
        """Hear no more."""
        self._topics.detach(self._name, self)

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


def framed(frame: bytes, opcode: int) -> bytes:
    """Return a MESSAGE in a WebSocket message: a binary one if the body is no text."""
    return message(frame, BINARY if opcode == BINARY else _opcode(frame))


def _opcode(frame: bytes) -> int:
    if frame.isascii():
        return TEXT
    try:
        frame.decode()
    except UnicodeDecodeError:
        return BINARY
    return TEXT
