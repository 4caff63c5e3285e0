"""CONNECT, STOMP, CONNECTED, the versions."""

from __future__ import annotations

import re

import pytest

from tests.conformance.conftest import ESCAPING, VERSIONS, Open
from tests.conformance.helpers import choice, spec, subscribe
from tests.support.raw import RawStomp
from tests.support.served import Served


def connecting(served: Served, **headers: str) -> dict[str, str]:
    return {"passcode": served.token, **{name.replace("_", "-"): value for name, value in headers.items()}}


@spec("1.2 CONNECTED Frame: version")
@pytest.mark.parametrize("named", VERSIONS)
def test_connected_names_the_version(connect: Open, named: str) -> None:
    assert connect(named).connected["version"] == named


@spec("1.0 CONNECT: session")
def test_connected_has_a_session(client: RawStomp) -> None:
    assert client.connected["session"]


@spec("1.2 CONNECTED Frame: session uniquely identifies")
def test_sessions_differ(connect: Open) -> None:
    assert len({connect().connected["session"] for _ in range(3)}) == 3


@spec("1.2 CONNECTED Frame: server is name[/version]")
def test_connected_names_the_server(client: RawStomp) -> None:
    assert re.fullmatch(r"[!-.0-~]+(/[!-~]+)?( .+)?", client.connected["server"])


@spec("1.2 Body: only SEND, MESSAGE and ERROR have one")
def test_connected_has_no_body(client: RawStomp) -> None:
    assert client.connected.body == b""


@spec("1.2 CONNECT or STOMP Frame: handled in the same manner")
@pytest.mark.parametrize("named", VERSIONS)
def test_stomp_is_connect(fresh: Open, served: Served, named: str) -> None:
    client = fresh()
    client.send("STOMP", connecting(served, accept_version=named, host="h"))
    assert client.expect("CONNECTED")["version"] == named


@spec("1.2 Protocol Negotiation: without accept-version it is 1.0")
def test_no_accept_version_is_1_0(fresh: Open, served: Served) -> None:
    client = fresh()
    client.send("CONNECT", connecting(served))
    frame = client.expect("CONNECTED")
    assert frame["version"] in (None, "1.0")
    assert "heart-beat" not in frame


@spec("1.2 Protocol Negotiation: without accept-version it is 1.0")
def test_no_accept_version_with_a_host_is_1_0(fresh: Open, served: Served) -> None:
    client = fresh()
    client.send("CONNECT", connecting(served, host="h"))
    assert client.expect("CONNECTED")["version"] in (None, "1.0")


@spec("1.2 Protocol Negotiation: highest in common")
@pytest.mark.parametrize(
    ("accepted", "agreed"),
    [
        ("1.0,1.1,1.2", "1.2"),
        ("1.2,1.1,1.0", "1.2"),
        ("1.0,1.1", "1.1"),
        ("1.0,1.1,2.0", "1.1"),
        ("1.2,2.0", "1.2"),
        ("1.3,1.0", "1.0"),
        ("1.0,1.2", "1.2"),
    ],
)
def test_highest_common_version(fresh: Open, served: Served, accepted: str, agreed: str) -> None:
    client = fresh()
    client.send("CONNECT", connecting(served, accept_version=accepted, host="h"))
    assert client.expect("CONNECTED")["version"] == agreed


@choice("blanks in accept-version are forgiven: clients write them")
def test_blanks_between_versions(fresh: Open, served: Served) -> None:
    client = fresh()
    client.send("CONNECT", connecting(served, accept_version="1.1, 1.2", host="h"))
    assert client.expect("CONNECTED")["version"] == "1.2"


@spec("1.2 Protocol Negotiation: nothing in common: ERROR with version, close")
@pytest.mark.parametrize("accepted", ["2.0", "1.3", "0.9", "x", "1", "1.10"])
def test_no_common_version(fresh: Open, served: Served, accepted: str) -> None:
    client = fresh()
    client.send("CONNECT", connecting(served, accept_version=accepted, host="h"))
    error = client.fail()
    assert error["version"] == "1.0,1.1,1.2"
    assert error["message"]


@spec("1.2 CONNECT or STOMP Frame: host is required")
@pytest.mark.parametrize("named", ESCAPING)
def test_host_is_needed(fresh: Open, served: Served, named: str) -> None:
    client = fresh()
    client.send("CONNECT", connecting(served, accept_version=named))
    assert "host" in client.fail()["message"]


@spec("1.0 CONNECT knows no host")
def test_host_is_not_needed_in_1_0(fresh: Open, served: Served) -> None:
    client = fresh()
    client.send("CONNECT", connecting(served, accept_version="1.0"))
    assert client.expect("CONNECTED")["version"] == "1.0"


@choice("any host is served: there is one")
@pytest.mark.parametrize("host", ["/", "localhost", "stomp.github.org", "", "한국"])
def test_any_host(connect: Open, host: str) -> None:
    assert connect(host=host).connected.command == "CONNECTED"


@spec("1.2 CONNECT or STOMP Frame: login and passcode")
@pytest.mark.parametrize("named", VERSIONS)
def test_wrong_passcode(fresh: Open, named: str) -> None:
    client = fresh()
    client.send("CONNECT", {"accept-version": named, "host": "h", "login": "me", "passcode": "hunter2"})
    error = client.fail()
    assert error["message"]
    assert "hunter2" not in error["message"] + error.text


@spec("1.2 Connecting: the ERROR says why, then close")
@pytest.mark.parametrize("named", VERSIONS)
def test_no_passcode(fresh: Open, named: str) -> None:
    client = fresh()
    client.send("CONNECT", {"accept-version": named, "host": "h"})
    assert "passcode" in client.fail()["message"]


@spec("1.2 Connecting")
@pytest.mark.parametrize(
    "command", ["SEND", "SUBSCRIBE", "BEGIN", "ACK", "DISCONNECT", "MESSAGE", "NONSENSE"]
)
def test_nothing_before_connect(fresh: Open, command: str) -> None:
    client = fresh()
    client.send(command, {"destination": "/topic/a", "id": "1", "transaction": "t"})
    assert "CONNECT" in client.fail()["message"]


@spec("1.2 Connecting: one CONNECT for one session")
@pytest.mark.parametrize("command", ["CONNECT", "STOMP"])
def test_a_second_connect(client: RawStomp, served: Served, command: str) -> None:
    client.send(command, connecting(served, accept_version="1.2", host="h"))
    assert client.fail()["message"]


@spec("1.2 Value Encoding: CONNECT is not escaped")
def test_connect_is_not_escaped(fresh: Open, served: Served) -> None:
    client = fresh()
    client.send("CONNECT", connecting(served, accept_version="1.2", host="a\\b\\tc:d", login="x\\"))
    assert client.expect("CONNECTED")


@spec("1.2 Repeated Header Entries: the first counts")
def test_repeated_headers_of_connect(fresh: Open, served: Served) -> None:
    client = fresh()
    headers = [("accept-version", "1.1"), ("accept-version", "1.2"), ("host", "h")]
    client.send("CONNECT", [*headers, ("passcode", served.token), ("passcode", "wrong")])
    assert client.expect("CONNECTED")["version"] == "1.1"


@spec("1.2 Body: CONNECT has none")
@pytest.mark.parametrize("named", ESCAPING)
def test_connect_with_a_body(fresh: Open, served: Served, named: str) -> None:
    client = fresh()
    client.send("CONNECT", connecting(served, accept_version=named, host="h"), b"body")
    assert "body" in client.fail()["message"]


@spec("1.2 Header receipt: any frame other than CONNECT")
def test_connect_has_no_receipt(fresh: Open, served: Served) -> None:
    client = fresh()
    client.send("CONNECT", connecting(served, accept_version="1.2", host="h", receipt="r"))
    assert "receipt-id" not in client.expect("CONNECTED")
    client.version = "1.2"
    assert client.sync() == []


@spec("1.2 STOMP Frames: EOL is LF or CR LF")
def test_connect_with_cr_lf(fresh: Open, served: Served) -> None:
    client = fresh()
    client.write(f"CONNECT\r\naccept-version:1.2\r\nhost:h\r\npasscode:{served.token}\r\n\r\n\0".encode())
    assert client.expect("CONNECTED")["version"] == "1.2"


@spec("1.0 CONNECT: its own example pads headers")
def test_padding_in_connect_of_1_0(fresh: Open, served: Served) -> None:
    client = fresh()
    client.write(f"CONNECT\nlogin: ann\npasscode: {served.token}\n\n\0".encode())
    assert client.expect("CONNECTED")


@spec("1.2 Value Encoding: never trim")
@pytest.mark.parametrize("named", ESCAPING)
def test_padding_in_connect_is_kept_later(fresh: Open, served: Served, named: str) -> None:
    client = fresh()
    client.write(f"CONNECT\naccept-version:{named}\nhost:h\npasscode: {served.token}\n\n\0".encode())
    assert client.fail()["message"]


@spec("1.2 Connection Lingering: rapid connects")
@pytest.mark.parametrize("named", VERSIONS)
def test_frames_may_follow_connect_at_once(fresh: Open, served: Served, topic: str, named: str) -> None:
    client = fresh()
    client.version = named
    client.send("CONNECT", connecting(served, accept_version=named, host="h"))
    client.send("SUBSCRIBE", {"id": "0", "destination": topic})
    client.send("SEND", {"destination": topic}, b"hello")
    assert client.expect("CONNECTED")["version"] == named
    assert client.expect("MESSAGE").body == b"hello"


@spec("1.2 Connection Lingering: rapid connects")
def test_fifty_connections_one_after_the_other(connect: Open, topic: str) -> None:
    for _ in range(50):
        client = connect()
        client.send("SEND", {"destination": topic}, b"x")
        client.socket.close()
    last = connect()
    subscribe(last, topic)
    assert last.sync() == []


@spec("1.2 Size Limits: ERROR, then close")
def test_a_large_frame_before_connected(fresh: Open) -> None:
    client = fresh()
    client.send("CONNECT", [("accept-version", "1.2"), *((f"x{n}", "y" * 400) for n in range(30))])
    assert "limit of" in client.fail()["message"]


@choice("a browser's HTTP request is told what is spoken here")
def test_http_instead_of_stomp(fresh: Open) -> None:
    client = fresh()
    client.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n\0")
    assert client.fail()["message"]
