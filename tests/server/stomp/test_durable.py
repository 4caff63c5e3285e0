"""durable-name: a subscription that goes on where its last ACK was, also after a restart."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from locshare_ext.model.store import PlaceInfo
from locshare_ext.services import places
from tests.server.stomp.helpers import (
    GROUP,
    ack_of,
    error_of,
    nothing_more,
    numbers,
    publish,
    subscribe,
    take,
)
from tests.support.served import Served
from tests.support.stomp import StompClient

NAME = {"durable_name": "map"}


async def test_the_next_subscription_goes_on_below_what_is_not_acknowledged(stomp):
    sender, client = await stomp(), await stomp()
    hello = await subscribe(client, **NAME)
    assert hello.get("gap") == "false"
    await publish(sender, *range(5))
    frames = await take(client, 5)
    await client.ask("ACK", ack_of(frames[1]))
    await client.close()
    await publish(sender, 5)
    client = await stomp()
    hello = await subscribe(client, **NAME)
    assert hello.get("cursor") == frames[1].get("message-id")
    assert hello.get("gap") == "false"
    assert numbers(await take(client, 4)) == [2, 3, 4, 5]


async def test_a_name_is_remembered_from_its_first_subscription(stomp):
    sender, client = await stomp(), await stomp()
    await subscribe(client, **NAME)  # of a group that nobody has published to
    await client.ask("UNSUBSCRIBE", {"id": "0"})
    await publish(sender, 0, 1)
    await subscribe(client, after="now", **NAME)  # the remembered place counts
    assert numbers(await take(client, 2)) == [0, 1]


async def test_a_new_name_begins_where_after_says(stomp):
    sender, client = await stomp(), await stomp()
    await publish(sender, 0, 1)
    await subscribe(client, after="start", **NAME)
    assert numbers(await take(client, 2)) == [0, 1]


async def test_the_place_is_below_what_was_refused(stomp):
    sender, client = await stomp(), await stomp()
    await subscribe(client, ack="client-individual", **NAME)
    await publish(sender, *range(4))
    frames = await take(client, 4)
    await client.ask("NACK", ack_of(frames[1]))
    for number in (0, 2, 3):
        await client.ask("ACK", ack_of(frames[number]))
    await client.ask("UNSUBSCRIBE", {"id": "0"})
    await subscribe(client, ack="client-individual", **NAME)
    frames = await take(client, 3)
    assert numbers(frames) == [1, 2, 3]
    for frame in frames:
        await client.ask("ACK", ack_of(frame))
    await client.ask("UNSUBSCRIBE", {"id": "0"})
    await subscribe(client, **NAME)
    await nothing_more(client)


async def test_arrays_move_the_place_when_they_are_acknowledged(stomp):
    sender, client = await stomp(), await stomp()
    await subscribe(client, batch="1", **NAME)
    await publish(sender, 0, 1)
    [first] = await take(client, 1)
    await client.ask("ACK", ack_of(first))
    await publish(sender, 2, 3)
    await take(client, 1)
    await client.ask("UNSUBSCRIBE", {"id": "0"})
    await subscribe(client, **NAME)
    assert numbers(await take(client, 2)) == [2, 3]


async def test_what_is_of_others_needs_no_ack(stomp, site):
    sender, client = await stomp(), await stomp()
    await subscribe(client, members="bob", **NAME)
    await publish(sender, *range(3))
    await publish(sender, 3, member="bob")
    [frame] = await take(client, 1)
    await client.ask("ACK", ack_of(frame))
    answer = await publish(sender, 4)
    await nothing_more(client)
    await client.ask("UNSUBSCRIBE", {"id": "0"})
    hello = await subscribe(client, **NAME)
    assert hello.get("cursor") == answer.get("cursor")


async def test_a_second_one_takes_over(stomp):
    sender, one, two = await stomp(), await stomp(), await stomp()
    await subscribe(one, **NAME)
    await publish(sender, 0, 1)
    frames = await take(one, 2)
    await one.ask("ACK", ack_of(frames[0]))
    await subscribe(two, **NAME)
    answer = await one.frame()
    assert error_of(answer)["code"] == "durable_name_taken"
    assert "took over the durable-name 'map'" in answer.get("message")
    assert await one.closed() is not None
    assert numbers(await take(two, 1)) == [1]


async def test_names_are_of_one_identity_group_and_topic(stomp, site, fetch):
    sender, one = await stomp(), await stomp()
    other = await stomp(connect={"login": "x"})
    await publish(sender, 0)
    await sender.ask("SEND", {"destination": "/topic/group.walkers"}, [])
    await subscribe(one, **NAME)
    await one.ask(
        "SUBSCRIBE", {"id": "1", "destination": GROUP + ".events", "ack": "client", "durable-name": "map"}
    )
    await one.ask(
        "SUBSCRIBE",
        {"id": "2", "destination": "/topic/group.walkers", "ack": "client", "durable-name": "map"},
    )
    assert (await fetch("api/groups/hikers/notes", "POST", {"text": "a"})).code in (200, 201)
    [frame] = await take(one, 1)
    assert frame.get("subscription") == "1"
    await one.ask("ACK", ack_of(frame))
    await nothing_more(other)
    kernel = await stomp(connect={"passcode": _kernel_secret(site), "login": "nb"})
    hello = await subscribe(kernel, **NAME)
    assert hello.command == "RECEIPT"
    await publish(sender, 1)
    assert numbers(await take(one, 1)) == numbers(await take(kernel, 1)) == [1]


def _kernel_secret(site: Any) -> str:
    from locshare_ext.broker.access import Principal

    secret = "lsk_" + "k" * 43
    site.credentials.add(secret, Principal("kernel", "kernel"))
    return secret


async def test_a_lost_place_is_a_gap(stomp, site, fetch):
    sender, client = await stomp(), await stomp()
    await publish(sender, 0)
    await subscribe(client, after="start", **NAME)
    await take(client, 1)
    await client.ask("UNSUBSCRIBE", {"id": "0"})
    await publish(sender, 1, 2)
    group = await site.groups.open("hikers")
    await group.log.trim(site.clock() + 1000)  # nothing is kept for a name
    hello = await subscribe(client, **NAME)
    assert hello.get("gap") == "true"
    await client.ask("UNSUBSCRIBE", {"id": "0"})
    await publish(sender, 3)
    assert (await fetch("api/groups/hikers", "DELETE")).code == 200
    await publish(sender, 4)
    hello = await subscribe(client, **NAME)
    assert hello.get("gap") == "true"
    assert numbers(await take(client, 1)) == [4]


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"ack": "auto"}, "durable_needs_ack"),
        ({"durable_name": ""}, "invalid_input"),
        ({"durable_name": "a/b"}, "invalid_input"),
        ({"durable_name": "x" * 65}, "invalid_input"),
        ({"durable_name": "a", "after": "nonsense"}, "invalid_cursor"),
    ],
)
async def test_names_that_cannot_be(stomp, headers, code):
    client = await stomp()
    given = {"id": "0", "destination": GROUP, "ack": "client", "durable-name": "map"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    assert error_of(await client.ask("SUBSCRIBE", given))["code"] == code


async def test_too_many_names(stomp, site):
    site.places._names = 3
    client = await stomp()
    await publish(client, 0)
    for number in range(3):
        await subscribe(client, id=str(number), durable_name=f"n{number}")
    given = {"id": "3", "destination": GROUP, "ack": "client", "durable-name": "n3"}
    assert error_of(await client.ask("SUBSCRIBE", given))["code"] == "too_many_names"
    client = await stomp()
    await subscribe(client, durable_name="n2")  # those that are known go on


async def test_what_moves_during_a_write_is_written_at_once_by_the_next(stomp, site, monkeypatch):
    monkeypatch.setattr(places, "WRITE_EVERY", 0.01)
    written: asyncio.Queue[list[PlaceInfo]] = asyncio.Queue()
    may_write = asyncio.Event()
    real = site.store.put_places

    async def held(given: list[PlaceInfo]) -> list[PlaceInfo]:
        written.put_nowait(given)
        await may_write.wait()
        return await real(given)

    monkeypatch.setattr(site.store, "put_places", held)
    sender, client = await stomp(), await stomp()
    await publish(sender, *range(100))
    await subscribe(client, after="start", **NAME)
    [place] = await written.get()
    assert place.upto == 0
    for frame in await take(client, 100):
        client.write("ACK", ack_of(frame))
    await nothing_more(client)
    may_write.set()
    [place] = await written.get()
    assert (place.name, place.upto) == ("map", 100)
    await site.places.write()
    assert await site.store.places("hikers", "host") == [place]
    assert written.empty()


@pytest.mark.process
@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_places_survive_a_restart(tmp_path: Path, end: str):
    served = Served(tmp_path)

    async def connect() -> StompClient:
        url = f"{served.url}locshare/stomp".replace("http:", "ws:")
        client = StompClient(await websocket_connect(HTTPRequest(url)))
        client.write("CONNECT", {"accept-version": "1.2", "host": "x", "passcode": served.token})
        client.connected = await client.frame()
        assert client.connected.command == "CONNECTED"
        return client

    with served.running():
        client = await connect()
        await publish(client, *range(3))
        await subscribe(client, after="start", **NAME)
        frames = await take(client, 3)
        await client.ask("ACK", ack_of(frames[1]))
        if end == "kill":
            await _written(tmp_path / "log.sqlite3", 2)
            served.kill()
        await client.close()
    with served.running():
        client = await connect()
        hello = await subscribe(client, **NAME)
        assert (hello.get("gap"), hello.get("cursor")) == ("false", frames[1].get("message-id"))
        [frame] = await take(client, 1)
        assert json.loads(frame.body)["time"] == json.loads(frames[2].body)["time"]
        await client.close()


async def _written(store: Path, upto: int) -> None:
    """Wait until a place is in the file: it is written a moment after the ACK."""
    conn = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    async with asyncio.timeout(10):
        while conn.execute("SELECT upto FROM places").fetchall() != [(upto,)]:
            await asyncio.sleep(0.02)
    conn.close()
