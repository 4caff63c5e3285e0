"""WebSocket frames of a client, as a server reads them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locshare_ext.server import websocket
from locshare_ext.server.websocket import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    FrameReader,
    accept_key,
    close_code,
    close_frame,
    message,
    unmask_slowly,
)

MASK = b"\x37\xfa\x21\x3d"


def client_frame(
    payload: bytes = b"", opcode: int = BINARY, *, fin: bool = True, mask: bytes = MASK, wide: int = 0
) -> bytes:
    """Return a client's frame; wide: bytes of the length field, 0 for the shortest."""
    size = len(payload)
    wide = wide or (0 if size < 126 else 2 if size < 1 << 16 else 8)
    head = bytes(((0x80 if fin else 0) | opcode, 0x80 | {0: size, 2: 126, 8: 127}[wide]))
    plain = payload + b"\0" * (-size % 4)
    key = int.from_bytes(mask * (len(plain) // 4), "big")
    masked = (int.from_bytes(plain, "big") ^ key).to_bytes(len(plain), "big")[:size]
    return head + (size.to_bytes(wide, "big") if wide else b"") + mask + masked


def read(*parts: bytes) -> tuple[list[tuple[int, bytes]], FrameReader]:
    reader = FrameReader()
    return [one for part in parts for one in reader.receive(part)], reader


def joined(found: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Join what data frames brought in pieces, between control frames."""
    out: list[tuple[int, bytes]] = []
    for opcode, payload in found:
        if out and out[-1][0] == opcode < CLOSE:
            out[-1] = (opcode, out[-1][1] + payload)
        elif payload or opcode >= CLOSE:
            out.append((opcode, payload))
    return out


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 200_000])
@pytest.mark.parametrize("mask", [MASK, b"\0\0\0\0"])
def test_a_message_of_any_size(size: int, mask: bytes) -> None:
    payload = bytes(range(256)) * (size // 256 + 1)
    found, reader = read(client_frame(payload[:size], mask=mask))
    assert found == ([(BINARY, payload[:size])] if size or found else [])
    assert reader.fault is None


def test_messages_of_one_read_come_together() -> None:
    data = (
        client_frame(b"one", TEXT) + client_frame(b"", PING) + client_frame(b"two") + client_frame(b"x", PONG)
    )
    assert read(data)[0] == [(TEXT, b"one"), (PING, b""), (BINARY, b"two"), (PONG, b"x")]


def test_control_frames_come_between_fragments() -> None:
    data = client_frame("né".encode()[:2], TEXT, fin=False) + client_frame(b"hi", PING)
    found, reader = read(data + client_frame("né".encode()[2:], 0) + client_frame(b"next"))
    assert joined(found) == [(TEXT, b"n\xc3"), (PING, b"hi"), (TEXT, b"\xa9"), (BINARY, b"next")]
    assert reader.fault is None


_PAYLOADS = st.one_of(st.binary(max_size=40), st.binary(min_size=120, max_size=300))


@st.composite
def _frames(draw: st.DrawFn) -> tuple[bytes, list[tuple[int, bytes]]]:
    """Return a client's bytes, and what they mean."""
    wire, meant = b"", []
    for _ in range(draw(st.integers(1, 5))):
        opcode = draw(st.sampled_from((TEXT, BINARY)))
        parts = [draw(_PAYLOADS) for _ in range(draw(st.integers(1, 3)))]
        if opcode == TEXT:
            parts = [draw(st.text(max_size=60)).encode() for _ in parts]
            whole = b"".join(parts)
            cut = draw(st.integers(0, len(whole)))
            parts = [whole[:cut], whole[cut:]]
        for number, part in enumerate(parts):
            mask = draw(st.binary(min_size=4, max_size=4))
            is_last = number == len(parts) - 1
            wire += client_frame(part, opcode if number == 0 else 0, fin=is_last, mask=mask)
            meant.append((opcode, part))
            if not is_last and draw(st.booleans()):
                ping = draw(st.binary(max_size=125))
                wire += client_frame(ping, PING, mask=mask)
                meant.append((PING, ping))
    return wire, meant


@given(_frames(), st.data())
def test_any_cut_gives_the_same(frames: tuple[bytes, list[tuple[int, bytes]]], data: st.DataObject) -> None:
    wire, meant = frames
    cuts = sorted(data.draw(st.sets(st.integers(0, len(wire)), max_size=12)))
    parts = [wire[start:end] for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
    found, reader = read(*parts)
    assert reader.fault is None
    assert joined(found) == joined(meant)
    assert joined(read(*(wire[at : at + 1] for at in range(len(wire))))[0]) == joined(meant)


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_garbage_is_a_fault_or_nothing(parts: list[bytes]) -> None:
    _, reader = read(*parts)
    assert reader.fault is None or reader.fault.code in (1002, 1007)
    if reader.fault is not None:
        assert reader.receive(client_frame(b"late")) == []


BAD = {
    "unmasked": (b"\x82\x03abc", 1002),
    "reserved bit 1": (b"\xc2\x80", 1002),
    "reserved bit 3": (b"\x92\x80", 1002),
    "opcode 3": (b"\x83\x80", 1002),
    "opcode 11": (b"\x8b\x80", 1002),
    "long ping": (b"\x89\xfe", 1002),
    "fragmented ping": (b"\x09\x80", 1002),
    "nothing to continue": (client_frame(b"x", 0), 1002),
    "nothing to continue, not the last": (client_frame(b"x", 0, fin=False), 1002),
    "two beginnings": (client_frame(b"x", TEXT, fin=False) + client_frame(b"y", BINARY), 1002),
    "negative length": (b"\x82\xff" + b"\xff" * 8 + MASK, 1002),
    "no UTF-8": (client_frame(b"a\xff", TEXT), 1007),
    "no UTF-8 in pieces": (client_frame(b"\xc3", TEXT, fin=False) + client_frame(b"\x28", 0), 1007),
    "half a character": (client_frame(b"\xc3", TEXT, fin=False) + client_frame(b"", 0), 1007),
    "a surrogate": (client_frame(b"\xed\xa0\x80", TEXT), 1007),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("is_cut", [False, True])
def test_what_breaks_the_protocol(case: str, is_cut: bool) -> None:
    bad, code = BAD[case]
    wire = client_frame(b"before") + bad + client_frame(b"after")
    found, reader = read(*((wire[at : at + 1] for at in range(len(wire))) if is_cut else (wire,)))
    assert joined(found)[0] == (BINARY, b"before") or joined(found)[0][1].startswith(b"before")
    assert b"after" not in b"".join(payload for _, payload in found)
    assert reader.fault is not None
    assert reader.fault.code == code


def test_text_may_be_cut_inside_a_character() -> None:
    wire = client_frame("日本語".encode(), TEXT)
    found, reader = read(*(wire[at : at + 1] for at in range(len(wire))))
    assert joined(found) == [(TEXT, "日本語".encode())]
    assert reader.fault is None


def test_a_longer_length_field_than_needed_is_taken() -> None:
    assert read(client_frame(b"abc", wide=2) + client_frame(b"def", wide=8))[0] == [
        (BINARY, b"abc"),
        (BINARY, b"def"),
    ]


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_time_is_linear(step: int) -> None:
    def seconds(count: int) -> float:
        wire = client_frame(b"x" * 20, fin=False) + client_frame(b"y" * 10, 0, fin=False) * count
        wire += client_frame(b"z" * 500 * count, 0)
        reader, start = FrameReader(), time.process_time()
        for at in range(0, len(wire), step):
            reader.receive(wire[at : at + step])
        assert reader.fault is None
        return time.process_time() - start

    size = 20 if step == 1 else 200
    small = min(seconds(size) for _ in range(3))
    assert min(seconds(size * 8) for _ in range(2)) < 8 * 4 * max(small, 0.0005)


@given(st.binary(min_size=4, max_size=4), st.binary(max_size=300))
def test_unmasking_without_the_compiled_helper(mask: bytes, data: bytes) -> None:
    assert unmask_slowly(mask, data) == websocket._unmask(mask, data)


def test_what_a_server_sends() -> None:
    assert message(b"hi", TEXT) == b"\x81\x02hi"
    assert message(b"x" * 200, BINARY)[:4] == b"\x82\x7e\x00\xc8"
    assert message(b"x" * 70_000, BINARY)[:10] == b"\x82\x7f" + (70_000).to_bytes(8, "big")
    assert close_frame(1002, "é" * 100)[:2] == bytes((0x88, 124))
    assert close_frame(None) == b"\x88\x00"
    assert accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 1.3


@pytest.mark.parametrize("payload", [b"", b"\x03\xe8", b"\x03\xe8bye", b"\x0b\xb8"])
def test_close_codes_that_may_be_sent(payload: bytes) -> None:
    assert close_code(payload) == (int.from_bytes(payload[:2], "big") if payload else None)


@pytest.mark.parametrize(
    "payload", [b"\x03", b"\x03\xed", b"\x03\xee", b"\x00\x00", b"\x13\x88", b"\x03\xe8\xff"]
)
def test_close_codes_that_may_not(payload: bytes) -> None:
    with pytest.raises(ValueError, match=r"close code|utf-8"):
        close_code(payload)
