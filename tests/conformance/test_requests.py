"""What each command must carry, and what is refused."""

from __future__ import annotations

import json

import pytest

from tests.conformance.conftest import ESCAPING, VERSIONS, Open
from tests.conformance.helpers import choice, spec, subscribe
from tests.support.raw import RawStomp

# command, header that is missing, versions in which it must be there, the headers that are given
MANDATORY = [
    ("SEND", "destination", VERSIONS, {}),
    ("SUBSCRIBE", "destination", VERSIONS, {"id": "1"}),
    ("SUBSCRIBE", "id", ESCAPING, {"destination": "/topic/a"}),
    ("UNSUBSCRIBE", "id", ESCAPING, {}),
    ("UNSUBSCRIBE", "id", ("1.0",), {}),  # or destination
    ("ACK", "id", ("1.2",), {}),
    ("ACK", "message-id", ("1.0", "1.1"), {"subscription": "0"}),
    ("ACK", "subscription", ("1.1",), {"message-id": "1"}),
    ("NACK", "id", ("1.2",), {}),
    ("NACK", "message-id", ("1.1",), {"subscription": "0"}),
    ("NACK", "subscription", ("1.1",), {"message-id": "1"}),
    ("BEGIN", "transaction", VERSIONS, {}),
    ("COMMIT", "transaction", VERSIONS, {}),
    ("ABORT", "transaction", VERSIONS, {}),
]


@spec("1.2 Frames and Headers: REQUIRED")
@pytest.mark.parametrize(
    ("named", "command", "header", "given"),
    [
        pytest.param(named, command, header, given, id=f"{named}-{command}-{header}")
        for command, header, versions, given in MANDATORY
        for named in versions
    ],
)
def test_mandatory_headers(
    connect: Open, named: str, command: str, header: str, given: dict[str, str]
) -> None:
    client = connect(named)
    client.send(command, {**given, "receipt": "7"})
    error = client.fail()
    assert header in error["message"]
    assert command in error["message"]
    assert error["receipt-id"] == "7"


@spec("1.2 SEND: destination says where to")
@pytest.mark.parametrize("destination", ["", "/", "topic", "/topic/", "/nowhere/a", "a b"])
@pytest.mark.parametrize("command", ["SEND", "SUBSCRIBE"])
def test_destinations_that_are_none(client: RawStomp, command: str, destination: str) -> None:
    client.send(command, {"id": "1", "destination": destination, "receipt": "7"})
    error = client.fail()
    assert "destination" in error["message"] or "topic name" in error["message"]
    assert error["receipt-id"] == "7"


@spec("1.2 SUBSCRIBE id Header: different subscriptions, different ids")
def test_duplicate_subscription_ids(client: RawStomp, topic: str) -> None:
    subscribe(client, topic)
    client.send("SUBSCRIBE", {"id": "0", "destination": topic + "-other", "receipt": "7"})
    error = client.fail()
    assert "'0'" in error["message"]
    assert error["receipt-id"] == "7"


@spec("1.2 SUBSCRIBE id Header: of one connection only")
def test_the_same_id_on_two_connections(connect: Open, topic: str) -> None:
    first, second = connect(), connect()
    subscribe(first, topic)
    subscribe(second, topic + "-other")
    second.done("SEND", {"destination": topic}, b"x")
    assert first.expect("MESSAGE")["subscription"] == "0"
    assert second.sync() == []


@spec("1.2 SUBSCRIBE id Header: an id is free again")
def test_an_id_may_be_used_again(client: RawStomp, topic: str) -> None:
    for _ in range(3):
        subscribe(client, topic)
        client.done("UNSUBSCRIBE", {"id": "0"})
    assert client.sync() == []


@spec("1.2 SUBSCRIBE ack Header: auto, client, client-individual")
@pytest.mark.parametrize("mode", ["automatic", "", "AUTO", "client_individual"])
def test_unknown_ack_modes(client: RawStomp, topic: str, mode: str) -> None:
    client.send("SUBSCRIBE", {"id": "0", "destination": topic, "ack": mode, "receipt": "7"})
    error = client.fail()
    assert "ack" in error["message"]
    assert error["receipt-id"] == "7"


@spec("1.2 UNSUBSCRIBE: id MUST match an existing subscription")
def test_unsubscribe_of_the_unknown(client: RawStomp) -> None:
    client.send("UNSUBSCRIBE", {"id": "never", "receipt": "7"})
    error = client.fail()
    assert "never" in error["message"]
    assert error["receipt-id"] == "7"


@spec("1.2 UNSUBSCRIBE: id MUST match an existing subscription")
def test_unsubscribe_twice(client: RawStomp, topic: str) -> None:
    subscribe(client, topic)
    client.done("UNSUBSCRIBE", {"id": "0"})
    client.send("UNSUBSCRIBE", {"id": "0", "receipt": "7"})
    assert client.fail()["receipt-id"] == "7"


@spec("1.0 UNSUBSCRIBE: destination or id")
def test_unsubscribe_by_destination_in_1_0(connect: Open, topic: str) -> None:
    client = connect("1.0")
    client.done("SUBSCRIBE", {"destination": topic})
    client.done("UNSUBSCRIBE", {"destination": topic})
    client.done("SEND", {"destination": topic}, b"x")
    client.send("UNSUBSCRIBE", {"destination": topic})
    assert topic in client.fail()["message"]


@spec("1.0 UNSUBSCRIBE: destination also of a subscription with an id")
def test_unsubscribe_by_destination_of_a_named_one(connect: Open, topic: str) -> None:
    client = connect("1.0")
    subscribe(client, topic)
    client.done("UNSUBSCRIBE", {"destination": topic})
    client.done("SEND", {"destination": topic}, b"x")
    assert client.sync() == []


@choice("limit of subscriptions: 64")
def test_too_many_subscriptions(connect: Open, topic: str) -> None:
    client = connect()
    for number in range(64):
        client.send("SUBSCRIBE", {"id": str(number), "destination": f"{topic}.{number}"})
    assert client.sync() == []
    client.send("SUBSCRIBE", {"id": "64", "destination": topic, "receipt": "7"})
    error = client.fail()
    assert "limit of 64 subscriptions" in error["message"]
    assert error["receipt-id"] == "7"


# -- ERROR


@spec("1.2 ERROR: message, content-length, content-type; then close")
def test_errors_are_complete(client: RawStomp) -> None:
    client.send("SEND", {"receipt": "a:b" if client.version != "1.0" else "ab"})
    error = client.fail()
    assert error["message"]
    assert int(error["content-length"] or "") == len(error.body)
    assert error["receipt-id"] in ("a:b", "ab")


WRONG = {
    "a frame": ("NONSENSE", {}, b""),
    "a header": ("SEND", {}, b""),
    "a destination": ("SEND", {"destination": "/nowhere"}, b""),
    "a fix": ("SEND", {"destination": "/topic/group.wrong"}, b'{"lat": 91}'),
    "JSON": ("SEND", {"destination": "/topic/group.wrong"}, b"{"),
    "a place": ("SUBSCRIBE", {"id": "0", "destination": "/topic/group.wrong", "after": "nonsense"}, b""),
}


@choice("the body of ERROR is the JSON error of all endpoints")
@pytest.mark.parametrize("wrong", WRONG)
def test_the_body_of_errors(client: RawStomp, wrong: str) -> None:
    command, headers, body = WRONG[wrong]
    client.send(command, {**headers, "receipt": "7"}, body)
    error = client.fail()
    assert error["content-type"] == "application/json"
    told = json.loads(error.body)["error"]
    assert told["message"] == error["message"]
    assert told["code"] == error["code"]
    assert error["receipt-id"] == "7"


@choice("the body of ERROR is the JSON error of all endpoints, also before CONNECTED")
def test_the_body_of_errors_before_connected(fresh: Open) -> None:
    client = fresh()
    client.send("CONNECT", {"accept-version": "9.9", "host": "h"})
    error = client.fail()
    assert json.loads(error.body)["error"]["code"] == error["code"] == "version_not_supported"


@spec("1.2 ERROR: without a receipt there is no receipt-id")
def test_no_receipt_no_receipt_id(client: RawStomp) -> None:
    client.send("SEND", {"x": "y"})
    assert "receipt-id" not in client.fail()


@choice("the close code says what kind of fault it was")
@pytest.mark.parametrize(
    ("wire", "code"),
    [(b"NONSENSE\n\n\0", 1002), (b"SEND\ndestination:/topic/a\n\n" + b"x" * (1 << 20), 1009)],
)
def test_close_codes(connect: Open, wire: bytes, code: int) -> None:
    client = connect()
    client.write(wire)
    client.expect("ERROR")
    assert client.socket.wait_for_close() == code


@choice("a wrong credential closes with 1008")
def test_close_code_of_a_wrong_credential(fresh: Open) -> None:
    client = fresh()
    assert client.connect(passcode="wrong").command == "ERROR"
    assert client.socket.wait_for_close() == 1008
