"""The corpus of nasty bytes against the running server, and the server after it."""

from __future__ import annotations

import contextlib

import pytest

from tests.conformance.conftest import Open
from tests.conformance.helpers import spec
from tests.stomp.corpus import CORPUS
from tests.support.raw import BINARY, TEXT, RawStomp

NASTY = [pytest.param(version, name) for name, nasty in CORPUS.items() for version in nasty.versions]
LEAVING = "frames behind a DISCONNECT"


def pour(client: RawStomp, wire: bytes, size: int) -> None:
    """Send in messages of `size`; the server may have enough of it before the end."""
    with contextlib.suppress(OSError):
        for start in range(0, len(wire), size):
            client.write(wire[start : start + size])


@spec("1.2 Conformance: limits against malicious inputs; ERROR, then close")
@pytest.mark.parametrize(("version", "name"), NASTY)
@pytest.mark.parametrize("size", [977, 1 << 21], ids=["pieces", "whole"])
def test_nasty(connect: Open, version: str, name: str, size: int) -> None:
    nasty, bystander = CORPUS[name], connect(version)
    client = connect(version)
    pour(client, nasty.wire, size)
    if nasty.code is not None:
        assert client.expect("ERROR")["code"] == nasty.code
    elif name == LEAVING:
        assert client.socket.wait_for_close() == 1000
    assert bystander.sync() == []


@spec("RFC 6455 5.6: what is no text does not arrive as text")
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_bytes_that_are_no_frames(connect: Open, opcode: int) -> None:
    client, bystander = connect(opcode=opcode), connect()
    client.socket.send(bytes(range(256)) * 10, opcode)
    if opcode == BINARY:
        assert client.expect("ERROR")["message"]
    while client.next() is not None:
        pass
    assert bystander.sync() == []
