"""The counts of what a transport costs, checked by a proxy that counts too."""

from __future__ import annotations

import asyncio

from locshare_ext.transports import Traffic
from tests.support.cutter import Cutter
from tests.transports.bench import LIMIT, Bench, Watch, fix

# requests and connections of: a hello, and five fixes watched one by one
LEAST = {
    "polling": (6, 1),
    "long polling": (6, 1),
    "sse": (1, 1),
    "websocket": (1, 1),
    "stomp": (1, 1),
}


async def test_every_byte_on_the_wire_is_counted(bench: Bench, name: str):
    async with Cutter(bench.server.port) as line:
        transport = bench.open(name, port=line.port)
        watch = Watch(transport.follow())
        await watch.hello()
        for number in range(5):
            await bench.publish(fix(number))
            await watch.take(number + 1)
        await transport.publish(fix(9))
        await watch.take(6)
        await transport.aclose()
        traffic = transport.traffic
        async with asyncio.timeout(LIMIT):
            while line.sent < traffic.sent:  # it may be on its way
                await asyncio.sleep(0.001)
        assert traffic.sent == line.sent
        # what the server still sends when nobody listens any more may be lost at either
        assert 0 < traffic.received <= line.received
        assert line.received - traffic.received < 1000
        assert traffic.connections == line.opened


async def test_requests_and_connections(bench: Bench, name: str):
    transport = bench.open(name, interval=0.02 if name == "polling" else 1.0)
    watch = Watch(transport.follow())
    await watch.hello()
    for number in range(5):
        await bench.publish(fix(number))
        await watch.take(number + 1)
    requests, connections = LEAST[name]
    watched = transport.traffic.copy()
    assert watched.requests == requests or (name == "polling" and watched.requests > requests)
    assert watched.connections == connections
    waiting = asyncio.ensure_future(watch.take(6))
    await asyncio.sleep(0.01)
    await transport.publish(fix(9))
    await waiting
    added = transport.traffic.since(watched)
    # long polls and streams keep their connection busy, so the way back takes one more
    assert added.connections == {"long polling": 1, "sse": 1}.get(name, added.connections)
    if name in ("websocket", "stomp"):
        assert (added.requests, added.connections) == (0, 0)


async def test_quiet_polls_are_answered_without_a_body(bench: Bench):
    await bench.publish(fix(0))
    transport = bench.open("polling", interval=0.001)
    watch = Watch(transport.follow("start"))
    await watch.take(1)
    assert watch.following.cursor is not None
    before = transport.traffic.copy()
    await transport._http.fetch("GET", "fixes", params={"after": watch.following.cursor})
    whole = transport.traffic.since(before).received
    before = transport.traffic.copy()
    polling = asyncio.ensure_future(anext(watch.following))
    while transport.traffic.requests < before.requests + 41:
        await asyncio.sleep(0.001)
    polling.cancel()
    await asyncio.wait([polling])
    added = transport.traffic.since(before)
    assert added.received / (added.requests - 1) < 0.9 * whole, "the last of them was perhaps not answered"


def test_counts_are_compared_by_what_was_added():
    counts = Traffic(3, 1, 100, 200)
    before = counts.copy()
    counts.requests += 2
    counts.sent += 7
    assert counts.since(before) == Traffic(2, 0, 7, 0)
    assert before == Traffic(3, 1, 100, 200)
