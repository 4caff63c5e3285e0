from __future__ import annotations

import pytest

from locshare_ext.widget.pacing import BLIND_BYTES, CHUNK, PAGE_SILENCE, WINDOW_FRAMES, Pacing, missing


def send(
    pacing: Pacing, head: int, now: float, *, size: int = 100, is_busy: bool = False
) -> tuple[int, int] | None:
    """Send what is due; returns its range."""
    due = pacing.next_range(head, now, is_busy=is_busy)
    if due is None:
        return None
    pacing.note_sent(due[0], size, due[1], now, is_busy=is_busy)
    return due[0]


def greeted(head: int = 0) -> Pacing:
    pacing = Pacing()
    pacing.hello("page", [], 0, head, 0.0)
    return pacing


def test_nothing_is_sent_to_nobody() -> None:
    pacing = Pacing()
    assert send(pacing, 10, 0.0) is None
    assert pacing.wait(10, 0.0) is None


def test_a_page_gets_history_and_what_comes_after_it_once() -> None:
    pacing = greeted(head=10)
    assert send(pacing, 12, 0.0) == (10, 12)  # what is new comes first
    assert send(pacing, 12, 1.0) == (0, 10)
    assert send(pacing, 12, 2.0) is None


def test_history_comes_in_chunks_newest_first() -> None:
    head = CHUNK * 2 + 7
    pacing = greeted(head)
    spans = [send(pacing, head, float(now)) for now in range(3)]
    assert spans == [(CHUNK + 7, head), (7, CHUNK + 7), (0, 7)]


def test_frames_are_at_most_thirty_a_second() -> None:
    pacing = greeted()
    sent = 0
    for tick in range(1000):
        pacing.acknowledge("page", pacing.sequence, tick / 1000)
        sent += send(pacing, tick + 1, tick / 1000) is not None
    assert 28 <= sent <= 31


@pytest.mark.parametrize("uneven", [0.0, 0.004])
@pytest.mark.parametrize("period", [0.033, 0.034, 0.05])
def test_what_a_feed_brings_at_the_pace_of_frames_waits_for_none(period: float, uneven: float) -> None:
    pacing = greeted()
    waits: list[float] = []
    came: list[float] = [0.0]
    due: float | None = None

    def serve(now: float) -> float | None:
        while (span := send(pacing, len(came) - 1, now)) is not None:
            waits.extend(now - came[number + 1] for number in range(*span))
            pacing.acknowledge("page", pacing.sequence, now)
        pacing.is_beat_due(now)
        wait = pacing.wait(len(came) - 1, now)
        return None if wait is None else now + max(wait, 1e-6)

    for number in range(1, 1000):
        now = number * period + uneven * (number % 2)
        while due is not None and due < now:
            due = serve(max(due, came[-1]))
        came.append(now)
        due = serve(now)
    assert len(waits) > 990
    assert max(waits) < 0.005


def test_a_slow_page_gets_fewer_and_fuller_frames() -> None:
    pacing = greeted()
    spans = [span for tick in range(300) if (span := send(pacing, tick + 1, tick / 30)) is not None]
    assert len(spans) == WINDOW_FRAMES
    pacing.acknowledge("page", pacing.sequence, 10.0)
    assert send(pacing, 300, 10.1) == (spans[-1][1], 300)  # all that it missed, in one


def test_large_frames_fill_the_window_sooner() -> None:
    pacing = greeted()
    spans = [
        span for tick in range(30) if (span := send(pacing, tick + 1, tick / 3, size=4 << 20)) is not None
    ]
    assert len(spans) == 2


def test_a_busy_kernel_sends_on_without_acknowledgements() -> None:
    pacing = greeted()
    spans = [
        span for tick in range(3000) if (span := send(pacing, tick + 1, tick / 30, is_busy=True)) is not None
    ]
    assert len(spans) > 2000
    assert spans[-1][1] >= 2999


def test_a_busy_kernel_does_not_send_without_bound() -> None:
    pacing = greeted()
    size = 1 << 20
    spans = [
        span
        for tick in range(30 * 300)
        if (span := send(pacing, tick + 1, tick / 30, size=size, is_busy=True)) is not None
    ]
    assert len(spans) * size < BLIND_BYTES + 300 * size


def test_a_silent_page_is_dropped_and_may_come_back() -> None:
    pacing = greeted()
    pacing.hello("other", [], 0, 0, 0.0)
    assert send(pacing, 1, 0.0) == (0, 1)
    for now in range(1, int(PAGE_SILENCE) + 5):
        pacing.acknowledge("other", pacing.sequence, float(now))
        send(pacing, now + 1, float(now))
    assert pacing.pages == 1
    pacing.hello("page", [(0, 5)], 0, 20, 100.0)
    assert pacing.pages == 2
    spans = {send(pacing, 25, 100.0 + tick) for tick in range(4)}
    assert (5, 25) in spans


def test_a_page_that_was_reloaded_holds_up_no_other() -> None:
    pacing = greeted()

    def speak(page: str, first: int, last: int) -> list[tuple[int, int] | None]:
        """Send 20 frames a second, of which one page acknowledges each."""
        spans = []
        for tick in range(first, last):
            pacing.acknowledge(page, pacing.sequence, tick / 20)
            spans.append(send(pacing, tick + 1, tick / 20))
        return spans

    assert None not in speak("page", 0, 40)
    pacing.hello("again", [], 0, 40, 2.0)
    spans = speak("again", 40, 200)
    assert (0, 40) in spans
    assert None not in spans[60:]
    assert pacing.pages == 2
    speak("again", 200, 500)
    assert pacing.pages == 1


def test_quiet_pages_are_not_dropped() -> None:
    pacing = greeted()
    assert send(pacing, 0, 3600.0) is None
    assert send(pacing, 1, 3600.1) == (0, 1)
    assert pacing.pages == 1


def test_a_page_that_holds_a_part_gets_the_rest() -> None:
    pacing = Pacing()
    pacing.hello("page", [(5, 10), (20, 30)], 0, 40, 0.0)
    assert [send(pacing, 40, float(now)) for now in range(4)] == [(30, 40), (10, 20), (0, 5), None]


def test_beats_come_every_five_seconds() -> None:
    pacing = greeted()
    beats = [tick / 10 for tick in range(200) if pacing.is_beat_due(tick / 10)]
    assert beats == [0.0, 5.0, 10.0, 15.0]


def test_a_page_that_says_goodbye_gets_nothing() -> None:
    pacing = greeted()
    pacing.bye("page")
    assert send(pacing, 5, 0.0) is None


@pytest.mark.parametrize(
    ("have", "expected"),
    [
        ([], [(0, 10)]),
        ([(0, 10)], []),
        ([(3, 5)], [(0, 3), (5, 10)]),
        ([(8, 20), (0, 2)], [(2, 8)]),
        ([(20, 30)], [(0, 10)]),
    ],
)
def test_missing(have: list[tuple[int, int]], expected: list[tuple[int, int]]) -> None:
    assert missing(have, 0, 10) == expected
