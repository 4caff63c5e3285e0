"""Many phones against a server in memory, on a clock that jumps: what comes, how often, and when."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from locshare_ext.client.phones.apps import APPS
from locshare_ext.client.phones.clock import JumpingClock, RunningClock
from locshare_ext.client.phones.fleet import Carried, Fleet, Trouble
from locshare_ext.client.phones.network import Network
from locshare_ext.client.phones.phone import Counts, Phone
from locshare_ext.client.phones.shapes import Handset, Reply, Request
from locshare_ext.errors import NotFound, ServerUnreachable

START = 1_795_343_525_000
MINUTE = 60_000


class Desk:
    """Takes OwnTracks' messages; `refuse` is what it answers first, and how often."""

    def __init__(self, *refuse: int | None) -> None:
        self.got: Counter[tuple[str, int]] = Counter()
        self.times: list[int] = []
        self.clock: JumpingClock | None = None
        self._refuse = list(refuse)

    async def send(self, invite: str, request: Request) -> Reply:
        await asyncio.sleep(0)
        if self._refuse:
            status = self._refuse.pop(0)
            if status is None:
                raise ServerUnreachable("nobody there")
            return Reply(status)
        said = msgspec.json.decode(request.body)
        self.got[invite, said["tst"]] += 1
        if self.clock is not None:
            self.times.append(round(self.clock.now()))
        return Reply(200, b"[]")


def fixes(members: list[str], count: int, every: int = 10_000) -> Iterator[tuple[int, dict[str, Any]]]:
    for number in range(count):
        for member in members:
            when = START + number * every
            yield when, {"member": member, "time": when, "lat": 1.0, "lon": number / 1000}


def carried(member: str, app: str = "owntracks-android", **network: Any) -> Carried:
    return Carried(Phone(APPS[app], Handset(member), member), Network(member, **network), member)


async def run(desk: Desk, phones: list[Carried], count: int = 30, **more: Any) -> tuple[Counts, JumpingClock]:
    clock = desk.clock = JumpingClock(START)
    fleet = Fleet({one.phone.member: one for one in phones}, desk.send, clock, **more)
    return await fleet.run(fixes([one.phone.member for one in phones], count)), clock


async def test_every_fix_comes_once_when_it_is_measured():
    desk = Desk()
    counts, _ = await run(desk, [carried("ann"), carried("bob")])
    assert (counts.measured, counts.delivered, counts.requests, counts.waiting) == (60, 60, 60, 0)
    assert set(desk.got.values()) == {1}
    assert desk.times == [START + number * 10_000 for number in range(30) for _ in range(2)]


async def test_an_hour_without_network_comes_when_there_is_one():
    desk = Desk()
    hole = (START, START + 60 * MINUTE)
    counts, _ = await run(desk, [carried("ann", outages=[hole])])
    assert (counts.delivered, counts.requests) == (30, 30)
    assert counts.failed > 5  # OwnTracks tries, at pauses of two minutes in the end
    assert hole[1] <= desk.times[0] <= hole[1] + 2 * MINUTE
    desk = Desk()
    patient = carried("ann", outages=[hole])
    patient = Carried(Phone(APPS["traccar-v10"], Handset("a"), "ann"), patient.network, "ann")

    async def send(invite: str, request: Request) -> Reply:
        desk.times.append(round(clock.now()))
        return Reply(200)

    clock = JumpingClock(START)
    counts = await Fleet({"ann": patient}, send, clock).run(fixes(["ann"], 5))
    assert (counts.delivered, counts.failed, set(desk.times)) == (5, 0, {hole[1]})


async def test_lost_requests_are_sent_again_and_lost_answers_twice():
    desk = Desk()
    counts, _ = await run(desk, [carried("ann", drop=0.4)], 200)
    assert counts.delivered == 200
    assert counts.lost > 60
    assert counts.requests == 200 + counts.lost
    assert len(desk.got) == 200
    twice = sum(desk.got.values()) - 200
    assert counts.lost * 0.25 < twice < counts.lost * 0.75


async def test_the_same_seed_gives_the_same_run():
    first, second = Desk(), Desk()
    for desk in (first, second):
        await run(desk, [carried("ann", drop=0.2, late=60.0), carried("bob", drop=0.2, late=60.0)], 100)
    assert first.times == second.times
    assert first.got == second.got


async def test_troubles_are_told_once_and_what_is_raised_ends_it():
    told: list[Trouble] = []
    counts, _ = await run(Desk(503, 503, None, None, 500), [carried("ann")], on_trouble=told.append)
    assert [None if one.reply is None else one.reply.status for one in told] == [503, None, 500]
    assert (counts.delivered, counts.failed) == (30, 5)

    def stop(trouble: Trouble) -> None:
        raise NotFound("no such thing")

    with pytest.raises(NotFound):
        await run(Desk(404), [carried("ann")], on_trouble=stop)


async def test_a_running_clock_moves_the_past_to_now():
    desk = Desk()
    phones = {"ann": carried("ann")}
    before = time.time()
    counts = await Fleet(phones, desk.send, RunningClock(START, 6000.0)).run(fixes(["ann"], 30))
    assert counts.delivered == 30
    times = [moment for _, moment in desk.got.elements()]
    assert int(before) <= min(times) <= max(times) <= time.time() + 1


def test_a_network_has_holes_a_fifth_of_the_time():
    networks = [Network(f"1 {number}", late=120.0) for number in range(50)]
    seen = [
        network.is_there(START + second * 1000) for network in networks for second in range(0, 36_000, 20)
    ]
    assert 0.17 < 1 - sum(seen) / len(seen) < 0.23
    network = Network("x", late=120.0)
    lengths = []
    now = float(START)
    while len(lengths) < 20:
        back = network.back_at(now)
        lengths += [back - now] if back > now else []
        now = back + 1000
    assert max(lengths) <= 180_000
