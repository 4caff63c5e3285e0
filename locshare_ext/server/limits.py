"""What one peer may use of the server; every number has a trait of the app."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes, seconds and counts: the most that a peer which errs or means harm can cost.

    frame, frame_before_connect, headers, header_line, subscriptions: of a STOMP connection.
    connect: s until CONNECT must have come. heart_beat: ms offered both ways.
    turn: bytes one reader is given per loop turn. unsent: bytes over which a connection is
    told nothing more until they are sent (a subscription to a group waits while there are any);
    behind: bytes of a free topic's messages that wait for one subscription meanwhile;
    stall: s without progress after which it is then closed.
    responses: long polls and event streams open at once; comment: s between the signs of life
    of a stream. ping: s between WebSocket pings. pending, pending_fixes: batches of one connection under
    way to the store, and fixes in them from which on the next batch waits.
    connections: all; unproved: those of one address that have shown no credential.
    prefetch, invite_prefetch: MESSAGEs of one subscription that may wait for an ACK.
    transactions: open on one connection; transaction_frames, transaction_bytes: held by them,
    invite_transaction_bytes: by those of an invite.
    invite_frame, invite_subscriptions: of a connection by invite. invite_connections: open by
    one invite of a member; open_invite_connections: by one open invite.
    body: of a POST; drain: what is read of a refused one, so that a proxy can keep the
    connection. body_timeout: s until a body must be there. imported: bytes of an imported file.
    failures_per_address, failures_per_token: wrong credentials until the answer is 429.
    drained: s that a server which ends gives the requests under way.
    """

    frame: int = MIB
    frame_before_connect: int = 8 << 10
    headers: int = 64
    header_line: int = 4 << 10
    subscriptions: int = 64
    connect: float = 10.0
    heart_beat: int = 10_000
    turn: int = 256 << 10
    unsent: int = 512 << 10
    behind: int = 16 * MIB
    stall: float = 10.0
    responses: int = 500
    comment: float = 15.0
    ping: float = 25.0
    pending: int = 64
    pending_fixes: int = 500  # late ones take the store 5 ms, and what others send waits for them
    connections: int = 2000
    unproved: int = 50
    prefetch: int = 10_000
    transactions: int = 64
    transaction_frames: int = 10_000
    transaction_bytes: int = 2 * MIB
    body: int = 2 * MIB
    drain: int = 4 * MIB
    body_timeout: float = 60.0
    imported: int = 10 << 30
    failures_per_address: int = 100  # a minute
    failures_per_token: int = 10  # a minute
    invite_frame: int = 256 << 10
    invite_subscriptions: int = 8
    invite_prefetch: int = 1000
    invite_transaction_bytes: int = 512 << 10
    invite_connections: int = 8
    open_invite_connections: int = 256
    drained: float = 5.0
