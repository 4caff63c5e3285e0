"""One replay of a server, followed and steered from two browsers with notebooks of their own."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.e2e.conftest import OpenNotebook
from tests.e2e.test_timeline import ask, clock, drag, wait_for_clock
from tests.support.page import PATIENCE, Notebook

pytestmark = [pytest.mark.browser, pytest.mark.process]

APART = 100.0  # ms of the wall's clock that two browsers may be apart
BEGIN = 1_700_000_000_000
COUNT = 600

# Ten minutes of two members, a fix of each every two seconds, two years ago and more.
MADE = f"""
from locshare_ext import Group, GroupMap
group = Group("replayed-walk")
rec = group.record("walk")
group.publish([
    {{"member": ("ann", "ben")[n % 2], "time": {BEGIN} + n * 1000, "lat": 10.0 + n % 2, "lon": 0.0001 * n}}
    for n in range({COUNT})
])
rec.stop()
replay = rec.replay(speed=1, paused=True)
m = GroupMap(replay, trail=60)
m
"""
JOINED = """
from locshare_ext import GroupMap, follow_replay
replay = follow_replay({id!r})
seen = []
replay.on_fix(lambda fix: seen.append((fix.member, fix.time, int(replay.clock.timestamp() * 1000))))
m = GroupMap(replay, trail=60)
m
"""

# A machine whose clock is wrong; `performance` goes on as it is.
WRONG_CLOCK = "() => { const right = Date.now; Date.now = () => right() + 1500; }"
# The playhead, and when that was by the one clock that both pages have.
READ = """() => {
  const before = performance.now(), { state, moment, speed } = window.locshareLayers[0].clock();
  return { state, moment, speed, at: performance.timeOrigin + (before + performance.now()) / 2 };
}"""


def apart(one: Notebook, other: Notebook) -> float:
    """Return how many ms of the wall's clock two pages' playheads are apart at one instant."""
    first, second = (notebook.page.evaluate(READ) for notebook in (one, other))
    assert (first["state"], first["speed"]) == (second["state"], second["speed"])
    moved = (second["at"] - first["at"]) * first["speed"] if first["state"] == "playing" else 0.0
    return float(abs(second["moment"] - first["moment"] - moved)) / first["speed"]


def wait_until_together(one: Notebook, other: Notebook) -> None:
    """Wait until what one did is seen by the other; both go on being within the bound."""
    limit = time.monotonic() + PATIENCE / 1000
    while True:
        states: list[Any] = [(said["state"], said["speed"]) for said in (clock(one), clock(other))]
        if states[0] == states[1] and (last := apart(one, other)) <= APART:
            break
        assert time.monotonic() < limit, f"{states}, {last if states[0] == states[1] else '?'} ms"
    for _ in range(10):
        assert apart(one, other) <= APART


@pytest.fixture
def both(open_notebook: OpenNotebook) -> tuple[Notebook, Notebook]:
    """Two browsers on two kernels that follow one replay; the second one's clock is wrong."""
    one = open_notebook(MADE)
    one.run_all()
    one.wait_for_members(2)
    one.wait_until_idle()
    found = ask(one, "print(replay.id)")
    other = open_notebook(JOINED.format(id=found))
    other.page.evaluate(WRONG_CLOCK)
    other.run_all()
    other.wait_for_members(2)
    other.wait_until_idle()
    return one, other


def test_two_browsers_follow_one_replay(both: tuple[Notebook, Notebook]) -> None:
    one, other = both
    for notebook in both:
        wait_for_clock(notebook, "clock.moment === value && clock.state === 'paused'", BEGIN)

    # playing in one, and the other plays
    one.page.locator(".locshare-play").click()
    for notebook in both:
        wait_for_clock(notebook, "clock.state === 'playing' && clock.moment > value", BEGIN + 2000)
    wait_until_together(*both)
    assert not any(notebook.page.locator(".locshare-live:visible").count() for notebook in both)

    # faster in the other, and the first is
    other.page.locator(".locshare-speed").select_option("10")
    wait_for_clock(one, "clock.speed === 10")
    wait_until_together(*both)
    # gone elsewhere in the first while it plays, there it goes on
    drag(one, 0.2, 0.6)
    half = BEGIN + 0.55 * COUNT * 1000
    wait_for_clock(other, "clock.state === 'playing' && clock.moment > value", half)
    wait_until_together(*both)
    # held by code in the second one's kernel
    ask(other, "m.pause()")
    wait_for_clock(one, "clock.state === 'paused'")
    wait_until_together(*both)
    assert clock(one)["moment"] == clock(other)["moment"]
    assert clock(one)["moment"] > half

    # ages are those of then, and one step is one fix for all
    one.page.locator(".locshare-step").last.click()
    wait_for_clock(other, "clock.moment % 1000 === value % 1000", BEGIN)
    wait_until_together(*both)
    assert ask(other, "print(seen[-1][1] == seen[-1][2] == int(m.playhead.timestamp() * 1000))") == "True"
    for notebook in both:
        told = notebook.page.locator(".locshare-members").inner_text()
        assert "lost" not in told.lower()
        assert notebook.errors == []
    one.screenshot("replay-shared-one")
    other.screenshot("replay-shared-other")
