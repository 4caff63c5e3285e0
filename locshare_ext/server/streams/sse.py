"""GET .../groups/{g}/events: a group as a stream of server-sent events, or its events as a page."""

from __future__ import annotations

import random
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

import msgspec

from locshare_ext.broker.access import WATCH, Principal
from locshare_ext.broker.live import Log
from locshare_ext.broker.tail import LogEntry
from locshare_ext.errors import InvalidInput, LocShareError
from locshare_ext.model.cursor import Cursor
from locshare_ext.model.wire import error_object
from locshare_ext.server.api.notes import PAGE, events_page
from locshare_ext.server.base import Handler
from locshare_ext.server.feed_options import FEED_OPTIONS, FeedOptions
from locshare_ext.server.leaving import detached, response_head
from locshare_ext.server.pipe import Pipe, open_pipe
from locshare_ext.server.site import PROTOCOL, Site
from locshare_ext.server.streams.restored import restored
from locshare_ext.server.streams.stream import Stream

__all__ = ["EventsHandler", "SseForm", "SseHandler", "SseStream"]

_RETRY = (1000, 5000)  # ms after which who was cut comes again: not all in the same moment
_ENCODER = msgspec.json.Encoder()
_LAST_WORDS = 5.0  # s that the client has to take what is unsent at the end
_END = b"0\r\n\r\n"  # of a chunked body, RFC 9112 7.1


@dataclass(frozen=True, slots=True)
class SseForm:
    """Events as the HTML standard defines them (9.2); is_chunked: inside chunks of HTTP/1.1.

    Arrays of fixes are plain messages, objects are events named by their type. What may be
    resumed from has an id, its cursor.
    """

    is_chunked: bool = True

    @property
    def key(self) -> Hashable:
        """Equal for forms that make the same bytes of the same entries."""
        return "sse", self.is_chunked

    def entries(self, entries: Sequence[LogEntry], log: Log, upto: int) -> bytes:
        """Return arrays of fixes and single events in their order, each with its id."""
        out: list[bytes] = []
        place = b""
        for (is_fix, mark), group in groupby(entries, key=attrgetter("is_fix", "mark")):
            run = list(group)
            place = _place(log.cursor(upto if run[-1] is entries[-1] else run[-1].offset))
            if is_fix and mark is None:
                out.append(place + _data(_array(run)))
            elif is_fix:
                out.append(b"event: state\n%b%b" % (place, _data(restored(run, mark))))
            else:
                kind = b"event" if mark is None else mark.type.encode()
                out += [
                    b"event: %b\n%b%b" % (kind, _place(log.cursor(entry.offset)), _data(entry.body))
                    for entry in run
                ]
        return self.framed(b"".join(out))

    def snapshot(self, entries: Sequence[LogEntry], first: int) -> bytes:
        """Return an array without an id."""
        return self.framed(_data(_array(entries)))

    volatile = snapshot

    def hello(self, cursor: str, gap: bool) -> bytes:
        """Return what the stream begins with, and when to come again after its end."""
        retry = b"retry: %d\n" % random.randint(*_RETRY)  # noqa: S311 -- no secret
        hello = {"type": "hello", "cursor": cursor, "gap": gap, "protocol": PROTOCOL}
        return self._object(hello, cursor, retry)

    def gap(self, cursor: str) -> bytes:
        """Return that what lay before a cursor is no longer kept."""
        return self._object({"type": "gap", "cursor": cursor}, cursor)

    def error(self, error: LocShareError) -> bytes:
        """Return why the stream ends."""
        return self._object({"type": "error", "status": error.status, "error": error_object(error)})

    def comment(self, cursor: str | None) -> bytes:
        """Return a sign of life; with a cursor it is the place to resume from, though nothing came."""
        return self.framed(b":\n\n" if cursor is None else b":\n%b\n" % _place(cursor))

    def framed(self, data: bytes) -> bytes:
        """Return data as a piece of the body."""
        return b"%x\r\n%b\r\n" % (len(data), data) if self.is_chunked else data

    def end(self) -> bytes:
        """Return what ends the body."""
        return _END if self.is_chunked else b""

    def _object(self, value: dict[str, object], cursor: str | None = None, before: bytes = b"") -> bytes:
        place = b"" if cursor is None else _place(cursor)
        kind = str(value["type"]).encode()
        return self.framed(b"%bevent: %b\n%b%b" % (before, kind, place, _data(_ENCODER.encode(value))))


class SseStream(Stream):
    """An open response; the connection is its own, as HTTP has been left behind."""

    def __init__(self, site: Site, pipe: Pipe, address: str, principal: Principal, form: SseForm) -> None:
        super().__init__(site, pipe, address, principal)
        self._pipe = pipe
        self._form = form
        self._told: str | None = None  # the place in the last comment

    def comment(self) -> None:
        """Keep proxies from cutting it while it is silent.

        Who watches one member is told how far the others have come: else it would resume
        from where that member was last heard of, and what lies there may be gone.
        """
        if not self._pipe.unsent:
            told, self._told = self._told, self.cursor
            self.send_framed(self._form.comment(None if told == self._told else self._told))

    def shut(self, error: LocShareError) -> None:
        """Write why it ends, and end the response; TCP is closed by the client, or after 5 s."""
        self._pipe.write(self._form.error(error) + self._form.end())
        self._pipe.finish()
        self._loop.call_later(_LAST_WORDS, self._pipe.close)

    def cut(self) -> None:
        """Close TCP now."""
        self._pipe.close()

    def data_received(self, data: bytes) -> None:
        """Leave what the client still sends: there is no next request on this connection."""

    def lost(self) -> None:
        """TCP has ended."""
        self.site.responses.leave(self)
        self.gone()


class SseHandler(Handler):
    """Answers with a stream."""

    def _read_options(self, query: dict[str, str]) -> FeedOptions:
        resumed = self.request.headers.get("Last-Event-ID", "").strip()
        if resumed:
            Cursor.parse(resumed, field="last-event-id")
            query["after"] = resumed
        return FeedOptions.read(query)

    def _set_headers(self) -> None:
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-store, no-transform")  # who compresses would wait for more
        self.set_header("X-Accel-Buffering", "no")  # nginx would wait for a full buffer
        self.set_header("Connection", "close")
        if self.request.version == "HTTP/1.1":
            self.set_header("Transfer-Encoding", "chunked")

    async def _answer(self, log: Log, options: FeedOptions) -> None:
        """Begin the stream, or tell its headers only."""
        log.place(options.after, "now")  # a bad one is refused while there is a status to say so
        self._set_headers()
        if self.request.method == "HEAD":
            await self.flush()  # else it would be told of a body that ends, and how long that is
            self.finish()
            return
        await self._open(log, options)

    async def _open(self, log: Log, options: FeedOptions) -> None:
        """Leave HTTP behind; what refuses has a status until then."""
        site, principal = self.site, self.principal
        site.credentials.check_still(principal)
        site.leases.check(principal, site.leases.count(principal.id))
        site.responses.check()
        form = SseForm(is_chunked=self.request.version == "HTTP/1.1")
        connection = detached(self)
        if connection is None:
            return
        pipe = open_pipe(connection)
        stream = SseStream(site, pipe, self.request.remote_ip or "", principal, form)
        site.leases.take(principal, stream)
        site.responses.join(stream)
        pipe.start(stream)
        stream.send_framed(response_head(self, "200 OK"))  # by tornado it would be a write of its own
        await stream.follow(log, options, form)


class EventsHandler(SseHandler):
    """`api/groups/{g}/events`: a stream (SSE), or with `format=json` a page of what is there."""

    for_participants = True

    async def get(self, name: str) -> None:
        """Follow fixes and events from a place on; `Last-Event-ID` beats `after`."""
        chosen = self.get_query_argument("format", "sse")
        if chosen == "json":
            query = self.query("format", *PAGE)
            self.answer(await events_page(self, await self.find_group(name, WATCH), query))
            return
        if chosen != "sse":
            raise InvalidInput(
                f"format {chosen[:40]!r} is neither json (the events that are there) nor sse (the stream)",
                code="not_supported",
                field="format",
            )
        options = self._read_options(self.query("format", *FEED_OPTIONS))
        group = await self.site.groups.watched(self.require(name, WATCH))
        await self._answer(group.log, options)


def _place(cursor: str) -> bytes:
    return b"id: %b\n" % cursor.encode()


def _data(body: bytes) -> bytes:
    return b"data: %b\n\n" % body  # bodies have no line ends: JSON escapes them


def _array(entries: Sequence[LogEntry]) -> bytes:
    return b"[" + b",".join([entry.body for entry in entries]) + b"]"
