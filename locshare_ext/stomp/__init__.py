"""STOMP 1.0, 1.1 and 1.2 as a state machine: bytes in, frames out; no I/O, no clock."""

from __future__ import annotations

from locshare_ext.stomp.connection import ServerConnection, State
from locshare_ext.stomp.events import (
    Abort,
    Ack,
    Begin,
    ClientEvent,
    Commit,
    ConnectRequest,
    Disconnect,
    Nack,
    Send,
    Subscribe,
    Unsubscribe,
)
from locshare_ext.stomp.frames import (
    BEAT,
    HOP_HEADERS,
    VERSIONS,
    Beat,
    Frame,
    Headers,
    encode_message,
    user_headers,
)
from locshare_ext.stomp.heartbeat import Due, HeartBeat
from locshare_ext.stomp.parser import FrameParser, Limits

__all__ = [
    "BEAT",
    "HOP_HEADERS",
    "VERSIONS",
    "Abort",
    "Ack",
    "Beat",
    "Begin",
    "ClientEvent",
    "Commit",
    "ConnectRequest",
    "Disconnect",
    "Due",
    "Frame",
    "FrameParser",
    "Headers",
    "HeartBeat",
    "Limits",
    "Nack",
    "Send",
    "ServerConnection",
    "State",
    "Subscribe",
    "Unsubscribe",
    "encode_message",
    "user_headers",
]
