"""The feed against a server process: history, resuming, one connection, callbacks."""

from __future__ import annotations

import gc
import json
import threading
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest

from locshare_ext import Fix, Group, LocShareError
from locshare_ext.client.source import FixBatch, SourceStatus
from locshare_ext.errors import InvalidInput, ServerUnreachable
from tests.client.conftest import Collected, attach
from tests.support.served import Served

pytestmark = pytest.mark.process


def rows(count: int, first: int = 0, member: str = "ann") -> list[dict[str, object]]:
    begin = int(datetime.now(UTC).timestamp() * 1000) - 3_600_000
    return [
        {"member": member, "time": begin + n * 100, "lat": 1 + n / 1e4, "lon": 2 + n / 1e4}
        for n in range(first, first + count)
    ]


def connections(server: Served) -> int:
    request = urllib.request.Request(
        f"{server.url}locshare/api/health", headers={"X-Locshare-Token": server.token}
    )
    with urllib.request.urlopen(request) as answer:
        return int(json.load(answer)["connections"])


def feed_threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("locshare-feed")]


def test_a_callback_gets_what_comes_after_it(group: Group, collected: Collected) -> None:
    group.publish(rows(3))
    group.on_fix(collected.add)
    group.publish(lat=37.5665, lon=126.978, speed=1.4, extra={"trip": "x"})
    fix = collected.wait_count(1)[0]
    assert isinstance(fix, Fix)
    assert (fix.lat, fix.lon, fix.speed, fix.extra, fix.altitude) == (
        37.5665,
        126.978,
        1.4,
        {"trip": "x"},
        None,
    )
    assert fix.cursor is not None
    assert fix.cursor.endswith("-4")
    assert abs(fix.received - fix.time) < 10_000


def test_history_and_what_comes_later_leave_no_hole(group: Group, collected: Collected) -> None:
    group.publish(rows(2500))
    stop = group.listen(lambda batch: [collected.add(seq) for seq in batch.seq.tolist()], lambda status: None)
    seen = set(group.history().seq.tolist())
    group.publish(rows(2500, first=2500))
    collected.wait_for(lambda items: seen | set(items) == set(range(1, 5001)))
    assert group.history().seq.tolist() == list(range(1, 5001))
    stop()
    group.publish(rows(1, first=9000))
    group.on_fix(collected.add)  # the feed goes on without that listener
    group.publish(rows(1, first=9001))
    fixes = collected.wait_for(lambda items: any(isinstance(item, Fix) for item in items))
    assert 5001 not in fixes


def test_thirty_times_a_cell_is_one_connection(served: Served, collected: Collected) -> None:
    before = connections(served)
    for _ in range(30):
        group = attach(served, "thirty times")

        def count(fix: Fix) -> None:
            collected.add(fix.time)

        group.on_fix(count)
    assert connections(served) == before + 1
    assert feed_threads() == ["locshare-feed-thirty-times"]
    group.publish(rows(5))
    collected.wait_count(5)
    group.publish(rows(1, first=10))
    assert len(collected.wait_count(6)) == 6  # one callback, not thirty
    group.close()
    assert feed_threads() == []


def test_a_group_that_nobody_holds_ends(served: Served) -> None:
    group = attach(served, "let go")
    assert group.ready().state == "unknown_group"
    thread = next(one for one in threading.enumerate() if one.name == "locshare-feed-let-go")
    del group
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()


def test_killed_and_started_again_leaves_no_hole_and_no_duplicate(
    own_served: Served, collected: Collected
) -> None:
    group = attach(own_served, "hikers")
    states = Collected()
    group.listen(lambda batch: None, states.add)
    group.on_fix(lambda fix: collected.add(fix))
    group.publish(rows(1500))
    collected.wait_count(1500)
    for turn in range(1, 3):
        own_served.kill()
        states.wait_for(lambda items: items[-1].state == "offline")
        with pytest.raises(ServerUnreachable, match="does not answer"):
            group.latest()
        own_served.start()
        states.wait_for(lambda items: items[-1].state == "live")
        group.publish(rows(1500, first=turn * 1500))
        collected.wait_count((turn + 1) * 1500)
    offsets = [int(fix.cursor.partition("-")[2]) for fix in collected.items]
    assert offsets == list(range(1, 4501))
    assert group.history().seq.tolist() == list(range(1, 4501))
    assert [round((fix.lat - 1) * 1e4) for fix in collected.items] == list(range(4500))


def test_what_was_published_while_away_comes_on_return(own_served: Served, collected: Collected) -> None:
    group = attach(own_served, "hikers")
    states = Collected()
    group.listen(lambda batch: None, states.add)
    group.on_fix(lambda fix: collected.add(fix.lat))
    group.publish(rows(10))
    collected.wait_count(10)
    own_served.kill()
    offline = states.wait_for(lambda items: items[-1].state == "offline")[-1]
    assert "Offline since" in offline.text
    own_served.start()
    group.publish(rows(700, first=10))  # over HTTP, at once: the feed may still be away
    assert len(collected.wait_count(710)) == 710


def test_a_log_that_begins_anew_is_told(tmp_path: Path, collected: Collected) -> None:
    server = Served(tmp_path)
    server.options = ("--store", "memory")
    with server.running():
        group = attach(server, "hikers")
        batches = Collected()
        group.listen(batches.add, lambda status: None)
        group.on_fix(lambda fix: collected.add(fix.lat))
        group.publish(rows(20))
        collected.wait_count(20)
        server.kill()
        server.start()
        group.publish(rows(5, first=100))
        assert len(collected.wait_count(25)) == 25
        batches.wait_for(lambda items: any(batch.restarted for batch in items))
        batches.wait_for(lambda items: sum(len(batch) for batch in items) == 25)
        assert group.history().seq.tolist() == [1, 2, 3, 4, 5]


def test_an_unknown_group_says_so_until_the_first_fix(served: Served, collected: Collected) -> None:
    attach(served, "long walk").publish(lat=1, lon=2)
    group = attach(served, "long walks")
    status = group.ready()
    assert (status.state, status.near) == ("unknown_group", ["long-walk"])
    assert "long-walk" in status.text
    assert "simulate" in status.text
    states = Collected()
    group.listen(collected.add, states.add)
    group.publish(lat=1, lon=2)
    assert states.wait_count(1)[0].state == "live"
    assert len(collected.wait_count(1)[0]) == 1


def test_a_callback_that_raises_harms_nobody(
    group: Group, collected: Collected, capfd: pytest.CaptureFixture[str]
) -> None:
    @group.on_fix
    def broken(fix: Fix) -> float:
        return 1 / 0

    group.on_fix(collected.add)
    group.publish(rows(50))
    collected.wait_count(50)
    shown = capfd.readouterr().err
    assert shown.count("ZeroDivisionError") == 1
    assert "return 1 / 0" in shown
    assert [count for name, count in group.failures.items() if "broken" in name] == [50]
    group.off_fix(broken)
    assert not any("broken" in name for name in group.failures)


def test_the_clock_in_a_callback_is_the_fix_s_own(group: Group, collected: Collected) -> None:
    group.on_fix(lambda fix: collected.add((group.clock, fix.received)))
    group.publish(rows(1))
    clock, received = collected.wait_count(1)[0]
    assert clock.timestamp() * 1000 == pytest.approx(received)
    assert abs((group.clock - datetime.now(UTC)).total_seconds()) < 5


def test_a_closed_group_says_so(group: Group) -> None:
    assert group.ready().state == "unknown_group"
    statuses: list[SourceStatus] = []
    batches: list[FixBatch] = []
    group.listen(batches.append, statuses.append)
    group.close()
    assert statuses[-1].state == "closed"
    assert group.status.state == "closed"
    with pytest.raises(InvalidInput, match="closed"):
        group.on_fix(print)
    assert group.latest().empty  # asking is still fine


def test_a_wrong_token_is_told(served: Served) -> None:
    group = Group("hikers", server=served.url, token="lsh_wrong")
    status = group.ready()
    assert status.state == "closed"  # trying again would be refused again
    assert "not valid" in status.text
    assert "lsh_wrong" not in status.text
    assert not [name for name in feed_threads() if name.endswith("-hikers")]
    with pytest.raises(LocShareError) as caught:
        group.latest()
    assert caught.value.status in (401, 403)


def test_a_link_attaches(served: Served, collected: Collected) -> None:
    attach(served, "by link").publish(lat=1, lon=2)
    group = Group(served.link + "&g=by%20link")
    assert (group.name, group.title) == ("by-link", "by link")
    assert group.ready().state == "live"
    assert served.token not in repr(group)
    attach(served, "another").publish(lat=1, lon=2)
    with pytest.raises(InvalidInput, match=r"names no group.*another"):
        Group(served.link)


def test_simulate_live_is_replaced_and_ended(group: Group, collected: Collected) -> None:
    group.on_fix(collected.add)
    first = group.simulate(members=4)
    collected.wait_count(50)  # the last minutes come at once
    second = group.simulate(members=4, seed=2)
    assert not first.is_running
    assert second.is_running
    assert {fix.source for fix in collected.items} == {"simulator"}
    group.close()
    assert not second.is_running
