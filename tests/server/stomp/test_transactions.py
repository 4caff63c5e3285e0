"""BEGIN, COMMIT, ABORT over a running server: all of it, or nothing."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from locshare_ext.broker.queues import QueueLimits
from locshare_ext.errors import StoreError
from tests.server.stomp.helpers import (
    GROUP,
    ack_of,
    bodies,
    error_of,
    fix,
    nothing_more,
    numbers,
    publish,
    put,
    subscribe,
    take,
)

T = {"transaction": "t"}


async def begin(client, name="t"):
    answer = await client.ask("BEGIN", {"transaction": name})
    assert answer.command == "RECEIPT", answer


async def send(client, destination, body, **headers):
    answer = await client.ask("SEND", {"destination": destination, **T, **headers}, body)
    assert answer.command == "RECEIPT", answer
    return answer


async def test_nothing_is_seen_before_commit_and_all_after(stomp):
    watcher, client = await stomp(), await stomp()
    await subscribe(watcher, ack="auto")
    for number, destination in enumerate(("/topic/free", "/queue/work"), 1):
        await watcher.ask("SUBSCRIBE", {"id": str(number), "destination": destination})
    await begin(client)
    held = await send(client, GROUP, fix(0))
    assert held.get("stored") is None
    await send(client, "/topic/free", b"free")
    await send(client, "/queue/work", b"work")
    await send(client, GROUP, [fix(1), fix(1), fix(2, lat=91)])
    await nothing_more(watcher)
    answer = await client.ask("COMMIT", dict(T))
    assert answer.command == "RECEIPT"
    assert [answer.get(name) for name in ("stored", "duplicates", "set-aside")] == ["2", "1", "1"]
    frames = await take(watcher, 4)
    assert sorted(frame.get("subscription") for frame in frames) == ["0", "0", "1", "2"]
    fixes = [frame for frame in frames if frame.get("subscription") == "0"]
    assert numbers(fixes) == [0, 1]
    assert answer.get("cursor") == fixes[-1].get("message-id")
    for frame in frames:
        assert frame.get("transaction") is None
        assert frame.get("receipt") is None


async def test_one_append_for_one_group(stomp, site, monkeypatch):
    client = await stomp()
    await publish(client, 0)
    counts = []
    real = site.store.append_all

    def counted(log: str, batches: Any, **kwargs: Any) -> Any:
        counts.append((log, [len(batch) for batch in batches]))
        return real(log, batches, **kwargs)

    monkeypatch.setattr(site.store, "append_all", counted)
    await begin(client)
    for number in (1, 2, 3):
        await send(client, GROUP, fix(number))
    await send(client, "/topic/group.walkers", [fix(4), fix(5)])
    answer = await client.ask("COMMIT", dict(T))
    assert (answer.get("stored"), answer.get("cursor")) == ("5", None)
    assert counts == [("hikers", [3]), ("walkers", [2])]


@pytest.mark.parametrize("end", ["ABORT", "DISCONNECT", "close", "ERROR"])
async def test_what_is_not_committed_is_dropped_and_its_acks_too(stomp, end):
    watcher, client = await stomp(), await stomp()
    await subscribe(watcher, ack="auto")
    await put(watcher, "work", "a")
    await subscribe(client, "/queue/work", id="1")
    [frame] = await take(client, 1)
    await begin(client)
    await send(client, GROUP, fix(0))
    await client.ask("ACK", {**ack_of(frame), **T})
    if end == "ABORT":
        await client.ask("ABORT", dict(T))
        assert (await client.ask("ACK", ack_of(frame))).command == "RECEIPT"  # it waited for it still
        await nothing_more(watcher)
        return
    if end == "DISCONNECT":
        await client.ask("DISCONNECT", {})
    elif end == "close":
        await client.close()
    else:
        client.write("NONSENSE", {})
    await subscribe(watcher, "/queue/work", id="1")
    [again] = await take(watcher, 1)
    assert (again.body, again.get("redelivered")) == (b"a", "true")
    await nothing_more(watcher)


@pytest.mark.parametrize(
    ("destination", "body", "code"),
    [
        (GROUP, b'{"time": 1}', "required"),
        ("/queue/full", b"x", "queue_full"),
        ("ack", b"", "ack_unknown"),
    ],
)
async def test_a_commit_that_cannot_be_done_does_nothing(stomp, site, destination, body, code):
    watcher, client, other = await stomp(), await stomp(), await stomp()
    await put(other, "full", "a", "b")
    site.queues.limits = QueueLimits(messages=2)
    await subscribe(watcher, ack="auto")
    for number, name in enumerate(("/topic/free", "/queue/work"), 1):
        await watcher.ask("SUBSCRIBE", {"id": str(number), "destination": name})
    await subscribe(client, "/queue/full", prefetch_count="1", id="9")
    [frame] = await take(client, 1)
    await begin(client)
    await send(client, GROUP, fix(0))
    await send(client, "/topic/free", b"free")
    await send(client, "/queue/work", b"work")
    await client.ask("ACK", {**ack_of(frame), **T})
    if destination == "ack":
        assert (await client.ask("ACK", {**ack_of(frame), **T})).command == "RECEIPT"
    else:
        await send(client, destination, body)
    answer = await client.ask("COMMIT", {**T, "receipt": "c"})
    found = error_of(answer)
    if code != "required":
        assert found["code"] == code
    assert answer.get("receipt-id") == "c"
    assert await client.closed() is not None
    await nothing_more(watcher)
    await subscribe(other, "/queue/full")
    frames = await take(other, 2)
    assert bodies(frames) == ["a", "b"]
    assert [frame.get("redelivered") for frame in frames] == ["true", None]


async def test_acks_are_done_with_the_rest(stomp):
    sender, client, other = await stomp(), await stomp(), await stomp()
    await put(sender, "in", "a", "b")
    await subscribe(client, "/queue/in", "client-individual")
    frames = await take(client, 2)
    await begin(client)
    await send(client, "/queue/out", b"A")
    await client.ask("ACK", {**ack_of(frames[0]), **T})
    await client.ask("NACK", {**ack_of(frames[1]), **T})
    assert (await client.ask("COMMIT", dict(T))).command == "RECEIPT"
    await client.ask("UNSUBSCRIBE", {"id": "0"})
    await subscribe(other, "/queue/in", "auto")
    await other.ask("SUBSCRIBE", {"id": "1", "destination": "/queue/out"})
    frames = await take(other, 2)
    assert sorted(bodies(frames)) == ["A", "b"]
    await nothing_more(other)


async def test_several_transactions_at_once(stomp):
    watcher, client = await stomp(), await stomp()
    await subscribe(watcher, ack="auto")
    for name in "abc":
        await begin(client, name)
    for number, name in enumerate("abcab"):
        answer = await client.ask("SEND", {"destination": GROUP, "transaction": name}, fix(number))
        assert answer.command == "RECEIPT"
    await client.ask("COMMIT", {"transaction": "b"})
    assert numbers(await take(watcher, 2)) == [1, 4]
    await client.ask("ABORT", {"transaction": "a"})
    await begin(client, "a")  # a name is free again
    await client.ask("COMMIT", {"transaction": "a"})
    await client.ask("COMMIT", {"transaction": "c"})
    assert numbers(await take(watcher, 1)) == [2]


@pytest.mark.parametrize(
    ("destination", "code"),
    [
        ("/topic/group.hikers.events", "read_only"),
        ("/nowhere", "destination_unknown"),
        ("/queue/a.*", "destination_invalid"),
    ],
)
async def test_what_can_never_be_is_said_before_commit(stomp, destination, code):
    client = await stomp()
    await begin(client)
    answer = await client.ask("SEND", {"destination": destination, **T}, b"x")
    assert error_of(answer)["code"] == code


async def test_an_unknown_ack_is_said_before_commit(stomp):
    client = await stomp()
    await begin(client)
    assert error_of(await client.ask("ACK", {"id": "x", **T}))["code"] == "ack_unknown"


@pytest.mark.parametrize("command", ["COMMIT", "ABORT", "SEND", "ACK", "NACK"])
async def test_names_of_no_transaction(stomp, command):
    client = await stomp()
    answer = await client.ask(command, {"id": "x", "destination": GROUP, **T})
    assert error_of(answer)["code"] == "transaction_unknown"


async def test_limits_are_named(stomp, site):
    site.limits = replace(site.limits, transactions=2, transaction_frames=3, transaction_bytes=5000)
    client = await stomp()
    await begin(client, "a")
    await begin(client, "b")
    answer = await client.ask("BEGIN", {"transaction": "c"})
    assert "limit of 2 open transactions" in answer.get("message")
    client = await stomp()
    await begin(client)
    for _ in range(3):
        await send(client, "/topic/free", b"x")
    answer = await client.ask("SEND", {"destination": "/topic/free", **T}, b"x")
    assert "limit of 3 frames" in answer.get("message")
    assert await client.closed() == 1009
    client = await stomp()
    await begin(client)
    await send(client, "/topic/free", b"x" * 4000)
    answer = await client.ask("SEND", {"destination": "/topic/free", **T}, b"x" * 4000)
    assert "limit of 5000 bytes" in answer.get("message")
    client = await stomp()
    for _ in range(5):  # what was committed or dropped counts no more
        await begin(client)
        await send(client, "/topic/free", b"x" * 4000)
        assert (await client.ask("COMMIT", dict(T))).command == "RECEIPT"
        await begin(client)
        await send(client, "/topic/free", b"x" * 4000)
        assert (await client.ask("ABORT", dict(T))).command == "RECEIPT"


async def test_an_invite_may_hold_less(stomp, site, fetch):
    site.limits = replace(site.limits, invite_transaction_bytes=5000)
    await publish(await stomp(), 0)
    made = await fetch("api/groups/hikers/invites", "POST", {"member": "ann", "roles": ["publish"]})
    client = await stomp(connect={"passcode": json.loads(made.body)["token"]})
    await begin(client)
    answer = await client.ask("SEND", {"destination": GROUP, **T}, b" " * 5000)
    assert "limit of 5000 bytes" in answer.get("message")
    client = await stomp(connect={"passcode": json.loads(made.body)["token"]})
    await begin(client)
    await send(client, GROUP, fix(1))
    assert (await client.ask("COMMIT", dict(T))).get("stored") == "1"


async def test_a_failing_store_fails_the_commit(stomp, site, monkeypatch):
    client, other = await stomp(), await stomp()
    await other.ask("SUBSCRIBE", {"id": "0", "destination": "/topic/free"})

    def broken(*args: Any, **kwargs: Any) -> asyncio.Future[Any]:
        future = asyncio.get_running_loop().create_future()
        future.set_exception(StoreError("disk full"))
        return future

    monkeypatch.setattr(site.store, "append_all", broken)
    await begin(client)
    await send(client, GROUP, fix(0))
    await send(client, "/topic/free", b"x")
    answer = await client.ask("COMMIT", dict(T))
    assert error_of(answer)["code"] == "store_failed"
    assert "the transaction was not done" in answer.get("message")
    await nothing_more(other)


async def test_a_commit_goes_on_when_its_connection_ends(stomp, site, monkeypatch):
    sender, client, other = await stomp(), await stomp(), await stomp()
    await publish(sender, 0)
    await put(sender, "work", "a")
    await subscribe(client, "/queue/work")
    [frame] = await take(client, 1)
    real, waiting, release = site.store.append_all, asyncio.Event(), asyncio.Event()

    def slow(*args: Any, **kwargs: Any) -> asyncio.Future[Any]:
        async def later() -> Any:
            waiting.set()
            await release.wait()
            return await real(*args, **kwargs)

        return asyncio.ensure_future(later())

    monkeypatch.setattr(site.store, "append_all", slow)
    await begin(client)
    await client.ask("SEND", {"destination": GROUP, **T}, fix(1))
    await client.ask("ACK", {**ack_of(frame), **T})
    client.write("COMMIT", dict(T))
    await asyncio.wait_for(waiting.wait(), 5)
    [session] = [one for one in site.sessions if one._commands._is_committing]
    await client.close()
    await subscribe(other, "/queue/work")
    await nothing_more(other)
    release.set()
    while session._commands._is_committing:
        await asyncio.sleep(0.01)
    monkeypatch.undo()
    await nothing_more(other)
    await subscribe(sender, ack="auto", after="start")
    assert [json.loads(frame.body)["time"] for frame in await take(sender, 2)] == [
        fix(0)["time"],
        fix(1)["time"],
    ]
