"""Server-sent events: bytes in, events out; no I/O."""

from __future__ import annotations

from typing import NamedTuple

from locshare_ext.errors import TooLarge

__all__ = ["EventParser", "StreamEvent"]

_LARGEST = 64 << 20  # bytes of one event


class StreamEvent(NamedTuple):
    """One event as the HTML standard has them (9.2): its type, its own id if it brought one, its data.

    Without data it is no event for who watches, but its id counts: a comment may bring one.
    """

    type: bytes
    id: str | None
    data: bytes


class EventParser:
    """Turn a stream's bytes into events, however they are cut; comments are dropped, but not their ids."""

    def __init__(self) -> None:
        self._rest = b""  # an event that has not ended

    def feed(self, data: bytes) -> list[StreamEvent]:
        """Return the events that end in `data`; raises TooLarge for one without end."""
        data = self._rest + data if self._rest else data
        if b"\r" in data:  # JSON has none; some proxy has made other line ends
            held = data[-1:] if data.endswith(b"\r") else b""  # its LF may come
            data = data[: len(data) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n") + held
        whole, blank, self._rest = data.rpartition(b"\n\n")
        if len(self._rest) > _LARGEST:
            raise TooLarge(f"an event is over {_LARGEST} bytes")
        if not blank:
            return []
        found = (_read(block) for block in whole.split(b"\n\n"))
        return [event for event in found if event is not None]


def _read(block: bytes) -> StreamEvent | None:
    kind, place = b"message", None
    data: list[bytes] = []
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"id":
            place = value.decode(errors="replace")
        elif name == b"event":
            kind = value
    return StreamEvent(kind, place, b"\n".join(data)) if data or place is not None else None
