"""What is read out of a body that is passed on as it came."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from locshare_ext.errors import LocShareError, ServerUnreachable
from locshare_ext.model.cursor import Cursor
from locshare_ext.model.event import Event
from locshare_ext.transports.items import (
    Discontinuity,
    Fixes,
    Gap,
    Hello,
    Item,
    Published,
    SetAside,
    Stated,
)
from locshare_ext.transports.refusals import error_of_shape

__all__ = [
    "before",
    "error_of_object",
    "is_after",
    "last_cursor",
    "merged",
    "object_of",
    "read_event",
    "read_object",
    "read_published",
]

# What a fix ends with on the wire. It is looked for at the end only: `extra`, which comes
# before it, may hold anything.
_END = re.compile(rb'"cursor":"([0-9a-z]{4,16}-[0-9]{1,19})","flags":\[[a-z",]*\]\}\]?\Z')
_TAIL = 160  # bytes; longer than any such end


class _Place(msgspec.Struct):
    cursor: str | None = None


_events = msgspec.json.Decoder(Event)
_places = msgspec.json.Decoder(list[_Place])
_raws = msgspec.json.Decoder(list[msgspec.Raw])
_objects = msgspec.json.Decoder(dict[str, Any])


def last_cursor(array: bytes) -> str | None:
    """Return the cursor of an array's last fix, or of a fix alone; None when it has none.

    Usually without decoding. Raises ServerUnreachable for what is neither.
    """
    found = _END.search(array, max(0, len(array) - _TAIL))
    if found is not None:
        return found[1].decode()
    try:
        places = _places.decode(array if array.startswith(b"[") else b"[%b]" % array)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ServerUnreachable("what came is no array of fixes", code="protocol_mismatch") from None
    return places[-1].cursor if places else None


def is_after(cursor: str, place: str) -> bool:
    """Return whether a cursor is behind a place of the same log; of another log, it is."""
    if "-" not in place:  # start or now
        return True
    one, other = Cursor.parse(cursor), Cursor.parse(place)
    return one.epoch != other.epoch or one.offset > other.offset


def before(cursor: str) -> str:
    """Return the place right before an entry."""
    at = Cursor.parse(cursor)
    return str(Cursor(at.epoch, max(0, at.offset - 1)))


def read_event(body: bytes) -> Event | None:
    """Return an event, None for one of a kind that only a newer server knows."""
    try:
        return _events.decode(body)
    except msgspec.ValidationError:
        return None


def object_of(body: bytes) -> dict[str, Any]:
    """Return a JSON object; raises ServerUnreachable when it is none."""
    try:
        return _objects.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ServerUnreachable(
            "what came is no JSON object; the server's version of locshare_ext may be another one",
            code="protocol_mismatch",
        ) from None


def read_object(said: Mapping[str, Any], place: str) -> Item | None:
    """Return the item that a stream's object is, None for one that is none; place: what came before it."""
    kind = said.get("type")
    cursor = said.get("cursor")
    if kind == "hello" and isinstance(cursor, str):
        return Hello(cursor, said.get("gap") is True)
    if kind == "gap" and isinstance(cursor, str):
        return Gap(cursor)
    if kind == "discontinuity":
        return Discontinuity(said, cursor if isinstance(cursor, str) else place)
    if kind == "state":
        return Stated(said, cursor if isinstance(cursor, str) else place)
    return None


def error_of_object(said: Mapping[str, Any]) -> LocShareError:
    """Return the error of a stream's object of type `error`."""
    status = said.get("status")
    try:
        return error_of_shape(said["error"], status if isinstance(status, int) else None)
    except (KeyError, TypeError, AttributeError):
        return ServerUnreachable("the server failed without saying why", code="protocol_mismatch")


def read_published(said: Mapping[str, Any]) -> Published:
    """Return what was answered to who published; raises ServerUnreachable for what is no answer."""
    try:
        reasons = tuple(
            SetAside(int(one["index"]), error_of_shape(one["error"], 400)) for one in said["set_aside"]
        )
        return Published(
            int(said["stored"]), int(said["duplicates"]), len(reasons), said.get("cursor"), reasons
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ServerUnreachable("the answer to a publish cannot be read", code="protocol_mismatch") from None


def merged(fixes: bytes, events: Sequence[Event], place: str) -> Iterator[Item]:
    """Yield a page's fixes and events in the log's order; place: the one after all of them."""
    if not events:
        if fixes != b"[]":
            yield Fixes(fixes, place)
        return
    run: list[bytes] = []
    cursor = place
    waiting = list(events)
    for raw in _raws.decode(fixes):
        at = last_cursor(raw)
        while waiting and at is not None and is_after(at, waiting[0].cursor or at):
            if run:
                yield Fixes(_array(run), cursor)
                run = []
            yield waiting.pop(0)
        run.append(bytes(raw))
        cursor = at or cursor
    if run:
        yield Fixes(_array(run), cursor if waiting else place)
    yield from waiting


def _array(fixes: Sequence[bytes]) -> bytes:
    return b"[" + b",".join(fixes) + b"]"
