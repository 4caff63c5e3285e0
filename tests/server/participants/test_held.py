"""OsmAnd while the store fails: it hears 200, sends no more, and nothing is lost for all that."""

from __future__ import annotations

import asyncio
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from locshare_ext.broker.access import Principal
from locshare_ext.errors import Gone, StoreError, TooFast
from locshare_ext.model.report import Report
from locshare_ext.services.held import _LARGEST, Held
from tests.support.faults import full_disk
from tests.support.served import Served
from tests.transports.bench import LIMIT, Bench

ANN = Principal(id="1", kind="invite", group="hikers", member="ann")
NOW = 1_763_806_275_000


class Taker:
    """Stands for the store: takes what it is let, in order."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []
        self.taken: list[tuple[Principal, str]] = []
        self.is_well = True

    async def take(self, principal: Principal, report: Report) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.taken.append((principal, report.device))

    def held(self, **more: Any) -> Held:
        options = {"still": lambda principal: principal, "is_well": lambda: self.is_well, "soon": 0.0, **more}
        return Held(self.take, **options)


async def test_it_is_stored_in_order_when_the_store_is_back():
    taker = Taker()
    taker.errors = [StoreError("full"), TooFast("slow")]
    held = taker.held()
    assert all(held.keep(ANN, Report("osmand", device=str(number)), 100) for number in range(3))
    await held.settle()
    assert [device for _, device in taker.taken] == ["0", "1", "2"]
    assert len(held) == 0
    held.keep(ANN, Report("osmand", device="3"), 100)  # it begins anew
    await held.settle()
    assert len(taker.taken) == 4


async def test_nothing_is_tried_while_the_store_says_that_it_fails():
    taker = Taker()
    taker.is_well = False
    held = taker.held()
    held.keep(ANN, Report("osmand"), 100)
    for _ in range(20):
        await asyncio.sleep(0)
    assert taker.taken == []
    taker.is_well = True
    await held.settle()
    assert len(taker.taken) == 1


async def test_it_goes_by_what_the_invite_is_then():
    taker = Taker()
    ended = [False, True, False]

    def still(principal: Principal) -> Principal:
        if ended.pop(0):
            raise Gone("revoked")
        return Principal(id="1", kind="invite", group="hikers", member="Ann", precision=1000)

    held = taker.held(still=still)
    for number in range(3):
        held.keep(ANN, Report("osmand", device=str(number)), 100)
    await held.settle()
    assert [(who.member, who.precision, device) for who, device in taker.taken] == [
        ("Ann", 1000, "0"),
        ("Ann", 1000, "2"),
    ]


async def test_it_has_bounds_and_says_what_is_lost(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("locshare_ext.services.held._MOST", 2)
    taker = Taker()
    taker.is_well = False
    held = taker.held()
    assert not held.keep(ANN, Report("osmand"), _LARGEST + 1)
    for number in range(3):
        held.keep(ANN, Report("osmand", device=str(number)), 100)
    assert len(held) == 2
    assert await held.close() == 2
    assert taker.taken == []


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path).running() as served:
        yield served


@pytest.mark.process
@pytest.mark.skipif(sys.platform != "linux", reason="limits of another process are Linux's")
async def test_a_full_disk_costs_no_fix(served: Served):
    bench = Bench(served, "hikers")
    await bench.ask("POST", "groups", {"title": bench.group})
    card = await bench.ask("POST", f"groups/{bench.group}/invites", {"member": "ann"})

    def send(at: int) -> int:
        path = f"locshare/in/{card['token']}/osmand?lat=1&lon=2&timestamp={at}"
        with urllib.request.urlopen(served.url + path) as answer:
            return int(answer.status)

    async def sent(at: int) -> None:
        assert await asyncio.to_thread(send, at) == 200

    async def times() -> list[int]:
        return [fix["time"] for fix in (await bench.ask("GET", f"groups/{bench.group}/fixes"))["fixes"]]

    with full_disk(served.process.pid, served.folder / "log.sqlite3", room=0):
        await asyncio.gather(*(sent(NOW + 1000 * number) for number in range(5)))
        assert (await bench.ask("GET", "health"))["store"]["works"] is False
        assert await times() == []
    async with asyncio.timeout(LIMIT):
        while len(await times()) < 5:
            await asyncio.sleep(0.05)
    assert sorted(await times()) == [NOW + 1000 * number for number in range(5)]
    await bench.close()
