"""What a transport yields while it watches, and what it answers to who publishes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from locshare_ext.errors import InvalidInput, LocShareError
from locshare_ext.model.event import Event
from locshare_ext.model.fix import Fix
from locshare_ext.model.wire import encode

__all__ = [
    "Discontinuity",
    "Fixes",
    "Gap",
    "Hello",
    "Item",
    "Published",
    "SetAside",
    "Stated",
    "Traffic",
    "Wish",
    "encode_fixes",
    "members_text",
]

_fix = msgspec.json.Decoder(Fix)
_fixes = msgspec.json.Decoder(list[Fix])
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Hello:
    """A server has begun to serve: first of all items, and again after each reconnection.

    cursor: the place that it begins after. gap: fixes between the place that was asked for
    and this one are no longer kept, or the log's life is another one.
    """

    cursor: str
    gap: bool


@dataclass(frozen=True, slots=True)
class Fixes:
    """Fixes that came together, in the log's order, at least one.

    body: as on the wire, a JSON array, or one object (STOMP without `batch`). cursor: the place
    to resume from once these are dealt with. is_snapshot: each member's newest fix, older than
    the place that following began at (`last`).
    """

    body: bytes
    cursor: str
    is_snapshot: bool = False

    def decode(self) -> list[Fix]:
        """Return the fixes; decoded anew at each call. One flagged `volatile` has no cursor."""
        return _fixes.decode(self.body) if self.body.startswith(b"[") else [_fix.decode(self.body)]


@dataclass(frozen=True, slots=True)
class Gap:
    """What lay before a cursor was dropped by the server before it was read."""

    cursor: str


@dataclass(frozen=True, slots=True)
class Discontinuity:
    """The timeline goes on elsewhere, as after a seek of a replay; said: the server's object."""

    said: Mapping[str, Any]
    cursor: str


@dataclass(frozen=True, slots=True)
class Stated:
    """How a replay goes on, or where everyone was before its playhead; said: the server's object."""

    said: Mapping[str, Any]
    cursor: str


# An Event has its own cursor; every item has one, and it is the place to resume from after it
Item = Hello | Fixes | Event | Gap | Discontinuity | Stated


@dataclass(frozen=True, slots=True)
class SetAside:
    """A fix that was not good: its index in what was published, and what is wrong with it."""

    index: int
    error: LocShareError


@dataclass(frozen=True, slots=True)
class Published:
    """What became of the fixes of one `publish`.

    stored: new ones that the server has committed. duplicates: known to it before. set_aside:
    how many were not good. reasons: why, one for each; empty over STOMP, whose receipts
    have the number only. cursor: the group's place after them, None if the server did not say.
    """

    stored: int
    duplicates: int
    set_aside: int
    cursor: str | None
    reasons: Sequence[SetAside] = ()


@dataclass(slots=True)
class Traffic:
    """What a transport has cost so far.

    requests: HTTP requests, those that ask for a WebSocket too. connections: TCP connections
    opened. sent, received: bytes given to and taken from the sockets: HTTP headers, WebSocket
    frames, TLS records, all but TCP and IP themselves. They are counted by asyncio's selector
    loops (all of Linux and macOS); loops that do not use socket objects leave them at 0.
    """

    requests: int = 0
    connections: int = 0
    sent: int = 0
    received: int = 0

    def since(self, before: Traffic) -> Traffic:
        """Return what was added since a `copy`."""
        return Traffic(
            self.requests - before.requests,
            self.connections - before.connections,
            self.sent - before.sent,
            self.received - before.received,
        )

    def copy(self) -> Traffic:
        """Return the counts as they are now."""
        return Traffic(self.requests, self.connections, self.sent, self.received)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a watcher asks for; the arguments of `Transport.follow`, still to be checked by the server."""

    members: str | None = None
    batch: int | None = None
    conflate: bool = False
    last: bool = False
    events: bool = False

    def options(self, after: str) -> dict[str, str]:
        """Return them by their names in a query or in the headers of SUBSCRIBE."""
        said = {"after": after}
        if self.members is not None:
            said["members"] = self.members
        if self.batch is not None:
            said["batch"] = str(self.batch)
        if self.conflate:
            said["conflate"] = "1"
        if self.last:
            said["last"] = "1"
        return said


def members_text(members: Sequence[str] | str | None) -> str | None:
    """Return names as the parameter `members` has them; text is passed on as it is."""
    if members is None or isinstance(members, str):
        return members
    if any("," in name or name.lstrip().startswith("[") for name in members):
        return _encoder.encode(list(members)).decode()
    return ",".join(members)


def encode_fixes(fixes: Fix | Mapping[str, Any] | Sequence[Fix | Mapping[str, Any]] | bytes) -> bytes:
    """Return the body of one fix or several; bytes are taken for a body.

    Raises InvalidInput for values that JSON has no form for.
    """
    if isinstance(fixes, bytes):
        return fixes
    if isinstance(fixes, Fix):
        return encode(fixes)
    try:
        return _encoder.encode(dict(fixes) if isinstance(fixes, Mapping) else list(fixes))
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInput(f"fixes cannot be sent as JSON: {error}", code="invalid_json") from None
