"""stomp.py against a real server: over WebSocket in all versions, and over TCP through a bridge."""

from __future__ import annotations

import json
import queue
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import stomp
from stomp.adapter.ws import WSTransport
from stomp.connect import BaseConnection, StompConnection10, StompConnection11, StompConnection12
from stomp.protocol import Protocol10, Protocol11, Protocol12
from stomp.utils import Frame

from tests.support.bridge import bridge
from tests.support.served import Served

pytestmark = pytest.mark.process

PATIENCE = 30  # s
PROTOCOLS = {
    "1.0": (StompConnection10, Protocol10),
    "1.1": (StompConnection11, Protocol11),
    "1.2": (StompConnection12, Protocol12),
}
# name: version, over WebSocket in binary or text, or over TCP
WAYS = {
    "1.2 binary": ("1.2", True),
    "1.2 text": ("1.2", False),
    "1.1 binary": ("1.1", True),
    "1.0 text": ("1.0", False),
    "1.2 TCP": ("1.2", None),
    "1.1 TCP": ("1.1", None),
    "1.0 TCP": ("1.0", None),
}


class Talk(stomp.ConnectionListener):
    """One connection of stomp.py; what it hears is awaited with `next(event)`."""

    def __init__(self, connection: Any, version: str) -> None:
        self.connection = connection
        self.version = version
        self._events: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._passed: list[tuple[str, Any]] = []
        connection.set_listener("talk", self)

    def on_connected(self, frame: Frame) -> None:
        self._events.put(("connected", frame))

    def on_message(self, frame: Frame) -> None:
        self._events.put(("message", frame))

    def on_receipt(self, frame: Frame) -> None:
        self._events.put(("receipt", frame))

    def on_error(self, frame: Frame) -> None:
        self._events.put(("error", frame))

    def on_heartbeat(self) -> None:
        self._events.put(("heartbeat", None))

    def on_heartbeat_timeout(self) -> None:
        self._events.put(("heartbeat-timeout", None))

    def on_disconnected(self) -> None:
        self._events.put(("disconnected", None))

    def next(self, event: str) -> Any:
        for number, (name, _) in enumerate(self._passed):
            if name == event:
                return self._passed.pop(number)[1]
        while True:
            name, frame = self._events.get(timeout=PATIENCE)
            assert name != "heartbeat-timeout"
            if name == event:
                return frame
            self._passed.append((name, frame))

    def has_heard(self, event: str) -> bool:
        return any(name == event for name, _ in self._passed)

    def connect(self, passcode: str) -> Frame:
        self.connection.connect("interop", passcode)
        return self.next("connected")

    def subscribe(self, destination: str, **headers: str) -> Frame:
        """SUBSCRIBE and wait for the receipt."""
        given = {"id": "0", "ack": "auto", **headers, "receipt": "subscribed"}
        self.connection.subscribe(destination, **given)
        receipt = self.next("receipt")
        assert receipt.headers["receipt-id"] == "subscribed"
        return receipt

    def send(self, destination: str, body: str | bytes, **headers: str) -> Frame:
        """SEND and wait for the receipt."""
        self.connection.send(destination, body, headers={**headers, "receipt": "sent"})
        receipt = self.next("receipt")
        assert receipt.headers["receipt-id"] == "sent"
        return receipt

    def settle(self, command: str, message: Frame, **more: str) -> None:
        """ACK or NACK a message as each version does."""
        headers = message.headers
        if self.version == "1.2":
            getattr(self.connection, command)(headers["ack"], **more)
        elif self.version == "1.1":
            getattr(self.connection, command)(headers["message-id"], headers["subscription"], **more)
        else:
            getattr(self.connection, command)(headers["message-id"], **more)


def over_websocket(version: str, port: int, binary: bool, heartbeats: tuple[int, int]) -> Any:
    """Return a connection; stomp.py itself has one for 1.2 only."""
    kind, protocol = PROTOCOLS[version]
    transport = WSTransport(
        [("127.0.0.1", port)], ws_path="/locshare/stomp", vhost="locshare", binary_mode=binary
    )
    connection = kind.__new__(kind)
    BaseConnection.__init__(connection, transport)
    beats = {} if version == "1.0" else {"heartbeats": heartbeats}
    protocol.__init__(connection, transport, **beats)
    return connection


@pytest.fixture(scope="module")
def tcp_port(served: Served) -> Iterator[int]:
    with bridge(served.port) as port:
        yield port


@pytest.fixture
def join(served: Served, tcp_port: int) -> Iterator[Callable[..., Talk]]:
    """Connect; ended in order at the end."""
    talks: list[Talk] = []

    def join_one(way: str, *, heartbeats: tuple[int, int] = (0, 0), passcode: str | None = None) -> Talk:
        version, binary = WAYS[way]
        if binary is None:
            options: dict[str, Any] = (
                {} if version == "1.0" else {"heartbeats": heartbeats, "vhost": "locshare"}
            )
            connection = PROTOCOLS[version][0]([("127.0.0.1", tcp_port)], **options)
        else:
            connection = over_websocket(version, served.port, binary, heartbeats)
        talks.append(Talk(connection, version))
        if passcode is None:
            talks[-1].connect(served.token)
        else:
            connection.connect("interop", passcode)
        return talks[-1]

    yield join_one
    for talk in talks:
        if talk.connection.is_connected():
            talk.connection.disconnect()
            talk.next("disconnected")


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def fix(member: str, lat: float) -> dict[str, Any]:
    return {"member": member, "time": int(time.time() * 1000), "lat": lat, "lon": 126.978}


def test_a_fix_goes_round(join: Callable[..., Talk], way: str, name: str) -> None:
    talk = join(way)
    topic = f"/topic/group.{name}"
    assert talk.subscribe(topic).headers["cursor"]
    sent = fix("조 민: \\ back", 37.5665)
    assert talk.send(topic, json.dumps(sent)).headers["stored"] == "1"
    message = talk.next("message")
    assert message.headers["subscription"] == "0"
    body = json.loads(message.body)
    assert {key: body[key] for key in sent} == sent
    assert message.headers["message-id"] == body["cursor"]


def test_many_messages_come_in_order(join: Callable[..., Talk], way: str, name: str) -> None:
    talk, sender = join(way), join("1.2 binary")
    talk.subscribe(f"/topic/{name}")
    for number in range(500):
        sender.connection.send(f"/topic/{name}", str(number))
    assert [int(talk.next("message").body) for _ in range(500)] == list(range(500))


def test_user_headers_and_text(join: Callable[..., Talk], way: str, name: str) -> None:
    talk = join(way)
    talk.subscribe(f"/topic/{name}")
    mood = "good" if talk.version == "1.0" else "good: \\ very"
    talk.send(f"/topic/{name}", "안녕 hello".encode(), mood=mood, **{"content-type": "text/plain"})
    message = talk.next("message")
    assert (message.body, message.headers["mood"]) == ("안녕 hello", mood)
    assert message.headers["content-type"] == "text/plain"


def test_a_large_message(join: Callable[..., Talk], way: str, name: str) -> None:
    talk = join(way)
    talk.subscribe(f"/topic/{name}")
    talk.send(f"/topic/{name}", "x" * 300_000)
    assert talk.next("message").body == "x" * 300_000


def test_a_wrong_passcode(join: Callable[..., Talk], way: str) -> None:
    talk = join(way, passcode="wrong")
    assert talk.next("error").headers["message"]
    talk.next("disconnected")


def test_connecting_again_after_an_error(
    join: Callable[..., Talk], served: Served, way: str, name: str
) -> None:
    talk = join(way)
    talk.subscribe(f"/topic/{name}")
    talk.connection.send(f"/topic/group.{name}", "no fix", receipt="r")
    error = talk.next("error")
    assert error.headers["receipt-id"] == "r"
    assert json.loads(error.body)["error"]["code"] == error.headers["code"]
    talk.next("disconnected")
    talk.connect(served.token)
    talk.subscribe(f"/topic/{name}")
    talk.send(f"/topic/{name}", "after")
    assert talk.next("message").body == "after"


def test_acknowledging(join: Callable[..., Talk], way: str, name: str) -> None:
    worker, other = join(way), join(way)
    worker.subscribe(f"/queue/{name}", ack="client")
    for body in ("1", "2", "3"):
        other.send(f"/queue/{name}", body)
    messages = [worker.next("message") for _ in range(3)]
    worker.settle("ack", messages[1])
    worker.connection.disconnect()
    worker.next("disconnected")
    other.subscribe(f"/queue/{name}")
    again = other.next("message")
    assert (again.body, again.headers["redelivered"]) == ("3", "true")


@pytest.mark.parametrize("way", [way for way, (version, _) in WAYS.items() if version != "1.0"])
def test_refusing(join: Callable[..., Talk], way: str, name: str) -> None:
    worker, other = join(way), join(way)
    worker.subscribe(f"/queue/{name}", ack="client-individual")
    other.send(f"/queue/{name}", "hot potato")
    message = worker.next("message")
    other.subscribe(f"/queue/{name}", ack="client-individual")
    worker.settle("nack", message)
    again = other.next("message")
    assert (again.body, again.headers["redelivered"]) == ("hot potato", "true")
    other.settle("ack", again)


def test_transactions(join: Callable[..., Talk], way: str, name: str) -> None:
    sender, watcher = join(way), join(way)
    watcher.subscribe(f"/topic/{name}")
    for end in ("abort", "commit"):
        transaction = sender.connection.begin()
        for number in (1, 2):
            sender.send(f"/topic/{name}", f"{end} {number}", transaction=transaction)
        getattr(sender.connection, end)(transaction)
    sender.send(f"/topic/{name}", "after")
    assert [watcher.next("message").body for _ in range(3)] == ["commit 1", "commit 2", "after"]


def test_acknowledging_in_a_transaction(join: Callable[..., Talk], way: str, name: str) -> None:
    worker, other = join(way), join(way)
    worker.subscribe(f"/queue/{name}", ack="client")
    other.send(f"/queue/{name}", "1")
    message = worker.next("message")
    transaction = worker.connection.begin()
    worker.settle("ack", message, transaction=transaction)
    worker.connection.abort(transaction)
    worker.connection.disconnect()
    worker.next("disconnected")
    other.subscribe(f"/queue/{name}")
    assert other.next("message").body == "1"


def test_unsubscribing(join: Callable[..., Talk], way: str, name: str) -> None:
    talk = join(way)
    for number in (1, 2):
        talk.subscribe(f"/topic/{name}", id=str(number))
    talk.connection.unsubscribe(id="1")
    talk.send(f"/topic/{name}", "x")
    talk.send("/topic/void", "x")
    assert talk.next("message").headers["subscription"] == "2"
    assert not talk.has_heard("message")


@pytest.mark.parametrize("way", ["1.2 binary", "1.2 text", "1.1 TCP"])
def test_heart_beats(join: Callable[..., Talk], way: str, name: str) -> None:
    """Longer than the server bears silence."""
    talk = join(way, heartbeats=(1000, 1000))
    for _ in range(5):
        talk.next("heartbeat")
    assert not talk.has_heard("disconnected")
    talk.send(f"/topic/{name}", "still here")
