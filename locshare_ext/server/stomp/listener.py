"""A STOMP subscription to a free topic."""

from __future__ import annotations

from locshare_ext.broker.topics import Told, Topics
from locshare_ext.server.frames import BINARY, TEXT, message
from locshare_ext.server.stomp.peer import Peer
from locshare_ext.stomp import encode_message

__all__ = ["FreeListener"]


class FreeListener:
    """Passes messages on while the connection keeps up; what it misses is counted and said.

    Nothing is kept for a slow reader: the next message that it gets has the header
    `dropped` with the number of those that it did not.
    """

    def __init__(self, session: Peer, topics: Topics, name: str, subscription: str | None) -> None:
        self._session = session
        self._topics = topics
        self._name = name
        self._subscription = subscription
        self._dropped = 0
        topics.attach(name, self)

    def tell(self, told: Told) -> None:
        """Send a message, or count it as dropped."""
        session = self._session
        if session.is_full or session.owed > session.limits.unsent:
            self._dropped += 1
            return
        if self._dropped:
            headers = (*told.headers, ("dropped", str(self._dropped)))
            self._dropped = 0
            session.send_framed(self._encode(told, headers))
            return
        key = (self._subscription, session.version, session.opcode)
        framed = told.frames.get(key)
        if framed is None:
            framed = told.frames[key] = self._encode(told, told.headers)
        session.send_framed(framed)

    def _encode(self, told: Told, headers: tuple[tuple[str, str], ...]) -> bytes:
        session = self._session
        frame = encode_message(
            version=session.version,
            destination=told.destination,
            subscription=self._subscription,
            message_id=told.message_id,
            content_type=told.content_type,
            body=told.body,
            headers=headers,
        )
        return message(frame, BINARY if session.opcode == BINARY else _opcode(frame))

    def stop(self) -> None:
        """Hear no more."""
        self._topics.detach(self._name, self)


def _opcode(frame: bytes) -> int:
    """Return the opcode in which a frame can go to a client of text: binary if it is none."""
    if frame.isascii():
        return TEXT
    try:
        frame.decode()
    except UnicodeDecodeError:
        return BINARY
    return TEXT
