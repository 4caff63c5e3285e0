"""What each app does with its queue: batches, pauses, what an answer deletes."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from locshare_ext.client.phones.apps import APPS
from locshare_ext.client.phones.phone import Phone
from locshare_ext.client.phones.shapes import Handset, Reply

START = 1_795_343_525_000
OK = Reply(200, b'{"result":"ok"}')
BUSY, GONE = Reply(503), Reply(410)


def phone(app: str, fixes: int = 0, every: int = 1000) -> Phone:
    made = Phone(APPS[app], Handset("a"), "ann")
    for number in range(fixes):
        measure(made, number, every)
    return made


def measure(made: Phone, number: int, every: int = 1000, **more: Any) -> None:
    when = START + number * every
    made.measure({"time": when, "lat": 1.0 + number / 1000, "lon": 2.0}, when, **more)


def fail(made: Phone, now: float, reply: Reply | None) -> float:
    """Let one request fail; returns the pause in s until the next."""
    assert made.request(int(now)) is not None
    made.answered(now, reply)
    return (made.next_at() - now) / 1000


@pytest.mark.parametrize(
    ("app", "pauses"),
    [
        ("owntracks-android", [1, 2, 4, 8, 16, 32, 64, 120, 120]),
        ("owntracks-ios", [1, 2, 4, 8, 16, 32, 64, 64]),
        ("traccar-v10", [5, 10, 20, 40, 80, 160, 300, 300]),
        ("traccar-v8", [30, 30, 30]),
        ("gpslogger-url", [30, 60, 120]),
        ("overland", [10, 10]),
        ("osmand-old", [0.01, 0.01]),
        ("osmand", [math.inf]),
        ("traccar-v9", [math.inf]),
        ("gpslogger-dawarich", [math.inf]),
    ],
)
def test_pauses_after_failures(app: str, pauses: list[float]):
    made, now = phone(app, 3), float(START + 3000)
    for pause in pauses:
        assert fail(made, now, BUSY) == pytest.approx(pause, abs=1e-3)
        now = made.next_at()
    assert made.tally().given_up == 0
    assert made.waiting == 3


def test_what_waits_for_the_next_fix_goes_on_with_it():
    made = phone("osmand", 1)
    assert fail(made, START, None) == math.inf
    measure(made, 1)
    assert made.next_at() == START + 1000


def test_the_first_success_ends_the_pauses():
    made = phone("owntracks-android", 3)
    for _ in range(5):
        fail(made, START, BUSY)
    made.request(START)
    made.answered(START, OK)
    assert made.next_at() == START  # the next at once, one to a request
    assert fail(made, START, BUSY) == 1


@pytest.mark.parametrize("app", sorted(APPS))
def test_what_a_refusal_deletes(app: str):
    made = phone(app, 3)
    made.request(START)
    made.answered(START, GONE)
    assert made.tally().given_up == (1 if app.startswith("owntracks-ios") else 0)


def test_gpslogger_gives_a_request_up_after_three_more_tries():
    made = phone("gpslogger-url", 2)
    now = float(START)
    for _ in range(4):
        fail(made, now, BUSY)
        now = max(now, made.next_at())
    counts = made.tally()
    assert (counts.given_up, counts.waiting) == (1, 1)


def test_overland_wants_ok_in_json_and_hears_of_intervals():
    made = phone("overland", 3)
    for said in (b"", b"ok", b"[]", b'{"result":"no"}'):
        made.request(START)
        made.answered(START, Reply(200, said))
        assert made.waiting == 3
    made.request(START)
    told = msgspec.json.encode({"result": "ok", "set": {"send_interval": "2m"}})
    made.answered(START, Reply(200, told))
    assert made.waiting == 0
    measure(made, 5)
    assert made.next_at() == START + 120_000


def test_batches():
    made = phone("overland", 450)
    sizes = []
    while made.waiting:
        before = made.waiting
        made.request(START + 450_000)
        made.answered(START + 450_000, OK)
        sizes.append(before - made.waiting)
    assert sizes == [200, 200, 50]
    assert made.tally().delivered == 450
    made = phone("gpslogger-dawarich", 2)
    assert made.next_at() == math.inf
    measure(made, 2)
    assert made.next_at() < START
    made = phone("gpslogger-dawarich", 2)
    made.finish(START)
    assert made.next_at() < math.inf


def test_overland_keeps_one_fix_a_second():
    made = phone("overland", 10, every=250)
    counts = made.tally()
    assert (counts.measured, counts.waiting, counts.replaced) == (10, 3, 7)


def test_osmand_lets_old_fixes_go_unsent():
    made = phone("osmand", 1000)
    assert made.request(START + 1_000_000) is not None
    assert made.tally().given_up == 100  # of more than 15 min
    assert phone("osmand", 3).request(START + 10_000_000) is None


def test_a_clock_that_is_ahead_is_so_in_all_that_is_sent():
    made = Phone(APPS["owntracks-android"], Handset("a"), "ann", clock_error=72_000_000)
    measure(made, 0, is_offline=True)
    sent = made.request(START)
    assert sent is not None
    said = msgspec.json.decode(sent.body)
    assert (said["tst"], said["conn"]) == (START // 1000 + 72_000, "o")


def test_no_second_request_before_the_answer():
    made = phone("traccar-v10", 3)
    made.request(START)
    assert made.next_at() == math.inf
    made.answered(START, OK)
    assert made.next_at() == START
    assert made.tally().delivered == 1


def test_in_the_end_nobody_insists_on_an_invite_that_has_ended():
    made = phone("owntracks-android", 3)
    fail(made, START, GONE)
    assert made.waiting == 3
    made.finish(START)
    fail(made, START, GONE)
    counts = made.tally()
    assert (counts.waiting, counts.given_up, made.next_at()) == (0, 3, math.inf)
