"""Steps that many checks share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.raw import RawStomp, Received

__all__ = ["ack", "choice", "fill", "ids_of", "spec", "subscribe", "take"]

spec: Callable[[str], pytest.MarkDecorator] = pytest.mark.spec
choice: Callable[[str], pytest.MarkDecorator] = pytest.mark.choice


def subscribe(client: RawStomp, destination: str, name: str = "0", **headers: str) -> Received:
    """SUBSCRIBE and wait for the receipt; `_` in the names of headers stands for `-`."""
    more = {key.replace("_", "-"): value for key, value in headers.items()}
    return client.done("SUBSCRIBE", {"id": name, "destination": destination, **more})


def ack(message: Received, version: str | None, **headers: str) -> dict[str, str]:
    """Return the headers of the ACK or NACK of a MESSAGE, as each version names them."""
    named = {"id": "ack"} if version == "1.2" else {"message-id": "message-id"}
    if version == "1.1":
        named["subscription"] = "subscription"
    found = {name: message[source] for name, source in named.items()}
    assert None not in found.values(), message
    return {**found, **headers}  # type: ignore[dict-item]


def ids_of(messages: list[Received]) -> list[str | None]:
    """Return the message-ids."""
    return [message["message-id"] for message in messages]


def fill(client: RawStomp, queue: str, *bodies: str) -> None:
    """Send messages, each when the one before has its receipt."""
    for body in bodies:
        client.done("SEND", {"destination": queue}, body.encode())


def take(client: RawStomp, count: int = 1) -> list[str]:
    """Return the bodies of the next frames, which must be MESSAGEs."""
    return [client.expect("MESSAGE").text for _ in range(count)]
