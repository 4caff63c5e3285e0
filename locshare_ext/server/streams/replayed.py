"""Replays as a stream of server-sent events, and over a WebSocket that speaks JSON."""

from __future__ import annotations

from locshare_ext.broker.access import WATCH, Principal
from locshare_ext.errors import AccessDenied, LocShareError
from locshare_ext.server.feed_options import FEED_OPTIONS, FeedOptions
from locshare_ext.server.replaying import find_replay
from locshare_ext.server.room import check_room
from locshare_ext.server.streams.messages import MessageChannel
from locshare_ext.server.streams.plain import FORM, PlainSession, largest
from locshare_ext.server.streams.sse import SseHandler
from locshare_ext.server.upgrade import SocketHandler, check_upgrade, upgraded_pipe
from locshare_ext.services.batch import Stored

__all__ = ["ReplayEventsHandler", "ReplaySocket"]


class ReplayEventsHandler(SseHandler):
    """`api/replays/{id}/events`: a replay as a stream (SSE)."""

    async def get(self, replay_id: str) -> None:
        """Follow a replay; `Last-Event-ID` beats `after`."""
        options = self._read_options(self.query(*FEED_OPTIONS))
        replay = find_replay(self.site, self.principal, replay_id, WATCH)
        await self._answer(replay.log, options)


class ReplaySession(PlainSession):
    """One client that follows a replay; it sends nothing but its token."""

    async def _serve(self, principal: Principal, options: FeedOptions) -> None:
        await self.follow(find_replay(self.site, principal, self._slug, WATCH).log, options, FORM)

    async def _publish(self, principal: Principal, data: bytes) -> Stored:
        raise AccessDenied("a replay takes no fixes; send them to a group", code="read_only")


class ReplaySocket(SocketHandler):
    """`api/replays/{id}/ws`: who comes without an identity must send a token first."""

    async def get(self, replay_id: str) -> None:
        """Upgrade, when there is room, and the replay is there for who asks."""
        check_upgrade(self)
        options = FeedOptions.read(self.query(*FEED_OPTIONS))
        site, principal, address = self.site, self.current_principal, self.request.remote_ip or ""
        if principal is not None:
            # a bad place is refused while there is a status to say so
            find_replay(site, principal, replay_id, WATCH).log.place(options.after, "now")
        check_room(site, principal, address)
        pipe = await upgraded_pipe(self, ())
        if pipe is None:
            return
        channel = MessageChannel(pipe, largest(site.limits, principal))
        session = ReplaySession(site, channel, address, replay_id, options)
        channel.start(session)
        if principal is None:
            return
        try:
            await session.begin(principal)
        except LocShareError as error:
            session.fail(error)
