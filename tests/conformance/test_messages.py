"""SEND, SUBSCRIBE, UNSUBSCRIBE, MESSAGE."""

from __future__ import annotations

import pytest

from tests.conformance.conftest import ESCAPING, Open
from tests.conformance.helpers import choice, ids_of, spec, subscribe
from tests.support.raw import BINARY, RawStomp

HOPS = (
    *("receipt", "transaction", "login", "passcode", "receipt-id", "redelivered"),
    *("delivery-count", "dropped"),  # ours: what a sender says is no count
)


@spec("1.2 MESSAGE: destination, message-id, subscription")
def test_a_message_is_complete(client: RawStomp, topic: str) -> None:
    subscribe(client, topic, "sub-1")
    client.send("SEND", {"destination": topic, "content-type": "text/plain"}, b"hello")
    message = client.expect("MESSAGE")
    assert message["destination"] == topic
    assert message["message-id"]
    assert message["subscription"] == "sub-1"
    assert message["content-type"] == "text/plain"
    assert message["content-length"] == "5"
    assert message.body == b"hello"


@spec("1.2 MESSAGE: ack only where one is needed")
def test_no_ack_header_in_auto(client: RawStomp, topic: str) -> None:
    subscribe(client, topic, ack="auto")
    client.send("SEND", {"destination": topic}, b"x")
    assert "ack" not in client.expect("MESSAGE")


@spec("1.0 SUBSCRIBE: without id there is no subscription header")
def test_messages_of_a_nameless_subscription(connect: Open, topic: str) -> None:
    client = connect("1.0")
    client.done("SUBSCRIBE", {"destination": topic})
    client.send("SEND", {"destination": topic}, b"x")
    assert "subscription" not in client.expect("MESSAGE")


@spec("1.2 MESSAGE: subscription matches the id that receives")
def test_two_subscriptions_to_one_destination(client: RawStomp, topic: str) -> None:
    subscribe(client, topic, "a")
    subscribe(client, topic, "b")
    client.send("SEND", {"destination": topic}, b"x")
    assert {client.expect("MESSAGE")["subscription"] for _ in range(2)} == {"a", "b"}
    assert client.sync() == []


@spec("1.2 MESSAGE: subscription matches the id that receives")
@pytest.mark.parametrize("name", ["0", "sub:1", "a\\b", "id with blanks ", "구독", "x" * 500])
@pytest.mark.parametrize("named", ESCAPING)
def test_any_subscription_id(connect: Open, topic: str, name: str, named: str) -> None:
    client = connect(named)
    subscribe(client, topic, name)
    client.send("SEND", {"destination": topic}, b"x")
    assert client.expect("MESSAGE")["subscription"] == name
    client.done("UNSUBSCRIBE", {"id": name})


@spec("1.2 MESSAGE: message-id is unique")
def test_message_ids_are_unique(connect: Open, client: RawStomp, topic: str) -> None:
    subscribe(client, topic)
    sender = connect()
    for number in range(50):
        one = sender if number % 2 else client
        one.send("SEND", {"destination": topic}, b"same")
    sender.sync()
    assert len(set(ids_of(client.sync()))) == 50


@spec("1.2 SEND: user defined headers MUST be passed through")
def test_user_headers(client: RawStomp, topic: str) -> None:
    subscribe(client, topic)
    mine = {"mood": "good", "X-Number": "1", "persistent": "true", "priority": "4", "reply-to": "/topic/b"}
    client.send("SEND", {"destination": topic, **mine}, b"x")
    message = client.expect("MESSAGE")
    assert {name: message[name] for name in mine} == mine


@spec("1.2 SEND: headers with a meaning of their own are not the user's")
def test_hop_headers_do_not_leak(client: RawStomp, topic: str) -> None:
    subscribe(client, topic, "mine")
    secret = {name: f"secret-{name}" for name in HOPS if name != "transaction"}
    given = {
        "destination": topic,
        "subscription": "forged",
        "message-id": "forged",
        "ack": "forged",
        **secret,
    }
    client.send("SEND", given, b"x")
    first, second = client.next(), client.next()
    message = first if first is not None and first.command == "MESSAGE" else second
    assert message is not None
    assert message["subscription"] == "mine"
    assert message["message-id"] != "forged"
    assert message["destination"] == topic
    for name in (*HOPS, "ack"):
        assert name not in message, message


@spec("1.2 Header content-type")
@pytest.mark.parametrize("kind", ["application/json", "text/html;charset=utf-16", "image/png", "nonsense"])
def test_content_type_passes(client: RawStomp, topic: str, kind: str) -> None:
    subscribe(client, topic)
    client.send("SEND", {"destination": topic, "content-type": kind}, b"x")
    assert client.expect("MESSAGE")["content-type"] == kind


@spec("1.2 Header content-type: without one the body is a blob")
def test_no_content_type(client: RawStomp, topic: str) -> None:
    subscribe(client, topic)
    client.send("SEND", {"destination": topic}, b"x")
    assert client.expect("MESSAGE")["content-type"] in (None, "application/octet-stream")


@spec("1.2 Header content-length: bodies are octets")
@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 500_000])
def test_bodies_of_all_sizes(client: RawStomp, topic: str, size: int) -> None:
    subscribe(client, topic)
    body = bytes(range(256)) * (size // 256) + bytes(range(size % 256))
    client.send("SEND", {"destination": topic, "content-length": str(size)}, body)
    message = client.expect("MESSAGE")
    assert message.body == body
    assert message["content-length"] == str(size)


@spec("1.2 SUBSCRIBE: messages of the destination are henceforth delivered")
def test_messages_come_in_order_to_all(connect: Open, topic: str) -> None:
    watchers = [connect(named) for named in ("1.0", "1.1", "1.2")]
    for watcher in watchers:
        subscribe(watcher, topic)
    sender = connect()
    for number in range(200):
        sender.send("SEND", {"destination": topic}, b"%d" % number)
    sender.sync()
    for watcher in watchers:
        assert [int(frame.body) for frame in watcher.sync()] == list(range(200))


@spec("1.2 SUBSCRIBE: to one destination, not to others")
def test_other_destinations_do_not_come(client: RawStomp, topic: str) -> None:
    subscribe(client, topic)
    upper = "/topic/" + topic.removeprefix("/topic/").upper()
    blank = () if client.version == "1.0" else (topic + " ",)  # 1.0 trims
    for other in (topic + "x", topic + "-", topic + ".a", upper, *blank):
        client.done("SEND", {"destination": other}, b"x")
    assert client.sync() == []


@spec("1.2 UNSUBSCRIBE: no longer receives")
def test_unsubscribe_ends_delivery(client: RawStomp, topic: str) -> None:
    subscribe(client, topic, "stays")
    subscribe(client, topic, "goes")
    client.done("UNSUBSCRIBE", {"id": "goes"})
    client.send("SEND", {"destination": topic}, b"x")
    assert [frame["subscription"] for frame in client.sync()] == ["stays"]


@spec("1.2 UNSUBSCRIBE: no longer receives, of a group neither")
def test_unsubscribe_ends_delivery_of_a_group(client: RawStomp) -> None:
    group = f"/topic/group.conformance-leave-{client.connected['session']}"
    fix = b'{"member": "ann", "time": %d, "lat": 1, "lon": 2}'
    subscribe(client, group)
    client.done("UNSUBSCRIBE", {"id": "0"})
    client.done("SEND", {"destination": group}, fix % 1763806275123)
    subscribe(client, group, "1")
    client.send("SEND", {"destination": group}, fix % 1763806276123)
    message = client.expect("MESSAGE")
    assert message["subscription"] == "1"
    assert b"1763806276123" in message.body


@choice("wildcards: * is one word, # is zero or more, words end at dots")
@pytest.mark.parametrize(
    ("pattern", "heard"),
    [
        ("a.*", {"a.b", "a.c"}),
        ("a.#", {"a", "a.b", "a.c", "a.b.c"}),
        ("#", {"a", "b", "a.b", "a.c", "a.b.c", "b.b"}),
        ("*", {"a", "b"}),
        ("*.b", {"a.b", "b.b"}),
        ("#.b", {"b", "a.b", "b.b"}),
        ("a.*.c", {"a.b.c"}),
        ("a.#.c", {"a.c", "a.b.c"}),
        ("a.b*", set()),
    ],
)
def test_wildcards(connect: Open, pattern: str, heard: set[str]) -> None:
    client = connect()
    session = str(client.connected["session"])
    subscribe(client, f"/topic/{session}.{pattern}")
    for name in ("a", "b", "a.b", "a.c", "a.b.c", "b.b"):
        client.send("SEND", {"destination": f"/topic/{session}.{name}"}, b"x")
    came = [str(frame["destination"]).removeprefix(f"/topic/{session}.") for frame in client.sync()]
    assert sorted(came) == sorted(heard)


@spec("1.2 MESSAGE: destination is that of the SEND, whatever pattern was subscribed")
def test_the_destination_of_a_pattern(client: RawStomp, topic: str) -> None:
    subscribe(client, topic + ".*")
    client.send("SEND", {"destination": topic + ".b"}, b"x")
    assert client.expect("MESSAGE")["destination"] == topic + ".b"


@choice("wildcards never match groups")
@pytest.mark.parametrize("pattern", ["#", "*", "*.secret", "#.secret"])
def test_wildcards_leave_groups_alone(client: RawStomp, pattern: str) -> None:
    subscribe(client, f"/topic/{pattern}")
    fix = b'{"member": "ann", "time": 1763806275123, "lat": 1, "lon": 2}'
    client.done("SEND", {"destination": "/topic/group.secret"}, fix)
    assert [frame["destination"] for frame in client.sync() if frame["destination"] != "/topic/void"] == []


@choice("a pattern of groups is refused: it would never match")
@pytest.mark.parametrize("pattern", ["group.*", "group.#", "group.a.*"])
def test_patterns_of_groups(client: RawStomp, pattern: str) -> None:
    client.send("SUBSCRIBE", {"id": "0", "destination": f"/topic/{pattern}"})
    assert "wildcards" in str(client.fail()["message"])


@choice("one SEND, one MESSAGE per subscription, to text and binary alike")
def test_text_and_binary_hear_the_same(connect: Open, topic: str, opcode: int) -> None:
    watcher, sender = connect(opcode=opcode), connect(opcode=BINARY)
    subscribe(watcher, topic)
    sender.send("SEND", {"destination": topic, "기분": "좋아"}, "안녕".encode())
    message = watcher.expect("MESSAGE")
    assert (message.text, message["기분"], message.opcode) == ("안녕", "좋아", opcode)
