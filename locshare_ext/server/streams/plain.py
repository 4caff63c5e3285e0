"""WS .../groups/{g}/ws: a group over a WebSocket that speaks JSON and nothing else."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from typing import Any

import msgspec

from locshare_ext.broker.access import PUBLISH, WATCH, Principal, require
from locshare_ext.broker.live import Log
from locshare_ext.broker.tail import LogEntry
from locshare_ext.errors import Gone, LocShareError, NotAuthenticated, TooLarge
from locshare_ext.model.names import group_slug
from locshare_ext.model.wire import error_object
from locshare_ext.server.closing import closing_code
from locshare_ext.server.feed_options import FEED_OPTIONS, FeedOptions
from locshare_ext.server.limits import Limits
from locshare_ext.server.room import check_room
from locshare_ext.server.site import PROTOCOL, Site
from locshare_ext.server.streams.messages import MessageChannel
from locshare_ext.server.streams.restored import batched, restored
from locshare_ext.server.streams.stream import Stream
from locshare_ext.server.upgrade import SocketHandler, check_upgrade, upgraded_pipe
from locshare_ext.server.websocket import TEXT, message
from locshare_ext.services.batch import Stored
from locshare_ext.services.groups import Group

__all__ = ["FORM", "JsonForm", "PlainSession", "PlainSocket", "largest"]

_ARRAY = 32 << 10  # bytes of one array; some clients refuse messages over 64 KiB
_HELD = 128 << 10  # bytes that wait to be stored; then the socket is left alone
_AT_ONCE = 50  # messages that are answered before others have their turn
_ENCODER = msgspec.json.Encoder()


class JsonForm:
    """Arrays of fixes and objects, each one text message."""

    @property
    def key(self) -> Hashable:
        """Equal for forms that make the same bytes of the same entries."""
        return "ws"

    def entries(self, entries: Sequence[LogEntry], log: Log, upto: int) -> bytes:
        """Return arrays of fixes and single events in their order."""
        out: list[bytes] = []
        for (is_fix, mark), run in groupby(entries, key=attrgetter("is_fix", "mark")):
            some = list(run)
            if is_fix and mark is not None:
                out += [message(restored(part, mark), TEXT) for part in batched(some)]
            else:
                out += _arrays(some) if is_fix else [message(entry.body, TEXT) for entry in some]
        return b"".join(out)

    def snapshot(self, entries: Sequence[LogEntry], first: int) -> bytes:
        """Return arrays of fixes."""
        return b"".join(_arrays(entries))

    volatile = snapshot

    def hello(self, cursor: str, gap: bool, *, is_watching: bool = True) -> bytes:
        """Return what it begins with; is_watching: False tells who may only publish that nothing follows."""
        said = {"type": "hello", "cursor": cursor, "gap": gap, "protocol": PROTOCOL}
        return self.object(said if is_watching else {**said, "watch": False})

    def gap(self, cursor: str) -> bytes:
        """Return that what lay before a cursor is no longer kept."""
        return self.object({"type": "gap", "cursor": cursor})

    def error(self, error: LocShareError) -> bytes:
        """Return what is wrong."""
        return self.object({"type": "error", "status": error.status, "error": error_object(error)})

    def object(self, value: dict[str, Any]) -> bytes:
        """Return an object as a message."""
        return message(_ENCODER.encode(value), TEXT)


FORM = JsonForm()


class PlainSession(Stream):
    """One client: what it sends is stored and answered in order, and it watches meanwhile.

    Without a principal its first message must bring the token, within `connect` seconds. A
    token that is shown so is who the client is from then on, whatever else came with the
    upgrade: what is said in so many words beats a cookie, which a browser sends unasked.
    """

    def __init__(
        self, site: Site, channel: MessageChannel, address: str, slug: str, options: FeedOptions
    ) -> None:
        super().__init__(site, channel, address)
        self._channel = channel
        self._slug = slug
        self._options = options
        self._messages: deque[bytes] = deque()  # to be done
        self._held = 0  # bytes of them
        self._task: asyncio.Task[None] | None = None
        self._is_first = True  # no message was done yet
        self._is_paused = False
        self._begun = asyncio.Event()  # hello was said: answers may follow
        self._room = asyncio.Event()
        self._timer = self._loop.call_later(site.limits.connect, self._on_no_token)
        site.joined(self)

    async def begin(self, principal: Principal) -> None:
        """Say hello to who has shown a credential, and serve; raises LocShareError.

        Of who was served as somebody else it goes on at the place where that ended.
        """
        site, options = self.site, self._options
        if self.is_over:
            return
        site.credentials.check_still(principal)
        site.leases.leave(self.principal, self)
        site.leases.take(principal, self)
        self.principal = principal
        self._timer.cancel()
        self._channel.most = largest(site.limits, principal)
        if self.cursor is not None:
            options = replace(options, after=self.cursor)
            self.unfollow()
        await self._serve(principal, options)
        self._begun.set()

    # -- what the channel and the site call

    def receive(self, data: bytes, opcode: int) -> None:
        """Take a message, text or binary; it is done when those before it are."""
        if self.is_over:
            return
        most = self._channel.most
        if len(data) > most:
            self.fail(TooLarge(f"the message is over the limit of {most} bytes", code="frame_too_large"))
            return
        self._messages.append(data)
        self._held += len(data)
        if self._task is None:
            self._task = self._loop.create_task(self._work())
        elif self._held > _HELD and not self._is_paused:
            self._is_paused = True
            self._channel.pause()

    def heard(self) -> None:
        """A pong: TCP tells of who is gone."""

    def drained(self) -> None:
        """What was unsent has gone out."""
        super().drained()
        self._room.set()

    def gone(self) -> None:
        """The connection has ended; what came before is still stored."""
        super().gone()
        self._timer.cancel()
        self._room.set()
        self._begun.set()
        self.site.left(self)

    def ping(self) -> None:
        """Keep proxies from cutting it while it is silent."""
        if not self.is_full:
            self._channel.ping()

    def fail(self, error: LocShareError) -> None:
        """Say why, and end; nothing that came later is done."""
        if not self.is_over:
            self._messages.clear()
            self._room.set()
            self._begun.set()
        super().fail(error)

    def shut(self, error: LocShareError) -> None:
        """Send the error, then close."""
        self._timer.cancel()
        self._channel.write(FORM.error(error))
        self._channel.close(closing_code(error), error.message)

    def cut(self) -> None:
        """Close TCP now."""
        self._channel.abort()

    # -- inside

    async def _serve(self, principal: Principal, options: FeedOptions) -> None:
        group = await opened(self.site, principal, self._slug)
        if principal.may(self._slug, WATCH):
            await self.follow(group.log, options, FORM)
        else:
            self.send_framed(FORM.hello(group.log.cursor(group.log.head), False, is_watching=False))

    async def _publish(self, principal: Principal, data: bytes) -> Stored:
        require(principal, self._slug, PUBLISH)
        await self._wait_for_tokens(principal)
        return await self.site.groups.publish(principal, self._slug, data)

    async def _work(self) -> None:
        done = 0
        try:
            while self._messages:
                await self._wait_for_room()
                if not self._messages:
                    break
                data = self._messages.popleft()
                await self._do(data)
                self._held -= len(data)
                if self._is_paused and self._held <= _HELD // 2:
                    self._is_paused = False
                    self._channel.resume()
                done += 1
                if done % _AT_ONCE == 0:
                    await asyncio.sleep(0)
        except Exception as error:
            self.broken(error)
        finally:
            self._task = None

    async def _do(self, data: bytes) -> None:
        is_first, self._is_first = self._is_first, False
        token = _token(data) if is_first else None
        if token is not None:
            await self._prove(token)
            return
        if self.principal is None:
            self.fail(NotAuthenticated('the first message is not {"token": "..."}', field="token"))
            return
        await self._begun.wait()
        try:
            stored = await self._publish(self.principal, data)
        except Gone as error:
            self.fail(error)
        except LocShareError as error:
            self.send_framed(FORM.error(error))
        else:
            self.send_framed(FORM.object({"type": "stored", **stored.as_json()}))

    async def _prove(self, token: str) -> None:
        if self.principal is not None:
            await self._begun.wait()  # one hello after the other
        if self.is_over:
            return
        try:
            await self.begin(await self.site.credentials.check(token, self.address))
        except LocShareError as error:
            self.fail(error)

    async def _wait_for_room(self) -> None:
        """Do nothing more for a client that does not take its answers."""
        while self._channel.unsent > self.site.limits.unsent and not self.is_over:
            self._room.clear()
            await self._room.wait()

    async def _wait_for_tokens(self, principal: Principal) -> None:
        """Do and read nothing more of an invite that is over its rate: what it sends waits at its side."""
        while principal.kind == "invite" and not self.is_over:
            seconds = self.site.groups.rates.wait(principal.id)
            if seconds <= 0:
                return
            self._room.clear()
            waking = self._loop.call_later(seconds, self._room.set)
            try:
                await self._room.wait()
            finally:
                waking.cancel()

    def _on_no_token(self) -> None:
        if self.principal is None:
            self.fail(
                NotAuthenticated(
                    f'no {{"token": "..."}} came within {self.site.limits.connect:g} s',
                    code="connect_timeout",
                )
            )


class PlainSocket(SocketHandler):
    """`api/groups/{g}/ws`: opens sessions; who comes without an identity must send a token first."""

    for_participants = True

    async def get(self, name: str) -> None:
        """Upgrade, when there is room, and the group is there for who asks."""
        check_upgrade(self)
        options = FeedOptions.read(self.query(*FEED_OPTIONS))
        site, principal, address = self.site, self.current_principal, self.request.remote_ip or ""
        slug = group_slug(name)
        if principal is not None:
            group = await opened(site, principal, slug)
            group.log.place(options.after, "now")  # a bad one is refused while there is a status to say so
        check_room(site, principal, address)
        pipe = await upgraded_pipe(self, ())
        if pipe is None:
            return
        channel = MessageChannel(pipe, largest(site.limits, principal))
        session = PlainSession(site, channel, address, slug, options)
        channel.start(session)
        if principal is None:
            return
        try:
            await session.begin(principal)
        except LocShareError as error:
            session.fail(error)


async def opened(site: Site, principal: Principal, slug: str) -> Group:
    """Return a group for who may watch it or publish to it: who may publish begins one that is none.

    Raises AccessDenied, NotFound.
    """
    if principal.may(slug, PUBLISH):
        return await site.groups.open(slug)
    require(principal, slug, WATCH)
    return await site.groups.watched(slug)


def largest(limits: Limits, principal: Principal | None) -> int:
    """Return the most bytes of a message."""
    if principal is None:
        return limits.frame_before_connect
    return min(limits.invite_frame, limits.frame) if principal.kind == "invite" else limits.frame


def _token(data: bytes) -> str | None:
    """Return the token that a message shows, None for any other message."""
    try:
        sent = msgspec.json.decode(data, type=dict[str, str])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return sent["token"] if set(sent) == {"token"} else None


def _arrays(entries: Sequence[LogEntry]) -> list[bytes]:
    """Return fixes as arrays, each a message that any client takes."""
    out: list[bytes] = []
    bodies: list[bytes] = []
    size = 0
    for entry in entries:
        if bodies and size + len(entry.body) > _ARRAY:
            out.append(message(b"[" + b",".join(bodies) + b"]", TEXT))
            bodies, size = [], 0
        bodies.append(entry.body)
        size += len(entry.body)
    out.append(message(b"[" + b",".join(bodies) + b"]", TEXT))
    return out
