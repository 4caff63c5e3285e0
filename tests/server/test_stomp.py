"""STOMP over the endpoint of a real Jupyter server."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from locshare_ext.errors import StoreError
from tests.support.stomp import StompClient, frame_bytes

TIME = 1_763_806_275_123
GROUP = "/topic/group.hikers"


def fix(number: int = 0, **fields: Any) -> dict[str, Any]:
    return {"time": TIME + number * 1000, "lat": 37.5665, "lon": 126.978, "member": "ann", **fields}


async def send(client, *fixes, destination=GROUP):
    return await client.ask("SEND", {"destination": destination}, list(fixes))


async def subscribe(client, **headers):
    hello = await client.ask("SUBSCRIBE", {"id": "0", "destination": GROUP, **headers})
    assert hello.command == "RECEIPT", hello
    return hello


async def bodies(client, count):
    return [json.loads((await client.frame()).body) for _ in range(count)]


async def test_a_fix_travels(stomp, store_path):
    watcher, sender = await stomp(), await stomp()
    assert watcher.connected.get("version") == "1.2"
    assert watcher.connected.get("user-name") == "host"
    assert watcher.connected.get("locshare-protocol") == "1"
    hello = await subscribe(watcher)
    assert hello.get("gap") == "false"
    assert hello.get("locshare-protocol") == "1"
    assert not store_path.exists()  # nothing is kept before something comes
    answer = await send(sender, fix(extra={"a": 1}))
    assert answer.get("stored") == "1"
    message = await watcher.frame()
    assert message.command == "MESSAGE"
    assert message.get("member") == "ann"
    assert message.get("subscription") == "0"
    assert message.get("destination") == GROUP
    assert message.get("content-type") == "application/json"
    body = json.loads(message.body)
    assert body["lat"] == 37.5665
    assert body["cursor"] == message.get("message-id") == answer.get("cursor")
    assert body["flags"] == []
    assert store_path.exists()


@pytest.mark.parametrize("binary", [True, False])
async def test_the_server_answers_in_the_opcode_of_connect(stomp, binary):
    client = await stomp(binary=binary)
    await subscribe(client)
    await send(client, fix())
    await client.frame()
    assert {type(message) for message in client.messages} == {bytes if binary else str}


async def test_a_receipt_says_what_became_of_each(stomp):
    client = await stomp()
    answer = await send(client, fix(), fix(), fix(1, lat=91), fix(2))
    assert (answer.get("stored"), answer.get("duplicates"), answer.get("set-aside")) == ("2", "1", "1")
    again = await send(client, fix())
    assert (again.get("stored"), again.get("duplicates")) == ("0", "1")
    nothing = await send(client)
    assert nothing.get("stored") == "0"


async def test_no_good_fix_is_an_error_then_the_end(stomp):
    client = await stomp()
    answer = await client.ask("SEND", {"destination": GROUP, "receipt": "r1"}, fix(lat=91.2))
    assert answer.command == "ERROR"
    assert answer.get("receipt-id") == "r1"
    assert answer.get("message") == "lat 91.2 is outside [-90, 90] degrees"
    assert json.loads(answer.body)["error"]["field"] == "lat"
    assert await client.closed() == 1002


async def test_receipts_of_good_sends_come_before_the_error(stomp):
    client = await stomp()
    for number in range(5):
        client.write("SEND", {"destination": GROUP, "receipt": f"r{number}"}, fix(number))
    client.write("SEND", {"destination": GROUP, "receipt": "bad"}, b"{")
    frames = [await client.frame() for _ in range(6)]
    assert [frame.get("receipt-id") for frame in frames] == ["r0", "r1", "r2", "r3", "r4", "bad"]
    assert [frame.command for frame in frames] == ["RECEIPT"] * 5 + ["ERROR"]


async def test_a_frame_may_be_cut_and_several_be_joined(stomp):
    client = await stomp()
    two = frame_bytes("SEND", {"destination": GROUP, "receipt": "a"}, json.dumps(fix()).encode()) * 2
    for start in range(0, len(two), 7):
        client.socket.write_message(two[start : start + 7], binary=True)
    assert [(await client.frame()).get("receipt-id") for _ in range(2)] == ["a", "a"]
    client.socket.write_message(two, binary=True)
    assert [(await client.frame()).get("receipt-id") for _ in range(2)] == ["a", "a"]


async def test_a_cursor_resumes_without_hole_or_double(stomp):
    sender = await stomp()
    first = await send(sender, *(fix(number) for number in range(3)))
    await send(sender, *(fix(number) for number in range(3, 6)))
    client = await stomp()
    hello = await subscribe(client, after=first.get("cursor"))
    assert hello.get("cursor") == first.get("cursor")
    got = await bodies(client, 3)
    assert [body["time"] for body in got] == [TIME + 1000 * number for number in (3, 4, 5)]
    late = await stomp()
    await subscribe(late, after="start")
    assert len(await bodies(late, 6)) == 6


async def test_a_reader_behind_the_memory_reads_the_store(stomp, site):
    site.groups.options = type(site.groups.options)(log_length=10)
    sender = await stomp()
    for start in range(0, 3000, 1000):
        await send(sender, *(fix(start + number, lat=number / 1000) for number in range(1000)))
    client = await stomp()
    await subscribe(client, after="start")
    got = await bodies(client, 3000)
    assert [int(body["cursor"].partition("-")[2]) for body in got] == list(range(1, 3001))
    await send(sender, fix(5000))
    assert (await bodies(client, 1))[0]["time"] == TIME + 5_000_000


async def test_a_strange_cursor_is_a_gap_and_nonsense_an_error(stomp):
    sender = await stomp()
    await send(sender, fix(), fix(1))
    client = await stomp()
    hello = await subscribe(client, after="zzzzzzzz-5")
    assert hello.get("gap") == "true"
    assert len(await bodies(client, 2)) == 2
    other = await stomp()
    answer = await other.ask("SUBSCRIBE", {"id": "0", "destination": GROUP, "after": "x"})
    assert answer.command == "ERROR"
    assert answer.get("message") == "after 'x' is no cursor; expected one, `start` or `now`"


async def test_last_begins_with_the_newest_of_each(stomp):
    sender = await stomp()
    await send(sender, fix(), fix(1), fix(0, member="bob"), fix(2, member="cat"))
    client = await stomp()
    hello = await subscribe(client, last="1", members="Ann,bob")
    frames = [await client.frame(), await client.frame()]
    assert [frame.get("member") for frame in frames] == ["ann", "bob"]
    assert [frame.get("message-id") for frame in frames] == ["s-1", "s-2"]
    assert {frame.get("snapshot") for frame in frames} == {"1"}
    await send(sender, fix(3, member="cat"), fix(3))
    frame = await client.frame()
    assert (frame.get("member"), frame.get("snapshot")) == ("ann", None)
    resumed = await stomp()
    await subscribe(resumed, last="1", after=hello.get("cursor"))
    assert (await resumed.frame()).get("snapshot") is None


async def test_batch_is_an_array_and_conflate_keeps_the_newest(stomp):
    sender = await stomp()
    batched, conflated = await stomp(), await stomp()
    await subscribe(batched, batch="20")
    await subscribe(conflated, conflate="1")
    answer = await send(sender, fix(), fix(1), fix(1, member="bob"), fix(2))
    message = await batched.frame()
    assert [one["member"] for one in json.loads(message.body)] == ["ann", "ann", "bob", "ann"]
    assert message.get("message-id") == answer.get("cursor")
    message = await conflated.frame()
    assert [(one["member"], one["time"]) for one in json.loads(message.body)] == [
        ("bob", TIME + 1000),
        ("ann", TIME + 2000),
    ]
    for number in range(3, 9):
        await send(sender, fix(number))
    got: list[int] = []
    while len(got) < 6:
        got += [one["time"] for one in json.loads((await batched.frame()).body)]
    assert got == [TIME + 1000 * number for number in range(3, 9)]


async def test_fixes_of_others_delay_no_batch(stomp):
    watcher, sender = await stomp(), await stomp()
    await subscribe(watcher, batch="60000", members="bob")
    await send(sender, fix(1))
    await send(sender, fix(2, member="bob"))
    [found] = json.loads((await watcher.frame()).body)
    assert found["member"] == "bob"


@pytest.mark.parametrize("log_length", [10_000, 100])
async def test_conflate_sends_one_batch_of_all_that_came(stomp, site, log_length):
    site.groups.options = replace(site.groups.options, log_length=log_length)
    sender, watcher = await stomp(), await stomp()
    extra = {"pad": "x" * 900}
    for part in range(4):  # 900 KiB: more than a reader takes in one turn
        many = [fix(part * 250 + i, member=f"m{i % 3}", extra=extra) for i in range(250)]
        assert (await send(sender, *many)).get("stored") == "250"
    if log_length == 10_000:
        await subscribe(watcher, conflate="1", batch="60000", after="start")
        message = await watcher.frame()
        assert message.get("message-id").endswith("-1000")
        assert len(json.loads(message.body)) == 3
        return
    await subscribe(watcher, conflate="1", after="start")  # from the store: a batch each 100 ms
    messages = [await watcher.frame()]
    while not messages[-1].get("message-id").endswith("-1000"):
        messages.append(await watcher.frame())
    assert all(len(json.loads(message.body)) <= 3 for message in messages)
    newest = {one["member"]: one["time"] for message in messages for one in json.loads(message.body)}
    assert newest == {f"m{i % 3}": fix(i)["time"] for i in range(750 + 247, 1000)}


@pytest.mark.parametrize(
    ("headers", "field"),
    [
        ({"batch": "x"}, "batch"),
        ({"batch": "0"}, "batch"),
        ({"last": "yes"}, "last"),
        ({"members": ","}, "members"),
        ({"durable-name": "a"}, "durable-name"),
        ({"members": "[]"}, "members"),
        ({"ack": "client", "prefetch-count": "0"}, "prefetch-count"),
        ({"destination": "/queue/a", "last": "1"}, "last"),
        ({"destination": "/queue/a.*"}, "destination"),
        ({"destination": "/topic/a", "after": "start"}, "after"),
        ({"destination": "/topic/group.a.b"}, "group"),
        ({"destination": "/topic/group.*"}, "destination"),
        ({"destination": "/topic/GROUP"}, "destination"),
        ({"destination": "/topic/replay.x"}, "destination"),
        ({"destination": "hikers"}, "destination"),
    ],
)
async def test_what_cannot_be_subscribed_to_is_said(stomp, headers, field):
    client = await stomp()
    answer = await client.ask("SUBSCRIBE", {"id": "0", "destination": GROUP, "receipt": "r", **headers})
    assert answer.command == "ERROR"
    assert answer.get("receipt-id") == "r"
    assert json.loads(answer.body)["error"]["field"] == field
    assert await client.closed() is not None


async def test_any_spelling_is_the_same_group(stomp):
    watcher, sender = await stomp(), await stomp()
    await subscribe(watcher, destination="/topic/group.3학년 2반")
    answer = await send(sender, fix(), destination="/topic/group.３학년-2반")
    assert answer.get("stored") == "1"
    assert (await watcher.frame()).get("destination") == "/topic/group.3학년-2반"


async def test_one_member_in_any_case(stomp):
    client = await stomp()
    await subscribe(client)
    await send(client, fix(member="Ann"), fix(1, member="aNN"))
    assert [body["member"] for body in await bodies(client, 2)] == ["Ann", "Ann"]


async def test_events_are_for_the_server_to_write(stomp):
    client = await stomp()
    hello = await subscribe(client, destination=GROUP + ".events")
    assert hello.get("gap") == "false"
    answer = await client.ask("SEND", {"destination": GROUP + ".events"}, fix())
    assert answer.command == "ERROR"
    assert answer.get("code") == "read_only"


async def test_events_come_to_their_topic_only(stomp, site):
    from locshare_ext.model.event import Event

    events, fixes = await stomp(), await stomp()
    await subscribe(events, destination=GROUP + ".events")
    await subscribe(fixes)
    group = await site.groups.open("hikers")
    await site.groups.note(group, Event(kind="note", time=TIME, received=TIME, text="lunch"))
    await send(fixes, fix())
    assert json.loads((await events.frame()).body)["text"] == "lunch"
    assert [frame.get("member") for frame in [await fixes.frame()]] == ["ann"]


async def test_unsubscribe_ends_it(stomp):
    client = await stomp()
    await subscribe(client)
    await client.ask("UNSUBSCRIBE", {"id": "0"})
    await send(client, fix())
    assert client.skipped == []
    hello = await subscribe(client, after="start")
    assert hello.command == "RECEIPT"


async def test_disconnect_comes_after_all_before_it(stomp):
    client = await stomp()
    for number in range(20):
        client.write("SEND", {"destination": GROUP, "receipt": f"r{number}"}, fix(number))
    client.write("DISCONNECT", {"receipt": "bye"})
    got = [(await client.frame()).get("receipt-id") for _ in range(21)]
    assert got == [*(f"r{number}" for number in range(20)), "bye"]
    assert await client.closed() == 1000


async def test_free_topics_with_wildcards(stomp):
    one, word, rest, sender = [await stomp() for _ in range(4)]
    for client, name in ((one, "a.b"), (word, "a.*"), (rest, "a.#")):
        await client.ask("SUBSCRIBE", {"id": "0", "destination": f"/topic/{name}"})
    headers = {"destination": "/topic/a.b", "mood": "good: very", "content-type": "text/plain"}
    await sender.ask("SEND", headers, b"hello \0 there")
    for client in (one, word, rest):
        message = await client.frame()
        assert message.body == b"hello \0 there"
        assert message.get("mood") == "good: very"
        assert message.get("content-type") == "text/plain"
        assert message.get("receipt") is None
        assert message.get("destination") == "/topic/a.b"
    await sender.ask("SEND", {"destination": "/topic/a"}, b"1")
    await sender.ask("SEND", {"destination": "/topic/a.b.c"}, b"2")
    assert [(await rest.frame()).body for _ in range(2)] == [b"1", b"2"]


async def test_wildcards_never_match_groups(stomp):
    client = await stomp()
    await client.ask("SUBSCRIBE", {"id": "0", "destination": "/topic/#"})
    await send(client, fix())
    await client.ask("SEND", {"destination": "/topic/x"}, b"mine")
    assert (await client.frame()).body == b"mine"


async def test_bytes_that_are_no_text_reach_a_text_client_as_binary(stomp):
    client = await stomp(binary=False)
    await client.ask("SUBSCRIBE", {"id": "0", "destination": "/topic/x"})
    sender = await stomp()
    await sender.ask("SEND", {"destination": "/topic/x"}, b"\xff\xfe")
    assert (await client.frame()).body == b"\xff\xfe"
    assert isinstance(client.messages[-1], bytes)


async def test_who_subscribes_first_waits_for_a_group_that_is_not_there(stomp, fetch):
    client = await stomp()
    await subscribe(client)
    assert (await fetch("api/groups/hikers")).code == 404
    await fetch("api/groups/hikers/fixes", "POST", fix())
    assert (await bodies(client, 1))[0]["member"] == "ann"
    assert (await fetch("api/groups/hikers")).code == 200


async def test_connect_must_come_soon(stomp, site):
    site.limits = type(site.limits)(connect=0.05)
    client = await stomp(connect=False)
    frame = await client.frame()
    assert frame.command == "ERROR"
    assert "CONNECT did not come within 0.05 s" in frame.get("message")
    assert await client.closed() is not None


async def test_what_comes_before_connect_is_refused(stomp):
    client = await stomp(connect=False)
    client.write("SEND", {"destination": GROUP}, fix())
    frame = await client.frame()
    assert frame.command == "ERROR"
    assert await client.closed() is not None


async def test_versions_that_are_not_spoken_are_answered_with_ours(stomp):
    client = await stomp(connect={"accept-version": "2.0"})
    assert client.connected.command == "ERROR"
    assert client.connected.get("version") == "1.0,1.1,1.2"


async def test_a_frame_over_the_limit_is_named(stomp, site):
    client = await stomp()
    answer = await client.ask("SEND", {"destination": GROUP, "receipt": "r"}, b"x" * (1 << 20))
    assert answer.command == "ERROR"
    assert "limit of 1048576 bytes" in answer.get("message")
    assert answer.get("receipt-id") == "r"
    assert await client.closed() == 1009
    early = await stomp(connect=False)
    early.socket.write_message(b"CONNECT\nx:" + b"y" * 9000, binary=True)
    assert "4096 bytes" in (await early.frame()).get("message")


async def test_too_many_subscriptions(stomp):
    client = await stomp()
    for number in range(64):
        await client.ask("SUBSCRIBE", {"id": str(number), "destination": GROUP})
    answer = await client.ask("SUBSCRIBE", {"id": "64", "destination": GROUP})
    assert answer.command == "ERROR"
    assert "limit of 64 subscriptions" in answer.get("message")


async def test_heart_beats_go_both_ways(stomp):
    client = await stomp(connect={"heart-beat": "1000,1000"})
    assert client.connected.get("heart-beat") == "1000,1000"
    message = await asyncio.wait_for(client.socket.read_message(), 5)
    assert message == b"\n"


async def test_a_silent_client_is_closed(stomp):
    client = await stomp(connect={"heart-beat": "1000,0"})
    async with asyncio.timeout(8):
        assert await client.closed() is not None


async def test_a_bug_of_ours_ends_in_an_error(stomp, site, monkeypatch, caplog):
    def buggy(*_: object) -> None:
        raise RuntimeError("nobody thought of this")

    watcher, sender, other = [await stomp() for _ in range(3)]
    await subscribe(watcher)
    with monkeypatch.context() as patch:
        patch.setattr(site.groups, "admit", buggy)
        sender.write("SEND", {"destination": "/topic/group.hikers"}, fix())
        error = await sender.frame()
        assert (error.command, error.get("code")) == ("ERROR", "unavailable")
        assert "nobody thought" not in error.get("message")
        assert await sender.closed() == 1013
    assert "nobody thought of this" in caplog.text
    assert (await send(other, fix())).command == "RECEIPT"
    assert (await watcher.frame()).command == "MESSAGE"


async def test_a_failing_session_is_cut(stomp, site, monkeypatch, caplog):
    def buggy(*_: object) -> None:
        raise RuntimeError("not even this")

    client = await stomp()
    [session] = site.sessions
    monkeypatch.setattr(session._wire, "write", buggy)
    client.write("SEND", {"destination": "/topic/a", "receipt": "1"})
    assert await client.frame() is None
    assert caplog.text.count("a STOMP connection failed") == 2  # its ERROR cannot be written either


async def test_a_failing_store_keeps_watchers_live(stomp, site, fetch, caplog):
    watcher, batched, sender = [await stomp() for _ in range(3)]
    await subscribe(watcher)
    await subscribe(batched, batch="50")
    real = site.store.append_all

    def broken(*args: Any, **kwargs: Any) -> asyncio.Future[Any]:
        future = asyncio.get_running_loop().create_future()
        future.set_exception(StoreError("disk full"))
        return future

    site.store.append_all = broken
    answer = await send(sender, fix())
    assert answer.command == "ERROR"
    assert answer.get("message").startswith("recording failed: disk full")
    assert answer.get("code") == "store_failed"
    message = await watcher.frame()
    body = json.loads(message.body)
    assert body["flags"] == ["volatile"]
    assert "cursor" not in body
    assert json.loads((await batched.frame()).body)[0]["flags"] == ["volatile"]
    response = await fetch("api/groups/hikers/fixes", "POST", [fix(1), fix(1, member="bob")])
    assert response.code == 503
    assert json.loads(response.body)["error"]["code"] == "store_failed"
    assert response.headers["Retry-After"]
    assert [one["flags"] for one in await bodies(watcher, 2)] == [["volatile"]] * 2
    assert [one["member"] for one in json.loads((await batched.frame()).body)] == ["ann", "bob"]
    quiet = await stomp()  # asks for no receipt: goes on
    quiet.write("SEND", {"destination": GROUP}, fix(2))
    assert json.loads((await watcher.frame()).body)["time"] == TIME + 2000
    site.store.append_all = real
    answer = await send(quiet, fix(), fix(1), fix(2))
    assert answer.get("stored") == "3"


async def test_a_deleted_group_ends_its_readers(stomp, fetch):
    client = await stomp()
    await subscribe(client)
    await send(client, fix())
    await client.frame()
    assert (await fetch("api/groups/hikers", "DELETE")).code == 200
    frame = await client.frame()
    assert (frame.command, frame.get("message")) == ("ERROR", "the group was deleted")
    assert await client.closed() is not None


async def test_subprotocols(jp_ws_fetch):
    for offered, chosen in ((["x", "v11.stomp", "v12.stomp"], "v12.stomp"), (None, None)):
        socket = await jp_ws_fetch("locshare", "stomp", subprotocols=offered)
        assert socket.selected_subprotocol == chosen
        await StompClient(socket).close()


async def test_connections_leave_nothing_behind(stomp, site):
    group = await site.groups.open("hikers")
    clients = [await stomp() for _ in range(5)]
    for client in clients:
        await subscribe(client)
    assert (len(site.sessions), group.log.readers) == (5, 5)
    for client in clients:
        await client.close()
    async with asyncio.timeout(5):
        while site.sessions:
            await asyncio.sleep(0.01)
    assert group.log.readers == 0
    assert site._pings is None
