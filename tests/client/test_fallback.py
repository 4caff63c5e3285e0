"""The feed through a proxy that blocks: what it falls back to, what it says, and how it comes back."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest

from locshare_ext import Fix, Group
from locshare_ext.client.discovery import Server
from locshare_ext.client.feed import Feed
from locshare_ext.client.http import Api, path_of
from locshare_ext.client.ladder import AUTO, Rules
from locshare_ext.client.source import SourceStatus
from locshare_ext.errors import InvalidInput
from tests.client.conftest import LIMIT, Collected, attach
from tests.client.test_live import rows
from tests.support.blocking import BlockingProxy
from tests.support.served import Served

pytestmark = pytest.mark.process

NEVER = 3600.0  # s
RULES = Rules(patience=3.0, first_look=0.1, longest_look=0.2)  # looks up as soon as it can
STAYS = Rules(patience=3.0, first_look=NEVER)


@pytest.fixture
def proxy(served: Served) -> Iterator[BlockingProxy]:
    with BlockingProxy(served.port) as one:
        yield one


def is_over(transport: str) -> Callable[[list[SourceStatus]], bool]:
    return lambda items: bool(items) and items[-1].state == "live" and items[-1].transport == transport


class Watched:
    """A feed through a proxy, and a publisher that goes straight to the server meanwhile."""

    def __init__(
        self,
        served: Served,
        proxy: BlockingProxy,
        name: str,
        rules: Rules,
        transport: str,
        there: Server | None = None,
    ) -> None:
        server = there or Server(proxy.url, served.token)
        self.feed = Feed(name, Api(lambda: server), rules=rules, transport=transport)
        self.straight = attach(served, name)
        self.statuses = Collected()
        self.fixes = Collected()
        self.sent = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._publish_on, daemon=True)

    def begin(self) -> None:
        self.publish(30)
        self.feed.listen(lambda batch: None, self.statuses.add)
        assert self.feed.wait(LIMIT)
        self.feed.callbacks.add(self.fixes.add)
        self.before = self.sent
        self._thread.start()

    def publish(self, count: int) -> None:
        self.straight.publish(rows(count, first=self.sent))
        self.sent += count

    def _publish_on(self) -> None:
        while not self._stop.wait(0.02):
            self.publish(3)

    def reaches(self, transport: str) -> SourceStatus:
        """Wait until it is live over a transport, and fixes have come over it."""

        status: SourceStatus = self.statuses.wait_for(is_over(transport))[-1]
        self.fixes.wait_count(len(self.fixes.items) + 10)
        return status

    def used(self) -> list[str]:
        """Return the transports that it was live over, in turn."""
        names = [one.transport for one in self.statuses.items if one.state == "live"]
        return [name for at, name in enumerate(names) if name and (not at or names[at - 1] != name)]

    def end(self) -> None:
        """Stop publishing; every fix must have come once, and in order."""
        self._stop.set()
        self._thread.join(LIMIT)
        wanted = list(range(1, self.sent + 1))

        def offsets() -> list[int]:
            return [int(str(fix.cursor).partition("-")[2]) for fix in self.fixes.items]

        self.fixes.wait_for(lambda _: bool(offsets()) and offsets()[-1] == wanted[-1])
        assert offsets() == list(range(offsets()[0], self.sent + 1))
        assert offsets()[0] <= self.before + 1 + 3 * 100
        assert self.feed.columns.history().seq.tolist() == wanted


Watch = Callable[..., Watched]


@pytest.fixture
def watch(served: Served, proxy: BlockingProxy, request: pytest.FixtureRequest) -> Iterator[Watch]:
    made: list[Watched] = []

    def begin(rules: Rules = RULES, transport: str = AUTO) -> Watched:
        name = re.sub("[^a-z0-9]+", " ", request.node.name.removeprefix("test_"))[-60:].strip()
        made.append(Watched(served, proxy, name, rules, transport))
        made[-1].begin()
        return made[-1]

    yield begin
    for one in made:
        one._stop.set()
        one.feed.close()


@pytest.mark.parametrize("upgrade", [400, 403, 426, 502, "strip", "hang", "swallow", "silent"])
def test_a_blocked_websocket_is_left_and_taken_again_when_it_gets_through(
    proxy: BlockingProxy, watch: Watch, upgrade: int | str
) -> None:
    proxy.rules.upgrade = upgrade  # type: ignore[assignment]
    watched = watch()
    status = watched.reaches("sse")
    assert status.note == "Live over SSE: WebSocket does not get through."
    assert "over SSE, as WebSocket does not get through" in status.text
    proxy.rules.upgrade = "pass"
    status = watched.reaches("stomp")
    assert status.note == ""
    watched.end()
    assert watched.used() == ["sse", "stomp"]


def test_a_websocket_that_is_sent_to_a_page_for_logging_in_is_left_at_once(
    proxy: BlockingProxy, watch: Watch
) -> None:
    proxy.rules.upgrade = 302
    watched = watch(STAYS)
    watched.reaches("sse")
    assert proxy.count("/stomp") == 1
    watched.end()


def test_held_events_too_leave_long_polling_and_it_climbs_rung_by_rung(
    proxy: BlockingProxy, watch: Watch
) -> None:
    proxy.rules.upgrade, proxy.rules.events = 403, "hold"
    watched = watch()
    status = watched.reaches("long polling")
    assert status.note == "Live over long polling: WebSocket and SSE do not get through."
    proxy.rules.events = "pass"
    watched.reaches("sse")
    proxy.rules.upgrade = "pass"
    watched.reaches("stomp")
    watched.end()
    assert watched.used() == ["long polling", "sse", "stomp"]


def test_a_block_that_comes_while_it_is_live_is_passed_round(proxy: BlockingProxy, watch: Watch) -> None:
    watched = watch(STAYS)
    watched.reaches("stomp")
    proxy.rules.upgrade = 403
    proxy.cut()
    watched.reaches("sse")
    watched.end()
    assert watched.used() == ["stomp", "sse"]


def test_websockets_that_are_cut_again_and_again_are_left_until_they_last(
    proxy: BlockingProxy, watch: Watch
) -> None:
    proxy.rules.cut_upgraded = 0.3
    watched = watch(Rules(patience=3.0, first_look=0.1, longest_look=0.2, short_life=3.0))
    watched.reaches("sse")
    trials = proxy.count("/stomp") + 3
    watched.fixes.wait_for(lambda _: proxy.count("/stomp") >= trials)  # they were cut, too
    assert watched.used() == ["stomp", "sse"]
    assert watched.statuses.items[-1].transport == "sse"
    proxy.rules.cut_upgraded = None
    watched.reaches("stomp")
    watched.end()
    assert watched.used() == ["stomp", "sse", "stomp"]


def test_cut_events_leave_long_polling(proxy: BlockingProxy, watch: Watch) -> None:
    proxy.rules.upgrade, proxy.rules.cut_events = 403, 0.3
    watched = watch(STAYS)
    watched.reaches("long polling")
    watched.end()


def test_long_polls_that_are_cut_become_shorter(proxy: BlockingProxy, watch: Watch) -> None:
    proxy.rules.slow = 1.5
    watched = watch(STAYS, "long polling")
    watched.reaches("long polling")
    watched.end()  # from now on nothing comes, and each poll waits
    begun = proxy.count("/fixes")
    wait = threading.Event()
    while proxy.count("/fixes") < begun + 8:
        assert not wait.wait(0.05)
    waits = [line.partition("wait=")[2].partition("&")[0] for line in proxy.rules.seen if "wait=" in line]
    assert float(waits[-1]) < float(waits[0])
    watched.publish(1)
    watched.fixes.wait_for(lambda items: str(items[-1].cursor).endswith(f"-{watched.sent}"))


@contextmanager
def own_watched(
    tmp_path: Path, rules: Rules, *options: str
) -> Iterator[tuple[Served, BlockingProxy, Watched]]:
    with Served(tmp_path, *options).running() as server, BlockingProxy(server.port) as proxy:
        watched = Watched(server, proxy, "hikers", rules, AUTO)
        try:
            yield server, proxy, watched
        finally:
            watched._stop.set()
            watched.feed.close()


@pytest.mark.parametrize("rung", ["stomp", "sse"])
def test_a_server_that_is_down_for_a_while_changes_nothing(tmp_path: Path, rung: str) -> None:
    with own_watched(tmp_path, STAYS) as (server, proxy, watched):
        watched.publish(10)
        proxy.rules.upgrade = "pass" if rung == "stomp" else 403
        watched.feed.listen(lambda batch: None, watched.statuses.add)
        watched.feed.wait(LIMIT)
        for _ in range(2):
            server.kill()
            watched.statuses.wait_for(lambda items: bool(items) and items[-1].state == "offline")
            tries = len(proxy.rules.seen) + 4
            while len(proxy.rules.seen) < tries:  # several attempts are answered with 502
                assert not watched._stop.wait(0.02)
            server.start()
            back = watched.statuses.wait_for(lambda items: items[-1].state == "live")[-1]
            assert back.transport == rung
            watched.publish(10)
        while len(watched.feed.columns.history()) < 30:
            assert not watched._stop.wait(0.02)
        assert watched.feed.columns.history().seq.tolist() == list(range(1, 31))
        assert watched.used() == [rung]
        assert not proxy.count("/fixes" if rung == "sse" else "/events")  # a lower one was not even tried


def test_after_an_outage_the_network_may_be_another_one(tmp_path: Path) -> None:
    with own_watched(tmp_path, STAYS) as (server, proxy, watched):
        watched.publish(10)
        proxy.rules.upgrade = 403
        watched.feed.listen(lambda batch: None, watched.statuses.add)
        watched.statuses.wait_for(is_over("sse"))
        server.kill()
        watched.statuses.wait_for(lambda items: bool(items) and items[-1].state == "offline")
        proxy.rules.upgrade = "pass"
        server.start()
        watched.statuses.wait_for(is_over("stomp"))


def test_a_history_that_does_not_come_blames_no_transport(served: Served, proxy: BlockingProxy) -> None:
    proxy.rules.trails = 503
    watched = Watched(served, proxy, "late history", STAYS, AUTO)
    watched.publish(10)
    try:
        watched.feed.listen(lambda batch: None, watched.statuses.add)
        pause = threading.Event()
        while proxy.count("/trails") < 3:
            assert not pause.wait(0.05)
        assert not proxy.count("/stomp")
        proxy.rules.trails = "pass"
        watched.statuses.wait_for(is_over("stomp"))
        assert watched.used() == ["stomp"]
        assert watched.feed.columns.history().seq.tolist() == list(range(1, 11))
    finally:
        watched.feed.close()


def test_a_log_that_begins_anew_while_on_sse_is_told(tmp_path: Path) -> None:
    with own_watched(tmp_path, STAYS, "--store", "memory") as (server, proxy, watched):
        proxy.rules.upgrade = 403
        watched.publish(20)
        batches = Collected()
        watched.feed.listen(batches.add, watched.statuses.add)
        watched.statuses.wait_for(is_over("sse"))
        server.kill()
        server.start()
        watched.straight.publish(rows(5, first=100))
        batches.wait_for(lambda items: any(batch.restarted for batch in items))
        batches.wait_for(lambda items: len(items[-1]) > 0 and items[-1].seq[-1] == 5)
        assert watched.feed.columns.history().seq.tolist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("transport", ["stomp", "sse", "long polling"])
def test_nothing_is_kept_of_a_group_that_was_deleted(served: Served, transport: str) -> None:
    host = attach(served, f"deleted on {transport}")
    host.publish(rows(5))
    server = Server(served.url, served.token)
    feed = Feed(host.name, Api(lambda: server), rules=STAYS, transport=transport)
    states, batches = Collected(), Collected()
    feed.listen(batches.add, states.add)
    try:
        states.wait_for(is_over(transport))
        Api(lambda: server).send("DELETE", path_of("groups", host.name))
        batches.wait_for(lambda items: items[-1].restarted)
        assert len(feed.columns.history()) == 0
        host.publish(rows(2, first=10))
        batches.wait_for(lambda items: len(items[-1]) > 0 and items[-1].seq[-1] == 2)
        assert feed.columns.history().seq.tolist() == [1, 2]
    finally:
        feed.close()


def test_an_unknown_group_on_sse_says_so_until_the_first_fix(
    served: Served, proxy: BlockingProxy, collected: Collected
) -> None:
    proxy.rules.upgrade = 403
    attach(served, "far walk").publish(lat=1, lon=2)
    group = Group("far walks", server=proxy.url, token=served.token)
    status = group.ready()
    assert (status.state, status.near) == ("unknown_group", ["far-walk"])
    group.on_fix(collected.add)
    states = Collected()
    group.listen(lambda batch: None, states.add)
    group.publish(lat=1, lon=2)
    collected.wait_count(1)
    assert states.items[-1].state == "live"
    assert group.transport == "sse"


def test_a_proxy_of_the_environment_that_tunnels_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with own_watched(tmp_path, RULES, "--allowed-host", "locshare.test") as (server, proxy, _):
        monkeypatch.setenv("http_proxy", proxy.url)
        there = Server(f"http://locshare.test:{server.port}/", server.token)  # only the proxy knows where
        watched = Watched(server, proxy, "hikers", RULES, AUTO, there)
        try:
            watched.begin()
            watched.reaches("sse")
            proxy.rules.tunnels = True
            watched.reaches("stomp")
            watched.end()
        finally:
            watched.feed.close()


@pytest.mark.parametrize("upgrade", ["pass", 403])
def test_a_refused_credential_is_told_alike(served: Served, proxy: BlockingProxy, upgrade: int | str) -> None:
    proxy.rules.upgrade = upgrade  # type: ignore[assignment]
    status = Group("hikers", server=proxy.url, token="lsh_wrong").ready(LIMIT)
    straight = Group("hikers", server=served.url, token="lsh_wrong").ready(LIMIT)
    assert status.state == "closed"
    assert status.text == straight.text
    assert "not valid" in status.text


def test_a_revoked_invite_ends_a_feed_on_sse(served: Served, proxy: BlockingProxy) -> None:
    proxy.rules.upgrade = 403
    host = attach(served, "revoked on sse")
    host.publish(lat=1, lon=2)
    token = host.invite("ann").link.partition("#t=")[2].partition("&")[0]
    states = Collected()
    group = Group("revoked on sse", server=proxy.url, token=token)
    group.listen(lambda batch: None, states.add)
    states.wait_for(is_over("sse"))
    host.revoke("ann")
    ended = states.wait_for(lambda items: items[-1].state == "closed")[-1]
    assert "revoked" in ended.text


def test_a_group_keeps_to_what_it_is_told_in_one_place(
    served: Served, proxy: BlockingProxy, collected: Collected
) -> None:
    before = proxy.count("/stomp")
    group = Group("kept", server=proxy.url, token=served.token, transport="long-polling")
    group.publish(rows(3))
    group.on_fix(collected.add)
    assert group.transport == "long polling"
    assert group.status.note == ""
    group.publish(rows(3, first=3))
    collected.wait_count(3)
    assert proxy.count("/stomp") == before
    states = Collected()
    group.listen(lambda batch: None, states.add)
    same = Group("kept", server=proxy.url, token=served.token)  # as GroupMap("kept") makes one
    assert same.transport == "long polling"
    Group("kept", server=proxy.url, token=served.token, transport="auto")
    states.wait_for(is_over("stomp"))
    group.publish(rows(3, first=6))
    assert [round((fix.lat - 1) * 1e4) for fix in collected.wait_count(6)] == list(range(3, 9))
    assert not [one for one in states.items if one.state != "live"]


def test_the_environment_may_name_the_transport(
    served: Served, proxy: BlockingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCSHARE_TRANSPORT", "SSE")
    group = Group("by environment", server=proxy.url, token=served.token)
    group.publish(rows(1))
    assert group.ready().transport == "sse"
    monkeypatch.setenv("LOCSHARE_TRANSPORT", "pigeon")
    with pytest.raises(InvalidInput, match="LOCSHARE_TRANSPORT 'pigeon'"):
        Group("another by environment", server=proxy.url, token=served.token).ready()


def test_what_is_used_is_said_without_a_secret(
    served: Served, proxy: BlockingProxy, caplog: pytest.LogCaptureFixture
) -> None:
    proxy.rules.upgrade = 403
    group = Group("said", server=proxy.url, token=served.token)
    group.publish(rows(3))
    with caplog.at_level(logging.INFO, logger="locshare_ext.client"):
        assert group.ready().transport == "sse"
    assert group.transport == "sse"
    assert "transport='sse'" in repr(group)
    said = [record.getMessage() for record in caplog.records if record.name == "locshare_ext.client"]
    assert len(said) == 1
    assert said[0].startswith("said is watched over sse; WebSocket does not get through: ")
    assert served.token not in repr(group) + said[0]


def test_callbacks_on_sse_run_on_the_feeds_thread_and_may_use_asyncio(
    served: Served, proxy: BlockingProxy, collected: Collected
) -> None:
    proxy.rules.upgrade = 403
    group = Group("asyncio", server=proxy.url, token=served.token)
    group.publish(rows(1))

    async def name() -> str:
        return threading.current_thread().name

    def seen(fix: Fix) -> None:
        collected.add(asyncio.run(name()))

    group.on_fix(seen)
    group.publish(rows(1, first=1))
    assert collected.wait_count(1) == ["locshare-feed-asyncio"]


@pytest.mark.parametrize("upgrade", ["hang", "swallow"])
def test_a_feed_that_hangs_in_a_blocked_websocket_closes_at_once(
    proxy: BlockingProxy, served: Served, upgrade: Literal["hang", "swallow"]
) -> None:
    proxy.rules.upgrade = upgrade
    feed = Feed("closes", Api(lambda: Server(proxy.url, served.token)), rules=Rules(patience=NEVER))
    feed.start()
    pause = threading.Event()
    while not proxy.count("/stomp"):
        assert not pause.wait(0.02)
    feed.close(timeout=LIMIT)
    assert feed.status.state == "closed"
    assert "locshare-feed-closes" not in [one.name for one in threading.enumerate()]
