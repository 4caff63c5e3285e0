"""What one invite may use: connections, frames, subscriptions, fixes a second."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from tornado.httpclient import HTTPClientError

from locshare_ext.services.rates import Rates
from tests.server.test_invites import GROUP, NOTHING, WITHIN, by, connected, error, fix, now, said


@pytest.fixture
def limited(jp_server_config):
    jp_server_config["LocShareApp"] |= {
        "max_invite_connections": 2,
        "max_open_invite_connections": 3,
        "max_invite_frame": 2048,
        "max_invite_subscriptions": 2,
    }


async def test_connections_of_one_invite(limited, stomp, invite):
    for card, most in ((await invite("ann"), 2), (await invite(), 3)):
        clients = [await connected(stomp, card) for _ in range(most)]
        assert all(client.connected.command == "CONNECTED" for client in clients)
        over = await connected(stomp, card)
        assert over.connected.get("code") == "too_many_connections"
        assert f"{most} connections" in over.connected.get("message")
        await clients[0].close()
        async with asyncio.timeout(5):
            while (await connected(stomp, card)).connected.command != "CONNECTED":
                await asyncio.sleep(0.01)


async def test_upgrades_of_one_invite_count_before_connect(limited, stomp, invite):
    card = await invite("ann")
    for _ in range(2):
        await stomp(headers={**NOTHING, **by(card)}, connect=False)
    with pytest.raises(HTTPClientError) as refused:
        await stomp(headers={**NOTHING, **by(card)}, connect=False)
    assert refused.value.code == 503
    assert b"2 connections" in refused.value.response.body


async def test_frames_and_subscriptions_of_an_invite(limited, stomp, invite):
    card = await invite("ann")
    client = await connected(stomp, card)
    for number in range(2):
        answer = await client.ask("SUBSCRIBE", {"id": str(number), "destination": GROUP})
        assert answer.command == "RECEIPT"
    over = await client.ask("SUBSCRIBE", {"id": "2", "destination": GROUP})
    assert (over.command, "limit of 2 subscriptions" in over.get("message")) == ("ERROR", True)
    client = await connected(stomp, card)
    client.write("SEND", {"destination": GROUP}, b" " * 3000)
    frame = await client.frame()
    assert (frame.command, "limit of 2048 bytes" in frame.get("message")) == ("ERROR", True)
    assert await client.closed() == 1009
    host = await stomp()
    assert (
        await host.ask("SEND", {"destination": GROUP}, json.dumps(fix()).encode() + b" " * 3000)
    ).command == ("RECEIPT")


async def test_over_the_rate_http_waits_and_says_how_long(fetch, invite, site):
    site.groups.rates = Rates(5, 10)
    card = await invite("ann")
    batch = [fix(time=now() - 1000 * number) for number in range(12)]
    assert said(await fetch("api/groups/hikers/fixes", "POST", batch, headers=by(card)))["stored"] == 12
    refused = await fetch("api/groups/hikers/fixes", "POST", fix(), headers=by(card))
    assert error(refused, 429)["code"] == "too_fast"
    assert refused.headers["Retry-After"] == "1"
    assert (await fetch("api/groups/hikers/notes", "POST", {"text": "x"}, headers=by(card))).code == 429
    assert (await fetch("api/groups/hikers/fixes", headers=by(card))).code == 200
    assert said(await fetch("api/groups/hikers/fixes", "POST", fix(member="bob")))["stored"] == 1  # the host
    await asyncio.sleep(site.groups.rates.wait(card["id"]))
    assert said(await fetch("api/groups/hikers/fixes", "POST", fix(), headers=by(card)))["stored"] == 1


@pytest.fixture
def beating(jp_server_config):
    jp_server_config["LocShareApp"]["heart_beat"] = 100


async def test_over_the_rate_stomp_is_not_read_and_loses_nothing(beating, stomp, invite, site):
    site.groups.rates = Rates(20, 10)
    card = await invite("ann")
    connect = {"passcode": card["token"], "heart-beat": "0,100"}
    client = await stomp(headers=dict(NOTHING), connect=connect)
    start = now()
    for number in range(40):
        client.write("SEND", {"destination": GROUP, "receipt": str(number)}, fix(time=start + number))
    began = time.monotonic()
    receipts = [(await client.frame()).get("receipt-id") for _ in range(40)]
    assert receipts == [str(number) for number in range(40)]
    assert time.monotonic() - began > 1.2  # 30 over the burst, 20 a second
    entries = await site.store.read("hikers", 0, 100)
    assert [entry.item.time for entry in entries] == [start + number for number in range(40)]


async def test_who_is_not_read_for_its_rate_is_not_dead(beating, stomp, invite, site):
    site.groups.rates = Rates(10, 1)
    card = await invite("ann")
    client = await stomp(headers=dict(NOTHING), connect={"passcode": card["token"], "heart-beat": "100,0"})
    batch = [fix(time=now() - 1000 * number) for number in range(20)]
    assert (await client.ask("SEND", {"destination": GROUP}, batch)).command == "RECEIPT"
    # two seconds in which it may send nothing that is read; its tolerance is 0.3 s
    answer = await client.ask("SEND", {"destination": GROUP}, fix())
    assert answer.command == "RECEIPT"


async def test_who_is_not_read_is_still_told_of_the_end(fetch, stomp, invite, site):
    site.groups.rates = Rates(0.1, 1)
    card = await invite("ann")
    client = await connected(stomp, card)
    await client.ask("SEND", {"destination": GROUP}, [fix(time=now() - number) for number in range(20)])
    for _ in range(10):
        client.write("SEND", {"destination": GROUP}, fix())
    async with asyncio.timeout(WITHIN):
        await fetch(f"api/groups/hikers/invites/{card['id']}", "DELETE")
        assert (await client.frame()).get("code") == "invite_revoked"
        assert await client.closed() == 1008
