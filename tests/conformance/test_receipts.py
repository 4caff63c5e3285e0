"""RECEIPT and DISCONNECT."""

from __future__ import annotations

import json

import pytest

from tests.conformance.conftest import ESCAPING, VERSIONS, Open
from tests.conformance.helpers import choice, spec, subscribe
from tests.support.raw import RawStomp


@spec("1.2 Header receipt: any client frame")
@pytest.mark.parametrize("command", ["SEND", "SUBSCRIBE", "UNSUBSCRIBE"])
def test_receipts(client: RawStomp, topic: str, command: str) -> None:
    if command == "UNSUBSCRIBE":
        subscribe(client, topic)
    receipt = client.done(command, {"id": "0", "destination": topic})
    assert receipt.body == b""


@spec("1.2 RECEIPT: receipt-id is the value of receipt")
@pytest.mark.parametrize("value", ["1", "", " blanks ", "a,b;c=d", "영수증", "x" * 1000])
def test_any_receipt(client: RawStomp, topic: str, value: str) -> None:
    if client.version == "1.0":
        value = value.strip()
    client.send("SEND", {"destination": topic, "receipt": value})
    assert client.expect("RECEIPT")["receipt-id"] == value


@spec("1.2 RECEIPT: receipt-id is the value of receipt, escaped")
@pytest.mark.parametrize("named", ESCAPING)
def test_receipts_are_escaped(connect: Open, topic: str, named: str) -> None:
    client = connect(named)
    client.send("SEND", {"destination": topic, "receipt": "a:b\\c\nd"})
    assert client.expect("RECEIPT")["receipt-id"] == "a:b\\c\nd"


@spec("1.2 Repeated Header Entries: the first receipt")
def test_repeated_receipts(client: RawStomp, topic: str) -> None:
    client.send("SEND", [("destination", topic), ("receipt", "1"), ("receipt", "2")])
    assert [client.expect("RECEIPT")["receipt-id"], client.sync()] == ["1", []]


@spec("1.2 RECEIPT: only for a frame that asks")
def test_no_receipt_unless_asked(client: RawStomp, topic: str) -> None:
    client.send("SUBSCRIBE", {"id": "0", "destination": topic + "-quiet"})
    client.send("SEND", {"destination": topic}, b"x")
    client.send("UNSUBSCRIBE", {"id": "0"})
    assert client.sync() == []


@choice("the same receipt may be asked for again")
def test_the_same_receipt_twice(client: RawStomp, topic: str) -> None:
    for _ in range(2):
        client.send("SEND", {"destination": topic, "receipt": "same"})
    assert [client.expect("RECEIPT")["receipt-id"] for _ in range(2)] == ["same"] * 2


@spec("1.2 RECEIPT: cumulative, so in order")
def test_receipts_come_in_order(client: RawStomp, topic: str) -> None:
    fix = json.dumps({"member": "ann", "time": 1763806275123, "lat": 1, "lon": 2}).encode()
    asked = []
    for number in range(60):
        # to a group (stored first), to a free topic (told at once), to nobody
        target = ("/topic/group.receipts", topic, "/topic/void")[number % 3]
        client.send("SEND", {"destination": target, "receipt": f"r{number}"}, fix)
        asked.append(f"r{number}")
    assert [client.expect("RECEIPT")["receipt-id"] for _ in asked] == asked


@spec("1.2 RECEIPT: the frame has been processed")
def test_a_receipt_of_subscribe_is_a_promise(connect: Open, version: str, topic: str) -> None:
    watcher, sender = connect(version), connect(version)
    for number in range(20):
        subscribe(watcher, topic, str(number))
        sender.done("SEND", {"destination": topic}, b"x")
        assert len([frame for frame in watcher.sync() if frame.command == "MESSAGE"]) == number + 1


@spec("1.2 DISCONNECT: RECEIPT, after all before it, then close")
@pytest.mark.parametrize("named", VERSIONS)
def test_disconnect(connect: Open, topic: str, named: str) -> None:
    client = connect(named)
    subscribe(client, topic)
    for number in range(5):
        client.send("SEND", {"destination": topic, "receipt": f"r{number}"}, b"x")
    client.send("DISCONNECT", {"receipt": "77"})
    came = []
    while (frame := client.next()) is not None:
        came.append(frame)
    receipts = [frame["receipt-id"] for frame in came if frame.command == "RECEIPT"]
    assert receipts == [*(f"r{number}" for number in range(5)), "77"]
    assert came[-1]["receipt-id"] == "77"
    assert client.socket.receive() is None


@spec("1.0 DISCONNECT")
def test_disconnect_without_a_receipt(client: RawStomp) -> None:
    client.send("DISCONNECT")
    assert client.socket.wait_for_close() == 1000


@spec("1.2 DISCONNECT: nothing is to come after it")
def test_nothing_is_read_after_disconnect(connect: Open, topic: str) -> None:
    watcher, client = connect(), connect()
    subscribe(watcher, topic)
    client.write(f"DISCONNECT\nreceipt:bye\n\n\0SEND\ndestination:{topic}\n\nx\0NONSENSE\n\n\0".encode())
    assert client.expect("RECEIPT")["receipt-id"] == "bye"
    assert client.socket.wait_for_close() == 1000
    assert watcher.sync() == []


@choice("a client that leaves TCP open after the close handshake is no burden")
def test_tcp_ends_with_the_handshake(connect: Open) -> None:
    client = connect()
    client.send("DISCONNECT", {"receipt": "bye"})
    assert client.expect("RECEIPT")["receipt-id"] == "bye"
    assert client.socket.wait_for_close() == 1000
