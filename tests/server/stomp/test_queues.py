"""/queue/...: each message for one consumer, over a running server."""

from __future__ import annotations

import asyncio

import pytest

from locshare_ext.broker.access import Principal
from locshare_ext.broker.queues import QueueLimits
from tests.server.stomp.helpers import ack_of, bodies, error_of, nothing_more, put, subscribe, take

WORK = "/queue/work"


async def test_messages_wait_until_somebody_comes(stomp, site):
    sender, taker = await stomp(), await stomp()
    await put(sender, "work", "a", "b", "c")
    hello = await subscribe(taker, WORK, "auto")
    assert hello.get("locshare-protocol") == "1"
    assert (hello.get("cursor"), hello.get("gap")) == (None, None)
    frames = await take(taker, 3)
    assert bodies(frames) == ["a", "b", "c"]
    assert {frame.get("destination") for frame in frames} == {WORK}
    assert {frame.get("subscription") for frame in frames} == {"0"}
    assert {frame.get("ack") for frame in frames} == {None}
    assert len({frame.get("message-id") for frame in frames}) == 3
    await taker.ask("UNSUBSCRIBE", {"id": "0"})
    assert len(site.queues) == 0


async def test_headers_of_the_sender_pass_and_those_of_the_hop_do_not(stomp):
    sender, one, two = await stomp(), await stomp(), await stomp()
    await subscribe(one, WORK)
    headers = {"mood": "good: very", "content-type": "text/plain", "persistent": "true", "message-id": "x"}
    await put(sender, "work", "a", **headers, redelivered="true", ack="x", **{"delivery-count": "9"})
    [frame] = await take(one, 1)
    for name in ("receipt", "transaction", "redelivered", "delivery-count"):
        assert frame.get(name) is None
    await subscribe(two, WORK)
    await one.close()
    [again] = await take(two, 1)
    assert (again.get("redelivered"), again.get("delivery-count")) == ("true", "2")
    assert again.get("message-id") == frame.get("message-id") != "x"
    for got in (frame, again):
        assert (got.get("mood"), got.get("content-type")) == ("good: very", "text/plain")
        assert got.get("persistent") == "true"
        assert got.get("content-length") == "1"
    assert sum(name == "delivery-count" for name, _ in again.headers) == 1


async def test_each_message_goes_to_one_consumer_in_turn(stomp):
    sender, *takers = [await stomp() for _ in range(4)]
    for taker in takers:
        await subscribe(taker, WORK, "auto")
    await put(sender, "work", *map(str, range(9)))
    assert [bodies(await take(taker, 3)) for taker in takers] == [
        ["0", "3", "6"],
        ["1", "4", "7"],
        ["2", "5", "8"],
    ]


async def test_the_window_of_one_subscription_is_its_prefetch_count(stomp):
    sender, taker, other = await stomp(), await stomp(), await stomp()
    await subscribe(taker, WORK, "client-individual", prefetch_count="2")
    await put(sender, "work", "a", "b", "c", "d")
    first, second = await take(taker, 2)
    await nothing_more(taker)
    await taker.ask("ACK", ack_of(second))
    assert bodies(await take(taker, 1)) == ["c"]
    await subscribe(other, WORK, "auto")
    assert bodies(await take(other, 1)) == ["d"]
    await taker.ask("ACK", ack_of(first))
    await nothing_more(taker)


@pytest.mark.parametrize("end", ["UNSUBSCRIBE", "DISCONNECT", "close", "abort", "ERROR"])
async def test_what_was_not_acknowledged_goes_to_another_in_the_old_order(stomp, end):
    sender, one, two = await stomp(), await stomp(), await stomp()
    await subscribe(one, WORK, "client-individual", prefetch_count="4")
    await put(sender, "work", *"abcde")
    frames = await take(one, 4)
    await one.ask("ACK", ack_of(frames[1]))
    await take(one, 1)
    if end == "UNSUBSCRIBE":
        await one.ask("UNSUBSCRIBE", {"id": "0"})
    elif end == "DISCONNECT":
        await one.ask("DISCONNECT", {})
    elif end == "close":
        await one.close()
    elif end == "abort":
        one.socket.protocol.stream.close()
    else:
        one.write("NONSENSE", {})
    await subscribe(two, WORK, "client")
    frames = await take(two, 4)
    assert bodies(frames) == ["a", "c", "d", "e"]
    assert [frame.get("redelivered") for frame in frames] == ["true"] * 4


async def test_a_refused_message_goes_to_another(stomp):
    sender, one, two = await stomp(), await stomp(), await stomp()
    await subscribe(one, WORK)
    await put(sender, "work", "a")
    [frame] = await take(one, 1)
    await subscribe(two, WORK)
    assert (await one.ask("NACK", ack_of(frame))).command == "RECEIPT"
    [again] = await take(two, 1)
    assert (again.body, again.get("redelivered")) == (b"a", "true")
    await two.ask("ACK", ack_of(again))
    await nothing_more(one)


async def test_the_only_consumer_gets_what_it_refuses_again_and_others_pass(stomp):
    sender, one = await stomp(), await stomp()
    await subscribe(one, WORK, "client-individual")
    await put(sender, "work", "bad", "good")
    frames = await take(one, 2)
    await one.ask("ACK", ack_of(frames[1]))
    counts = []
    for _ in range(3):
        await one.ask("NACK", ack_of(frames[0]))
        frames = await take(one, 1)
        assert frames[0].body == b"bad"
        counts.append(frames[0].get("delivery-count"))
    assert counts == ["2", "3", "4"]


async def test_an_ack_of_an_earlier_delivery_is_not_one_of_the_new(stomp):
    sender, one = await stomp(), await stomp()
    await subscribe(one, WORK)
    await put(sender, "work", "a")
    [first] = await take(one, 1)
    await one.ask("NACK", ack_of(first))
    [second] = await take(one, 1)
    assert first.get("ack") != second.get("ack")
    assert error_of(await one.ask("ACK", ack_of(first)))["code"] == "ack_unknown"


async def test_a_full_queue_is_an_error_that_names_the_limit(stomp, site):
    site.queues.limits = QueueLimits(messages=2)
    sender, other = await stomp(), await stomp()
    await put(sender, "work", "a", "b")
    answer = await sender.ask("SEND", {"destination": WORK, "receipt": "c"}, b"c")
    assert error_of(answer)["code"] == "queue_full"
    assert "limit of 2 messages" in answer.get("message")
    assert answer.get("receipt-id") == "c"
    assert await sender.closed() == 1013
    site.queues.limits = QueueLimits(queues=1)
    answer = await other.ask("SUBSCRIBE", {"id": "0", "destination": "/queue/other"})
    assert error_of(answer)["code"] == "too_many_queues"


@pytest.mark.parametrize(
    ("headers", "field"),
    [
        ({"destination": "/queue/a.*"}, "destination"),
        ({"destination": "/queue/#"}, "destination"),
        ({"destination": "/queue/"}, "destination"),
        ({"destination": "/temp-queue/a"}, "destination"),
        ({"after": "start"}, "after"),
        ({"last": "1"}, "last"),
        ({"batch": "100"}, "batch"),
        ({"conflate": "1"}, "conflate"),
        ({"members": "ann"}, "members"),
        ({"durable-name": "me", "ack": "client"}, "durable-name"),
        ({"prefetch-count": "0"}, "prefetch-count"),
        ({"prefetch-count": "10001"}, "prefetch-count"),
        ({"prefetch-count": "many"}, "prefetch-count"),
    ],
)
async def test_what_cannot_be_asked_of_a_queue(stomp, headers, field):
    client = await stomp()
    answer = await client.ask("SUBSCRIBE", {"id": "0", "destination": WORK, **headers})
    assert error_of(answer)["field"] == field


async def test_what_clients_of_other_brokers_send_is_ignored(stomp):
    client = await stomp()
    await subscribe(client, WORK, "client", durable="true", auto_delete="false", selector="a > 1")
    await put(client, "work", "a")
    assert bodies(client.skipped or await take(client, 1)) == ["a"]


async def test_queues_and_free_topics_are_not_for_who_has_one_group(stomp, site):
    site.credentials.add("lsk_test_" + "x" * 40, Principal("i1", "host", "hikers", frozenset({"watch"})))
    for destination in (WORK, "/topic/free"):
        for command in ("SEND", "SUBSCRIBE", "in a transaction"):
            client = await stomp(connect={"passcode": "lsk_test_" + "x" * 40})
            assert client.connected.command == "CONNECTED"
            if command == "in a transaction":
                await client.ask("BEGIN", {"transaction": "t"})
                answer = await client.ask("SEND", {"destination": destination, "transaction": "t"})
            else:
                answer = await client.ask(command, {"id": "0", "destination": destination})
            assert error_of(answer)["code"] == "access_denied"


async def test_many_messages_through_one_queue(stomp):
    sender, one, two = await stomp(), await stomp(), await stomp()
    for taker in (one, two):
        await subscribe(taker, WORK, "client", prefetch_count="50")
    got: list[str] = []

    async def work(client) -> None:
        while len(got) < 2000:
            frames = [await client.frame() for _ in range(1)]
            got.extend(bodies(frames))
            client.write("ACK", ack_of(frames[-1]))

    workers = [asyncio.ensure_future(work(client)) for client in (one, two)]
    for number in range(2000):
        sender.write("SEND", {"destination": WORK}, str(number).encode())
    async with asyncio.timeout(30):
        await asyncio.wait(workers, return_when=asyncio.FIRST_COMPLETED)
    for worker in workers:
        worker.cancel()
    assert sorted(map(int, got)) == list(range(2000))
