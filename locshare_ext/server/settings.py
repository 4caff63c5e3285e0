"""All that can be set, each with its help; where the server runs makes no difference."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from jupyter_core.paths import jupyter_data_dir
from traitlets import Bool, Enum, Float, Integer, List, Unicode, default
from traitlets.config import Configurable

from locshare_ext.broker.queues import QueueLimits
from locshare_ext.server.limits import Limits
from locshare_ext.server.stores import MEMORY

if TYPE_CHECKING:
    import logging

    from locshare_ext.server.site import Site

__all__ = ["Settings"]

DAY = 86_400  # s

_LIMITS = Limits()
_QUEUES = QueueLimits()


class Settings(Configurable):
    """What a server of ours may do and keep; a notebook server's extension, or one without notebooks."""

    store = Unicode(
        help="File that keeps fixes and recordings; `memory` keeps nothing beyond the server's life. "
        "A second server takes a file of its own beside it. On a network drive it is slower. "
        "Default: locshare/log.sqlite3 in Jupyter's data directory.",
    ).tag(config=True)
    synchronous = Enum(
        ("NORMAL", "FULL"),
        default_value="NORMAL",
        help="NORMAL: what was acknowledged survives the end of this program, however it comes. "
        "FULL: a power cut too; slower.",
    ).tag(config=True)
    retention = Float(
        7.0,
        min=0,
        allow_none=True,
        help="Days that fixes are kept unless recorded; 0: in memory only, None: for ever.",
    ).tag(config=True)
    retention_bytes = Integer(
        2_000_000_000,
        min=1_000_000,
        allow_none=True,
        help="Bytes that fixes may take, over all groups; above it those received first go first. What "
        "recordings keep is never removed and does not count. None: no bound.",
    ).tag(config=True)
    sealed_fixes = Integer(
        65_536,
        min=1_024,
        max=1_048_576,
        help="Fixes that are packed together once they are old: more make smaller files, fewer are sooner "
        "looked up.",
    ).tag(config=True)
    live_fixes = Integer(
        65_536,
        min=0,
        help="Newest fixes of a group that are not packed. All until then are read one by one, which takes "
        "ten times as long.",
    ).tag(config=True)
    log_length = Integer(
        10_000, min=1, help="Fixes per group in memory for readers that lag; older ones come from the store."
    ).tag(config=True)
    ephemeral_length = Integer(
        10_000, min=1, help="Fixes of an ephemeral group, which are in memory and nowhere else."
    ).tag(config=True)
    public_url = Unicode(
        help="The address by which phones and others outside reach this server, where it cannot know that: "
        "behind a proxy or a tunnel, such as https://share.example.org/. Its host needs no allowed_hosts.",
    ).tag(config=True)
    allowed_hosts = List(
        Unicode(),
        help="Names of this server that requests may use besides the local ones. Empty: Jupyter's own rule.",
    ).tag(config=True)
    max_groups = Integer(1000, min=1, help="Groups of this server.").tag(config=True)
    max_members = Integer(10_000, min=1, help="Members of one group.").tag(config=True)
    max_set_aside = Integer(
        1000, min=0, help="Refused fixes of one group that are kept, with the reason; the oldest go first."
    ).tag(config=True)
    max_connections = Integer(
        _LIMITS.connections, min=1, help="WebSockets open at once, STOMP or plain."
    ).tag(config=True)
    max_unproved = Integer(
        _LIMITS.unproved, min=1, help="Open connections of one address that have shown no credential."
    ).tag(config=True)
    max_frame = Integer(_LIMITS.frame, min=1024, help="Bytes of a STOMP frame, or plain message.").tag(
        config=True
    )
    max_subscriptions = Integer(_LIMITS.subscriptions, min=1, help="Subscriptions of one connection.").tag(
        config=True
    )
    max_prefetch = Integer(
        _LIMITS.prefetch, min=1, help="MESSAGEs of one subscription that may wait for an ACK."
    ).tag(config=True)
    max_transactions = Integer(
        _LIMITS.transactions, min=1, help="Transactions open on one STOMP connection."
    ).tag(config=True)
    max_transaction_frames = Integer(
        _LIMITS.transaction_frames, min=1, help="Frames that the open transactions of a connection hold."
    ).tag(config=True)
    max_transaction_bytes = Integer(
        _LIMITS.transaction_bytes, min=1024, help="Bytes that the open transactions of a connection hold."
    ).tag(config=True)
    max_queues = Integer(
        _QUEUES.queues, min=1, help="Queues (/queue/...) that hold messages or have consumers."
    ).tag(config=True)
    max_queue_messages = Integer(
        _QUEUES.messages, min=1, help="Messages in one queue, those waiting for an ACK too."
    ).tag(config=True)
    max_queue_bytes = Integer(_QUEUES.bytes, min=1024, help="Bytes of the messages in one queue.").tag(
        config=True
    )
    max_queues_bytes = Integer(
        _QUEUES.total, min=1024, help="Bytes of the messages in all queues together."
    ).tag(config=True)
    max_body = Integer(_LIMITS.body, min=1024, help="Bytes of a POST's body.").tag(config=True)
    max_import = Integer(_LIMITS.imported, min=1024, help="Bytes of an imported file.").tag(config=True)
    connect_timeout = Float(
        _LIMITS.connect, min=0.1, help="Seconds until a connection must CONNECT, or send its token."
    ).tag(config=True)
    heart_beat = Integer(
        _LIMITS.heart_beat, min=0, help="Milliseconds between heart-beats offered both ways; 0: none."
    ).tag(config=True)
    ping_interval = Float(_LIMITS.ping, min=1, help="Seconds between WebSocket pings.").tag(config=True)
    max_unsent = Integer(
        _LIMITS.unsent, min=65_536, help="Bytes unsent to a reader over which it is served no more."
    ).tag(config=True)
    max_behind = Integer(
        _LIMITS.behind,
        min=65_536,
        help="Bytes of a free topic's messages that wait for a slow subscription; more are dropped.",
    ).tag(config=True)
    drain_timeout = Float(
        _LIMITS.drained, min=0, help="Seconds that requests under way are given when the server ends."
    ).tag(config=True)
    stall_timeout = Float(
        _LIMITS.stall,
        min=0.1,
        help="Seconds without progress, while bytes are unsent, until a reader is closed.",
    ).tag(config=True)
    max_responses = Integer(
        _LIMITS.responses, min=1, help="Long polls and event streams (SSE) open at once."
    ).tag(config=True)
    comment_interval = Float(
        _LIMITS.comment, min=0.1, help="Seconds between the comments that keep an event stream alive."
    ).tag(config=True)
    max_failures = Integer(
        _LIMITS.failures_per_address, min=1, help="Wrong credentials a minute from one address."
    ).tag(config=True)
    max_token_failures = Integer(
        _LIMITS.failures_per_token, min=1, help="Times a minute that one wrong invite is answered at once."
    ).tag(config=True)
    invites = Bool(
        True,
        help="Whether invites can be made and are taken. Without them only users of this Jupyter server "
        "and its kernels take part.",
    ).tag(config=True)
    invite_hours = Float(24.0, min=0.01, help="Hours that an invite lives when nothing else is asked.").tag(
        config=True
    )
    max_invite_days = Float(30.0, min=0.01, help="Days that an invite may live at most.").tag(config=True)
    max_invites = Integer(10_000, min=1, help="Living invites of one group.").tag(config=True)
    invite_grace = Float(
        7.0,
        min=0,
        help="Days after the end of an invite that fixes measured before it are still taken; so long an "
        "ended invite is remembered.",
    ).tag(config=True)
    invite_rate = Float(
        20.0, min=0.01, help="Fixes a second that may be sent with one invite, for long."
    ).tag(config=True)
    invite_burst = Integer(
        100_000, min=1, help="Fixes that may come at once with one invite: a phone brings home a day."
    ).tag(config=True)
    max_invite_frame = Integer(
        _LIMITS.invite_frame,
        min=1024,
        help="Bytes of a STOMP frame, or plain message, that comes with an invite.",
    ).tag(config=True)
    max_invite_subscriptions = Integer(
        _LIMITS.invite_subscriptions, min=1, help="Subscriptions of one connection with an invite."
    ).tag(config=True)
    max_invite_prefetch = Integer(
        _LIMITS.invite_prefetch,
        min=1,
        help="MESSAGEs of one subscription by invite that may wait for an ACK.",
    ).tag(config=True)
    max_invite_transaction_bytes = Integer(
        _LIMITS.invite_transaction_bytes,
        min=1024,
        help="Bytes that the open transactions of a connection by invite hold.",
    ).tag(config=True)
    max_invite_connections = Integer(
        _LIMITS.invite_connections, min=1, help="Connections open with one invite of a member."
    ).tag(config=True)
    max_open_invite_connections = Integer(
        _LIMITS.open_invite_connections, min=1, help="Connections open with one invite that names no member."
    ).tag(config=True)
    alert_rate = Float(
        0.5, min=0.001, help="Alerts of one rule of a group that go onto its log, a second for long."
    ).tag(config=True)
    alert_burst = Integer(100, min=1, help="Alerts of one rule that go onto a log at once.").tag(config=True)
    max_replays = Integer(16, min=1, help="Replays of recordings at once.").tag(config=True)
    replay_idle = Float(
        600.0, min=1, help="Seconds after which a replay ends that nobody watches or steers."
    ).tag(config=True)

    @default("store")
    def _store_default(self) -> str:
        return os.path.join(jupyter_data_dir(), "locshare", "log.sqlite3")

    @default("public_url")
    def _public_url_default(self) -> str:
        return os.environ.get("JUPYTERHUB_PUBLIC_URL", "")  # of Hubs that know their own address

    @property
    def where(self) -> str:
        """The log's file, or `memory`."""
        return MEMORY if self.retention == 0 else self.store

    def make_site(self, log: logging.Logger | logging.LoggerAdapter[Any], **parts: Any) -> Site:
        """Return what the handlers share, as it is set; opens nothing.

        parts: what `Site` takes besides, such as who its users are.
        """
        from locshare_ext.server.site import Site
        from locshare_ext.server.stores import open_store
        from locshare_ext.services.alerts import AlertOptions
        from locshare_ext.services.groups import GroupOptions
        from locshare_ext.services.invites import InviteOptions
        from locshare_ext.services.rates import Rates
        from locshare_ext.services.replays import ReplayOptions

        store, path = open_store(
            self.where,
            self.synchronous,
            log,
            self.ephemeral_length,
            sealed_fixes=self.sealed_fixes,
            live_fixes=self.live_fixes,
        )
        return Site(
            store,
            store_path=path,
            log=log,
            limits=self._limits(),
            options=GroupOptions(self.log_length, self.max_groups, self.max_members, self.max_set_aside),
            invites=InviteOptions(
                is_on=self.invites,
                lifetime=min(self.invite_hours * 3600, self.max_invite_days * DAY),
                longest=self.max_invite_days * DAY,
                living=self.max_invites,
                grace=self.invite_grace * DAY,
            ),
            rates=Rates(self.invite_rate, self.invite_burst),
            replays=ReplayOptions(self.max_replays, self.replay_idle),
            alerts=AlertOptions(self.alert_rate, self.alert_burst),
            queues=QueueLimits(
                self.max_queue_messages, self.max_queue_bytes, self.max_queues, self.max_queues_bytes
            ),
            retention_age=None if self.retention is None else int(self.retention * DAY),
            retention_bytes=self.retention_bytes,
            allowed_hosts=tuple(self.allowed_hosts),
            **parts,
        )

    def _limits(self) -> Limits:
        return Limits(
            frame=self.max_frame,
            subscriptions=self.max_subscriptions,
            connect=self.connect_timeout,
            heart_beat=self.heart_beat,
            drained=self.drain_timeout,
            unsent=self.max_unsent,
            behind=self.max_behind,
            stall=self.stall_timeout,
            ping=self.ping_interval,
            responses=self.max_responses,
            comment=self.comment_interval,
            connections=self.max_connections,
            unproved=self.max_unproved,
            prefetch=self.max_prefetch,
            transactions=self.max_transactions,
            transaction_frames=self.max_transaction_frames,
            transaction_bytes=self.max_transaction_bytes,
            body=self.max_body,
            imported=self.max_import,
            failures_per_address=self.max_failures,
            failures_per_token=self.max_token_failures,
            invite_frame=self.max_invite_frame,
            invite_subscriptions=self.max_invite_subscriptions,
            invite_prefetch=self.max_invite_prefetch,
            invite_transaction_bytes=self.max_invite_transaction_bytes,
            invite_connections=self.max_invite_connections,
            open_invite_connections=self.max_open_invite_connections,
        )
