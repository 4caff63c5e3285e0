"""WebSocket messages one by one: what JSON needs, as it has no end of its own."""

from __future__ import annotations

from locshare_ext.server.channel import Channel, ChannelOwner
from locshare_ext.server.pipe import Pipe
from locshare_ext.server.websocket import FrameReader

__all__ = ["MessageChannel", "MessageReader"]


class MessageReader(FrameReader):
    """Turn a client's bytes into whole messages, however they are cut.

    most: bytes of a message; a larger one that comes in pieces is given out as soon as it is,
    cut to one byte more, and the rest of it is dropped.
    """

    __slots__ = ("_pieces", "_size", "most")

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        self._pieces: list[bytes] = []
        self._size = 0

    def _go_on(self, data: bytes, at: int, found: list[tuple[int, bytes]]) -> int:
        opcode = self._opcode
        pieces: list[tuple[int, bytes]] = []
        after = super()._go_on(data, at, pieces)
        is_end = not self._opcode
        was_over = self._size > self.most
        for _, piece in pieces:
            self._size += len(piece)
            if not was_over:
                self._pieces.append(piece)
        if not was_over and (is_end or self._size > self.most):
            found.append((opcode, b"".join(self._pieces)[: self.most + 1]))
            self._pieces.clear()
        if is_end:
            self._size = 0
        return after


class MessageChannel(Channel):
    """A WebSocket whose owner receives one message at a time."""

    __slots__ = ("_messages",)

    def __init__(self, pipe: Pipe, most: int) -> None:
        super().__init__(pipe)
        self._reader = self._messages = MessageReader(most)

    @property
    def most(self) -> int:
        """The most bytes of a message; one that is larger comes cut, one byte over it."""
        return self._messages.most

    @most.setter
    def most(self, most: int) -> None:
        self._messages.most = most

    def _give(self, owner: ChannelOwner, payloads: list[bytes], opcode: int) -> None:
        for payload in payloads:
            if not self._is_closing:
                owner.receive(payload, opcode)
