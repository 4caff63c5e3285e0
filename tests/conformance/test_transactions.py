"""BEGIN, COMMIT, ABORT."""

from __future__ import annotations

import json

import pytest

from tests.conformance.conftest import Open
from tests.conformance.helpers import ack, choice, spec, subscribe
from tests.support.raw import RawStomp, encode

TIME = 1763806275123


def fix(number: int) -> bytes:
    return json.dumps({"member": "ann", "time": TIME + number, "lat": 1, "lon": 2}).encode()


def begin(client: RawStomp, name: str = "t") -> str:
    client.done("BEGIN", {"transaction": name})
    return name


@spec("1.2 Header receipt: of BEGIN, COMMIT and ABORT")
def test_receipts_of_transactions(client: RawStomp) -> None:
    begin(client)
    client.done("COMMIT", {"transaction": "t"})
    begin(client)
    client.done("ABORT", {"transaction": "t"})


@spec("1.2 BEGIN: sent when committed, in order")
def test_commit_sends(client: RawStomp, topic: str) -> None:
    subscribe(client, topic)
    begin(client)
    for body in (b"1", b"2", b"3"):
        client.done("SEND", {"destination": topic, "transaction": "t"}, body)
    client.send("SEND", {"destination": topic}, b"outside")
    assert [frame.body for frame in client.sync()] == [b"outside"]
    client.send("COMMIT", {"transaction": "t"})
    came = client.sync()
    assert [frame.body for frame in came] == [b"1", b"2", b"3"]
    assert all("transaction" not in frame for frame in came)


@spec("1.2 ABORT: rolled back")
def test_abort_sends_nothing(client: RawStomp, topic: str) -> None:
    subscribe(client, topic)
    begin(client)
    client.send("SEND", {"destination": topic, "transaction": "t"}, b"never")
    client.done("ABORT", {"transaction": "t"})
    assert client.sync() == []


@spec("1.2 BEGIN: aborted by DISCONNECT, or when TCP fails")
@pytest.mark.parametrize("leaving", ["DISCONNECT", "TCP", "ERROR"])
def test_leaving_aborts(connect: Open, version: str, topic: str, leaving: str) -> None:
    watcher, client = connect(version), connect(version)
    subscribe(watcher, topic)
    begin(client)
    client.done("SEND", {"destination": topic, "transaction": "t"}, b"never")
    if leaving == "TCP":
        client.socket.close()
    else:
        client.send(leaving.replace("ERROR", "NONSENSE"))
        client.next()
    connect().done("SEND", {"destination": topic}, b"after")
    assert watcher.expect("MESSAGE").body == b"after"
    assert watcher.sync() == []


@spec("1.2 DISCONNECT: what came before it is done, a COMMIT too")
def test_all_of_a_transaction_in_one_message(connect: Open, topic: str) -> None:
    client, watcher = connect("1.2"), connect()
    subscribe(watcher, topic)
    wire = encode("BEGIN", {"transaction": "t", "receipt": "1"})
    wire += encode("SEND", {"destination": topic, "transaction": "t", "receipt": "2"}, b"x")
    wire += encode("COMMIT", {"transaction": "t", "receipt": "3"})
    client.write(wire + encode("DISCONNECT", {"receipt": "4"}))
    assert [client.expect("RECEIPT")["receipt-id"] for _ in range(4)] == ["1", "2", "3", "4"]
    assert watcher.expect("MESSAGE").body == b"x"


@spec("1.2 BEGIN: different transactions, different identifiers")
def test_begin_twice(client: RawStomp) -> None:
    begin(client)
    client.send("BEGIN", {"transaction": "t", "receipt": "7"})
    error = client.fail()
    assert "'t'" in error["message"]
    assert error["receipt-id"] == "7"


@spec("1.2 COMMIT and ABORT: the identifier of a transaction")
@pytest.mark.parametrize("command", ["COMMIT", "ABORT"])
def test_ending_the_unknown(client: RawStomp, command: str) -> None:
    client.send(command, {"transaction": "never", "receipt": "7"})
    error = client.fail()
    assert "never" in error["message"]
    assert error["receipt-id"] == "7"


@spec("1.2 COMMIT: ended is ended")
@pytest.mark.parametrize("command", ["COMMIT", "ABORT"])
def test_ending_twice(client: RawStomp, command: str) -> None:
    begin(client)
    client.done(command, {"transaction": "t"})
    client.send(command, {"transaction": "t", "receipt": "7"})
    assert client.fail()["receipt-id"] == "7"


@spec("1.2 BEGIN: the identifier binds SEND, ACK and NACK to a transaction that was begun")
@pytest.mark.parametrize("command", ["SEND", "ACK", "NACK"])
@pytest.mark.parametrize("named", ["1.1", "1.2"])
def test_the_unknown_transaction(connect: Open, topic: str, named: str, command: str) -> None:
    client = connect(named)
    headers = {"destination": topic, "id": "1", "message-id": "1", "subscription": "0"}
    client.send(command, {**headers, "transaction": "never", "receipt": "7"})
    error = client.fail()
    assert "never" in error["message"]
    assert error["receipt-id"] == "7"


@spec("1.2 BEGIN: of one connection only")
def test_transactions_are_of_one_connection(connect: Open, topic: str) -> None:
    first, second = connect(), connect()
    begin(first)
    begin(second)
    subscribe(first, topic)
    for client, body in ((first, b"1"), (second, b"2")):
        client.done("SEND", {"destination": topic, "transaction": "t"}, body)
    second.done("ABORT", {"transaction": "t"})
    first.send("COMMIT", {"transaction": "t"})
    assert [frame.body for frame in first.sync()] == [b"1"]


@spec("1.2 BEGIN: several transactions of one connection")
def test_two_transactions(client: RawStomp, topic: str) -> None:
    subscribe(client, topic)
    begin(client, "one")
    begin(client, "two")
    for name in ("one", "two", "one"):
        client.send("SEND", {"destination": topic, "transaction": name}, name.encode())
    client.send("COMMIT", {"transaction": "two"})
    assert [frame.body for frame in client.sync()] == [b"two"]
    client.send("COMMIT", {"transaction": "one"})
    assert [frame.body for frame in client.sync()] == [b"one", b"one"]


@spec("1.2 BEGIN: an identifier is free again")
def test_a_name_may_be_used_again(client: RawStomp, topic: str) -> None:
    subscribe(client, topic)
    for number in range(3):
        begin(client)
        client.send("SEND", {"destination": topic, "transaction": "t"}, b"%d" % number)
        client.send("COMMIT", {"transaction": "t"})
        assert [frame.body for frame in client.sync()] == [b"%d" % number]


@spec("1.2 BEGIN: acknowledgements are part of it")
def test_acks_in_a_transaction(connect: Open, version: str, queue: str) -> None:
    client, other = connect(version), connect(version)
    subscribe(client, queue, ack="client-individual")
    for body in (b"1", b"2"):
        other.done("SEND", {"destination": queue}, body)
    first, second = client.expect("MESSAGE"), client.expect("MESSAGE")
    begin(client, "kept")
    begin(client, "dropped")
    client.done("ACK", ack(first, version, transaction="kept"))
    client.done("ACK", ack(second, version, transaction="dropped"))
    client.done("COMMIT", {"transaction": "kept"})
    client.done("ABORT", {"transaction": "dropped"})
    client.done("UNSUBSCRIBE", {"id": "0"})
    subscribe(other, queue)
    assert [frame.body for frame in other.sync()] == [b"2"]


@spec("1.2 BEGIN: after ABORT a message is as it was, and may be acknowledged")
def test_an_aborted_ack_may_be_given_again(connect: Open, version: str, queue: str) -> None:
    client = connect(version)
    subscribe(client, queue, ack="client-individual")
    client.send("SEND", {"destination": queue}, b"1")
    message = client.expect("MESSAGE")
    begin(client)
    client.done("ACK", ack(message, version, transaction="t"))
    client.done("ABORT", {"transaction": "t"})
    client.done("ACK", ack(message, version))
    client.done("UNSUBSCRIBE", {"id": "0"})
    subscribe(client, queue, "again")
    assert client.sync() == []


@spec("1.2 BEGIN: NACK is part of it")
@pytest.mark.parametrize("named", ["1.1", "1.2"])
def test_nacks_in_a_transaction(connect: Open, queue: str, named: str) -> None:
    client, other = connect(named), connect(named)
    subscribe(client, queue, ack="client-individual")
    other.done("SEND", {"destination": queue}, b"1")
    message = client.expect("MESSAGE")
    subscribe(other, queue)
    begin(client)
    client.done("NACK", ack(message, named, transaction="t"))
    assert other.sync() == []
    client.send("COMMIT", {"transaction": "t"})
    assert other.expect("MESSAGE").body == b"1"


@spec("1.2 BEGIN: atomically")
def test_sends_to_queues_and_groups_are_together(client: RawStomp, topic: str, queue: str) -> None:
    group = f"/topic/group.conformance-tx-{client.connected['session']}"
    for name, destination in (("t", topic), ("q", queue), ("g", group)):
        subscribe(client, destination, name)
    begin(client)
    for destination in (queue, group, topic):
        client.send("SEND", {"destination": destination, "transaction": "t"}, fix(0))
    assert client.sync() == []
    client.send("COMMIT", {"transaction": "t"})
    came = [client.expect("MESSAGE") for _ in range(3)]
    assert sorted(str(frame["subscription"]) for frame in came) == ["g", "q", "t"]


@spec("1.2 BEGIN: atomically: one bad SEND, and none is done")
def test_a_bad_send_undoes_all(connect: Open, topic: str) -> None:
    watcher, client = connect(), connect()
    subscribe(watcher, topic)
    begin(client)
    client.send("SEND", {"destination": topic, "transaction": "t"}, b"1")
    client.send("SEND", {"destination": "/topic/group.tx", "transaction": "t"}, b'{"lat": 91}')
    client.send("COMMIT", {"transaction": "t", "receipt": "7"})
    assert client.fail()["message"]
    assert watcher.sync() == []


@choice("a receipt of COMMIT to a group means stored")
def test_the_receipt_of_commit_means_stored(connect: Open) -> None:
    client, late = connect(), connect()
    group = f"/topic/group.conformance-stored-{client.connected['session']}"
    begin(client)
    for number in range(3):
        client.send("SEND", {"destination": group, "transaction": "t"}, fix(number))
    client.done("COMMIT", {"transaction": "t"})
    subscribe(late, group, after="start")
    assert [json.loads(late.expect("MESSAGE").body)["time"] - TIME for _ in range(3)] == [0, 1, 2]


@choice("limits: open transactions of a connection")
def test_too_many_transactions(connect: Open) -> None:
    client = connect()
    for number in range(64):
        client.send("BEGIN", {"transaction": str(number)})
    assert client.sync() == []
    client.send("BEGIN", {"transaction": "64", "receipt": "7"})
    error = client.fail()
    assert "limit of 64" in error["message"]
    assert error["receipt-id"] == "7"


@choice("limits: what one transaction may hold")
def test_a_transaction_is_bounded(connect: Open, topic: str) -> None:
    client = connect()
    begin(client)
    body = b"x" * (1 << 19)
    for _ in range(200):
        client.send("SEND", {"destination": topic, "transaction": "t"}, body)
    error = client.fail()
    assert "limit" in error["message"]
    assert "transaction" in error["message"]
