"""ACK and NACK: what they name, what they stand for, how many messages may go without."""

from __future__ import annotations

import pytest

from tests.conformance.conftest import Open
from tests.conformance.helpers import ack, choice, fill, spec, subscribe, take
from tests.support.raw import RawStomp


@spec("1.2 SUBSCRIBE ack Header: ack in MESSAGE when one is needed")
@pytest.mark.parametrize("mode", ["client", "client-individual"])
def test_ack_header(connect: Open, queue: str, mode: str) -> None:
    client = connect("1.2")
    subscribe(client, queue, ack=mode)
    client.send("SEND", {"destination": queue}, b"x")
    message = client.expect("MESSAGE")
    assert message["ack"]
    client.done("ACK", ack(message, "1.2"))


@spec("1.2 ACK: consumed, so never again")
@pytest.mark.parametrize("mode", ["client", "client-individual"])
def test_what_is_acknowledged_is_gone(connect: Open, version: str, queue: str, mode: str) -> None:
    first, second = connect(version), connect(version)
    subscribe(first, queue, ack=mode)
    first.send("SEND", {"destination": queue}, b"x")
    first.done("ACK", ack(first.expect("MESSAGE"), version))
    first.done("UNSUBSCRIBE", {"id": "0"})
    subscribe(second, queue)
    assert second.sync() == []


@spec("1.2 SUBSCRIBE ack Header: client is cumulative")
def test_client_acks_are_cumulative(connect: Open, version: str, queue: str) -> None:
    client, other = connect(version), connect(version)
    subscribe(client, queue, ack="client")
    fill(other, queue, "1", "2", "3", "4")
    messages = [client.expect("MESSAGE") for _ in range(4)]
    client.done("ACK", ack(messages[2], version))
    client.done("UNSUBSCRIBE", {"id": "0"})
    subscribe(other, queue)
    assert [frame.text for frame in other.sync()] == ["4"]


@spec("1.2 SUBSCRIBE ack Header: client-individual is not cumulative")
def test_individual_acks(connect: Open, version: str, queue: str) -> None:
    client, other = connect(version), connect(version)
    subscribe(client, queue, ack="client-individual")
    fill(other, queue, "1", "2", "3", "4")
    messages = [client.expect("MESSAGE") for _ in range(4)]
    client.done("ACK", ack(messages[2], version))
    client.done("ACK", ack(messages[0], version))
    client.done("UNSUBSCRIBE", {"id": "0"})
    subscribe(other, queue)
    assert [frame.text for frame in other.sync()] == ["2", "4"]


@spec("1.2 NACK: the server can send the message to a different client")
@pytest.mark.parametrize("named", ["1.1", "1.2"])
def test_a_nack_goes_to_another_consumer(connect: Open, queue: str, named: str) -> None:
    first, second = connect(named), connect(named)
    subscribe(first, queue, ack="client-individual")
    fill(second, queue, "1")
    message = first.expect("MESSAGE")
    subscribe(second, queue, ack="client-individual")
    first.done("NACK", ack(message, named))
    again = second.expect("MESSAGE")
    assert (again.text, again["redelivered"]) == ("1", "true")
    assert again["message-id"] == message["message-id"]
    second.done("ACK", ack(again, named))
    assert first.sync() == []


@spec("1.2 NACK: of mode client: all before it that are not acknowledged")
@pytest.mark.parametrize("named", ["1.1", "1.2"])
def test_a_nack_of_mode_client_is_cumulative(connect: Open, queue: str, named: str) -> None:
    first, second = connect(named), connect(named)
    subscribe(first, queue, ack="client")
    fill(second, queue, "1", "2", "3")
    messages = [first.expect("MESSAGE") for _ in range(3)]
    first.done("ACK", ack(messages[0], named))
    subscribe(second, queue)
    first.done("NACK", ack(messages[1], named))
    assert take(second) == ["2"]
    assert second.sync() == []


@spec("1.2 NACK: of mode client-individual: the one alone")
@pytest.mark.parametrize("named", ["1.1", "1.2"])
def test_a_nack_of_mode_client_individual_is_of_one(connect: Open, queue: str, named: str) -> None:
    first, second = connect(named), connect(named)
    subscribe(first, queue, ack="client-individual")
    fill(second, queue, "1", "2", "3")
    messages = [first.expect("MESSAGE") for _ in range(3)]
    subscribe(second, queue)
    first.done("NACK", ack(messages[1], named))
    assert take(second) == ["2"]
    assert second.sync() == []


@choice("a message that its only consumer refuses comes again")
def test_a_nack_of_the_only_consumer(connect: Open, queue: str) -> None:
    client = connect()
    subscribe(client, queue, ack="client-individual")
    client.send("SEND", {"destination": queue}, b"x")
    client.send("NACK", ack(client.expect("MESSAGE"), "1.2"))
    again = client.expect("MESSAGE")
    assert again["redelivered"] == "true"
    client.done("ACK", ack(again, "1.2"))
    assert client.sync() == []


@spec("1.2 ACK: id MUST match")
@pytest.mark.parametrize("command", ["ACK", "NACK"])
@pytest.mark.parametrize("named", ["1.0", "1.1", "1.2"])
def test_acks_of_the_unknown(connect: Open, queue: str, command: str, named: str) -> None:
    if (command, named) == ("NACK", "1.0"):
        return  # no such command
    client = connect(named)
    subscribe(client, queue, ack="client")
    headers = {"id": "never"} if named == "1.2" else {"message-id": "never", "subscription": "0"}
    client.send(command, {**headers, "receipt": "7"})
    error = client.fail()
    assert "never" in error["message"]
    assert error["receipt-id"] == "7"


@spec("1.2 ACK: id MUST match what is not acknowledged yet")
def test_acknowledging_twice(connect: Open, version: str, queue: str) -> None:
    client = connect(version)
    subscribe(client, queue, ack="client-individual")
    client.send("SEND", {"destination": queue}, b"x")
    message = client.expect("MESSAGE")
    client.done("ACK", ack(message, version))
    client.send("ACK", {**ack(message, version), "receipt": "7"})
    assert client.fail()["receipt-id"] == "7"


@spec("1.1 ACK: subscription MUST match")
def test_acks_of_another_subscription_in_1_1(connect: Open, queue: str) -> None:
    client = connect("1.1")
    subscribe(client, queue, ack="client")
    client.send("SEND", {"destination": queue}, b"x")
    message = client.expect("MESSAGE")
    client.send("ACK", {"message-id": str(message["message-id"]), "subscription": "other", "receipt": "7"})
    assert client.fail()["receipt-id"] == "7"


@spec("1.2 ACK: of another connection's message")
def test_acks_are_of_one_connection(connect: Open, queue: str) -> None:
    mine, other = connect(), connect()
    subscribe(mine, queue, ack="client")
    subscribe(other, queue + "-other", ack="client")
    mine.send("SEND", {"destination": queue}, b"x")
    message = mine.expect("MESSAGE")
    other.send("ACK", ack(message, "1.2"))
    assert other.fail()["message"]
    mine.done("ACK", ack(message, "1.2"))


@choice("prefetch-count: so many at most are not acknowledged")
@pytest.mark.parametrize("mode", ["client", "client-individual"])
def test_prefetch(connect: Open, version: str, queue: str, mode: str) -> None:
    client, sender = connect(version), connect(version)
    subscribe(client, queue, ack=mode, prefetch_count="2")
    fill(sender, queue, "1", "2", "3", "4")
    first, second = client.sync()
    assert [first.text, second.text] == ["1", "2"]
    client.send("ACK", ack(first, version))
    third = client.expect("MESSAGE")
    assert third.text == "3"
    assert client.sync() == []


@choice("prefetch-count: a busy consumer leaves the rest to others")
def test_prefetch_shares(connect: Open, queue: str) -> None:
    busy, idle = connect(), connect()
    subscribe(busy, queue, ack="client", prefetch_count="1")
    fill(idle, queue, "1", "2", "3")
    assert [frame.text for frame in busy.sync()] == ["1"]
    subscribe(idle, queue)
    assert take(idle, 2) == ["2", "3"]


@choice("prefetch-count: a number of messages")
@pytest.mark.parametrize("count", ["0", "-1", "x", "", "1.5", "100000000"])
def test_prefetch_that_is_none(client: RawStomp, queue: str, count: str) -> None:
    client.send("SUBSCRIBE", {"id": "0", "destination": queue, "ack": "client", "prefetch-count": count})
    assert "prefetch-count" in client.fail()["message"]


@spec("1.2 ACK: id is the ack header, whatever the subscription is called")
@pytest.mark.parametrize("name", ["a@b", "a:b\\c", "@", "a b", "구독", "1@2@3"])
@pytest.mark.parametrize("named", ["1.1", "1.2"])
def test_acks_of_any_subscription(connect: Open, queue: str, named: str, name: str) -> None:
    client = connect(named)
    subscribe(client, queue, name, ack="client-individual")
    client.send("SEND", {"destination": queue}, b"x")
    message = client.expect("MESSAGE")
    assert message["subscription"] == name
    client.done("ACK", ack(message, named))


@spec("1.2 ACK: each subscription has its own, also to one topic")
@pytest.mark.parametrize("mode", ["client", "client-individual"])
def test_acks_of_topics(connect: Open, version: str, topic: str, mode: str) -> None:
    client = connect(version)
    for name in ("a", "b"):
        subscribe(client, topic, name, ack=mode)
    client.send("SEND", {"destination": topic}, b"x")
    messages = [client.expect("MESSAGE") for _ in range(2)]
    assert (messages[0]["ack"] != messages[1]["ack"]) == (version == "1.2")
    for message in messages:
        client.done("ACK", ack(message, version))


@spec("1.2 MESSAGE: ack of a group's fix")
@pytest.mark.parametrize("mode", ["client", "client-individual"])
def test_acks_of_groups(connect: Open, version: str, mode: str) -> None:
    client = connect(version)
    group = f"/topic/group.conformance-ack-{client.connected['session']}"
    subscribe(client, group, ack=mode, prefetch_count="1")
    for number in range(2):
        body = b'{"member": "ann", "time": %d, "lat": 1, "lon": 2}' % (1763806275123 + number)
        connect().done("SEND", {"destination": group}, body)
    first = client.expect("MESSAGE")
    assert client.sync() == []
    client.send("ACK", ack(first, version))
    assert client.expect("MESSAGE")["message-id"] != first["message-id"]


@spec("1.2 ACK: a message of mode auto waits for none")
def test_acks_in_auto(connect: Open, version: str, queue: str) -> None:
    client = connect(version)
    subscribe(client, queue)
    client.send("SEND", {"destination": queue}, b"x")
    message = client.expect("MESSAGE")
    headers = {
        "id": str(message["message-id"]),
        "message-id": str(message["message-id"]),
        "subscription": "0",
    }
    client.send("ACK", {**headers, "receipt": "7"})
    assert client.fail()["receipt-id"] == "7"
