"""A STOMP subscription to a free topic."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from locshare_ext.server.frames import BINARY, TEXT, message
from locshare_ext.server.topics import Topics
from locshare_ext.stomp import encode_message

if TYPE_CHECKING:
    from locshare_ext.server.session import Session

__all__ = ["FreeListener"]

_numbers = itertools.count(1)


class FreeListener:
    """Passes messages on while the connection keeps up; what it misses is counted and said.

    Nothing is kept for a slow reader: the next message that it gets has the header
    `dropped` with the number of those that it did not.
    """

    def __init__(self, session: Session, topics: Topics, name: str, subscription: str | None) -> None:
        self._session = session
        self._topics = topics
        self._name = name
        self._subscription = subscription
        self._dropped = 0
        topics.attach(name, self)

    def tell(
        self, destination: str, body: bytes, content_type: str | None, headers: tuple[tuple[str, str], ...]
    ) -> None:
        """Send a message, or count it as dropped."""
        session = self._session
        if session.is_full or session.owed > session.limits.unsent:
            self._dropped += 1
            return
        if self._dropped:
            headers = (*headers, ("dropped", str(self._dropped)))
            self._dropped = 0
        frame = encode_message(
            version=session.version,
            destination=destination,
            subscription=self._subscription,
            message_id=f"t-{next(_numbers)}",
            content_type=content_type,
            body=body,
            headers=headers,
        )
        session.send_framed(message(frame, session.opcode if session.opcode == BINARY else _opcode(frame)))

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
