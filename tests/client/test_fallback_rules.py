"""The rules by which a transport is chosen; no clock, no network."""

from __future__ import annotations

import pytest

from locshare_ext.client.connection import CUT, NOT_REACHED, REFUSED_UPGRADE, SILENT
from locshare_ext.client.endings import judge, silence_of
from locshare_ext.client.ladder import AUTO, RUNGS, Ending, Ladder, Rules, check_transport
from locshare_ext.errors import (
    AccessDenied,
    Gone,
    InvalidInput,
    LocShareError,
    NotFound,
    ServerNotFound,
    ServerUnreachable,
    Unavailable,
)
from locshare_ext.transports.refusals import FOREIGN

RULES = Rules(strikes=2, short_life=60, cuts=3, first_look=30, longest_look=600)


def ladder(*rungs: str) -> Ladder:
    return Ladder(rungs or RUNGS, RULES, jitter=lambda: 1.0)


def live(one: Ladder, begin: float, end: float, ending: Ending = Ending.CUT) -> bool:
    one.lived(begin)
    return one.ended(ending, end)


def on_sse(now: float = 0.0) -> Ladder:
    one = ladder()
    assert one.ended(Ending.BARRED, now, "HTTP 403")
    assert one.rung == "sse"
    return one


def test_it_begins_at_the_top_and_says_nothing_of_it() -> None:
    one = ladder()
    assert (one.rung, one.reason, one.look_at, one.higher()) == ("stomp", "", None, [])


def test_what_is_barred_is_left_at_once_and_said() -> None:
    one = on_sse()
    assert one.reason == "WebSocket does not get through"
    assert one.detail == "HTTP 403"
    assert one.ended(Ending.BARRED, 10.0, "no hello")
    assert one.rung == "long polling"
    assert one.reason == "WebSocket and SSE do not get through"
    assert one.detail == "HTTP 403; no hello"


def test_an_accident_counts_when_it_happens_again() -> None:
    one = ladder()
    assert not one.ended(Ending.FAILED, 0.0)
    assert one.rung == "stomp"
    assert one.ended(Ending.FAILED, 1.0)
    assert one.rung == "sse"


@pytest.mark.parametrize("between", [Ending.UNREACHED, Ending.SAID])
def test_accidents_around_an_outage_do_not_count(between: Ending) -> None:
    one = ladder()
    for now in range(10):
        assert not one.ended(Ending.FAILED, now)
        assert not one.ended(between, now)
    assert one.rung == "stomp"


def test_a_server_that_is_down_changes_no_rung_however_long() -> None:
    for one in (ladder(), on_sse()):
        rung = one.rung
        for now in range(1000):
            assert not one.ended(Ending.UNREACHED, now)
        assert one.rung == rung


def test_after_an_outage_it_looks_up_at_once() -> None:
    one = on_sse()
    assert one.look_at == 30
    live(one, 1, 20, Ending.UNREACHED)
    assert one.look_at == 20
    one.missed(25)  # down still
    one.ended(Ending.UNREACHED, 26)
    assert one.look_at == 26


def test_three_short_lives_in_a_row_are_a_block() -> None:
    one = ladder()
    assert not live(one, 0, 59)
    assert not live(one, 60, 119)
    assert live(one, 120, 130)
    assert one.rung == "sse"
    assert one.higher() == [("stomp", 60)]  # a trial of it must outlive that


def test_long_lives_are_resumed_for_ever() -> None:
    one = ladder()
    for begin in range(0, 60_000, 61):
        assert not live(one, begin, begin + 60)
    assert one.rung == "stomp"


def test_dying_slowly_is_no_life() -> None:
    assert silence_of(unreachable("heart_beat_missed")) == 30
    assert silence_of(unreachable("server_slow")) == 60
    assert silence_of(unreachable(CUT)) == 0


def test_a_long_life_between_short_ones_forgives_them() -> None:
    one = ladder()
    for begin in range(0, 3000, 300):
        assert not live(one, begin, begin + 5)
        assert not live(one, begin + 6, begin + 11)
        assert not live(one, begin + 12, begin + 112)
    assert one.rung == "stomp"


def test_restarts_of_the_server_between_short_lives_forgive_them() -> None:
    one = ladder()
    for begin in range(0, 100, 10):
        assert not live(one, begin, begin + 5)
        assert not one.ended(Ending.UNREACHED, begin + 6)
    assert one.rung == "stomp"


def test_looks_upwards_become_rarer_and_have_a_longest() -> None:
    one = on_sse(now=0.0)
    delays = []
    for _ in range(8):
        now = one.look_at
        assert now is not None
        one.missed(now)
        assert one.look_at is not None
        delays.append(one.look_at - now)
    assert delays == [60, 120, 240, 480, 600, 600, 600, 600]


def test_jitter_spreads_the_looks() -> None:
    factors = iter([0.8, 1.2])
    one = Ladder(RUNGS, RULES, jitter=lambda: next(factors))
    one.ended(Ending.BARRED, 0.0)
    assert one.look_at == pytest.approx(24)
    one.missed(24)
    assert one.look_at == pytest.approx(24 + 72)


def test_it_climbs_and_looks_for_nothing_more_at_the_top() -> None:
    one = on_sse()
    one.passed("stomp", 30)
    assert (one.rung, one.reason, one.look_at) == ("stomp", "", None)
    one.lived(31)
    one.ended(Ending.BARRED, 95)  # it was well for a minute: the next block is the first one
    assert one.look_at == 95 + 30


def test_from_the_lowest_the_best_is_tried_first_and_the_next_best_taken() -> None:
    one = on_sse()
    one.ended(Ending.BARRED, 1.0)
    assert [name for name, _ in one.higher()] == ["stomp", "sse"]
    one.passed("sse", 40)
    assert one.rung == "sse"
    assert one.look_at is not None
    assert one.look_at > 40
    assert one.reason == "WebSocket does not get through"


@pytest.mark.parametrize("ending", [Ending.BARRED, Ending.FAILED])
def test_what_was_climbed_to_is_left_after_one_failure(ending: Ending) -> None:
    one = on_sse()
    one.passed("stomp", 30)
    assert one.ended(ending, 31)
    assert one.rung == "sse"
    assert one.look_at == 31 + 60  # later than the first time


def test_a_short_life_after_a_climb_goes_down_again() -> None:
    one = on_sse()
    now, climbs = 0.0, 0
    while now < 24 * 3600:
        assert one.look_at is not None
        now = one.look_at
        one.passed("stomp", now)
        assert live(one, now, now + 20)
        now, climbs = now + 20, climbs + 1
    assert climbs < 150  # a day of an unlucky line: every ten minutes at most


@pytest.mark.parametrize("ending", [Ending.BARRED, Ending.FAILED, Ending.CUT])
def test_a_long_life_below_is_none_of_the_rung_that_was_climbed_to(ending: Ending) -> None:
    one = on_sse()
    delays = []
    for _ in range(3):
        begin = one.look_at
        assert begin is not None
        one.lived(begin - 1000)
        one.passed("stomp", begin)
        assert not one.is_live
        assert one.ended(ending, begin + 1)
        assert one.look_at is not None
        delays.append(one.look_at - begin - 1)
    assert delays == [60, 120, 240]


def test_an_outage_during_probation_is_no_failure() -> None:
    one = on_sse()
    one.passed("stomp", 30)
    assert not live(one, 31, 40, Ending.UNREACHED)
    assert one.rung == "stomp"


def test_below_the_lowest_it_begins_again_and_not_at_once() -> None:
    one = ladder()
    assert one.ended(Ending.BARRED, 0)
    assert one.ended(Ending.BARRED, 1)
    assert not one.ended(Ending.BARRED, 2)  # who follows pauses first
    assert one.rung == "stomp"


def test_short_lives_on_the_lowest_are_better_than_none() -> None:
    one = on_sse()
    one.ended(Ending.BARRED, 0)
    for begin in range(0, 1000, 10):
        assert not live(one, begin, begin + 5)
    assert one.rung == "long polling"


def test_one_that_is_pinned_stays() -> None:
    one = ladder("sse")
    for now in range(10):
        assert not one.ended(Ending.BARRED, now)
    assert (one.rung, one.look_at, one.reason) == ("sse", None, "")


@pytest.mark.parametrize(
    ("said", "name"),
    [("SSE", "sse"), ("long-polling", "long polling"), ("long_polling", "long polling"), ("auto", AUTO)],
)
def test_names_of_transports(said: str, name: str) -> None:
    assert check_transport(said) == name
    assert check_transport(None) is None


def test_another_name_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(InvalidInput, match=r"'carrier pigeon'.*auto, stomp, sse, long polling") as caught:
        check_transport("carrier pigeon")
    assert caught.value.field == "transport"


# what an error means


def answered() -> None:
    """The server answers plain HTTP."""


def unanswered() -> None:
    raise ServerUnreachable("it does not answer")


def unreachable(code: str, **details: object) -> ServerUnreachable:
    return ServerUnreachable("...", code=code, details=details)


JUDGED = [
    (unreachable(REFUSED_UPGRADE, http_status=400), False, Ending.BARRED),
    (unreachable(REFUSED_UPGRADE, http_status=426), False, Ending.BARRED),
    (unreachable(REFUSED_UPGRADE, http_status=502), False, Ending.FAILED),
    (AccessDenied("HTTP 403", code=FOREIGN), False, Ending.BARRED),
    (Unavailable("HTTP 503 of a proxy"), False, Ending.FAILED),
    (unreachable(SILENT), False, Ending.BARRED),
    (unreachable(CUT), False, Ending.FAILED),
    (unreachable(CUT), True, Ending.CUT),
    (unreachable("heart_beat_missed"), True, Ending.CUT),
]


@pytest.mark.parametrize(("error", "was_live", "ending"), JUDGED)
def test_a_failure_counts_if_the_server_answers_plain_http(
    error: LocShareError, was_live: bool, ending: Ending
) -> None:
    assert judge(error, was_live=was_live, ask=answered) is ending


@pytest.mark.parametrize(("error", "was_live", "ending"), JUDGED)
@pytest.mark.parametrize(
    "answer",
    [
        ServerUnreachable("nothing listens there"),
        Unavailable("HTTP 503"),
        AccessDenied("HTTP 403 of a proxy", code=FOREIGN),
        NotFound("no locshare_ext here", code="no_extension"),
        ServerNotFound("none"),
    ],
)
def test_it_does_not_if_plain_http_fails_too(
    error: LocShareError, was_live: bool, ending: Ending, answer: LocShareError
) -> None:
    def ask() -> None:
        raise answer

    assert judge(error, was_live=was_live, ask=ask) is Ending.UNREACHED


@pytest.mark.parametrize("error", [unreachable(NOT_REACHED), ServerNotFound("none")])
def test_what_was_not_reached_is_down_whatever_answers_a_moment_later(error: LocShareError) -> None:
    assert judge(error, was_live=False, ask=answered) is Ending.UNREACHED


@pytest.mark.parametrize(
    "error",
    [
        Gone("expired", code="invite_expired"),
        AccessDenied("wrong"),
        Unavailable("full", code="too_many_connections"),
    ],
)
def test_the_servers_own_words_are_no_block(error: LocShareError) -> None:
    assert judge(error, was_live=False, ask=unanswered) is Ending.SAID


@pytest.mark.parametrize("code", ["websocket_expected", "websocket_version", "connect_timeout"])
def test_words_of_the_server_about_a_missing_websocket_are_one(code: str) -> None:
    assert judge(InvalidInput("...", code=code), was_live=False, ask=unanswered) is Ending.BARRED


def test_a_credential_that_plain_http_refuses_is_told() -> None:
    def ask() -> None:
        raise Gone("expired 14:00", code="invite_expired")

    with pytest.raises(Gone, match="expired 14:00"):
        judge(AccessDenied("HTTP 403", code=FOREIGN), was_live=False, ask=ask)
