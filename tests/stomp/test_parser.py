from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locshare_ext.errors import FrameError, FrameTooLarge
from locshare_ext.stomp import BEAT, Frame, FrameParser, Limits

from .helpers import byte_by_byte, cut, cuts_of, parse

# name: version, bytes, what they say
CASES: dict[str, tuple[str | None, bytes, Frame]] = {
    "bare": ("1.2", b"DISCONNECT\n\n\0", Frame("DISCONNECT")),
    "header": ("1.2", b"BEGIN\ntransaction:t\n\n\0", Frame("BEGIN", (("transaction", "t"),))),
    "body": ("1.2", b"SEND\ndestination:/a\n\nhello\0", Frame("SEND", (("destination", "/a"),), b"hello")),
    "body with line ends": ("1.2", b"SEND\n\na\n\nb\r\n\r\n\0", Frame("SEND", (), b"a\n\nb\r\n\r\n")),
    "body with NUL": (
        "1.2",
        b"SEND\ncontent-length:3\n\na\0b\0",
        Frame("SEND", (("content-length", "3"),), b"a\0b"),
    ),
    "body of NULs": (
        "1.2",
        b"SEND\ncontent-length:2\n\n\0\0\0",
        Frame("SEND", (("content-length", "2"),), b"\0\0"),
    ),
    "first content-length counts": (
        "1.2",
        b"SEND\ncontent-length:1\ncontent-length:9\n\nx\0",
        Frame("SEND", (("content-length", "1"), ("content-length", "9")), b"x"),
    ),
    "content-length 0": ("1.2", b"ACK\ncontent-length:0\n\n\0", Frame("ACK", (("content-length", "0"),))),
    "CR LF": (
        "1.2",
        b"SEND\r\ndestination:/a\r\n\r\nhi\r\n\0",
        Frame("SEND", (("destination", "/a"),), b"hi\r\n"),
    ),
    "CR LF and LF mixed": (
        "1.2",
        b"SEND\na:1\r\nb:2\n\r\nhi\0",
        Frame("SEND", (("a", "1"), ("b", "2")), b"hi"),
    ),
    "CR LF head, blank line in body": (
        "1.2",
        b"SEND\r\na:1\r\n\r\nx\n\ny\0",
        Frame("SEND", (("a", "1"),), b"x\n\ny"),
    ),
    "CR LF before a version": (None, b"CONNECT\r\nhost:h\r\n\r\n\0", Frame("CONNECT", (("host", "h"),))),
    "CR is data in 1.1": ("1.1", b"SEND\na:1\r\n\nx\0", Frame("SEND", (("a", "1\r"),), b"x")),
    "CR is data in 1.0": ("1.0", b"SEND\na:x\ry\n\n\0", Frame("SEND", (("a", "x\ry"),))),
    "escapes of 1.2": ("1.2", b"SEND\na\\cb:\\n\\r\\c\\\\\n\n\0", Frame("SEND", (("a:b", "\n\r:\\"),))),
    "escapes of 1.1": ("1.1", b"SEND\na\\cb:\\n\\c\\\\\n\n\0", Frame("SEND", (("a:b", "\n:\\"),))),
    "no escapes in 1.0": ("1.0", b"SEND\na:\\n\\t\n\n\0", Frame("SEND", (("a", "\\n\\t"),))),
    "no escapes in CONNECT": (
        None,
        b"CONNECT\npasscode:a\\tb\n\n\0",
        Frame("CONNECT", (("passcode", "a\\tb"),)),
    ),
    "no escapes in CONNECTED": ("1.2", b"CONNECTED\na:\\t\n\n\0", Frame("CONNECTED", (("a", "\\t"),))),
    "STOMP is CONNECT": (None, b"STOMP\na:\\t\n\n\0", Frame("STOMP", (("a", "\\t"),))),
    "colon in a value": ("1.2", b"SEND\na:b:c\n\n\0", Frame("SEND", (("a", "b:c"),))),
    "empty value": ("1.2", b"SEND\na:\n\n\0", Frame("SEND", (("a", ""),))),
    "padding stays in 1.2": ("1.2", b"SEND\na : b \n\n\0", Frame("SEND", (("a ", " b "),))),
    "padding goes in 1.0": ("1.0", b"SEND\ndestination: /a\n\n\0", Frame("SEND", (("destination", "/a"),))),
    "repeated": ("1.2", b"SEND\na:1\na:2\n\n\0", Frame("SEND", (("a", "1"), ("a", "2")))),
    "letters of the world": (
        "1.2",
        "SEND\ndestination:/topic/group.3학년-2반\n\n\0".encode(),
        Frame("SEND", (("destination", "/topic/group.3학년-2반"),)),
    ),
    "body may be in any frame of 1.0": ("1.0", b"ACK\n\nbody\0", Frame("ACK", (), b"body")),
    "unknown command": ("1.2", b"FOO\n\n\0", Frame("FOO")),
}


@pytest.mark.parametrize("name", CASES)
def test_case_however_it_is_cut(name: str) -> None:
    version, wire, expected = CASES[name]
    assert parse([wire], version) == [expected]
    assert parse(byte_by_byte(wire), version) == [expected]
    for place in range(1, len(wire)):
        assert parse([wire[:place], wire[place:]], version) == [expected]
    for trailing in (b"\n", b"\r\n\n", b"SEN", wire[:-1]):
        assert parse([wire + trailing], version) == [expected]
    assert parse([b"\n\r\n" + wire + b"\n" + wire + wire], version) == [expected] * 3


# name: version, bytes, code of the error, receipt that can still be read
BROKEN: dict[str, tuple[str | None, bytes, str, str | None]] = {
    "header without colon": ("1.2", b"SEND\nreceipt:7\nabc\n\n\0", "header_invalid", "7"),
    "header without name": ("1.2", b"SEND\n:abc\nreceipt:7\n\n\0", "header_invalid", "7"),
    "undefined escape": ("1.2", b"SEND\nreceipt:a\\cb\na:\\t\n\n\0", "escape_undefined", "a:b"),
    "escape of 1.2 in 1.1": ("1.1", b"SEND\na:\\r\n\n\0", "escape_undefined", None),
    "half an escape": ("1.2", b"SEND\na:b\\\n\n\0", "escape_undefined", None),
    "undefined escape in the receipt": ("1.2", b"SEND\nreceipt:\\t\n\n\0", "escape_undefined", None),
    "not UTF-8": ("1.2", b"SEND\nreceipt:7\na:\xff\n\n\0", "header_invalid", "7"),
    "bare CR in 1.2": ("1.2", b"SEND\na:b\rc\n\n\0", "header_invalid", None),
    "CR LF in 1.1": ("1.1", b"SEND\r\nreceipt:7\r\n\r\n\0", "header_invalid", "7"),
    "NUL in the headers": ("1.2", b"SEND\nreceipt:7\ndestination:/a\0", "header_invalid", "7"),
    "NUL alone": ("1.2", b"\0", "header_invalid", None),
    "NUL after the command": ("1.2", b"SEND\0", "header_invalid", None),
    "command with a space": ("1.2", b"SEND \nreceipt:7\n\n\0", "command_unknown", "7"),
    "HTTP": (None, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "command_unknown", None),
    "CR between frames": ("1.2", b"\rSEND\n\n\0", "command_unknown", None),
    "content-length in words": (
        "1.2",
        b"SEND\nreceipt:7\ncontent-length:two\n\nxx\0",
        "content_length_invalid",
        "7",
    ),
    "content-length negative": ("1.2", b"SEND\ncontent-length:-1\n\nxx\0", "content_length_invalid", None),
    "content-length empty": ("1.2", b"SEND\ncontent-length:\n\nxx\0", "content_length_invalid", None),
    "content-length of other digits": (
        "1.2",
        "SEND\ncontent-length:٣\n\nxxx\0".encode(),
        "content_length_invalid",
        None,
    ),
    "content-length too short": (
        "1.2",
        b"SEND\nreceipt:7\ncontent-length:1\n\nxx\0",
        "content_length_invalid",
        "7",
    ),
    "content-length huge": (
        "1.2",
        b"SEND\nreceipt:7\ncontent-length:" + b"9" * 2000 + b"\n\n",
        "frame_too_large",
        "7",
    ),
    "body of ACK": ("1.2", b"ACK\nid:1\nreceipt:7\n\nx\0", "body_not_allowed", "7"),
    "body of SUBSCRIBE in 1.1": ("1.1", b"SUBSCRIBE\ncontent-length:1\n\nx\0", "body_not_allowed", None),
    "receipt of CONNECT is none": (None, b"CONNECT\nreceipt:7\nabc\n\n\0", "header_invalid", None),
}


def take_all(parser: FrameParser, chunks: list[bytes]) -> None:
    for chunk in chunks:
        parser.receive_data(chunk)
        while parser.next_frame() is not None:
            pass


@pytest.mark.parametrize("name", BROKEN)
def test_broken_frame_however_it_is_cut(name: str) -> None:
    version, wire, code, receipt = BROKEN[name]
    good = b"" if version is None else b"SEND\ndestination:/a\n\n\0\n"
    for chunks in ([good + wire], byte_by_byte(good + wire), [good, wire[:5], wire[5:]]):
        parser = FrameParser(version=version)
        with pytest.raises(FrameError) as caught:
            take_all(parser, chunks)
        assert caught.value.code == code
        assert caught.value.receipt == receipt
        parser.receive_data(b"SEND\n\n\0")
        with pytest.raises(FrameError) as again:
            parser.next_frame()
        assert again.value is caught.value


def test_eols_between_frames_are_one_beat() -> None:
    parser = FrameParser(version="1.2")
    parser.receive_data(b"\n" * 1000 + b"\r\n\r")
    assert parser.next_frame() is BEAT
    assert parser.next_frame() is None
    parser.receive_data(b"\nACK\n\n\0")
    assert parser.next_frame() is BEAT
    assert parser.next_frame() == Frame("ACK")
    assert parser.next_frame() is None
    assert parser.buffered == 0


SMALL = Limits(frame=200, frame_before_connect=100, headers=3, header_line=40)


@pytest.mark.parametrize(
    ("version", "wire", "message"),
    [
        ("1.2", b"SEND\n\n" + b"x" * 300, "limit of 200 bytes"),
        ("1.2", b"SEND\n\n" + b"x" * 300 + b"\0", "limit of 200 bytes"),
        ("1.2", b"SEND\ncontent-length:300\n\n", "limit of 200 bytes"),
        (None, b"CONNECT\n\n" + b"x" * 101, "limit of 100 bytes before CONNECTED"),
        (None, b"CONNECT\ncontent-length:92\n\n", "limit of 100 bytes before CONNECTED"),
        ("1.2", b"SEND\na:1\nb:2\nc:3\nd:4\n", "limit of 3 headers"),
        ("1.2", b"SEND\na:1\nb:2\nc:3\nd:4\n\n\0", "limit of 3 headers"),
        ("1.2", b"SEND\na:" + b"x" * 39, "limit of 40 bytes"),
        ("1.2", b"SEND\na:" + b"x" * 39 + b"\n\n\0", "limit of 40 bytes"),
        ("1.2", b"X" * 41, "limit of 40 bytes"),
    ],
)
def test_over_a_limit_is_refused_at_once(version: str | None, wire: bytes, message: str) -> None:
    for chunks in ([wire], byte_by_byte(wire)):
        with pytest.raises(FrameTooLarge, match=message) as caught:
            parse(chunks, version, SMALL)
        assert caught.value.code == "frame_too_large"


def test_receipt_whose_line_has_not_ended_is_not_told() -> None:
    for wire, receipt in ((b"SEND\nreceipt:" + b"x" * 40, None), (b"SEND\nreceipt:7\na:" + b"x" * 40, "7")):
        with pytest.raises(FrameTooLarge) as caught:
            parse([wire], "1.2", SMALL)
        assert caught.value.receipt == receipt


def test_at_a_limit_is_fine() -> None:
    head = b"SEND\na:1\nb:2\nc:" + b"x" * 38 + b"\n\n"
    wire = head + b"y" * (200 - len(head) - 1) + b"\0"
    assert len(wire) == 200
    for chunks in ([wire * 2], byte_by_byte(wire * 2)):
        assert len(parse(chunks, "1.2", SMALL)) == 2


def test_limits_may_change_between_frames() -> None:
    parser = FrameParser(SMALL, "1.2")
    parser.receive_data(b"SEND\n\n\0")
    assert parser.next_frame() is not None
    parser.limits = Limits()
    parser.receive_data(b"SEND\n\n" + b"x" * 1000 + b"\0")
    assert parser.next_frame() is not None


def test_many_digits_are_no_error_of_python() -> None:
    with pytest.raises(FrameTooLarge):
        parse([b"SEND\ncontent-length:" + b"0" * 3000 + b"9" * 1000 + b"\n\n"])
    assert parse([b"SEND\ncontent-length:" + b"0" * 3000 + b"1\n\nx\0"])[0].body == b"x"


LETTERS = st.sampled_from("\\:\n\r ncr") | st.characters(exclude_categories=["Cs"], exclude_characters="\0")
NAMES = st.text(LETTERS, min_size=1, max_size=8)
VALUES = st.text(LETTERS, max_size=12)


@st.composite
def frames(draw: st.DrawFn, version: str) -> Frame:
    command = draw(st.sampled_from(["SEND", "MESSAGE", "ERROR", "SUBSCRIBE", "ACK", "RECEIPT"]))
    headers = draw(st.lists(st.tuples(NAMES, VALUES), max_size=4))
    if version == "1.0":  # what it cannot say
        headers = [
            (name.translate({10: 95, 13: 95, 58: 95}), value.translate({10: 95, 13: 95}).strip(" \t"))
            for name, value in headers
        ]
    elif version == "1.1":
        headers = [(name.replace("\r", "_"), value.replace("\r", "_")) for name, value in headers]
    headers = [(name, value) for name, value in headers if name != "content-length"]
    body = draw(st.binary(max_size=30)) if command in ("SEND", "MESSAGE", "ERROR") else b""
    if body or draw(st.booleans()):
        place = draw(st.integers(0, len(headers)))
        headers.insert(place, ("content-length", str(len(body))))
    return Frame(command, tuple(headers), body)


@given(st.sampled_from(["1.0", "1.1", "1.2"]), st.data())
def test_any_split_gives_the_same_frames(version: str, data: st.DataObject) -> None:
    sent = data.draw(st.lists(frames(version), min_size=1, max_size=4))
    between = data.draw(st.sampled_from([b"", b"\n", b"\n\n", b"\r\n"]))
    wire = between.join(frame.encode(version) for frame in sent)
    assert parse(cut(wire, data.draw(cuts_of(wire))), version) == sent


PIECES = st.sampled_from(
    [
        b"\n",
        b"\r\n",
        b"\r",
        b"\0",
        b":",
        b"\\",
        b"\\c",
        b"SEND",
        b"ACK",
        b"CONNECT",
        b"a:b",
        b"content-length:3",
        b"receipt:1",
        b"\xff",
        b"\n\n",
        b"\n\n\0",
        b"SEND\n\n",
        b"x",
    ]
)


@given(
    st.sampled_from([None, "1.0", "1.1", "1.2"]),
    st.lists(PIECES | st.binary(max_size=5), max_size=30),
    st.data(),
)
def test_garbage_raises_only_frame_errors(
    version: str | None, pieces: list[bytes], data: st.DataObject
) -> None:
    wire = b"".join(pieces)

    def run(chunks: list[bytes]) -> tuple[list[Frame], str | None]:
        parser, got = FrameParser(SMALL, version), []
        try:
            for chunk in chunks:
                parser.receive_data(chunk)
                while (frame := parser.next_frame()) is not None:
                    if isinstance(frame, Frame):
                        got.append(frame)
        except FrameError as error:
            return got, error.code
        return got, None

    whole, at_once = run([wire]), run(byte_by_byte(wire))
    assert run(cut(wire, data.draw(cuts_of(wire))))[0] == whole[0] == at_once[0]
    assert (whole[1] is None) == (at_once[1] is None)


def feeding_time(chunks: list[bytes]) -> float:
    """Return the seconds of processor that chunks take; frames are let go, as keeping them costs too."""
    best = float("inf")
    for _ in range(3):
        parser = FrameParser(Limits(frame=1 << 24))
        parser.version = "1.2"
        started = time.process_time()
        for chunk in chunks:
            parser.receive_data(chunk)
            while parser.next_frame() is not None:
                pass
        best = min(best, time.process_time() - started)
    return best


@pytest.mark.parametrize(
    "kind", ["body", "body with length", "beats", "headers", "CR LF frames", "one chunk"]
)
def test_time_is_linear(kind: str) -> None:
    def chunks(size: int) -> list[bytes]:
        if kind == "body":
            return byte_by_byte(b"SEND\n\n" + b"x" * size + b"\0")
        if kind == "body with length":
            return byte_by_byte(b"SEND\ncontent-length:%d\n\n" % size + b"\n\n" * (size // 2) + b"\0")
        if kind == "beats":
            return byte_by_byte(b"\n" * size)
        if kind == "headers":
            return byte_by_byte((b"SEND\n" + b"a:%b\n" % (b"x" * 900) * 60 + b"\n\0") * (size // 54_000 + 1))
        if kind == "CR LF frames":
            return [b"ACK\r\nid:1\r\n\r\n\0" * (size // 4)]
        return [b"SEND\ncontent-length:3\n\na\0b\0" * (size // 4)]

    # sixteen times as much: 16 when linear, towards 256 when every byte looks at all before it;
    # half way on the scale of factors, as a busy machine is uneven
    assert feeding_time(chunks(1 << 19)) < 64 * feeding_time(chunks(1 << 15))
