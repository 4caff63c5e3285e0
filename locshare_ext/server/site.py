"""What all handlers of one server share."""

from __future__ import annotations

import asyncio
import copy
import logging
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from tornado import web

from locshare_ext.broker.access import Principal
from locshare_ext.broker.memory_queues import MemoryQueues
from locshare_ext.broker.queues import QueueLimits, Queues
from locshare_ext.broker.topics import Topics
from locshare_ext.errors import LocShareError
from locshare_ext.model.store import LogStore
from locshare_ext.server.audit import Audit
from locshare_ext.server.credentials import Credentials
from locshare_ext.server.leases import Leases
from locshare_ext.server.limits import Limits
from locshare_ext.server.participants.friends import Friends
from locshare_ext.server.reach import Reach
from locshare_ext.server.streams.registry import Responses
from locshare_ext.server.turn import Turn
from locshare_ext.server.underway import Underway
from locshare_ext.services.alerts import AlertOptions, Alerts
from locshare_ext.services.apps import Apps
from locshare_ext.services.devices import Devices
from locshare_ext.services.groups import GroupOptions, Groups
from locshare_ext.services.held import Held
from locshare_ext.services.invites import InviteOptions, Invites
from locshare_ext.services.notes import Notes
from locshare_ext.services.places import Places
from locshare_ext.services.rates import Rates
from locshare_ext.services.recordings import Recordings
from locshare_ext.services.replays import ReplayOptions, Replays
from locshare_ext.services.retention import Retention
from locshare_ext.services.sharing import Sharing
from locshare_ext.services.tokens import InviteKey

if TYPE_CHECKING:
    from locshare_ext.server.phones import Phones

__all__ = ["PROTOCOL", "Connection", "Identity", "Site", "server_clock"]

WARN_EVERY = 60.0  # s between warnings of a store that fails: the disk may be full of logs
PROTOCOL = "1"  # of the wire; every hello carries it


def server_clock() -> int:
    """Return now in integer ms since 1970 UTC."""
    return time.time_ns() // 1_000_000


class Identity(Protocol):
    """Who a request is from when it carries no credential of ours."""

    has_users: bool  # whether there are any besides those with a credential of ours

    @property
    def is_guarded(self) -> bool:
        """Whether everybody needs a credential."""

    async def principal(self, handler: web.RequestHandler, action: str) -> Principal | None:
        """Return the principal, None if there is none.

        action: read, write or execute. Raises AccessDenied.
        """

    def login_url(self, base_path: str) -> str | None:
        """Return where a browser logs in, None where nobody does; base_path: as handlers have it."""


class Connection(Protocol):
    """An open STOMP connection, or plain WebSocket."""

    address: str
    principal: Principal | None  # by the upgrade, then by CONNECT

    @property
    def is_proved(self) -> bool:
        """Whether a credential was shown."""

    def ping(self) -> None:
        """Keep proxies from cutting it while it is silent."""

    def stop(self, reason: str) -> None:
        """End it from this side, and say why."""


class Nobody:
    """Without Jupyter there is no identity but by a credential."""

    has_users = False
    is_guarded = True  # everybody needs a credential

    async def principal(self, handler: web.RequestHandler, action: str) -> Principal | None:
        """Return None."""
        return None

    def login_url(self, base_path: str) -> str | None:
        """Return None: the host has a token."""
        return None


class Site:
    """The services, credentials, limits and open connections of one server.

    Making one opens nothing: no thread, no file. store_path: where the store is, None for
    memory. All of it belongs to one event loop.
    """

    def __init__(
        self,
        store: LogStore,
        *,
        log: logging.Logger | logging.LoggerAdapter[Any],
        store_path: str | None = None,
        identity: Identity | None = None,
        limits: Limits | None = None,
        options: GroupOptions | None = None,
        queues: QueueLimits | None = None,
        invites: InviteOptions | None = None,
        rates: Rates | None = None,
        replays: ReplayOptions | None = None,
        alerts: AlertOptions | None = None,
        retention_age: int | None = 7 * 86_400,
        retention_bytes: int | None = 2_000_000_000,
        allowed_hosts: tuple[str, ...] = (),
        audit: Audit | None = None,
        reach: Reach | None = None,
        clock: Callable[[], int] = server_clock,
    ) -> None:
        self.store = store
        self.store_path = store_path
        self.log = log
        self.audit = audit or Audit(log)
        self.clock = clock
        self.identity: Identity = identity or Nobody()
        self.limits = limits or Limits()
        self.allowed_hosts = tuple(name.lower() for name in allowed_hosts)
        self.retention: Retention
        self.groups = Groups(store, clock=clock, options=options, rates=rates, on_open=self._opened)
        self.leases = Leases(
            clock=clock,
            most=self.limits.invite_connections,
            most_open=self.limits.open_invite_connections,
        )
        self.invites = Invites(
            self.groups,
            clock=clock,
            key=InviteKey(None if store_path is None else f"{store_path}.key"),
            options=invites,
            on_end=self.leases.end,
        )
        self.credentials = Credentials(
            self.invites,
            failures=self.limits.failures_per_address,
            token_failures=self.limits.failures_per_token,
        )
        self.reach = reach or Reach()
        self.reach.credentials = self.credentials
        self.phones: Phones | None = None  # the way to a listener for phones, where there may be one
        self.notes = Notes(self.groups, clock=clock)
        self.apps = Apps(self.groups, Devices(self.invites), clock=clock)
        self.held = Held(
            self.apps.take,
            still=lambda principal: self.invites.check_still(principal, late=True),
            is_well=lambda: store.failure is None,
        )
        self.friends = Friends()
        self.sharing = Sharing(self.groups, self.invites, clock=clock)
        self.recordings = Recordings(store, self.groups, clock=clock)
        self.replays = Replays(store, self.groups, clock=clock, log=log, options=replays)
        self.alerts = Alerts(self.groups, log=log, options=alerts)
        self.retention = Retention(self.groups, age=retention_age, max_bytes=retention_bytes, log=log)
        self.topics = Topics()
        self.queues: Queues = MemoryQueues(queues)
        self.places = Places(store, clock=clock, log=log)
        self.turn = Turn()
        self.sessions: set[Connection] = set()
        self.responses = Responses(self.limits.responses, self.limits.comment)
        self.underway = Underway()
        self._pings: asyncio.TimerHandle | None = None
        self._tidying: asyncio.Future[None] | None = None
        self._is_closed = False
        self._warned = -WARN_EVERY  # the monotonic clock

    def store_failed(self, what: str) -> None:
        """Log what could not be stored or read: as a warning now and then, not each of thousands.

        Of a store that fails it is one line when it begins, the store's own.
        """
        now = time.monotonic()
        if self.store.failure is None and now - self._warned >= WARN_EVERY:
            self._warned = now
            self.log.warning("%s", what)
        else:
            self.log.debug("%s", what)

    def start(self) -> None:
        """Begin what runs by itself; needs the loop. Without a store's file nothing does."""
        path = self.store_path
        if path is not None and os.path.exists(path) and not self.store.is_taken:  # its server does this
            self.retention.start()
            self._tidying = asyncio.ensure_future(self._tidy())

    async def _tidy(self) -> None:
        """Remove what a server that was killed left half done, and go on with what it recorded."""
        try:
            if removed := await self.recordings.remove_unfinished():
                self.log.info("removed %d imports that an earlier server had not finished", removed)
            if resumed := await self.recordings.resume():
                self.log.info(
                    "recording goes on in %d groups, where it ran in an earlier server", len(resumed)
                )
            await self.alerts.resume()
        except LocShareError as error:
            self.store_failed(f"what an earlier server left could not be tidied: {error.message}")

    def joined(self, session: Connection) -> None:
        """Note an open connection; the first one starts the timer of pings."""
        self.sessions.add(session)
        if self._pings is None:
            self._ping_later()

    def left(self, session: Connection) -> None:
        """Forget a connection; the last one ends the timer of pings."""
        self.sessions.discard(session)
        if not self.sessions and self._pings is not None:
            self._pings.cancel()
            self._pings = None

    async def close(self) -> None:
        """End connections, groups and the store; twice is no error."""
        if self._is_closed:
            return
        self._is_closed = True
        self.retention.stop()
        if self._tidying is not None:
            self._tidying.cancel()
            await asyncio.wait([self._tidying])
        if self.phones is not None:
            await self.phones.close("the server is stopping")
        await self.leave("the server is stopping")
        await self.replays.close()
        await self.alerts.close()
        await self.queues.close()
        self.leases.stop()
        if lost := await self.held.close():
            self.log.warning("the store did not come back: %d fixes of OsmAnd are lost", lost)
        await self.recordings.leave()
        await self.groups.close()
        await self.places.close()
        await self.store.close()

    def for_participants(self, allowed_hosts: tuple[str, ...]) -> Site:
        """Return this site as a listener of the participants shows it: invites, and nothing else, are taken.

        What is open by it is counted, and ended, apart from what is open by the other.
        """
        site = copy.copy(self)
        site.identity = Nobody()
        site.credentials = self.credentials.invites_only()
        site.allowed_hosts = tuple(name.lower() for name in allowed_hosts)
        site.phones = None
        site.sessions = set()
        site.responses = Responses(self.limits.responses, self.limits.comment)
        site.underway = Underway()
        site._pings = None
        return site

    async def leave(self, reason: str) -> None:
        """End connections and streams, and let requests that are under way come to their end."""
        for session in list(self.sessions):
            session.stop(reason)
        self.responses.stop(reason)
        await self.underway.wait(self.limits.drained)

    def _opened(self) -> None:
        self.retention.start()

    def _ping_later(self) -> None:
        self._pings = asyncio.get_running_loop().call_later(self.limits.ping, self._ping)

    def _ping(self) -> None:
        # one timer for all: a proxy cuts a silent connection after 60 s
        for session in list(self.sessions):
            session.ping()
        self._ping_later()
