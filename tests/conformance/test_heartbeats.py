"""Heart-beats: what is agreed, what is sent, what silence leads to.

Beats take seconds, so all that must be watched is watched at once; the tests then look at it.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from tests.conformance.conftest import ESCAPING, Open
from tests.conformance.helpers import choice, spec, subscribe
from tests.support.raw import BINARY, CLOSE, PONG, TEXT, Message, RawSocket, RawStomp, encode
from tests.support.served import Served

INTERVAL = 1.0  # s, the shortest that is agreed
LIFE = 5  # beats of the server, 4 s: more than the 3 s for which silence is borne


@spec("1.2 Heart-beating: CONNECTED says what the server can and wants")
@pytest.mark.parametrize("named", ESCAPING)
@pytest.mark.parametrize(
    ("client", "server"),
    [
        (None, "10000,10000"),
        ("0,0", "10000,10000"),
        ("10000,10000", "10000,10000"),
        ("4000,6000", "6000,4000"),
        ("0,5000", "5000,10000"),
        ("5000,0", "10000,5000"),
        ("60000,60000", "10000,10000"),
        ("1000,1000", "1000,1000"),
        ("1,1", "1000,1000"),
        ("999999999999,999999999999", "10000,10000"),
    ],
)
def test_what_is_agreed(connect: Open, named: str, client: str | None, server: str) -> None:
    headers = {} if client is None else {"heart_beat": client}
    assert connect(named, **headers).connected["heart-beat"] == server


@spec("1.0 knows no heart-beats")
@pytest.mark.parametrize("client", ["1000,1000", "nonsense"])
def test_none_in_1_0(connect: Open, client: str) -> None:
    assert "heart-beat" not in connect("1.0", heart_beat=client).connected


@spec("1.2 Heart-beating: two positive integers separated by a comma")
@pytest.mark.parametrize("text", ["", "1000", "1,2,3", "-1,0", "a,b", "1.5,0", "1000;1000", "٣,٣", ","])
def test_what_is_no_heart_beat(fresh: Open, served: Served, text: str) -> None:
    client = fresh()
    client.send(
        "CONNECT", {"accept-version": "1.2", "host": "h", "heart-beat": text, "passcode": served.token}
    )
    assert "heart-beat" in client.fail()["message"]


# -- what only time shows


@dataclass
class Watched:
    """What one connection saw; times in s since it began."""

    messages: list[tuple[float, Message]] = field(default_factory=list)
    ended: float | None = None
    is_alive: bool = False

    @property
    def beats(self) -> list[float]:
        return [at for at, message in self.messages if message.opcode in (TEXT, BINARY)]


def watch(
    served: Served,
    *,
    heart_beat: str,
    opcode: int = BINARY,
    live: Callable[[RawSocket], None] | None = None,
    count: int = LIFE,
    version: str = "1.2",
) -> Watched:
    """Read until `count` messages have come, or the end; `live` does something after each."""
    began, watched = time.monotonic(), Watched()
    client = RawStomp(RawSocket(served.port), opcode)
    try:
        client.connect(version, passcode=served.token, heart_beat=heart_beat)
        while len(watched.beats) < count:
            message = client.socket.receive()
            at = time.monotonic() - began
            if message is None or message.opcode == CLOSE:
                watched.ended = at
            if message is None:
                return watched
            watched.messages.append((at, message))
            if message.opcode == CLOSE:
                client.socket.send(message.payload[:2], CLOSE)
            elif live is not None:
                live(client.socket)
        watched.is_alive = client.sync() == []
    finally:
        client.socket.close()
    return watched


def quiet(served: Served) -> Watched:
    """A connection without heart-beats, while another one has some."""
    client = RawStomp(RawSocket(served.port))
    try:
        client.connect(passcode=served.token, heart_beat="0,0")
        watch(served, heart_beat="0,1000")
        watched = Watched(is_alive=client.sync() == [])
        watched.messages = [(0.0, Message(BINARY, b"\n"))] * client.beats
    finally:
        client.socket.close()
    return watched


def beat(socket: RawSocket) -> None:
    socket.send(b"\n", BINARY)


def pong(socket: RawSocket) -> None:
    socket.send(b"", PONG)


def data(socket: RawSocket) -> None:
    socket.send(encode("SEND", {"destination": "/topic/void"}, b"x"), BINARY)


SCENES: dict[str, Callable[[Served], Watched]] = {
    "text": lambda served: watch(served, heart_beat="0,1000", opcode=TEXT),
    "binary": lambda served: watch(served, heart_beat="0,1000"),
    "1.1": lambda served: watch(served, heart_beat="0,1000", version="1.1"),
    "1 ms": lambda served: watch(served, heart_beat="0,1"),
    "silent": lambda served: watch(served, heart_beat="1000,1000", count=99),
    "silent 1.1": lambda served: watch(served, heart_beat="1000,0", count=99, version="1.1"),
    "silent 1 ms": lambda served: watch(served, heart_beat="1,0", count=99),
    "beat": lambda served: watch(served, heart_beat="1000,1000", live=beat),
    "pong": lambda served: watch(served, heart_beat="1000,1000", live=pong),
    "data": lambda served: watch(served, heart_beat="1000,1000", live=data),
    "promises nothing": lambda served: watch(served, heart_beat="0,1000"),
    "quiet": quiet,
}


@pytest.fixture(scope="module")
def scenes(served: Served) -> Iterator[dict[str, Future[Watched]]]:
    with ThreadPoolExecutor(len(SCENES)) as pool:
        yield {name: pool.submit(scene, served) for name, scene in SCENES.items()}


@spec("1.2 Heart-beating: new data at least every n ms, else an EOL")
@pytest.mark.parametrize("scene", ["text", "binary", "1.1", "1 ms"])
def test_beats_come_in_time(scenes: dict[str, Future[Watched]], scene: str) -> None:
    beats = scenes[scene].result().beats
    gaps = [later - earlier for earlier, later in itertools.pairwise(beats)]
    # the busy machine may delay one, not all; what is promised exactly is tested with a clock of its own
    assert min(gaps) < INTERVAL


@choice("1 s is the shortest: nobody is promised more beats")
def test_beats_are_no_flood(scenes: dict[str, Future[Watched]]) -> None:
    # since before CONNECT, so no delay of ours can make it less
    assert scenes["1 ms"].result().beats[-1] > LIFE * INTERVAL * 0.75


@choice("a beat is one message that is exactly one LF, in the opcode of CONNECT")
@pytest.mark.parametrize(("scene", "opcode"), [("text", TEXT), ("binary", BINARY), ("1.1", BINARY)])
def test_a_beat_is_one_lf(scenes: dict[str, Future[Watched]], scene: str, opcode: int) -> None:
    assert {message for _, message in scenes[scene].result().messages} == {Message(opcode, b"\n")}


@spec("1.2 Heart-beating: tolerant of an error margin, then dead")
@pytest.mark.parametrize("scene", ["silent", "silent 1.1", "silent 1 ms"])
def test_silence_ends_the_connection(scenes: dict[str, Future[Watched]], scene: str) -> None:
    watched = scenes[scene].result()
    assert watched.ended is not None
    assert watched.ended >= 3 * INTERVAL
    assert watched.messages[-1][1].opcode == CLOSE


@spec("1.2 Heart-beating: any new data is a sign of life")
@pytest.mark.parametrize("scene", ["beat", "data"])
def test_signs_of_life(scenes: dict[str, Future[Watched]], scene: str) -> None:
    assert scenes[scene].result().is_alive


@choice("a pong is a sign of life: hidden browser tabs beat late")
def test_pongs_are_signs_of_life(scenes: dict[str, Future[Watched]]) -> None:
    assert scenes["pong"].result().is_alive


@spec("1.2 Heart-beating: who cannot send is not expected to")
def test_who_promises_nothing_may_be_silent(scenes: dict[str, Future[Watched]]) -> None:
    assert scenes["promises nothing"].result().is_alive


@spec("1.2 Heart-beating: 0,0 means none, in neither direction")
def test_no_beats_when_none_are_wanted(scenes: dict[str, Future[Watched]]) -> None:
    watched = scenes["quiet"].result()
    assert watched.is_alive
    assert watched.beats == []


@spec("1.2 Heart-beating: EOLs are no frames")
def test_beats_of_the_client_are_nothing_else(client: RawStomp, topic: str) -> None:
    subscribe(client, topic)
    for beats in (b"\n", b"\r\n", b"\n\n\n"):
        client.write(beats)
    assert client.sync() == []
