from __future__ import annotations

import pytest

from locshare_ext.errors import FrameError
from locshare_ext.stomp import Due, HeartBeat, ServerConnection
from locshare_ext.stomp.heartbeat import negotiate, parse_heart_beat


@pytest.mark.parametrize(
    ("client", "ours", "expected"),
    [
        ((0, 0), (10_000, 10_000), (10_000, 10_000)),
        ((10_000, 10_000), (10_000, 10_000), (10_000, 10_000)),
        ((60_000, 30_000), (10_000, 10_000), (10_000, 10_000)),
        ((1_000, 4_000), (10_000, 10_000), (4_000, 1_000)),
        ((1, 5), (10_000, 10_000), (1_000, 1_000)),
        ((1_000, 1_000), (0, 10_000), (0, 1_000)),
        ((1_000, 1_000), (10_000, 0), (1_000, 0)),
        ((1, 1), (500, 500), (500, 500)),  # offered on purpose
    ],
)
def test_our_answer(client: tuple[int, int], ours: tuple[int, int], expected: tuple[int, int]) -> None:
    assert negotiate(client, ours) == expected


@pytest.mark.parametrize(
    "text", ["", "1", "1,", "1,2,3", "-1,0", "a,b", "1.5,0", "1, 2", "٣,٣", "9" * 4500 + ",0"]
)
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(FrameError) as caught:
        parse_heart_beat(text)
    assert caught.value.field == "heart-beat"


def test_huge_intervals_are_cut() -> None:
    assert parse_heart_beat("999999999999999,0") == (1 << 31, 0)


def test_beat_is_due_before_the_interval_ends() -> None:
    heart = HeartBeat(10.0, None, 100.0)
    assert heart.next_deadline() == pytest.approx(108.0)
    assert heart.on_time(107.9) is None
    assert heart.on_time(108.0) is Due.BEAT
    assert heart.on_time(108.0) is None
    assert heart.next_deadline() == pytest.approx(116.0)
    heart.sent(110.0)
    assert heart.next_deadline() == pytest.approx(118.0)


def test_silence_of_three_intervals_is_the_end() -> None:
    heart = HeartBeat(None, 10.0, 100.0)
    assert heart.next_deadline() == pytest.approx(130.0)
    heart.heard(105.0)
    assert heart.on_time(134.9) is None
    assert heart.on_time(135.0) is Due.TIMEOUT


def test_end_comes_before_a_beat() -> None:
    assert HeartBeat(10.0, 1.0, 0.0).on_time(50.0) is Due.TIMEOUT


def test_nothing_agreed_is_never_due() -> None:
    heart = HeartBeat(None, None, 0.0)
    assert heart.next_deadline() is None
    assert heart.on_time(1e9) is None


def opened(header: bytes, version: bytes = b"1.2") -> ServerConnection:
    connection = ServerConnection()
    connection.receive_data(b"CONNECT\naccept-version:%b\nhost:h\n%b\n\0" % (version, header), 100.0)
    assert connection.next_deadline() is None  # nothing is owed before CONNECTED
    assert connection.on_time(1e9) is None
    connection.accept("s", "ann")
    return connection


def test_connection_agrees_by_both_headers() -> None:
    connection = opened(b"heart-beat:20000,2000\n")
    assert connection.heart_beat.send_interval == 2.0
    assert connection.heart_beat.receive_interval == 20.0
    assert connection.next_deadline() == pytest.approx(101.6)
    assert connection.on_time(101.6) is Due.BEAT
    assert connection.beat() == b"\n"


def test_client_without_the_header_gets_no_beats() -> None:
    assert opened(b"").next_deadline() is None
    assert opened(b"heart-beat:0,0\n").next_deadline() is None


def test_version_1_0_has_no_beats() -> None:
    assert opened(b"heart-beat:1000,1000\n", b"1.0").next_deadline() is None


def test_any_data_is_life_but_asking_is_not() -> None:
    connection = opened(b"heart-beat:10000,0\n")
    connection.receive_data(b"SEN", 120.0)
    assert connection.next_deadline() == pytest.approx(150.0)
    connection.receive_data(b"", 140.0)
    assert connection.next_deadline() == pytest.approx(150.0)
    connection.heard(141.0)
    assert connection.on_time(170.9) is None
    assert connection.on_time(171.0) is Due.TIMEOUT
