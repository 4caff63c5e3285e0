"""The grammar: commands, headers, escapes, lengths, bodies."""

from __future__ import annotations

import pytest

from tests.conformance.conftest import ESCAPING, VERSIONS, Open
from tests.conformance.helpers import choice, spec, subscribe
from tests.support.raw import RawStomp
from tests.support.served import Served

SPECIAL = {
    "1.0": "back\\slash \\n\\c \t colon:",  # nothing is escaped, so all travels as it is
    "1.1": "back\\slash\nline colon: \\n",
    "1.2": "back\\slash\nline\rreturn colon: \\r",
}


def echo(client: RawStomp, topic: str, wire: bytes):  # type: ignore[no-untyped-def]
    """Send bytes that begin with the `SEND` of `topic`, and return what comes of them."""
    subscribe(client, topic)
    client.write(b"SEND\ndestination:" + topic.encode() + b"\n" + wire)
    return client.expect("MESSAGE")


@spec("1.2 Value Encoding: escapes are decoded and encoded")
def test_escapes_travel(client: RawStomp, topic: str) -> None:
    subscribe(client, topic)
    value = SPECIAL[client.version or ""]
    client.send("SEND", {"destination": topic, "mood": value}, b"x")
    assert client.expect("MESSAGE")["mood"] == value


@spec("1.2 Value Encoding: names too")
@pytest.mark.parametrize("named", ESCAPING)
def test_escaped_names(connect: Open, topic: str, named: str) -> None:
    client = connect(named)
    subscribe(client, topic)
    client.send("SEND", {"destination": topic, "a:b\\c\nd": "v"}, b"x")
    assert client.expect("MESSAGE")["a:b\\c\nd"] == "v"


@spec("1.2 Value Encoding: each version has its own, also between clients")
def test_escapes_between_versions(connect: Open, topic: str) -> None:
    watchers = [connect(named) for named in VERSIONS]
    for watcher in watchers:
        subscribe(watcher, topic)
    connect("1.2").send("SEND", {"destination": topic, "mood": "a\\b:c"}, b"x")
    assert [watcher.expect("MESSAGE")["mood"] for watcher in watchers] == ["a\\b:c"] * 3


@spec("1.0 Augmented BNF: a header's value ends at LF, so one with LF cannot be said")
def test_a_line_end_never_forges_a_header(connect: Open, topic: str) -> None:
    watcher = connect("1.0")
    subscribe(watcher, topic)
    connect("1.2").send("SEND", {"destination": topic, "mood": "good\nforged:yes"}, b"x")
    message = watcher.expect("MESSAGE")
    assert "forged" not in message
    assert message["mood"] == "good forged:yes"


@spec("1.2 Value Encoding: undefined escapes are fatal")
@pytest.mark.parametrize(
    ("named", "text"),
    [
        *(("1.2", text) for text in ("\\t", "\\", "a\\", "\\N", "\\0", "\\x41", "\\\\\\t")),
        *(("1.1", text) for text in ("\\t", "\\r", "\\", "\\C")),
    ],
)
def test_undefined_escapes(connect: Open, topic: str, named: str, text: str) -> None:
    client = connect(named)
    client.write(f"SEND\ndestination:{topic}\nreceipt:7\nx:{text}\n\n\0".encode())
    error = client.fail()
    assert "escape" in error["message"]
    assert error["receipt-id"] == "7"


@spec("1.2 Value Encoding: undefined escapes are fatal, in names too")
@pytest.mark.parametrize("named", ESCAPING)
def test_undefined_escapes_in_names(connect: Open, topic: str, named: str) -> None:
    client = connect(named)
    client.write(f"SEND\ndestination:{topic}\na\\tb:x\n\n\0".encode())
    assert "escape" in client.fail()["message"]


@spec("1.0: no escapes")
def test_backslashes_are_nothing_special_in_1_0(connect: Open, topic: str) -> None:
    assert echo(connect("1.0"), topic, b"x:\\t\\n\\\n\n\0")["x"] == "\\t\\n\\"


@spec("1.2 Repeated Header Entries: the first counts")
def test_repeated_headers(client: RawStomp, topic: str) -> None:
    message = echo(client, topic, b"foo:World\nfoo:Hello\ndestination:/topic/elsewhere\n\nx\0")
    assert message["foo"] == "World"
    assert message["destination"] == topic


@spec("1.2 Repeated Header Entries: the first counts, of content-length too")
def test_repeated_content_length(client: RawStomp, topic: str) -> None:
    assert echo(client, topic, b"content-length:3\ncontent-length:1\n\na\0b\0").body == b"a\0b"


@spec("1.2 Value Encoding: never trim")
@pytest.mark.parametrize("named", ESCAPING)
def test_blanks_around_values_stay(connect: Open, topic: str, named: str) -> None:
    message = echo(connect(named), topic, b"x:  padded \t\n y :z\n\n\0")
    assert message["x"] == "  padded \t"
    assert message[" y "] == "z"


@spec("1.2 Value Encoding: 1.0 has examples with padding, its servers trim")
def test_blanks_around_values_go_in_1_0(connect: Open, topic: str) -> None:
    client = connect("1.0")
    client.write(f"SUBSCRIBE\ndestination: {topic}\nreceipt: r \n\n\0".encode())
    assert client.expect("RECEIPT")["receipt-id"] == "r"
    client.send("SEND", {"destination": topic}, b"x")
    assert client.expect("MESSAGE").body == b"x"


@spec("1.2 Augmented BNF: a header's value may be empty")
def test_empty_values(client: RawStomp, topic: str) -> None:
    assert echo(client, topic, b"x:\n\n\0")["x"] == ""


@choice("a colon in a value needs no escape: clients forget it")
@pytest.mark.parametrize("named", ESCAPING)
def test_colons_that_are_not_escaped(connect: Open, topic: str, named: str) -> None:
    assert echo(connect(named), topic, b"x:a:b:c\n\n\0")["x"] == "a:b:c"


@spec("1.2 Value Encoding: UTF-8")
def test_headers_are_utf_8(client: RawStomp, topic: str) -> None:
    assert echo(client, topic, "기분:좋아 😀\n\n\0".encode())["기분"] == "좋아 😀"


@spec("1.2 Value Encoding: UTF-8")
def test_headers_that_are_no_utf_8(client: RawStomp, topic: str) -> None:
    client.write(f"SEND\ndestination:{topic}\nreceipt:7\n".encode() + b"x:\xff\n\n\0")
    error = client.fail()
    assert "UTF-8" in error["message"]
    assert error["receipt-id"] == "7"


@spec("1.2 Augmented BNF: header = name : value")
@pytest.mark.parametrize("line", ["novalue", ":noname", " ", "a b c"])
def test_lines_that_are_no_headers(client: RawStomp, topic: str, line: str) -> None:
    client.write(f"SEND\ndestination:{topic}\nreceipt:7\n{line}\n\n\0".encode())
    assert client.fail()["receipt-id"] == "7"


@spec("1.2 Header content-length: so many octets, NUL or not")
@pytest.mark.parametrize("body", [b"a\0b", b"\0", b"\0\0\0", b"\n\0\n", b"x" * 70_000 + b"\0y"])
def test_nul_in_bodies(client: RawStomp, topic: str, body: bytes) -> None:
    assert echo(client, topic, b"content-length:%d\n\n%b\0" % (len(body), body)).body == body


@spec("1.2 STOMP Frames: without content-length the first NUL ends the frame")
def test_without_content_length(client: RawStomp, topic: str) -> None:
    message = echo(client, topic, b"\nline\n\nline\r\n\0")
    assert message.body == b"line\n\nline\r\n"
    assert message["content-length"] == str(len(message.body))


@spec("1.2 Header content-length: of no body")
def test_content_length_0(client: RawStomp, topic: str) -> None:
    message = echo(client, topic, b"content-length:0\n\n\0")
    assert message.body == b""
    assert message["content-length"] == "0"


@spec("1.2 Header content-length: all frames may have one")
def test_content_length_of_other_frames(client: RawStomp, topic: str) -> None:
    client.done("SUBSCRIBE", {"id": "0", "destination": topic, "content-length": "0"})
    client.done("UNSUBSCRIBE", {"id": "0", "destination": topic, "content-length": "0"})


@spec("1.2 Header content-length: NUL must follow")
@pytest.mark.parametrize("length", ["1", "4"])
def test_wrong_content_length(client: RawStomp, topic: str, length: str) -> None:
    client.write(f"SEND\ndestination:{topic}\nreceipt:7\ncontent-length:{length}\n\nhello\0".encode())
    error = client.fail()
    assert "content-length" in error["message"]
    assert error["receipt-id"] == "7"


@spec("1.2 Header content-length: too many octets swallow the next frame, then NUL is missed")
def test_content_length_that_is_too_large(client: RawStomp, topic: str) -> None:
    client.write(f"SEND\ndestination:{topic}\nreceipt:7\ncontent-length:9\n\nhello\0".encode())
    client.write(b"SEND\ndestination:/topic/a\n\nx\0")
    assert "content-length" in client.fail()["message"]


@spec("1.2 Header content-length: an octet count")
@pytest.mark.parametrize("length", ["-1", "two", "", "1.0", "0x3", "+3", "1e1", "3 3", "٣"])
def test_content_length_that_is_no_number(client: RawStomp, topic: str, length: str) -> None:
    client.write(f"SEND\ndestination:{topic}\nreceipt:7\ncontent-length:{length}\n\nabc\0".encode())
    error = client.fail()
    assert "content-length" in error["message"]
    assert error["receipt-id"] == "7"


@spec("1.2 Size Limits: ERROR that says so before all of it has come")
@pytest.mark.parametrize("length", [str((1 << 20) + 1), "9" * 40])
def test_content_length_over_the_limit(client: RawStomp, topic: str, length: str) -> None:
    client.write(f"SEND\ndestination:{topic}\nreceipt:7\ncontent-length:{length}\n\n".encode())
    error = client.fail()
    assert "limit of 1048576 bytes" in error["message"]
    assert error["receipt-id"] == "7"


@spec("1.2 Size Limits: at the limit is fine")
def test_a_frame_at_the_limit(connect: Open, topic: str) -> None:
    client = connect()
    subscribe(client, topic)
    head = f"SEND\ndestination:{topic}\n\n".encode()
    body = b"x" * ((1 << 20) - len(head) - 1)
    for start in range(0, len(body), 1 << 16):
        client.write((b"" if start else head) + body[start : start + (1 << 16)])
    client.write(b"\0")
    assert client.expect("MESSAGE").body == body


@spec("1.2 Size Limits: number of headers")
def test_too_many_headers(client: RawStomp, topic: str) -> None:
    client.done("SEND", [("destination", topic), *((f"x{n}", "") for n in range(62))])
    client.send("SEND", [("destination", topic), ("receipt", "7"), *((f"x{n}", "") for n in range(63))])
    error = client.fail()
    assert "limit of 64 headers" in error["message"]
    assert error["receipt-id"] == "7"


@spec("1.2 Size Limits: length of header lines")
def test_a_long_header_line(client: RawStomp, topic: str) -> None:
    assert echo(client, topic, b"x:" + b"y" * 4094 + b"\n\n\0")["x"] == "y" * 4094
    client.send("SEND", [("destination", topic), ("receipt", "7"), ("x", "y" * 4095)])
    error = client.fail()
    assert "limit of 4096 bytes" in error["message"]
    assert error["receipt-id"] == "7"


@spec("1.2 STOMP Frames: EOL is LF or CR LF")
@pytest.mark.parametrize("eol", [b"\n", b"\r\n"], ids=["LF", "CR LF"])
def test_line_ends_of_1_2(connect: Open, topic: str, eol: bytes) -> None:
    client = connect("1.2")
    subscribe(client, topic)
    head = [b"SEND", b"destination:" + topic.encode(), b"x:y", b"", b"\r\nbody\r\n\0"]
    client.write(eol.join(head))
    message = client.expect("MESSAGE")
    assert (message["x"], message.body) == ("y", b"\r\nbody\r\n")


@spec("1.2 STOMP Frames: EOL is LF or CR LF, also mixed")
def test_mixed_line_ends(connect: Open, topic: str) -> None:
    message = echo(connect("1.2"), topic, b"x:y\r\nz:1\n\r\nbody\0")
    assert (message["x"], message["z"], message.body) == ("y", "1", b"body")


@spec("1.2 Augmented BNF: no bare CR in a header")
def test_a_bare_cr(connect: Open, topic: str) -> None:
    client = connect("1.2")
    client.write(f"SEND\ndestination:{topic}\nx:a\rb\n\n\0".encode())
    assert "CR" in client.fail()["message"]


@spec("1.1 Augmented BNF: EOL is LF; CR is data")
@pytest.mark.parametrize("named", ["1.0", "1.1"])
def test_cr_before_1_2(connect: Open, topic: str, named: str) -> None:
    client = connect(named)
    watcher = connect("1.2")
    subscribe(watcher, topic)
    client.write(f"SEND\ndestination:{topic}\nx:a\r\n\n\0".encode())
    assert watcher.expect("MESSAGE")["x"] == "a\r"


@spec("1.2 STOMP Frames: commands are case sensitive")
@pytest.mark.parametrize(
    "command", ["send", "Send", "FOO", "MESSAGE", "RECEIPT", "ERROR", "CONNECTED", "SEND "]
)
def test_unknown_commands(client: RawStomp, topic: str, command: str) -> None:
    client.send(command, {"destination": topic, "receipt": "7"})
    error = client.fail()
    assert "command" in error["message"]
    assert error["receipt-id"] == "7"


@spec("1.1 NACK is new")
def test_nack_is_unknown_in_1_0(connect: Open) -> None:
    client = connect("1.0")
    client.send("NACK", {"message-id": "1", "receipt": "7"})
    assert "NACK" in client.fail()["message"]


@spec("1.2 STOMP Frames: header names are case sensitive")
def test_header_names_have_case(client: RawStomp, topic: str) -> None:
    client.send("SEND", {"Destination": topic})
    assert "destination" in client.fail()["message"]


@spec("1.2 Body: only SEND, MESSAGE and ERROR")
@pytest.mark.parametrize("named", ESCAPING)
@pytest.mark.parametrize("length", ["", "content-length:4\n"])
@pytest.mark.parametrize("command", ["SUBSCRIBE", "UNSUBSCRIBE", "BEGIN", "ACK", "DISCONNECT"])
def test_bodies_where_none_may_be(connect: Open, topic: str, named: str, command: str, length: str) -> None:
    client = connect(named)
    head = f"id:0\nmessage-id:0\nsubscription:0\ndestination:{topic}\ntransaction:t\nreceipt:7\n{length}"
    client.write(f"{command}\n{head}\nbody\0".encode())
    error = client.fail()
    assert "body" in error["message"]
    assert error["receipt-id"] == "7"


@spec("1.0 SUBSCRIBE: the body is ignored")
def test_body_of_subscribe_in_1_0(connect: Open, topic: str) -> None:
    client = connect("1.0")
    client.done("SUBSCRIBE", {"destination": topic}, b"ignored")


@spec("1.2 Augmented BNF: NUL only ends a frame")
@pytest.mark.parametrize("wire", [b"\0", b"SEND\0", b"SEND\ndestination:/topic/a\0", b"SEND\nx\0:y\n\n\0"])
def test_nul_where_none_may_be(client: RawStomp, wire: bytes) -> None:
    client.write(wire)
    assert client.fail()["message"]


@spec("1.2 ERROR: nothing after it")
def test_nothing_is_done_after_an_error(connect: Open, served: Served, topic: str) -> None:
    watcher, client = connect(), connect()
    subscribe(watcher, topic)
    send = f"SEND\ndestination:{topic}\n\n%s\0"
    client.write((send % "before" + "NONSENSE\n\n\0" + send % "after").encode())
    client.fail()
    assert [frame.body for frame in watcher.sync()] == [b"before"]
