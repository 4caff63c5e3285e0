"""What a client asked for: one value per frame, its headers already checked."""

from __future__ import annotations

from dataclasses import dataclass

from locshare_ext.stomp.frames import Headers

__all__ = [
    "Abort",
    "Ack",
    "Begin",
    "ClientEvent",
    "Commit",
    "ConnectRequest",
    "Disconnect",
    "Nack",
    "Send",
    "Subscribe",
    "Unsubscribe",
]


@dataclass(frozen=True, slots=True)
class ConnectRequest:
    """CONNECT or STOMP; answer with `accept()` or `error()`. Its version is agreed already."""

    login: str | None
    passcode: str | None
    host: str | None
    headers: Headers

    def __repr__(self) -> str:
        return f"ConnectRequest(host={self.host!r})"  # logs never hold a credential


@dataclass(frozen=True, slots=True)
class Subscribe:
    """SUBSCRIBE. `ack` is auto, client or client-individual.

    id: names the subscription on this connection. named: False when a 1.0 client sent no
    id; then `id` is the destination, and its MESSAGEs carry no `subscription`.
    """

    id: str
    destination: str
    ack: str
    headers: Headers
    receipt: str | None
    named: bool = True


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """UNSUBSCRIBE of a subscription that exists; `id` is that of its Subscribe."""

    id: str
    receipt: str | None


@dataclass(slots=True)  # not frozen: made for every message, and that doubles the cost
class Send:
    """SEND. `headers` are all that came, `user_headers()` picks those that travel on."""

    destination: str
    body: bytes
    content_type: str | None
    headers: Headers
    receipt: str | None
    transaction: str | None


@dataclass(frozen=True, slots=True)
class Ack:
    """ACK. `id`: the MESSAGE's `ack` in 1.2, its `message-id` before.

    subscription: always there in 1.1, if the client sent it in 1.0, None in 1.2.
    """

    id: str
    subscription: str | None
    transaction: str | None
    receipt: str | None


@dataclass(frozen=True, slots=True)
class Nack:
    """NACK (from 1.1); fields as in Ack."""

    id: str
    subscription: str | None
    transaction: str | None
    receipt: str | None


@dataclass(frozen=True, slots=True)
class Begin:
    """BEGIN of a transaction that was not open."""

    transaction: str
    receipt: str | None


@dataclass(frozen=True, slots=True)
class Commit:
    """COMMIT of an open transaction, which is closed by it."""

    transaction: str
    receipt: str | None


@dataclass(frozen=True, slots=True)
class Abort:
    """ABORT of an open transaction, which is closed by it."""

    transaction: str
    receipt: str | None


@dataclass(frozen=True, slots=True)
class Disconnect:
    """DISCONNECT: nothing that comes after it is read. Answer the receipt, then close."""

    receipt: str | None


ClientEvent = (
    ConnectRequest | Subscribe | Unsubscribe | Send | Ack | Nack | Begin | Commit | Abort | Disconnect
)
