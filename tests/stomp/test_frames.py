from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locshare_ext.errors import FrameError
from locshare_ext.stomp import Frame, encode_message, user_headers
from locshare_ext.stomp.frames import unescape

from .helpers import parse

SPECIAL = "a\\b\nc:d\re"


@pytest.mark.parametrize(
    ("version", "command", "expected"),
    [
        ("1.0", "MESSAGE", b"MESSAGE\nx:a\\b c:d e\n\n\0"),  # no escapes: a line end must not forge a header
        ("1.1", "MESSAGE", b"MESSAGE\nx:a\\\\b\\nc\\cd\re\n\n\0"),
        ("1.2", "MESSAGE", b"MESSAGE\nx:a\\\\b\\nc\\cd\\re\n\n\0"),
        ("1.2", "ERROR", b"ERROR\nx:a\\\\b\\nc\\cd\\re\n\n\0"),
        ("1.2", "CONNECTED", b"CONNECTED\nx:a\\b c:d e\n\n\0"),  # 1.2 "Value Encoding"
        ("1.2", "CONNECT", b"CONNECT\nx:a\\b c:d e\n\n\0"),
        (None, "ERROR", b"ERROR\nx:a\\b c:d e\n\n\0"),
    ],
)
def test_escapes_of_each_version(version: str | None, command: str, expected: bytes) -> None:
    assert Frame(command, (("x", SPECIAL),)).encode(version) == expected


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_names_are_escaped_as_values_are(version: str) -> None:
    frame = Frame("SEND", (("destination", "/d"), ("a:b\\\n", "v")))
    assert frame.encode(version) == b"SEND\ndestination:/d\na\\cb\\\\\\n:v\n\n\0"
    assert parse([frame.encode(version)], version) == [frame]


def test_nul_never_gets_into_a_header() -> None:
    for version in ("1.0", "1.1", "1.2"):
        assert b"a b" in Frame("MESSAGE", (("x", "a\0b"),)).encode(version)


def test_content_length_is_added_to_a_body() -> None:
    assert Frame("SEND", (), b"a\0b").encode("1.2") == b"SEND\ncontent-length:3\n\na\0b\0"
    assert (
        Frame("SEND", (("content-length", "1"), ("a", "b")), b"x").encode("1.2").count(b"content-length") == 1
    )


def test_wrong_content_length_is_refused() -> None:
    with pytest.raises(ValueError, match="'2' is given for a body of 1 bytes"):
        Frame("SEND", (("content-length", "2"),), b"x").encode("1.2")


def test_first_of_repeated_headers_counts() -> None:
    frame = Frame("SEND", (("a", "1"), ("a", "2")))
    assert frame.get("a") == "1"
    assert frame.get("b") is None
    assert frame.get("b", "3") == "3"


@pytest.mark.parametrize(
    ("text", "version"), [("\\t", "1.2"), ("\\r", "1.1"), ("a\\", "1.1"), ("a\\", "1.2"), ("\\C", "1.2")]
)
def test_undefined_escapes_are_refused(text: str, version: str) -> None:
    with pytest.raises(FrameError, match="undefined in STOMP") as caught:
        unescape(text, version)
    assert caught.value.code == "escape_undefined"


def test_escapes_are_read_once() -> None:
    assert unescape("\\\\n", "1.2") == "\\n"  # not a line end
    assert unescape("\\\\\\n\\c\\r", "1.2") == "\\\n:\r"


LETTERS = st.sampled_from("\\:\n\r ncr") | st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXT = st.text(LETTERS, max_size=12)


@pytest.mark.parametrize("special", ["\\", "\n", ":", "\r", "\0"])
@pytest.mark.parametrize(
    "place", ["destination", "subscription", "message_id", "content_type", "name", "value"]
)
@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2"])
def test_fast_message_is_the_frame_to_the_letter(special: str, place: str, version: str) -> None:
    given = dict.fromkeys(["destination", "subscription", "message_id", "content_type", "name", "value"], "v")
    given[place] = f"a{special}b"
    name, value = given.pop("name"), given.pop("value")
    wire = encode_message(version=version, body=b"x", headers=[(name, value)], **given)
    headers = (
        ("destination", given["destination"]),
        ("message-id", given["message_id"]),
        ("subscription", given["subscription"]),
        ("content-type", given["content_type"]),
        (name, value),
        ("content-length", "1"),
    )
    assert wire == Frame("MESSAGE", headers, b"x").encode(version)


@given(
    st.sampled_from(["1.1", "1.2"]),
    TEXT,
    TEXT,
    TEXT,
    st.none() | TEXT,
    st.binary(max_size=40),
    st.lists(TEXT, max_size=2),
)
def test_message_can_be_read_back(
    version: str,
    destination: str,
    subscription: str,
    message_id: str,
    content_type: str | None,
    body: bytes,
    values: list[str],
) -> None:
    headers = [(f"h{index}", value) for index, value in enumerate(values)]
    wire = encode_message(
        version=version,
        destination=destination,
        subscription=subscription,
        message_id=message_id,
        content_type=content_type,
        body=body,
        headers=headers,
    )
    [frame] = parse([wire], version)
    expected = {
        "destination": destination,
        "subscription": subscription,
        "message-id": message_id,
        "content-length": str(len(body)),
        **dict(headers),
    }
    if content_type is not None:
        expected["content-type"] = content_type
    assert frame.command == "MESSAGE"
    assert frame.body == body
    assert dict(frame.headers) == expected
    assert len(frame.headers) == len(expected)


def test_message_to_an_unnamed_subscription_has_no_subscription() -> None:
    wire = encode_message(
        version="1.0",
        destination="/topic/a:b",
        subscription=None,
        message_id="m",
        content_type=None,
        body=b"",
    )
    assert wire == b"MESSAGE\ndestination:/topic/a:b\nmessage-id:m\ncontent-length:0\n\n\0"


def test_no_value_forges_a_header_of_a_message() -> None:
    for version in ("1.0", "1.1", "1.2"):
        wire = encode_message(
            version=version,
            destination="/topic/a",
            subscription="1\nevil:yes",
            message_id="m",
            content_type="t",
            body=b"",
            headers=[("x\nevil:a\n\n", "v\nevil:b")],
        )
        [frame] = parse([wire], version)
        assert frame.get("evil") is None


def test_hop_headers_do_not_travel() -> None:
    headers = (
        ("destination", "/d"),
        ("receipt", "1"),
        ("transaction", "t"),
        ("passcode", "secret"),
        ("content-length", "3"),
        ("colour", "red"),
        ("colour", "blue"),
    )
    assert user_headers(headers) == (("colour", "red"),)
