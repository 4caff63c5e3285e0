"""Ack modes on topics: windows, what an ACK names, and what it must not."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from tests.server.stomp.helpers import (
    GROUP,
    ack_of,
    error_of,
    fix,
    nothing_more,
    numbers,
    publish,
    subscribe,
    take,
)

FREE = "/topic/free"


async def tell(client, *texts):
    for text in texts:
        await client.ask("SEND", {"destination": FREE}, text.encode())


@pytest.mark.parametrize("mode", ["client", "client-individual"])
async def test_a_group_is_read_no_further_than_the_window(stomp, mode):
    sender, client = await stomp(), await stomp()
    await publish(sender, *range(10))
    await subscribe(client, ack=mode, prefetch_count="3", after="start")
    frames = await take(client, 3)
    await nothing_more(client)
    assert (await client.ask("ACK", ack_of(frames[2]))).command == "RECEIPT"
    more = await take(client, 3 if mode == "client" else 1)
    await nothing_more(client)
    assert numbers([*frames, *more]) == list(range(len(frames) + len(more)))
    await publish(sender, 10)
    await nothing_more(client)
    while len(frames) < 11:
        for frame in more:
            client.write("ACK", ack_of(frame))
        frames += more
        if mode == "client-individual":
            client.write("ACK", ack_of(frames[0]))
            client.write("ACK", ack_of(frames[1]))
            mode = "client-individual, all"
        elif mode == "client":
            break
        more = await take(client, min(3, 11 - len(frames)))
    assert numbers(frames) == list(range(len(frames)))


async def test_windows_pass_over_what_is_of_others(stomp):
    sender, client = await stomp(), await stomp()
    for number in range(20):
        await publish(sender, number, member="ann" if number % 5 == 0 else "bob")
    await subscribe(client, prefetch_count="1", after="start", members="ann")
    for number in (0, 5, 10, 15):
        [frame] = await take(client, 1)
        assert numbers([frame]) == [number]
        await nothing_more(client)
        await client.ask("ACK", ack_of(frame))
    await nothing_more(client)


async def test_a_window_over_what_is_in_the_store_only(stomp, site):
    site.groups.options = type(site.groups.options)(log_length=10)
    sender, client = await stomp(), await stomp()
    await publish(sender, *range(500))
    await subscribe(client, prefetch_count="7", after="start")
    got = []
    while len(got) < 500:
        frames = await take(client, min(7, 500 - len(got)))
        got += numbers(frames)
        client.write("ACK", ack_of(frames[-1]))
    assert got == list(range(500))
    await nothing_more(client)


async def test_an_array_is_one_message_of_the_window(stomp):
    sender, client = await stomp(), await stomp()
    await subscribe(client, prefetch_count="1", batch="1")
    await publish(sender, 0, 1, 2)
    [first] = await take(client, 1)
    assert len(json.loads(first.body)) == 3
    await publish(sender, 3)
    await publish(sender, 4)
    await nothing_more(client)
    await client.ask("ACK", ack_of(first))
    [second] = await take(client, 1)
    assert [one["time"] for one in json.loads(second.body)] == [fix(3)["time"], fix(4)["time"]]


async def test_conflated_arrays_wait_for_the_ack_too(stomp):
    sender, client = await stomp(), await stomp()
    await subscribe(client, prefetch_count="1", batch="1", conflate="1")
    await publish(sender, 0)
    [first] = await take(client, 1)
    await publish(sender, *range(1, 9))
    await nothing_more(client)
    await client.ask("ACK", ack_of(first))
    [second] = await take(client, 1)
    assert [one["time"] for one in json.loads(second.body)] == [fix(8)["time"]]


async def test_a_snapshot_is_acknowledged_as_all_else(stomp):
    sender, client = await stomp(), await stomp()
    await publish(sender, 0)
    await publish(sender, 0, member="bob")
    await subscribe(client, last="1", prefetch_count="2")
    frames = await take(client, 2)
    assert [frame.get("snapshot") for frame in frames] == ["1", "1"]
    await publish(sender, 1)
    await nothing_more(client)
    await client.ask("ACK", ack_of(frames[1]))
    assert numbers(await take(client, 1)) == [1]


async def test_a_snapshot_waits_for_room_as_all_else(stomp):
    sender, client = await stomp(), await stomp()
    names = [f"m{number}" for number in range(5)]
    for name in names:
        await publish(sender, 0, member=name)
    await subscribe(client, last="1", prefetch_count="2")
    found = await take(client, 2)
    await publish(sender, 1, member="later")
    await nothing_more(client)
    for count in (2, 2):
        await client.ask("ACK", ack_of(found[-1]))
        found += await take(client, count)
        await nothing_more(client)
    assert [frame.get("member") for frame in found] == [*names, "later"]
    assert [frame.get("message-id") for frame in found[:5]] == [f"s-{number}" for number in range(1, 6)]
    assert [frame.get("snapshot") for frame in found] == ["1"] * 5 + [None]


async def test_what_is_refused_in_a_group_is_not_sent_again(stomp):
    sender, client = await stomp(), await stomp()
    await subscribe(client, ack="client-individual", prefetch_count="1")
    await publish(sender, 0, 1)
    [frame] = await take(client, 1)
    assert (await client.ask("NACK", ack_of(frame))).command == "RECEIPT"
    assert numbers(await take(client, 1)) == [1]
    assert error_of(await client.ask("ACK", ack_of(frame)))["code"] == "ack_unknown"


async def test_events_are_acknowledged_too(stomp, fetch):
    sender, client = await stomp(), await stomp()
    await publish(sender, 0)
    await subscribe(client, GROUP + ".events", prefetch_count="1")
    for text in ("a", "b"):
        assert (await fetch("api/groups/hikers/notes", "POST", {"text": text})).code in (200, 201)
    [frame] = await take(client, 1)
    await nothing_more(client)
    await client.ask("ACK", ack_of(frame))
    [frame] = await take(client, 1)
    assert json.loads(frame.body)["text"] == "b"


async def test_a_free_topic_waits_over_the_window(stomp):
    sender, client = await stomp(), await stomp()
    await subscribe(client, FREE, prefetch_count="2")
    await tell(sender, *"abcde")
    frames = await take(client, 2)
    await nothing_more(client)
    await client.ask("ACK", ack_of(frames[-1]))
    frames = await take(client, 2)
    assert [frame.body for frame in frames] == [b"c", b"d"]
    await nothing_more(client)
    await client.ask("NACK", ack_of(frames[-1]))
    [frame] = await take(client, 1)
    assert (frame.body, frame.get("dropped")) == (b"e", None)
    await nothing_more(client)


async def test_a_free_topic_drops_what_waits_too_long_and_says_how_many(stomp, site):
    site.limits = replace(site.limits, behind=500)
    sender, client = await stomp(), await stomp()
    await subscribe(client, FREE, prefetch_count="1")
    await tell(sender, *"abcdef")  # some 200 bytes each: one goes out, two wait
    for ready in (b"a", b"b"):
        [frame] = await take(client, 1)
        assert (frame.body, frame.get("dropped")) == (ready, None)
        await client.ask("ACK", ack_of(frame))
    await tell(sender, "g")
    for ready, dropped in ((b"c", None), (b"g", "3")):
        [frame] = await take(client, 1)
        assert (frame.body, frame.get("dropped")) == (ready, dropped)
        await client.ask("ACK", ack_of(frame))


async def test_equal_listeners_with_other_modes_get_other_headers(stomp):
    sender, automatic, waiting = await stomp(), await stomp(), await stomp()
    await subscribe(automatic, FREE, "auto")
    await subscribe(waiting, FREE, "client")
    await tell(sender, "a")
    assert [(await take(one, 1))[0].get("ack") is None for one in (automatic, waiting)] == [True, False]


async def test_cumulative_and_individual(stomp):
    sender, client = await stomp(), await stomp()
    await subscribe(client, ack="client")
    await publish(sender, 0, 1, 2)
    frames = await take(client, 3)
    await client.ask("ACK", ack_of(frames[1]))
    await client.ask("ACK", ack_of(frames[2]))
    answer = await client.ask("ACK", {**ack_of(frames[0]), "receipt": "late"})
    assert error_of(answer)["code"] == "ack_unknown"
    assert answer.get("receipt-id") == "late"
    assert "settled already" in answer.get("message")
    assert await client.closed() is not None


@pytest.mark.parametrize("command", ["ACK", "NACK"])
@pytest.mark.parametrize("name", ["x", "x@0", "@", "aaaa-1@nobody"])
async def test_what_names_no_message(stomp, command, name):
    client = await stomp()
    await subscribe(client)
    found = error_of(await client.ask(command, {"id": name}))
    assert (found["code"], found["field"]) == ("ack_unknown", "id")


async def test_the_message_id_is_no_ack_in_1_2(stomp):
    sender, client = await stomp(), await stomp()
    await subscribe(client)
    await publish(sender, 0)
    [frame] = await take(client, 1)
    assert error_of(await client.ask("ACK", {"id": frame.get("message-id")}))["code"] == "ack_unknown"


async def test_two_subscriptions_to_one_group_are_told_apart(stomp):
    sender, client = await stomp(), await stomp()
    for name in ("a", "b:c@d"):
        await client.ask("SUBSCRIBE", {"id": name, "destination": GROUP, "ack": "client"})
    await publish(sender, 0)
    frames = await take(client, 2)
    assert len({frame.get("ack") for frame in frames}) == 2
    for frame in frames:
        assert (await client.ask("ACK", ack_of(frame))).command == "RECEIPT"


async def test_1_1_names_message_id_and_subscription(stomp):
    sender, client = await stomp(), await stomp(connect={"accept-version": "1.1"})
    await subscribe(client, ack="client-individual", prefetch_count="1")
    await publish(sender, 0, 1)
    [frame] = await take(client, 1)
    assert frame.get("ack") is None
    name = {"message-id": frame.get("message-id"), "subscription": "0"}
    assert (await client.ask("ACK", dict(name))).command == "RECEIPT"
    [frame] = await take(client, 1)
    name = {"message-id": frame.get("message-id"), "subscription": "0"}
    assert (await client.ask("NACK", dict(name))).command == "RECEIPT"
    assert error_of(await client.ask("ACK", name))["field"] == "message-id"


async def test_an_auto_subscription_expects_no_ack(stomp):
    sender, client = await stomp(), await stomp(connect={"accept-version": "1.1"})
    await subscribe(client, ack="auto")
    await publish(sender, 0)
    [frame] = await take(client, 1)
    name = {"message-id": frame.get("message-id"), "subscription": "0"}
    answer = await client.ask("ACK", name)
    assert error_of(answer)["code"] == "ack_not_expected"
    assert "ack:auto" in answer.get("message")


async def test_1_0_names_the_message_id(stomp):
    sender, client = await stomp(), await stomp(connect={"accept-version": "1.0"})
    client.write("SUBSCRIBE", {"destination": GROUP, "ack": "client", "prefetch-count": "1", "receipt": "s"})
    assert (await client.frame()).get("receipt-id") == "s"
    await publish(sender, 0, 1)
    for number in (0, 1):
        [frame] = await take(client, 1)
        assert numbers([frame]) == [number]
        assert frame.get("subscription") is None
        answer = await client.ask("ACK", {"message-id": frame.get("message-id")})
        assert answer.command == "RECEIPT"


async def test_unsubscribing_ends_what_waits(stomp):
    sender, client = await stomp(), await stomp()
    await subscribe(client)
    await publish(sender, 0)
    [frame] = await take(client, 1)
    await client.ask("UNSUBSCRIBE", {"id": "0"})
    answer = await client.ask("ACK", ack_of(frame))
    assert error_of(answer)["code"] == "ack_unknown"


async def test_nothing_after_the_failing_frame_is_done(stomp, site):
    client, other = await stomp(), await stomp()
    await subscribe(other, FREE, "auto")
    client.write("SEND", {"destination": FREE, "receipt": "1"}, b"first")
    client.write("ACK", {"id": "none", "receipt": "2"})
    client.write("SEND", {"destination": FREE, "receipt": "3"}, b"never")
    client.write("SUBSCRIBE", {"id": "1", "destination": GROUP, "receipt": "4"})
    frames = [await client.frame() for _ in range(2)]
    assert [(frame.command, frame.get("receipt-id")) for frame in frames] == [
        ("RECEIPT", "1"),
        ("ERROR", "2"),
    ]
    assert await client.closed() is not None
    assert [frame.body for frame in await take(other, 1)] == [b"first"]
    await nothing_more(other)


async def test_names_with_a_comma_can_be_asked_for(stomp):
    sender, client = await stomp(), await stomp()
    await subscribe(client, ack="auto", members='["Doe, Ann", "[x]"]')
    for member in ("ann", "doe, ann", "Doe", "[x]"):
        await publish(sender, 0, member=member)
    assert [frame.get("member") for frame in await take(client, 2)] == ["doe, ann", "[x]"]
    await client.ask("UNSUBSCRIBE", {"id": "0"})
    await subscribe(client, ack="auto", members="[x], Doe")
    for member in ("doe, ann", "Doe", "[x]"):
        await publish(sender, 1, member=member)
    assert [frame.get("member") for frame in await take(client, 2)] == ["Doe", "[x]"]


async def test_windows_by_invite_are_smaller(stomp, site, fetch):
    sender = await stomp()
    await publish(sender, 0)
    made = await fetch("api/groups/hikers/invites", "POST", {"member": "ann", "roles": ["watch"]})
    for count, command in (("1000", "RECEIPT"), ("1001", "ERROR")):
        client = await stomp(connect={"passcode": json.loads(made.body)["token"]})
        given = {"id": "0", "destination": GROUP, "ack": "client", "prefetch-count": count}
        answer = await client.ask("SUBSCRIBE", given)
        assert answer.command == command
    assert answer.get("message") == "prefetch-count '1001' is not 1-1000 messages"


async def test_acks_in_a_hurry(stomp):
    sender, client = await stomp(), await stomp()
    await subscribe(client, prefetch_count="20")
    count = 1000
    for start in range(0, count, 100):
        await publish(sender, *range(start, start + 100))
    got = []
    async with asyncio.timeout(20):
        while len(got) < count:
            frames = await take(client, 1)
            got += numbers(frames)
            client.write("ACK", ack_of(frames[0]))
    assert got == list(range(count))
