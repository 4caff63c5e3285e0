"""Group topics: fixes as MESSAGEs, places in the log, and what a subscription may ask for."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from tests.conformance.conftest import Open
from tests.conformance.helpers import ack, choice, ids_of, spec, subscribe
from tests.support.raw import RawStomp, Received, encode

TIME = 1763806275123
_numbers = itertools.count(1)


@pytest.fixture
def group() -> str:
    return f"/topic/group.conformance-g{next(_numbers)}"


def fix(number: int, member: str = "ann") -> dict[str, Any]:
    return {"member": member, "time": TIME + 1000 * number, "lat": 37.5, "lon": 127.0 + number / 1000}


def send(client: RawStomp, group: str, *fixes: dict[str, Any]) -> Received:
    return client.done("SEND", {"destination": group}, json.dumps(fixes).encode())


def seconds(*messages: Received) -> list[int]:
    """Return which fixes came."""
    found = [json.loads(message.body) for message in messages]
    bodies = [one for body in found for one in (body if isinstance(body, list) else [body])]
    return [(body["time"] - TIME) // 1000 for body in bodies]


@spec("1.2 MESSAGE: destination, message-id, subscription; content-type")
def test_a_fix_is_a_message(connect: Open, version: str, opcode: int, group: str) -> None:
    client = connect(version, opcode)
    hello = subscribe(client, group, "mine")
    assert hello["cursor"]
    assert hello["gap"] == "false"
    receipt = send(connect(), group, fix(0, "조 민"))
    assert (receipt["stored"], receipt["duplicates"], receipt["set-aside"]) == ("1", "0", "0")
    message = client.expect("MESSAGE")
    body = json.loads(message.body)
    assert message["destination"] == group
    assert message["subscription"] == "mine"
    assert message["message-id"] == body["cursor"]
    assert message["member"] == body["member"] == "조 민"
    assert message["content-type"] == "application/json"
    assert message.opcode == opcode
    assert "ack" not in message


@choice("a name may be spelled in many ways; MESSAGE has its slug")
@pytest.mark.parametrize("spelling", ["My Hikers", "my hikers", "MY-HIKERS", "Ｍｙ hikers"])
def test_spellings_of_a_group(connect: Open, spelling: str) -> None:
    watcher, sender = connect(), connect()
    subscribe(watcher, f"/topic/group.{spelling}")
    send(sender, "/topic/group.my-hikers", fix(next(_numbers)))
    assert watcher.expect("MESSAGE")["destination"] == "/topic/group.my-hikers"


@choice("good ones are stored, bad ones set aside; duplicates are fine")
def test_what_a_receipt_tells(connect: Open, group: str) -> None:
    client = connect()
    answer = send(client, group, fix(0), {**fix(1), "lat": 91}, fix(2))
    assert (answer["stored"], answer["set-aside"]) == ("2", "1")
    answer = send(client, group, fix(0), fix(2))
    assert (answer["stored"], answer["duplicates"]) == ("0", "2")
    assert send(client, group)["stored"] == "0"


@choice("places: start, now, and each MESSAGE's id; no hole, no duplicate")
def test_resuming(connect: Open, version: str, group: str) -> None:
    client, sender = connect(version), connect()
    send(sender, group, *(fix(number) for number in range(5)))
    subscribe(client, group, "all", after="start")
    came = [client.expect("MESSAGE") for _ in range(5)]
    assert seconds(*came) == [0, 1, 2, 3, 4]
    assert len(set(ids_of(came))) == 5
    client.done("UNSUBSCRIBE", {"id": "all"})
    subscribe(client, group, "rest", after=str(came[2]["message-id"]))
    assert seconds(client.expect("MESSAGE"), client.expect("MESSAGE")) == [3, 4]
    subscribe(client, group, "new", after="now")
    send(sender, group, fix(5))
    came = [client.expect("MESSAGE") for _ in range(2)]
    assert {frame["subscription"] for frame in came} == {"rest", "new"}
    assert seconds(*came) == [5, 5]


@choice("the hello's cursor resumes too, of a quiet group")
def test_the_hello_is_a_place(connect: Open, group: str) -> None:
    client, sender = connect(), connect()
    place = subscribe(client, group)["cursor"]
    client.done("UNSUBSCRIBE", {"id": "0"})
    send(sender, group, fix(0))
    subscribe(client, group, after=str(place))
    assert seconds(client.expect("MESSAGE")) == [0]


@choice("a cursor of another life of the server is a gap, from the oldest kept")
def test_a_lost_place(connect: Open, group: str) -> None:
    client = connect()
    send(client, group, fix(0))
    assert subscribe(client, group, after="zzzz-7")["gap"] == "true"
    assert seconds(client.expect("MESSAGE")) == [0]


@choice("last: each member's newest fix first")
def test_last(connect: Open, version: str, group: str) -> None:
    client, sender = connect(version), connect()
    send(sender, group, fix(0), fix(1, "bob"), fix(2), fix(3, "bob"))
    subscribe(client, group, last="1")
    came = [client.expect("MESSAGE") for _ in range(2)]
    assert seconds(*came) == [2, 3]
    assert [frame["snapshot"] for frame in came] == ["1", "1"]
    assert all(str(frame["message-id"]).startswith("s-") for frame in came)
    send(sender, group, fix(4))
    message = client.expect("MESSAGE")
    assert (seconds(message), "snapshot" in message) == ([4], False)


@choice("prefetch-count holds for what last brings, too")
def test_last_keeps_to_the_window(connect: Open, version: str, group: str) -> None:
    client, sender = connect(version), connect()
    send(sender, group, fix(0, "a"), fix(1, "b"), fix(2, "c"))
    subscribe(client, group, last="1", ack="client", prefetch_count="1")
    send(sender, group, fix(3, "d"))
    for number in range(4):
        message = client.expect("MESSAGE")
        assert (seconds(message), "snapshot" in message) == ([number], number < 3)
        assert client.sync() == []
        client.send("ACK", ack(message, version))


@choice("after: a reader that comes and goes while fixes come misses none and gets none twice")
def test_coming_and_going(connect: Open, group: str) -> None:
    sender, place, found = connect(), "start", list[int]()
    for first in range(0, 100, 5):
        wire = b"".join(
            encode("SEND", {"destination": group}, json.dumps(fix(number)).encode())
            for number in range(first, first + 5)
        )
        sender.write(wire)
        reader = connect()
        subscribe(reader, group, after=place)
        for _ in range(3):  # fewer than come: it falls behind
            message = reader.expect("MESSAGE")
            found += seconds(message)
            place = str(message["message-id"])
        reader.socket.close()
    reader = connect()
    subscribe(reader, group, after=place)
    while len(found) < 100:
        found += seconds(reader.expect("MESSAGE"))
    assert found == list(range(100))
    assert reader.sync() == []


@choice("last is ignored with a valid place")
def test_last_with_a_place(connect: Open, group: str) -> None:
    client = connect()
    cursor = send(client, group, fix(0))["cursor"]
    subscribe(client, group, last="1", after=str(cursor))
    assert client.sync() == []


@choice("batch: an array at once, its id is the last that was read")
def test_batch(connect: Open, version: str, group: str) -> None:
    client, sender = connect(version), connect()
    cursor = send(sender, group, *(fix(number) for number in range(50)))["cursor"]
    subscribe(client, group, after="start", batch="60000")
    message = client.expect("MESSAGE")
    assert seconds(message) == list(range(50))
    assert message["message-id"] == cursor
    send(sender, group, fix(50))
    assert client.sync() == []


@choice("conflate: the newest of each member")
def test_conflate(connect: Open, group: str) -> None:
    client, sender = connect(), connect()
    send(sender, group, *(fix(number, "ann" if number % 2 else "bob") for number in range(10)))
    subscribe(client, group, after="start", conflate="1")
    assert sorted(seconds(client.expect("MESSAGE"))) == [8, 9]


@choice("members: those alone")
def test_members(connect: Open, group: str) -> None:
    client, sender = connect(), connect()
    subscribe(client, group, members="bob, Cleo")
    send(
        sender,
        group,
        *(fix(number, name) for number, name in enumerate(("ann", "bob", "cleo", "dan", "bob"))),
    )
    assert seconds(*(client.expect("MESSAGE") for _ in range(3))) == [1, 2, 4]
    assert client.sync() == []


@choice("headers that cannot be are an ERROR that names them")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("after", "nonsense"),
        ("batch", "-1"),
        ("batch", "x"),
        ("batch", "9999999"),
        ("last", "maybe"),
        ("conflate", "2"),
        ("members", ""),
        ("prefetch-count", "x"),
        ("durable-name", ""),
    ],
)
def test_headers_that_cannot_be(connect: Open, group: str, name: str, value: str) -> None:
    client = connect()
    headers = {"id": "0", "destination": group, "ack": "client", name: value, "receipt": "7"}
    client.send("SUBSCRIBE", headers)
    error = client.fail()
    assert error["receipt-id"] == "7"
    assert name in str(error["message"]) or error["field"] == name


@choice("ack: so many at most are not acknowledged, then the reader waits; nothing is lost")
@pytest.mark.parametrize("mode", ["client", "client-individual"])
def test_unacknowledged_fixes(connect: Open, version: str, group: str, mode: str) -> None:
    client, sender = connect(version), connect()
    subscribe(client, group, ack=mode, prefetch_count="3")
    send(sender, group, *(fix(number) for number in range(10)))
    got: list[int] = []
    while len(got) < 10:
        came = [client.expect("MESSAGE") for _ in range(min(3, 10 - len(got)))]
        assert client.sync() == []
        got += seconds(*came)
        for message in came if mode == "client-individual" else came[-1:]:
            client.send("ACK", ack(message, version))
    assert got == list(range(10))


@choice("durable-name: goes on below what is not acknowledged")
def test_durable_names(connect: Open, version: str, group: str) -> None:
    first, sender = connect(version), connect()
    durable = {"ack": "client-individual", "durable_name": f"n{next(_numbers)}"}
    subscribe(first, group, **durable)
    send(sender, group, *(fix(number) for number in range(4)))
    came = [first.expect("MESSAGE") for _ in range(4)]
    for message in (came[0], came[2]):
        first.done("ACK", ack(message, version))
    first.send("DISCONNECT")
    assert first.next() is None
    second = connect(version)
    subscribe(second, group, **durable)
    assert seconds(*(second.expect("MESSAGE") for _ in range(3))) == [1, 2, 3]


@choice("durable-name: a second one takes over")
def test_durable_names_are_taken_over(connect: Open, group: str) -> None:
    first, second = connect(), connect()
    durable = {"ack": "client", "durable_name": f"n{next(_numbers)}"}
    subscribe(first, group, **durable)
    subscribe(second, group, **durable)
    assert first.fail()["message"]
    send(connect(), group, fix(0))
    assert seconds(second.expect("MESSAGE")) == [0]


@choice("events are the server's to write; replays and names that cannot be are told")
@pytest.mark.parametrize(
    ("command", "destination"),
    [
        ("SEND", "/topic/group.conformance.events"),
        ("SUBSCRIBE", "/topic/replay.nothing"),
        ("SEND", "/topic/replay.nothing"),
        ("SUBSCRIBE", "/topic/group."),
        ("SUBSCRIBE", "/topic/group"),
        ("SUBSCRIBE", "/topic/group.a/b"),
        ("SUBSCRIBE", "/topic/group." + "x" * 65),
        ("SEND", "/topic/GROUP."),
    ],
)
def test_what_is_reserved(connect: Open, command: str, destination: str) -> None:
    client = connect()
    client.send(
        command, {"id": "0", "destination": destination, "receipt": "7"}, b"" if command != "SEND" else b"{}"
    )
    error = client.fail()
    assert error["receipt-id"] == "7"
    assert error["code"]


@choice("no good fix in the body: ERROR with receipt-id, close")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"1",
        b'"text"',
        b"null",
        b'{"latitude": 1}',
        b'[{"lat": 91}]',
        b"\xff",
        b"[" * 10_000,
        b'{"member":"a","time":1763806275123,"lat":NaN,"lon":1}',
        b'{"member":"\xff","time":1763806275123,"lat":1,"lon":1}',
    ],
)
def test_bodies_without_a_fix(connect: Open, group: str, body: bytes) -> None:
    client = connect()
    client.send("SEND", {"destination": group, "receipt": "7", "content-length": str(len(body))}, body)
    error = client.fail()
    assert error["receipt-id"] == "7"
    assert json.loads(error.body)["error"]["message"] == error["message"]
