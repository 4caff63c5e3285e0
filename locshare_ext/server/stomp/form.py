"""Entries of a group's log as STOMP's MESSAGEs."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import groupby
from operator import attrgetter

from locshare_ext.broker.live import Log
from locshare_ext.broker.tail import LogEntry
from locshare_ext.server.stomp.acks import Ledger
from locshare_ext.server.stomp.frames import in_messages
from locshare_ext.server.streams.restored import ages
from locshare_ext.stomp import encode_message

__all__ = ["AckedForm", "MessageForm"]

_JSON = "application/json"
_SNAPSHOT = (("snapshot", "1"),)
_Headers = tuple[tuple[str, str], ...]


class MessageForm:
    """A MESSAGE for each entry, or an array of them in one, by the headers of a subscription.

    subscription: its id as the client gave it, None if it gave none. opcode: of the WebSocket
    messages. is_batched: arrays.
    """

    __slots__ = ("_destination", "_is_batched", "_opcode", "_subscription", "_version")

    def __init__(
        self, subscription: str | None, version: str, opcode: int, destination: str, *, is_batched: bool
    ) -> None:
        self._subscription = subscription
        self._version = version
        self._opcode = opcode
        self._destination = destination
        self._is_batched = is_batched

    @property
    def key(self) -> Hashable:
        """Equal for forms that make the same bytes of the same entries."""
        return self._subscription, self._version, self._opcode, self._destination, self._is_batched

    def entries(self, entries: Sequence[LogEntry], log: Log, upto: int) -> bytes:
        """Return MESSAGEs by their cursors; an array has that of the last entry it stands for."""
        if self._is_batched:
            return self._messages(self._arrays(entries, log, upto))
        encode = self._encode
        return self._messages(
            [
                encode(str(entry.item.cursor), entry.body, entry.item.member, _headers(entry))
                for entry in entries
            ]
        )

    def _arrays(self, entries: Sequence[LogEntry], log: Log, upto: int) -> list[bytes]:
        """Return an array, and of a replay one between each two of its marks."""
        frames: list[bytes] = []
        for _, run in groupby(entries, key=attrgetter("mark")):
            some = list(run)
            if frames:
                self._go_on(some[0].offset - 1)
            last = upto if some[-1] is entries[-1] else some[-1].offset
            is_object = some[0].mark is not None and not some[0].is_fix
            body = some[0].body if is_object else _array(some)
            headers = _headers(some[0])[:2]  # ages differ
            frames.append(self._encode(log.cursor(last), body, None, headers))
        return frames

    def _go_on(self, before: int) -> None:
        """Let what is made next stand for what comes after this offset."""

    def snapshot(self, entries: Sequence[LogEntry], first: int) -> bytes:
        """Return fixes that are marked as a snapshot, by their numbers; an array is number 1."""
        return self._numbered("s", entries, first, _SNAPSHOT)

    def volatile(self, entries: Sequence[LogEntry], first: int) -> bytes:
        """Return fixes that were not stored, by their numbers."""
        return self._numbered("v", entries, first)

    def hello(self, cursor: str, gap: bool) -> bytes:
        """Return nothing: the RECEIPT of SUBSCRIBE is the hello, see `Feed`."""
        return b""

    def gap(self, cursor: str) -> bytes:
        """Return nothing: STOMP has no frame for it."""
        return b""

    def _numbered(
        self, letter: str, entries: Sequence[LogEntry], first: int, headers: _Headers = ()
    ) -> bytes:
        if self._is_batched:
            return self._messages([self._encode(f"{letter}-{first}", _array(entries), None, headers)])
        return self._messages(
            [
                self._encode(f"{letter}-{number}", entry.body, entry.item.member, headers)
                for number, entry in enumerate(entries, first)
            ]
        )

    def _messages(self, frames: Sequence[bytes]) -> bytes:
        return in_messages(frames, self._opcode)

    def _encode(self, message_id: str, body: bytes, member: str | None, headers: _Headers = ()) -> bytes:
        return encode_message(
            version=self._version,
            destination=self._destination,
            subscription=self._subscription,
            message_id=message_id,
            content_type=_JSON,
            body=body,
            headers=headers if member is None else (("member", member), *headers),
        )


class AckedForm(MessageForm):
    """MESSAGEs that wait for an ACK in a ledger; their token is the offset before all they stand for.

    before: that offset for what is made next, but for single entries, which know their own.
    """

    __slots__ = ("_ledger", "before")

    def __init__(
        self,
        subscription: str | None,
        version: str,
        opcode: int,
        destination: str,
        *,
        is_batched: bool,
        ledger: Ledger,
    ) -> None:
        super().__init__(subscription, version, opcode, destination, is_batched=is_batched)
        self._ledger = ledger
        self.before = 0

    @property
    def key(self) -> Hashable:
        """Equal to no other's: what is made waits in one ledger, and is not shared."""
        return id(self)

    def entries(self, entries: Sequence[LogEntry], log: Log, upto: int) -> bytes:
        """Return MESSAGEs as any form does."""
        if self._is_batched:
            return super().entries(entries, log, upto)
        frames = []
        for entry in entries:
            self.before = entry.offset - 1
            frames.append(
                self._encode(str(entry.item.cursor), entry.body, entry.item.member, _headers(entry))
            )
        return self._messages(frames)

    def _go_on(self, before: int) -> None:
        self.before = before

    def _encode(self, message_id: str, body: bytes, member: str | None, headers: _Headers = ()) -> bytes:
        return super()._encode(
            message_id, body, member, (*self._ledger.add(message_id, self.before), *headers)
        )


def _headers(entry: LogEntry) -> _Headers:
    """Return what a MESSAGE of an entry carries besides, if it is more than a fix."""
    mark = entry.mark
    if mark is None:
        return ()
    headers = (("replay-state", mark.state), ("replay-playhead", str(mark.playhead)))
    return headers if not entry.is_fix else (*headers, ("replay-age", str(ages([entry], mark)[0])))


def _array(entries: Sequence[LogEntry]) -> bytes:
    return b"[" + b",".join([entry.body for entry in entries]) + b"]"
