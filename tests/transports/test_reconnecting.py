"""Nothing is lost and nothing comes twice: cut lines, servers that end, readers that sleep."""

from __future__ import annotations

import asyncio
import socket

import pytest

from locshare_ext.errors import LocShareError, ServerUnreachable, TooFast, TooLarge, Unavailable
from locshare_ext.transports import TRANSPORTS, Backoff, Transport, open_transport
from tests.support.cutter import Cutter
from tests.support.served import Served
from tests.transports.bench import LIMIT, QUICK, Bench, Watch, fix, numbers, refused

BODY = b'{"error":{"code":"%b","message":"come later"}}'
LATER = b"HTTP/1.1 %b\r\nRetry-After: 7\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"


def later(status: bytes, code: bytes) -> bytes:
    body = BODY % code
    return LATER % (status, len(body), body)


async def test_cut_lines_leave_no_hole_and_no_duplicate(bench: Bench, name: str):
    async with Cutter(bench.server.port) as line:
        transport = bench.open(name, port=line.port)
        watch = Watch(transport.follow())
        await watch.hello()
        taking = asyncio.ensure_future(watch.take(30))
        for number in range(30):
            await transport.publish(fix(number))  # again, until it is told to be stored
            if number % 6 == 5:
                line.cut()
        assert await taking == list(range(30))
        if "polling" not in name:  # an answer that was not cut in the middle needs no hello
            assert len(watch.hellos) > 1
        assert not any(hello.gap for hello in watch.hellos)
        assert line.opened >= 5
        await transport.aclose()


async def test_fixes_that_come_while_the_line_is_down_come_afterwards(bench: Bench, name: str):
    told: list[LocShareError] = []
    is_lost = asyncio.Event()

    def lost(error: LocShareError, pause: float) -> None:
        assert 0 <= pause <= QUICK.longest
        told.append(error)
        is_lost.set()

    async with Cutter(bench.server.port) as line:
        transport = bench.open(name, port=line.port, on_lost=lost)
        watch = Watch(transport.follow(events=True))
        await watch.hello()
        await bench.publish(fix(0))
        await bench.note("before")
        await watch.until(lambda watch: bool(watch.fixes and watch.events))
        line.is_down = True
        line.cut()
        taking = asyncio.ensure_future(watch.take(4))
        async with asyncio.timeout(LIMIT):
            await is_lost.wait()
        for number in range(1, 4):
            await bench.publish(fix(number))
            await bench.note(str(number))
        line.is_down = False
        assert await taking == [0, 1, 2, 3]
        await watch.until(lambda watch: len(watch.events) == 4)
        await bench.note("afterwards")
        await watch.until(lambda watch: watch.events[-1].text == "afterwards")
        assert [event.text for event in watch.events] == ["before", "1", "2", "3", "afterwards"]
        assert all(isinstance(error, ServerUnreachable) for error in told)
        assert len(watch.hellos) == 2
        await transport.aclose()


@pytest.mark.process
async def test_servers_end_and_come_back(served: Served, own: Bench):
    """Each transport watches what all of them publish, through an end in order and a kill -9."""
    bench = own
    transports = {name: bench.open(name) for name in TRANSPORTS}
    watches = {name: Watch(transport.follow()) for name, transport in transports.items()}
    for watch in watches.values():
        await watch.hello()
    load = _Load(transports)
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        publishing = [group.create_task(load.publish(name)) for name in TRANSPORTS]
        taking = [group.create_task(_take_all(watch)) for watch in watches.values()]
        await load.progress(10)
        for lives, end in enumerate((served.stop, served.kill), 2):
            await asyncio.to_thread(end)
            await asyncio.to_thread(served.start)
            await load.progress(10)
            while any(len(watch.hellos) < lives for watch in watches.values()):
                await asyncio.sleep(0.005)
        load.is_over = True
        await asyncio.gather(*publishing)
        last = await transports["sse"].publish(fix(0, "the last"))
        await asyncio.gather(*taking)
    for name, watch in watches.items():
        assert watch.following.cursor == last.cursor
        for member, count in load.counts.items():
            assert numbers(watch.fixes, member) == list(range(count)), f"{member}, watched by {name}"
        assert len(watch.hellos) >= 3
        assert not any(hello.gap for hello in watch.hellos)


class _Load:
    """Publishes over several transports, one fix after the other over each."""

    def __init__(self, transports: dict[str, Transport]) -> None:
        self.transports = transports
        self.counts = dict.fromkeys(transports, 0)
        self.is_over = False

    async def publish(self, name: str) -> None:
        while not self.is_over:
            await self.transports[name].publish(fix(self.counts[name], name))
            self.counts[name] += 1
            await asyncio.sleep(0.005)

    async def progress(self, by: int) -> None:
        """Wait until each has published so many more."""
        wanted = {name: count + by for name, count in self.counts.items()}
        while any(count < wanted[name] for name, count in self.counts.items()):
            await asyncio.sleep(0.005)


async def _take_all(watch: Watch) -> None:
    while "the last" not in {one.member for one in watch.fixes[-1:]}:
        await watch.next()


async def test_slow_readers_hold_the_server_back_and_miss_nothing(bench: Bench, name: str):
    watch = Watch(bench.open(name).follow())
    await watch.hello()
    transport = watch.following._transport
    extra = {"padding": "x" * 900}
    for number in range(8):
        await bench.publish(*[fix(1000 * number + one, extra=extra) for one in range(1000)])
    size = 8 * 1000 * 1000
    assert transport.traffic.received < size / 2, "a client that nobody asks has read on"
    assert await watch.take(8000) == [1000 * number + one for number in range(8) for one in range(1000)]
    assert transport.traffic.received > size


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (b"503 Service Unavailable", b"unavailable", Unavailable),
        (b"429 Too Many Requests", b"too_fast", TooFast),
    ],
)
async def test_it_waits_as_long_as_the_server_asks(
    bench: Bench, name: str, status: bytes, code: bytes, kind: type[LocShareError]
):
    told: list[tuple[LocShareError, float]] = []
    is_told = asyncio.Event()

    def lost(error: LocShareError, pause: float) -> None:
        told.append((error, pause))
        is_told.set()

    async with Cutter(bench.server.port) as line:
        line.canned.append(later(status, code))
        transport = bench.open(name, port=line.port, on_lost=lost)
        for doing in (lambda: anext(transport.follow()), lambda: transport.publish(fix())):
            task = asyncio.ensure_future(doing())
            async with asyncio.timeout(LIMIT):
                await is_told.wait()
            assert not task.done()
            task.cancel()
            await asyncio.wait([task])
            ((error, pause),) = told
            assert (type(error), error.code, error.details["retry_after"]) == (kind, code.decode(), 7)
            assert 7 <= pause <= 8.4
            told.clear()
            is_told.clear()
            line.canned.append(later(status, code))
        line.canned.clear()
        await transport.publish(fix(1))
        await transport.aclose()


async def test_foreign_answers_are_tried_again(bench: Bench, name: str):
    """A proxy in front of a server that is being started answers in its place."""
    async with Cutter(bench.server.port) as line:
        page = b"<h1>Bad gateway</h1>"
        line.canned.extend(
            [b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: %d\r\n\r\n%b" % (len(page), page)] * 2
        )
        transport = bench.open(name, port=line.port)
        watch = Watch(transport.follow("start"))
        await watch.hello()
        assert line.opened >= 3
        await transport.publish(fix(1))
        assert await watch.take(1) == [1]
        await transport.aclose()


@pytest.mark.parametrize("name", ["polling", "long polling", "sse"])
async def test_a_body_that_is_too_large_for_a_proxy_is_not_sent_again(bench: Bench, name: str):
    async with Cutter(bench.server.port) as line:
        line.canned.append(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        transport = bench.open(name, port=line.port)
        async with asyncio.timeout(LIMIT):
            with pytest.raises(TooLarge, match="takes no body of this size"):
                await transport.publish(fix())
        await transport.aclose()


async def test_without_reconnection_it_says_what_has_ended_it(bench: Bench, name: str):
    async with Cutter(bench.server.port) as line:
        transport = bench.open(name, port=line.port, reconnect=False)
        watch = Watch(transport.follow())
        await watch.hello()
        await transport.publish(fix(1))
        assert await watch.take(1) == [1]
        place = watch.following.cursor
        line.is_down = True
        line.cut()
        with pytest.raises(ServerUnreachable):
            await watch.next()
        with pytest.raises(StopAsyncIteration):
            await anext(watch.following)
        with pytest.raises(ServerUnreachable):
            await transport.publish(fix(2))
        line.is_down = False
        await transport.publish(fix(2))  # the transport itself is still good
        rest = Watch(transport.follow(place))
        assert await rest.take(1) == [2]
        await transport.aclose()


@pytest.mark.process
async def test_a_server_that_stops_says_so(served: Served, own: Bench):
    watches = {name: Watch(own.open(name, reconnect=False).follow()) for name in TRANSPORTS[1:]}
    for watch in watches.values():
        await watch.hello()
    waiting = [asyncio.ensure_future(refused(watch.following)) for watch in watches.values()]
    await asyncio.sleep(0.1)  # a long poll is on its way, or will find nobody
    await asyncio.to_thread(served.stop)
    errors = await asyncio.gather(*waiting)
    assert {type(error) for error in errors} == {Unavailable}
    # a poll on its way may find that the log is closed already
    assert {error.code for error in errors[1:]} == {"stream_closed"}


async def test_nobody_there(name: str):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    link = f"http://127.0.0.1:{port}/locshare/#t=lsh_x&g=hikers"
    async with open_transport(name, link, reconnect=False) as transport:
        with pytest.raises(ServerUnreachable, match="does not answer"):
            await anext(transport.follow())
        with pytest.raises(ServerUnreachable, match="does not answer"):
            await transport.publish(fix())


def test_pauses_double_and_are_drawn_from_their_upper_half():
    lowest = Backoff(first=0.5, longest=30, uniform=lambda low, high: low)
    highest = Backoff(first=0.5, longest=30, uniform=lambda low, high: high)
    assert [lowest.pause(attempt) for attempt in range(4)] == [0.25, 0.5, 1.0, 2.0]
    assert [highest.pause(attempt) for attempt in (0, 1, 5, 6, 10**6)] == [0.5, 1.0, 16.0, 30.0, 30.0]
    assert lowest.pause(0, 5) == 5
    assert highest.pause(0, 5) == 6
    assert lowest.pause(10, 5) == 15


async def test_a_silent_stream_is_resumed_from_where_its_comments_say():
    """Else who watches a member that is silent is told of a gap, once that place is no longer kept."""
    asked: list[bytes] = []
    hello = b'event: hello\nid: abcd-1\ndata: {"type":"hello","cursor":"abcd-1","gap":false}\n\n'

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).split(b" ")[1])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        writer.write(hello + b":\n\n:\nid: abcd-9\n\n")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with (
        server,
        open_transport("sse", f"http://127.0.0.1:{port}/#g=hikers", backoff=QUICK) as transport,
    ):
        watch = Watch(transport.follow(members=["zoe"]))
        await watch.hello()
        await watch.hello()
    assert [b"after=abcd-9" in path for path in asked] == [False, True]
