"""Feeding bytes in every way that a network may cut them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from hypothesis import strategies as st

from locshare_ext.stomp import BEAT, Frame, FrameParser, Limits, ServerConnection
from locshare_ext.stomp.events import ClientEvent

CONNECTS = {
    "1.0": b"CONNECT\n\n\0",
    "1.1": b"CONNECT\naccept-version:1.1\nhost:h\n\n\0",
    "1.2": b"CONNECT\naccept-version:1.2\nhost:h\n\n\0",
}


def parse(chunks: Iterable[bytes], version: str | None = "1.2", limits: Limits | None = None) -> list[Frame]:
    """Return the frames of the chunks, beats left out; asks after every chunk."""
    parser = FrameParser(limits, version)
    frames = []
    for chunk in chunks:
        parser.receive_data(chunk)
        while (frame := parser.next_frame()) is not None:
            if frame is not BEAT:
                assert isinstance(frame, Frame)
                frames.append(frame)
    return frames


def byte_by_byte(data: bytes) -> list[bytes]:
    return [data[index : index + 1] for index in range(len(data))]


def cut(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    places = sorted({0, *cuts, len(data)})
    return [data[start:end] for start, end in itertools.pairwise(places)]


def cuts_of(data: bytes) -> st.SearchStrategy[set[int]]:
    return st.sets(st.integers(0, len(data)), max_size=20)


def connected(version: str, limits: Limits | None = None) -> ServerConnection:
    connection = ServerConnection(limits=limits)
    connection.receive_data(CONNECTS[version], 0.0)
    connection.accept("session-1", "ann")
    return connection


def drain(connection: ServerConnection, chunks: Sequence[bytes], now: float = 0.0) -> list[ClientEvent]:
    """Return all events, as a server takes them: again and again until nothing comes."""
    found: list[ClientEvent] = []
    for chunk in chunks:
        data = chunk
        while events := connection.receive_data(data, now):
            found += events
            data = b""
    return found
