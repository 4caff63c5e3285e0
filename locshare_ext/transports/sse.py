"""SSE: one answer that goes on; what is published takes a second connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from locshare_ext.errors import LocShareError, ServerUnreachable
from locshare_ext.transports.base import Line
from locshare_ext.transports.bodies import error_of_object, last_cursor, object_of, read_event, read_object
from locshare_ext.transports.eventstream import EventParser, StreamEvent
from locshare_ext.transports.http import Http
from locshare_ext.transports.items import Fixes, Item, Wish
from locshare_ext.transports.polling import Posting

if TYPE_CHECKING:
    from aiohttp import ClientResponse

__all__ = ["Sse"]

_TYPE = "text/event-stream"


class Sse(Posting):
    """Read a stream of server-sent events, as a streaming `fetch()` of a browser does."""

    name: ClassVar[str] = "sse"

    async def _watch(self, wish: Wish, after: str) -> Line:
        response = await self._http.stream("events", wish.options(after), {"Accept": _TYPE})
        if response.content_type != _TYPE:
            response.close()
            raise ServerUnreachable(
                f"{self.server.url} answered with {response.content_type}, expected {_TYPE}",
                code="protocol_mismatch",
            )
        return _Stream(self._http, response, after, wish.events)


class _Stream:
    """One response; its bytes are read when they are asked for, so TCP holds back what nobody takes."""

    def __init__(self, http: Http, response: ClientResponse, after: str, wants_events: bool) -> None:
        self.place = after
        self._http = http
        self._response = response
        self._wants_events = wants_events
        self._parser = EventParser()
        self._error: LocShareError | None = None  # told once what came before it was taken

    async def next(self) -> Sequence[Item]:
        """Return what the next bytes bring."""
        if self._error is not None:
            raise self._error
        with self._http.translated():
            data = await self._response.content.readany()
        if not data:
            raise ServerUnreachable("the stream has ended")
        items: list[Item] = []
        for event in self._parser.feed(data):
            if event.id is not None:
                self.place = event.id
            if not event.data:  # how far others have come than those who are watched
                continue
            try:
                item = self._item(event)
            except LocShareError as error:
                self._error = error
                break
            if item is not None:
                items.append(item)
        return items

    async def close(self) -> None:
        """End the response, and with it its connection."""
        self._response.close()

    def _item(self, event: StreamEvent) -> Item | None:
        if event.type == b"message":
            is_snapshot = event.id is None and last_cursor(event.data) is not None
            return Fixes(event.data, self.place, is_snapshot)
        if event.type == b"event":
            return read_event(event.data) if self._wants_events else None
        said = object_of(event.data)
        if said.get("type") == "error":
            raise error_of_object(said)
        return read_object(said, self.place)
