"""/queue/...: one consumer for each message, and what becomes of those that are not consumed."""

from __future__ import annotations

import pytest

from tests.conformance.conftest import Open
from tests.conformance.helpers import ack, choice, fill, ids_of, spec, subscribe, take
from tests.support.raw import BINARY, RawStomp, encode


@choice("/queue: what is sent first waits")
def test_messages_wait_for_a_consumer(client: RawStomp, queue: str) -> None:
    fill(client, queue, "1", "2", "3")
    subscribe(client, queue)
    assert take(client, 3) == ["1", "2", "3"]


@spec("1.2 MESSAGE: destination, message-id, subscription, user headers")
def test_a_queued_message_is_complete(client: RawStomp, queue: str) -> None:
    headers = {"destination": queue, "content-type": "text/plain", "mood": "good", "receipt": "r"}
    client.send("SEND", headers, b"a")
    client.expect("RECEIPT")
    subscribe(client, queue, "mine")
    message = client.expect("MESSAGE")
    assert message["destination"] == queue
    assert message["subscription"] == "mine"
    assert message["message-id"]
    assert message["content-type"] == "text/plain"
    assert message["content-length"] == "1"
    assert message["mood"] == "good"
    for name in ("receipt", "redelivered", "ack"):
        assert name not in message, message


@choice("/queue: each message to one consumer")
def test_one_consumer_for_each_message(connect: Open, queue: str) -> None:
    consumers = [connect() for _ in range(3)]
    for consumer in consumers:
        subscribe(consumer, queue)
    sender = connect()
    fill(sender, queue, *(str(number) for number in range(30)))
    came = [[frame.text for frame in consumer.sync()] for consumer in consumers]
    assert sorted(int(text) for texts in came for text in texts) == list(range(30))
    assert all(came), came


@choice("/queue: once, although two subscriptions of one connection want it")
def test_two_subscriptions_of_one_connection_share(connect: Open, version: str, queue: str) -> None:
    client = connect(version)
    subscribe(client, queue, "a")
    subscribe(client, queue, "b")
    fill(connect(), queue, *"1234567890")
    came = client.sync()
    assert sorted(frame.text for frame in came) == sorted("1234567890")
    assert len(set(ids_of(came))) == 10


@spec("1.2 SUBSCRIBE ack Header: not acknowledged when the connection fails: redelivered")
@pytest.mark.parametrize("leaving", ["DISCONNECT", "UNSUBSCRIBE", "TCP", "ERROR"])
def test_redelivery_when_a_consumer_leaves(connect: Open, version: str, queue: str, leaving: str) -> None:
    first, second = connect(version), connect(version)
    subscribe(first, queue, ack="client")
    fill(second, queue, "1", "2")
    before = [first.expect("MESSAGE") for _ in range(2)]
    subscribe(second, queue, ack="client")
    if leaving == "TCP":
        first.socket.close()
    elif leaving == "ERROR":
        first.send("NONSENSE")
    else:
        first.send(leaving, {"id": "0"})
    after = [second.expect("MESSAGE") for _ in range(2)]
    assert [frame.text for frame in after] == ["1", "2"]
    assert [frame["redelivered"] for frame in after] == ["true", "true"]
    assert ids_of(after) == ids_of(before)


@choice("auto: what was sent is consumed")
def test_auto_is_never_redelivered(connect: Open, queue: str) -> None:
    first, second = connect(), connect()
    subscribe(first, queue)
    fill(second, queue, "1", "2")
    assert take(first, 2) == ["1", "2"]
    first.socket.close()
    subscribe(second, queue)
    assert second.sync() == []


@spec("1.2 UNSUBSCRIBE: no longer receives; what comes then waits for others")
def test_unsubscribe_leaves_the_queue(connect: Open, queue: str) -> None:
    first, second = connect(), connect()
    subscribe(first, queue)
    first.done("UNSUBSCRIBE", {"id": "0"})
    fill(second, queue, "1")
    assert first.sync() == []
    subscribe(second, queue)
    assert take(second) == ["1"]


@choice("a queue and a topic of one name are two")
def test_queues_are_no_topics(connect: Open, queue: str) -> None:
    client = connect()
    subscribe(client, queue.replace("/queue/", "/topic/"))
    fill(client, queue, "1")
    assert client.sync() == []


@choice("queues know no wildcards")
@pytest.mark.parametrize("name", ["/queue/a.*", "/queue/#"])
def test_no_wildcards_in_queues(client: RawStomp, name: str) -> None:
    client.send("SUBSCRIBE", {"id": "0", "destination": name})
    assert "wildcard" in str(client.fail()["message"])


@choice("the order of a queue holds over redelivery")
def test_order(connect: Open, queue: str) -> None:
    first, second, sender = connect(), connect(), connect()
    subscribe(first, queue, ack="client")
    fill(sender, queue, *"12345")
    messages = [first.expect("MESSAGE") for _ in range(5)]
    first.done("ACK", ack(messages[1], "1.2"))
    first.done("UNSUBSCRIBE", {"id": "0"})
    subscribe(second, queue)
    assert take(second, 3) == ["3", "4", "5"]


@choice("bodies are octets, in queues too, and go to each in its opcode")
def test_bytes_in_queues(connect: Open, queue: str, opcode: int) -> None:
    client = connect(opcode=opcode)
    subscribe(client, queue)
    sender = connect()
    for body in (b"text", b"\xff\0\xfe"):
        sender.done("SEND", {"destination": queue, "content-length": str(len(body))}, body)
    first, second = client.expect("MESSAGE"), client.expect("MESSAGE")
    assert (first.body, first.opcode) == (b"text", opcode)
    assert (second.body, second.opcode) == (b"\xff\0\xfe", BINARY)


@choice("a queue's message goes out with the redelivered header only when it was delivered before")
def test_redelivered_is_said_of_redelivery_only(connect: Open, queue: str) -> None:
    busy, other = connect(), connect()
    subscribe(busy, queue, ack="client", prefetch_count="1")
    fill(other, queue, "1", "2")
    assert busy.expect("MESSAGE").text == "1"
    subscribe(other, queue)
    assert "redelivered" not in other.expect("MESSAGE")
    busy.socket.close()
    assert other.expect("MESSAGE")["redelivered"] == "true"


@spec("1.0 ACK: message-id, also of a subscription without an id")
def test_nameless_consumers(connect: Open, queue: str) -> None:
    client, other = connect("1.0"), connect("1.0")
    client.done("SUBSCRIBE", {"destination": queue, "ack": "client"})
    fill(other, queue, "1", "2")
    first, second = client.expect("MESSAGE"), client.expect("MESSAGE")
    assert "subscription" not in first
    client.done("ACK", ack(first, "1.0"))
    client.done("UNSUBSCRIBE", {"destination": queue})
    other.done("SUBSCRIBE", {"destination": queue})
    again = other.expect("MESSAGE")
    assert (again.text, again["redelivered"]) == (second.text, "true")
    assert other.sync() == []


@spec("1.2 ACK: an id is that of one delivery")
@pytest.mark.parametrize("command", ["ACK", "NACK"])
def test_the_id_of_an_earlier_delivery(connect: Open, queue: str, command: str) -> None:
    client = connect("1.2")
    subscribe(client, queue, ack="client-individual")
    client.send("SEND", {"destination": queue}, b"x")
    first = client.expect("MESSAGE")
    client.send("NACK", ack(first, "1.2"))
    again = client.expect("MESSAGE")
    assert again["message-id"] == first["message-id"]
    assert again["ack"] != first["ack"]
    client.send(command, {**ack(first, "1.2"), "receipt": "7"})
    assert client.fail()["receipt-id"] == "7"


@choice("/queue: a consumer that left before its message came to it took nothing along")
def test_all_of_a_short_visit_in_one_message(connect: Open, queue: str) -> None:
    client = connect("1.2")
    wire = encode("SUBSCRIBE", {"id": "0", "destination": queue, "ack": "client", "receipt": "1"})
    wire += encode("SEND", {"destination": queue, "receipt": "2"}, b"x")
    client.write(wire + encode("UNSUBSCRIBE", {"id": "0", "receipt": "3"}))
    came = client.sync()
    assert [frame["receipt-id"] for frame in came if frame.command == "RECEIPT"] == ["1", "2", "3"]
    assert came[-1]["receipt-id"] == "3", came
    other = connect()
    subscribe(other, queue)
    assert take(other) == ["x"]
