"""STOMP in WebSocket messages: sub-protocols, opcodes, cuts, the close handshake."""

from __future__ import annotations

import pytest

from tests.conformance.conftest import VERSIONS, Open
from tests.conformance.helpers import choice, spec, subscribe
from tests.support.raw import BINARY, CLOSE, PING, PONG, TEXT, RawStomp, encode
from tests.support.served import Served

NOT_TEXT = b"\xff\xfe\x00\x80"


@choice("the newest sub-protocol that is offered")
@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["v10.stomp", "v11.stomp", "v12.stomp"], "v12.stomp"),
        (["v12.stomp", "v11.stomp", "v10.stomp"], "v12.stomp"),
        (["v10.stomp", "v11.stomp"], "v11.stomp"),
        (["v10.stomp"], "v10.stomp"),
        (["mqtt", "v11.stomp"], "v11.stomp"),
        (["v13.stomp"], None),
        ([], None),
    ],
)
def test_subprotocol(fresh: Open, served: Served, offered: list[str], chosen: str | None) -> None:
    client = fresh(subprotocols=offered)
    assert client.socket.status == 101
    assert client.socket.subprotocol == chosen
    assert client.connect("1.2", passcode=served.token).command == "CONNECTED"


@spec("1.2 Protocol Negotiation: accept-version decides, whatever the sub-protocol")
@pytest.mark.parametrize("named", VERSIONS)
@pytest.mark.parametrize("offered", ["v10.stomp", "v11.stomp", "v12.stomp"])
def test_accept_version_beats_the_subprotocol(fresh: Open, served: Served, named: str, offered: str) -> None:
    client = fresh(subprotocols=[offered])
    assert client.connect(named, passcode=served.token)["version"] == named


@choice("the answer comes in the opcode of CONNECT")
def test_answers_in_the_opcode_of_connect(connect: Open, version: str, opcode: int, topic: str) -> None:
    client = connect(version, opcode)
    assert client.connected.opcode == opcode
    assert subscribe(client, topic).opcode == opcode
    client.send("SEND", {"destination": topic}, "안녕 hello".encode())
    message = client.expect("MESSAGE")
    assert (message.opcode, message.text) == (opcode, "안녕 hello")
    client.send("NONSENSE")
    assert client.fail().opcode == opcode


@choice("the answer comes in the opcode of CONNECT, whatever comes later")
def test_later_messages_may_have_another_opcode(connect: Open, topic: str) -> None:
    client = connect(opcode=TEXT)
    client.socket.send(encode("SUBSCRIBE", {"id": "0", "destination": topic, "receipt": "r"}), BINARY)
    assert client.expect("RECEIPT").opcode == TEXT
    client.socket.send(encode("SEND", {"destination": topic}, b"x"), BINARY)
    assert client.expect("MESSAGE").opcode == TEXT


@spec("RFC 6455 5.6: text is UTF-8; the rest goes out as binary")
def test_bodies_that_are_no_text(connect: Open, topic: str) -> None:
    text, binary = connect(opcode=TEXT), connect(opcode=BINARY)
    for client in (text, binary):
        subscribe(client, topic)
    headers = {"destination": topic, "content-length": str(len(NOT_TEXT))}
    binary.send("SEND", headers, NOT_TEXT)
    for client in (text, binary):
        message = client.expect("MESSAGE")
        assert (message.body, message.opcode) == (NOT_TEXT, BINARY)
    binary.send("SEND", {"destination": topic}, b"text again")
    assert text.expect("MESSAGE").opcode == TEXT


@spec("1.2 STOMP Frames: a stream; cuts mean nothing")
def test_a_frame_cut_at_every_byte(client: RawStomp, topic: str) -> None:
    subscribe(client, topic)
    wire = encode("SEND", {"destination": topic, "x": "é:y"}, "né".encode(), client.version)
    for place in range(1, len(wire)):
        client.write(wire[:place])
        client.write(wire[place:])
    for _ in range(1, len(wire)):
        assert client.expect("MESSAGE").text == "né"


@spec("1.2 STOMP Frames: a stream; cuts mean nothing")
def test_a_session_byte_by_byte(fresh: Open, served: Served, topic: str) -> None:
    client = fresh()
    wire = encode("CONNECT", {"accept-version": "1.2", "host": "h", "passcode": served.token})
    wire += b"\n" + encode("SUBSCRIBE", {"id": "0", "destination": topic})
    wire += b"\r\n\n" + encode("SEND", {"destination": topic, "content-length": "3"}, b"a\0b")
    for number in range(len(wire)):
        client.write(wire[number : number + 1])
    client.expect("CONNECTED")
    assert client.expect("MESSAGE").body == b"a\0b"


@spec("1.2 STOMP Frames: a stream; cuts mean nothing")
def test_many_frames_in_one_message(client: RawStomp, topic: str) -> None:
    subscribe(client, topic)
    send = encode("SEND", {"destination": topic}, b"x", client.version)
    client.write(send * 500)
    came = client.sync()
    assert len(came) == 500
    assert len({frame["message-id"] for frame in came}) == 500


@spec("RFC 6455 5.4: a message may come in fragments, control frames between them")
def test_fragmented_messages(client: RawStomp, topic: str) -> None:
    subscribe(client, topic)
    wire = encode("SEND", {"destination": topic}, b"hello", client.version)
    client.socket.send(wire[:5], BINARY, fin=False)
    client.socket.send(b"are you there", PING)
    client.socket.send(wire[5:9], 0, fin=False)
    client.socket.send(wire[9:], 0)
    pong = client.socket.receive()
    assert pong is not None
    assert (pong.opcode, pong.payload) == (PONG, b"are you there")
    assert client.expect("MESSAGE").body == b"hello"


@choice("an empty message is nothing")
def test_empty_messages(client: RawStomp, topic: str, opcode: int) -> None:
    subscribe(client, topic)
    wire = encode("SEND", {"destination": topic}, b"hello", client.version)
    client.socket.send(b"", opcode)
    client.socket.send(wire[:9], opcode)
    client.socket.send(b"", opcode)
    client.socket.send(wire[9:], opcode)
    assert client.expect("MESSAGE").body == b"hello"


@choice("an empty message before CONNECT is nothing, and decides no opcode")
def test_an_empty_message_before_connect(fresh: Open, served: Served) -> None:
    client = fresh(TEXT)
    client.socket.send(b"", BINARY)
    assert client.connect(passcode=served.token).opcode == TEXT


@spec("1.2 Augmented BNF: *( EOL ) after NUL")
@pytest.mark.parametrize("between", [b"\n", b"\n\n\n", b"\r\n", b"\r\n\r\n\n"])
def test_eols_between_frames(client: RawStomp, topic: str, between: bytes) -> None:
    subscribe(client, topic)
    wire = encode("SEND", {"destination": topic}, b"x", client.version)
    client.write(wire + between + wire + between)
    client.write(between)
    client.write(between + wire)
    assert [frame.body for frame in client.sync()] == [b"x"] * 3


@spec("1.2 Augmented BNF: *( EOL ) after NUL")
def test_eols_before_connect(fresh: Open, served: Served) -> None:
    client = fresh()
    client.write(b"\n\r\n\n")
    assert client.connect(passcode=served.token).command == "CONNECTED"


@spec("RFC 6455 5.5.2: a ping is answered with what it carries")
@pytest.mark.parametrize("payload", [b"", b"x", b"\xff" * 125])
def test_pings(connect: Open, payload: bytes) -> None:
    client = connect()
    client.socket.send(payload, PING)
    message = client.socket.receive()
    assert message is not None
    assert (message.opcode, message.payload) == (PONG, payload)


@spec("RFC 6455 5.5.3: a pong that nobody asked for is no fault")
def test_unasked_pongs(connect: Open) -> None:
    client = connect()
    client.socket.send(b"hello", PONG)
    assert client.sync() == []


@spec("RFC 6455 5.5.1: a close frame is answered, then TCP ends")
@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
def test_the_client_closes(connect: Open, code: int) -> None:
    client = connect()
    client.socket.send(code.to_bytes(2, "big") + b"bye", CLOSE)
    answer = client.socket.receive()
    assert answer is not None
    assert (answer.opcode, answer.close_code) == (CLOSE, code)
    assert client.socket.receive() is None


@spec("RFC 6455 5.5.1: a close frame is answered, then TCP ends")
def test_the_client_closes_without_a_code(connect: Open) -> None:
    client = connect()
    client.socket.send(b"", CLOSE)
    answer = client.socket.receive()
    assert answer is not None
    assert answer.opcode == CLOSE
    assert client.socket.receive() is None


@spec("1.2 DISCONNECT: previously received frames are processed when TCP ends")
def test_what_came_before_tcp_ended_is_done(connect: Open, topic: str) -> None:
    watcher, client = connect(), connect()
    subscribe(watcher, topic)
    client.write(encode("SEND", {"destination": topic}, b"last words", "1.2"))
    client.socket.close()
    assert watcher.expect("MESSAGE").body == b"last words"


@spec("RFC 6455 4.2.1: without an upgrade there is no WebSocket")
def test_other_paths_and_plain_requests(open_socket: Open) -> None:
    plain = open_socket(headers={"Upgrade": "", "Connection": "close"})
    assert plain.status in (400, 426)
    assert open_socket(path="/locshare/stomp/more").status == 404
