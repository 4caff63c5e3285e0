"""Bytes as an enemy sends them: the same however they are cut, only known errors, linear work."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locshare_ext.errors import FrameError
from locshare_ext.stomp import Frame, FrameParser, Limits, ServerConnection
from locshare_ext.stomp import parser as parser_module
from locshare_ext.stomp.events import ClientEvent
from tests.support import raw

from .corpus import CORPUS
from .helpers import byte_by_byte, connected, cut, cuts_of

# what FrameError may say; a code that is not here is a bug, here or there
CODES = {
    "already_connected",
    "body_not_allowed",
    "command_unknown",
    "content_length_invalid",
    "escape_undefined",
    "frame_too_large",
    "header_invalid",
    "header_missing",
    "heart_beat_invalid",
    "not_connected",
    "subscription_taken",
    "subscription_unknown",
    "too_many_subscriptions",
    "too_many_transactions",
    "transaction_taken",
    "transaction_unknown",
    "version_not_supported",
}


def talk(connection: ServerConnection, chunks: list[bytes]) -> tuple[list[ClientEvent], str | None]:
    """Return what a client asks for, and the code of what ended it."""
    asked: list[ClientEvent] = []
    try:
        for chunk in chunks:
            data = chunk
            while events := connection.receive_data(data, 0.0):
                asked += events
                data = b""
    except FrameError as error:
        assert error.code in CODES
        [answer] = raw.decode(connection.error_for(error), raw.BINARY, connection.version)
        assert (answer["message"], answer["receipt-id"]) == (error.message, error.receipt)
        return asked, error.code
    return asked, None


NASTY = [pytest.param(version, name) for name, nasty in CORPUS.items() for version in nasty.versions]


@pytest.mark.parametrize(("version", "name"), NASTY)
def test_nasty(version: str, name: str) -> None:
    nasty = CORPUS[name]
    whole = talk(connected(version), [nasty.wire])
    assert (len(whole[0]), whole[1]) == (nasty.asks, nasty.code)
    for size in (1, 2, 3, 7, 1000):
        if len(nasty.wire) / size < 500_000:
            chunks = cut(nasty.wire, range(0, len(nasty.wire), size))
            assert talk(connected(version), chunks) == whole


@given(st.data())
def test_nasty_however_it_is_cut(data: st.DataObject) -> None:
    version, name = data.draw(st.sampled_from([param.values for param in NASTY]))
    wire = CORPUS[str(name)].wire
    pieces = cut(wire, data.draw(cuts_of(wire)))
    assert talk(connected(str(version)), pieces) == talk(connected(str(version)), [wire])


SESSION = (
    b"SUBSCRIBE\nid:1\ndestination:/topic/a\nack:client\n\n\0\n"
    b"SEND\ndestination:/topic/a\ncontent-length:3\nreceipt:r\\c1\n\na\0b\0"
    b"BEGIN\ntransaction:t\n\n\0SEND\ndestination:/topic/a\ntransaction:t\n\nx\0"
    b"ACK\nid:7\nmessage-id:7\nsubscription:1\ntransaction:t\n\n\0\r\n\nCOMMIT\ntransaction:t\n\n\0"
    b"UNSUBSCRIBE\nid:1\n\n\0\nDISCONNECT\nreceipt:end\n\n\0"
)
INSERTS = st.sampled_from([b"\0", b"\n", b"\r", b":", b"\\", b"\xff", b"\n\n", b"9", b"\0\n\0", b"SEND\n"])


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A good session with some bytes taken away, put in, changed or sent twice."""
    wire = bytearray(SESSION)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(wire)))
        end = min(len(wire), start + draw(st.integers(0, 6)))
        piece = bytes(wire[start:end])
        wire[start:end] = draw(
            st.sampled_from([b"", piece * 2, piece[::-1]]) | INSERTS | st.binary(max_size=4)
        )
    return bytes(wire)


@given(st.sampled_from([None, "1.0", "1.1", "1.2"]), mutated(), st.data())
def test_a_damaged_session(version: str | None, wire: bytes, data: st.DataObject) -> None:
    def begin() -> ServerConnection:
        return ServerConnection() if version is None else connected(version)

    whole = talk(begin(), [wire])
    # which of two faults is seen first may depend on the cut; what was asked before never does
    for pieces in (byte_by_byte(wire), cut(wire, data.draw(cuts_of(wire)))):
        asked, code = talk(begin(), pieces)
        assert asked == whole[0]
        assert (code is None) == (whole[1] is None)


@given(st.sampled_from([None, "1.0", "1.1", "1.2"]), st.binary(max_size=300), st.data())
def test_any_bytes(version: str | None, wire: bytes, data: st.DataObject) -> None:
    def begin() -> ServerConnection:
        return ServerConnection() if version is None else connected(version)

    whole = talk(begin(), [wire])
    pieces = cut(wire, data.draw(cuts_of(wire)))
    assert talk(begin(), pieces)[0] == whole[0]


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=20)


@given(
    st.sampled_from(["1.1", "1.2"]),
    st.dictionaries(TEXT.filter(bool), TEXT, max_size=5),
    st.binary(max_size=50),
)
def test_another_encoder_and_decoder_agree(version: str, headers: dict[str, str], body: bytes) -> None:
    headers.pop("content-length", None)
    given_length = {**headers, "content-length": str(len(body))}
    parser = FrameParser(version=version)
    parser.receive_data(raw.encode("SEND", given_length, body, version))
    assert parser.next_frame() == Frame("SEND", tuple(given_length.items()), body)
    [frame] = raw.decode(Frame("MESSAGE", tuple(headers.items()), body).encode(version), raw.TEXT, version)
    assert dict(frame.headers) == (given_length if body else headers)
    assert frame.body == body


# -- work


class Counted(bytearray):
    """The parser's buffer, with a count of the bytes that were looked at, copied or added."""

    looked = 0

    def find(self, what: bytes, start: int = 0, end: int | None = None) -> int:  # type: ignore[override]
        end = len(self) if end is None else end
        found = super().find(what, start, end)
        Counted.looked += max(0, (end if found < 0 else found) - start)
        return found

    def __getitem__(self, place: slice | int) -> bytearray | int:  # type: ignore[override]
        got = super().__getitem__(place)
        Counted.looked += len(got) if isinstance(got, bytearray) else 1
        return got

    def __iadd__(self, data: bytes) -> Counted:  # type: ignore[override,misc]
        Counted.looked += len(data)
        super().__iadd__(data)
        return self


BOMBS: dict[str, Callable[[int], bytes]] = {
    "one body": lambda size: b"SEND\n\n" + b"x" * size + b"\0",
    "one body with its length": lambda size: b"SEND\ncontent-length:%d\n\n%b\0" % (size, b"\n" * size),
    "a body of NULs": lambda size: b"SEND\ncontent-length:%d\n\n%b\0" % (size, b"\0" * size),
    "headers": lambda size: (b"SEND\n" + b"x:%b\n" % (b"y" * 1000) * 60 + b"\n\0") * (size // 60_000 + 1),
    "escapes": lambda size: (b"SEND\n" + b"x:%b\n" % (b"\\\\" * 500) * 60 + b"\n\0") * (size // 60_000 + 1),
    "small frames": lambda size: b"ACK\nid:1\n\n\0\n" * (size // 12),
    "EOLs": lambda size: b"\r\n" * (size // 2),
    "a long command": lambda size: b"S" * 4000 + b"\n",
}


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("drops", [1, 7, 1000])
def test_drip_feeding_is_linear_work(bomb: str, drops: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parser_module, "bytearray", Counted, raising=False)

    def work(size: int) -> float:
        wire, Counted.looked = BOMBS[bomb](size), 0
        parser = FrameParser(Limits(frame=1 << 24), "1.2")
        with contextlib.suppress(FrameError):  # some bombs are refused; that is work too
            for start in range(0, len(wire), drops):
                parser.receive_data(wire[start : start + drops])
                while parser.next_frame() is not None:
                    pass
        return Counted.looked / len(wire)

    small, large = work(1 << 12), work(1 << 17)
    # looks at each byte: when every drop looked at all before it, this would be thousands
    assert large < 2 * small + 8
    assert large < 16
