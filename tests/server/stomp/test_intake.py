"""What a client sends at once is done in its order, however much of it has to wait."""

from __future__ import annotations

import asyncio
import dataclasses
import json

import pytest

from tests.server.stomp.helpers import GROUP, TIME, fix, subscribe, take
from tests.support.stomp import frame_bytes


def send(number: int, destination: str = GROUP, **headers: str) -> bytes:
    return frame_bytes("SEND", {"destination": destination, **headers}, json.dumps(fix(number)).encode())


@pytest.fixture
def few(site):
    """Few SENDs may be under way to the store."""
    site.limits = dataclasses.replace(site.limits, pending=3)


async def answers(client, count):
    frames = [await client.frame() for _ in range(count)]
    return [(frame.command, frame.get("receipt-id")) for frame in frames]


async def test_many_sends_of_one_read_are_answered_each_in_order(stomp, few):
    client, watcher = await stomp(), await stomp()
    await subscribe(watcher, ack="auto")
    wire = b"".join(send(number // 2, receipt=f"r{number}") for number in range(200))
    client.socket.write_message(wire, binary=True)
    frames = [await client.frame() for _ in range(200)]
    assert [frame.get("receipt-id") for frame in frames] == [f"r{number}" for number in range(200)]
    assert [(frame.get("stored"), frame.get("duplicates")) for frame in frames] == [
        ("1", "0"),
        ("0", "1"),
    ] * 100
    times = [json.loads(frame.body)["time"] for frame in await take(watcher, 100)]
    assert times == [TIME + 1000 * number for number in range(100)]


async def test_a_backlog_is_on_its_way_to_the_store_piece_by_piece(stomp, site, monkeypatch):
    site.limits = dataclasses.replace(site.limits, pending_fixes=100)
    under_way, most = 0, 0
    append_all = site.groups.append_all

    def noting(group, batches):
        nonlocal under_way, most
        count = sum(len(batch.fixes) for batch in batches)
        under_way += count
        most = max(most, under_way)
        future = append_all(group, batches)

        def answered(_):
            nonlocal under_way
            under_way -= count

        future.add_done_callback(answered)
        return future

    monkeypatch.setattr(site.groups, "append_all", noting)
    client = await stomp()
    day = [[fix(40 * number + n) for n in range(40)] for number in range(30)]
    wire = b"".join(
        frame_bytes("SEND", {"destination": GROUP, "receipt": str(number)}, json.dumps(some).encode())
        for number, some in enumerate(reversed(day))
    )
    client.socket.write_message(wire, binary=True)
    frames = [await client.frame() for _ in range(30)]
    assert [(frame.get("receipt-id"), frame.get("stored")) for frame in frames] == [
        (str(number), "40") for number in range(30)
    ]
    assert most == 120


async def test_groups_topics_and_commands_in_one_read_keep_their_order(stomp, few):
    client = await stomp()
    other = "/topic/group.others"
    wire = send(0, receipt="a") + send(0, other, receipt="b") + send(1, receipt="c")
    wire += send(0, "/topic/free", receipt="d") + send(2) * 9 + send(3, receipt="e")
    wire += frame_bytes("SUBSCRIBE", {"id": "0", "destination": other, "receipt": "f"})
    wire += send(4, other, receipt="g") + frame_bytes("DISCONNECT", {"receipt": "h"})
    client.socket.write_message(wire + wire, binary=True)  # what follows DISCONNECT is not read
    got = await answers(client, 9)
    assert [name for command, name in got if command == "RECEIPT"] == list("abcdefgh")
    assert got[-1] == ("RECEIPT", "h")
    assert await client.closed() == 1000


async def test_a_bad_send_ends_it_behind_all_good_ones(stomp, few, fetch):
    client = await stomp()
    wire = b"".join(send(number, receipt=f"r{number}") for number in range(20))
    bad = frame_bytes("SEND", {"destination": GROUP, "receipt": "bad"}, b"{}")
    client.socket.write_message(wire + bad + send(99), binary=True)
    assert await answers(client, 21) == [("RECEIPT", f"r{n}") for n in range(20)] + [("ERROR", "bad")]
    assert await client.closed() == 1002
    stored = json.loads((await fetch("api/groups/hikers/fixes")).body)["fixes"]
    assert len(stored) == 20


async def test_while_it_pauses_nothing_is_done_and_nothing_lost(stomp, site):
    client = await stomp()
    [session] = site.sessions
    session.pause(0.05)
    session.pause(0.3)
    session.pause(0.1)  # the longest counts
    start = asyncio.get_running_loop().time()
    for number in range(300):
        client.socket.write_message(send(number, receipt=f"r{number}"), binary=True)
    assert await answers(client, 300) == [("RECEIPT", f"r{n}") for n in range(300)]
    assert asyncio.get_running_loop().time() - start >= 0.3


async def test_silence_says_nothing_while_it_pauses(stomp, site):
    client = await stomp(connect={"heart-beat": "1000,0"})
    [session] = site.sessions
    long_ago = asyncio.get_running_loop().time() - 60  # the peer is lost after 3 s without a beat
    session.pause(0.05)
    session._connection.heard(long_ago)
    session._on_timer()
    assert not session.is_over
    assert (await client.ask("SEND", {"destination": GROUP}, fix())).command == "RECEIPT"
    session._connection.heard(long_ago)
    session._on_timer()
    assert session.is_over


async def test_who_leaves_while_it_pauses_is_let_go(stomp, site):
    client = await stomp()
    [session] = site.sessions
    session.pause(60)
    client.socket.write_message(send(0), binary=True)
    await client.close()
    async with asyncio.timeout(10):
        while session in site.sessions:
            await asyncio.sleep(0.005)
