from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locshare_ext.errors import InvalidInput
from locshare_ext.model.replay import SHORTEST_PASS, Piece, Playhead, Schedule, check_speed


class Slow:
    """The rules, one fix at a time and in fractions; what has no end is cut off at `most` loops."""

    def __init__(self, fixes: list[tuple[int, int]]) -> None:
        self.fixes = sorted(fixes)
        self.begin, self.end = self.fixes[0][0], self.fixes[-1][0]
        self.head = Fraction(self.begin)
        self.now = Fraction(0)
        self.speed = Fraction(1)
        self.is_paused = self.is_looping = False
        self.begun = Fraction(0)
        self.left = list(self.fixes)
        self.seen: list[object] = []

    def run(self, until: Fraction) -> None:
        while not self.is_paused and self.now <= until:
            if self.left:
                due = self.when(self.left[0][0])
            elif self.is_looping:
                due = max(self.when(self.end), self.begun + Fraction(SHORTEST_PASS))
            else:
                break
            if due > until:
                break
            self.head += (due - self.now) * 1000 * self.speed
            self.now = due
            if self.left:
                self.seen.append(self.left.pop(0))
            else:
                self.jump(self.begin)
        if not self.is_paused:
            self.head += (until - self.now) * 1000 * self.speed
        self.now = until

    def when(self, moment: int) -> Fraction:
        ahead = moment - self.head
        return self.now + (ahead / self.speed / 1000 if ahead > 0 else 0)

    def jump(self, moment: int) -> None:
        self.seen.append("discontinuity")
        self.head, self.begun = Fraction(moment), self.now
        self.left = [fix for fix in self.fixes if fix[0] >= moment]


class Fast:
    """The schedule, fed in pieces by a reader that is sometimes behind."""

    def __init__(self, fixes: list[tuple[int, int]], size: int) -> None:
        self.fixes, self.size = sorted(fixes), size
        self.plan: Schedule[list[tuple[int, int]]] = Schedule(self.fixes[0][0], self.fixes[-1][0], 0.0)
        self.seen: list[object] = []
        self.fed = 0
        self.refeed()

    def refeed(self) -> None:
        self.rest = [fix for fix in self.fixes if fix[0] >= self.plan.start]

    def run(self, until: float) -> None:
        while True:
            if self.plan.waiting == 0 and not self.plan.is_complete:
                part, self.rest = self.rest[: self.size], self.rest[self.size :]
                self.plan.feed(Piece([moment for moment, _ in part], part))
                if not self.rest:
                    self.plan.complete()
            due = self.plan.deadline()
            if due is None or due > until:
                break
            taken = self.plan.take(until, 3)
            self.seen += [fix for one in taken for fix in one.piece.rows[one.start : one.stop]]
            if not taken and self.plan.turn(until):
                self.seen.append("discontinuity")
                self.refeed()
            elif not taken and self.plan.state != "playing":
                break


MOMENTS = st.integers(0, 40).map(lambda n: n * 250)
OPERATIONS = st.one_of(
    st.tuples(st.just("run"), st.integers(1, 24).map(lambda n: Fraction(n, 8))),
    st.tuples(st.just("speed"), st.sampled_from([Fraction(1, 2), Fraction(1), Fraction(4), Fraction(16)])),
    st.tuples(st.just("pause"), st.none()),
    st.tuples(st.just("resume"), st.none()),
    st.tuples(st.just("loop"), st.booleans()),
    st.tuples(st.just("seek"), MOMENTS),
)


@given(
    st.lists(MOMENTS, min_size=1, max_size=12),
    st.lists(OPERATIONS, max_size=14),
    st.integers(1, 5),
)
def test_it_does_as_a_slow_reading_of_the_rules(
    moments: list[int], operations: list[tuple[str, Any]], size: int
) -> None:
    fixes = [(moment, seq) for seq, moment in enumerate(moments)]
    slow, fast = Slow(fixes), Fast(fixes, size)
    now = Fraction(0)
    for name, value in operations:
        if name == "run":
            now += value
        elif name == "seek" and not slow.begin <= value <= slow.end:
            with pytest.raises(InvalidInput, match="outside the recording"):
                fast.plan.seek(value, float(now))
            continue
        slow.run(now)
        fast.run(float(now))
        apply(slow, fast, name, value)
        slow.run(now)
        fast.run(float(now))
        assert fast.seen == slow.seen
        if fast.plan.state != "ended":
            head = slow.head if slow.head < slow.end else Fraction(slow.end)
            assert fast.plan.at(float(now)) == pytest.approx(float(head))


def apply(slow: Slow, fast: Fast, name: str, value: Any) -> None:
    now = float(slow.now)
    if name == "speed":
        slow.speed = value
        fast.plan.change_speed(float(value), now)
    elif name == "pause":
        slow.is_paused = True
        fast.plan.pause(now)
    elif name == "resume":
        slow.is_paused = False
        fast.plan.resume(now)
    elif name == "loop" and slow.left:  # at the end itself it depends on who looks first
        slow.is_looping = fast.plan.is_looping = value
    elif name == "seek":
        slow.jump(value)
        fast.plan.seek(value, now)
        fast.seen.append("discontinuity")
        fast.refeed()


def test_an_hour_of_late_wakes_does_not_drift() -> None:
    plan: Schedule[None] = Schedule(0, 3_600_000, 5.0)
    plan.feed(Piece(range(0, 3_600_001, 100), None))
    plan.complete()
    now, count = 5.0, 0
    while (due := plan.deadline()) is not None:
        assert due == pytest.approx(5.0 + min(count, 36_000) / 10, abs=1e-6)
        now = max(now, due) + 0.004  # each time woken 4 ms late
        count += sum(one.stop - one.start for one in plan.take(now, 1000))
        plan.turn(now)
    assert count == 36_001
    assert now == pytest.approx(3605.0, abs=0.01)


def test_hundred_loops_later_it_is_still_on_time() -> None:
    plan: Schedule[None] = Schedule(0, 1000, 0.0, is_looping=True)
    for number in range(100):
        plan.feed(Piece([0, 1000], None))
        plan.complete()
        plan.take(number + 1.003, 10)
        assert plan.turn(number + 1.003)
    assert plan.head.deadline(0) == pytest.approx(100)


def test_one_moment_does_not_spin() -> None:
    plan: Schedule[None] = Schedule(7, 7, 0.0, is_looping=True, speed=1000)
    plan.feed(Piece([7], None))
    plan.complete()
    assert len(plan.take(0.0, 10)) == 1
    assert not plan.turn(SHORTEST_PASS / 2)
    assert plan.deadline() == SHORTEST_PASS
    assert plan.turn(SHORTEST_PASS)


def test_steps_hold_the_playhead_at_what_they_give() -> None:
    plan: Schedule[None] = Schedule(0, 5000, 0.0)
    plan.feed(Piece([0, 1000, 5000], None))
    plan.complete()
    assert [one.stop - one.start for one in plan.step(2, 0.0)] == [2]
    assert (plan.state, plan.at(99.0)) == ("paused", 1000)
    plan.resume(100.0)
    assert plan.take(103.9, 10) == []
    assert plan.take(104.0, 10)[0].moment == 5000
    assert not plan.turn(104.0)
    assert plan.state == "ended"
    plan.seek(1000, 105.0)
    assert (plan.state, plan.passes) == ("playing", 2)


def test_at_speed_inf_all_is_due_and_the_head_is_at_what_was_given() -> None:
    plan: Schedule[None] = Schedule(0, 5000, 0.0, speed=math.inf)
    plan.feed(Piece([0, 1000, 5000], None))
    assert plan.take(0.0, 2)[0].moment == 1000
    assert plan.at(50.0) == 1000
    plan.change_speed(1.0, 60.0)
    assert plan.at(61.0) == 2000


@pytest.mark.parametrize("speed", [0, -1, math.nan, True, "2", None])
def test_speeds_that_are_none(speed: object) -> None:
    with pytest.raises(InvalidInput, match="is not above 0") as raised:
        check_speed(speed)
    assert raised.value.field == "speed"


def test_speeds_outside_bounds() -> None:
    with pytest.raises(InvalidInput, match=r"speed 2000 is outside \[0.1, 1000\]"):
        check_speed(2000, 0.1, 1000)


def test_a_pause_keeps_the_place() -> None:
    head = Playhead(1000, 0.0, speed=2)
    head.pause(1.0)
    head.pause(2.0)
    assert (head.at(50.0), head.deadline(4000)) == (3000, math.inf)
    head.resume(50.0)
    assert (head.at(51.0), head.deadline(9000)) == (5000, 53.0)


@given(st.lists(st.integers(0, 400), min_size=2, max_size=12), st.integers(0, 50), st.integers(1, 4))
def test_silences_are_cut_to_their_last_part(gaps: list[int], max_gap: int, size: int) -> None:
    """Each fix is due as if silences had been shortened beforehand; late wakes change nothing."""
    moments, due, at = [0], [0], 0
    for gap in gaps:
        moments.append(moments[-1] + gap)
        due.append(due[-1] + min(gap, max_gap))
    plan: Schedule[None] = Schedule(0, moments[-1], 0.0, max_gap=max_gap)
    for start in range(0, len(moments), size):
        plan.feed(Piece(moments[start : start + size], None))
    plan.complete()
    seen: list[int] = []
    for wake in range(0, due[-1] + 8, 7):  # ms; moments between two wakes come at the second
        for taken in plan.take((wake + 1e-6) / 1000, 100):
            seen += taken.piece.moments[taken.start : taken.stop]
        assert len(seen) == sum(1 for one in due if one <= wake)
        at = wake
    assert seen == moments
    assert not plan.turn(at / 1000)
    assert plan.state == "ended"
