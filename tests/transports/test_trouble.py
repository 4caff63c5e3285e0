"""A server in trouble: a store that fails, a past that is gone, no room. It runs inside, to be put there."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from locshare_ext.errors import StoreError, Unavailable
from locshare_ext.model.credentials import HOST
from locshare_ext.server.credentials import new_secret
from locshare_ext.server.serve import make_application, make_site
from locshare_ext.server.site import Site
from locshare_ext.transports import TRANSPORTS, Fixes
from tests.transports.bench import LIMIT, Bench, Watch, fix, refused


@dataclasses.dataclass
class Inside:
    """What a Bench needs of a server."""

    site: Site
    token: str
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"


@pytest.fixture
async def inside(tmp_path: Path) -> AsyncIterator[Bench]:
    token = new_secret(HOST)
    site = make_site(str(tmp_path / "log.sqlite3"), token)
    site.start()
    server = HTTPServer(make_application(site))
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    bench = Bench(Inside(site, token, sockets[0].getsockname()[1]), "hikers")
    await bench.ask("POST", "groups", {"title": "hikers"})
    yield bench
    await bench.close()
    server.stop()
    await site.close()
    await server.close_all_connections()


async def test_what_cannot_be_stored_is_seen_but_not_kept(
    inside: Bench, name: str, monkeypatch: pytest.MonkeyPatch
):
    await inside.publish(fix(0))
    watch = await inside.watch(name)
    place = watch.following.cursor
    taking = asyncio.ensure_future(watch.take(1))
    log = (await inside.server.site.groups.find("hikers")).log
    async with asyncio.timeout(LIMIT):
        while name != "polling" and not log.readers:  # a long poll on its way
            await asyncio.sleep(0.001)
    publisher = inside.open(name, reconnect=False)

    def fail(*args: Any, **kwargs: Any) -> Any:
        future = asyncio.get_running_loop().create_future()
        future.set_exception(StoreError("the disk is full"))
        return future

    with monkeypatch.context() as patch:
        patch.setattr(inside.server.site.store, "append_all", fail)
        with pytest.raises(Unavailable) as caught:
            await publisher.publish(fix(1))
        assert caught.value.code == "store_failed"
        if name != "polling":  # who asks now and then sees what is kept only
            assert await taking == [1]
            assert watch.fixes[0].flags == ("volatile",)
            assert watch.fixes[0].cursor is None
            (item,) = [item for item in watch.items if isinstance(item, Fixes)]
            assert (item.cursor, item.is_snapshot) == (place, False)
    assert (await publisher.publish(fix(1))).stored == 1
    assert (await publisher.publish(fix(2))).stored == 1
    await taking
    seen = 0 if name == "polling" else 1
    assert (await watch.take(2 + seen))[seen:] == [1, 2]


async def test_a_place_below_what_is_kept_is_a_gap(inside: Bench, name: str):
    first = await inside.publish(fix(0))
    await inside.publish(fix(1))
    await inside.publish(fix(2))
    site = inside.server.site
    log = (await site.groups.find("hikers")).log
    assert await log.trim(site.groups.clock() + 1000) == 3
    kept = await inside.publish(fix(3))
    watch = Watch(inside.open(name).follow(first))
    assert (await watch.hello()).gap is True
    assert await watch.take(1) == [3]
    assert watch.following.cursor == kept
    start = Watch(inside.open(name).follow("start"))
    assert (await start.hello()).gap is False
    assert await start.take(1) == [3]


async def test_a_full_house_is_said_alike(inside: Bench):
    """By one invite so many connections; polls hold none between two answers."""
    inside.server.site.leases._most = 1
    told = {}
    for name in TRANSPORTS[1:]:
        token = (await inside.invite(f"of {name}"))["token"]
        first = Watch(inside.open("sse", token=token).follow())
        await first.hello()
        error = await refused(inside.open(name, token=token, reconnect=False).follow())
        told[name] = (type(error), error.code)
    assert told == dict.fromkeys(TRANSPORTS[1:], (Unavailable, "too_many_connections"))
