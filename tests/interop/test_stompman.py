"""stompman, an asyncio client of STOMP 1.2, over TCP through a bridge."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import stompman

from tests.support.bridge import bridge
from tests.support.served import Served

pytestmark = pytest.mark.process

PATIENCE = 30  # s


@pytest.fixture(scope="module")
def port(served: Served) -> Iterator[int]:
    with bridge(served.port) as port:
        yield port


def client(port: int, passcode: str) -> stompman.Client:
    server = stompman.ConnectionParameters(host="127.0.0.1", port=port, login="interop", passcode=passcode)
    return stompman.Client([server], connect_retry_attempts=1)


async def test_messages(served: Served, port: int, name: str) -> None:
    heard: asyncio.Queue[Any] = asyncio.Queue()
    async with client(port, served.token) as one, asyncio.timeout(PATIENCE):
        subscription = await one.subscribe(
            f"/topic/{name}", heard.put, ack="auto", on_suppressed_exception=print, receipt_timeout=PATIENCE
        )
        for number in range(100):
            await one.send(b"%d" % number, f"/topic/{name}", headers={"mood": "a:b\\c"})
        frames = [await heard.get() for _ in range(100)]
        assert [int(frame.body) for frame in frames] == list(range(100))
        assert {frame.headers["mood"] for frame in frames} == {"a:b\\c"}
        await subscription.unsubscribe()


async def test_queues(served: Served, port: int, name: str) -> None:
    heard: asyncio.Queue[Any] = asyncio.Queue()
    async with client(port, served.token) as one, asyncio.timeout(PATIENCE):
        await one.send(b"work", f"/queue/{name}", receipt_timeout=PATIENCE)
        subscription = await one.subscribe_with_manual_ack(f"/queue/{name}", heard.put)
        first = await heard.get()
        await first.nack()
        again = await heard.get()
        assert (again.body, again.headers["redelivered"]) == (b"work", "true")
        await again.ack()
        await subscription.unsubscribe()


async def test_transactions(served: Served, port: int, name: str) -> None:
    heard: asyncio.Queue[Any] = asyncio.Queue()
    async with client(port, served.token) as one, asyncio.timeout(PATIENCE):
        subscription = await one.subscribe(
            f"/topic/{name}", heard.put, ack="auto", on_suppressed_exception=print, receipt_timeout=PATIENCE
        )
        async with one.begin() as transaction:
            await transaction.send(b"1", f"/topic/{name}")
            await transaction.send(b"2", f"/topic/{name}")
        with contextlib.suppress(ZeroDivisionError):
            async with one.begin() as transaction:
                await transaction.send(b"never", f"/topic/{name}")
                raise ZeroDivisionError
        await one.send(b"after", f"/topic/{name}")
        assert [(await heard.get()).body for _ in range(3)] == [b"1", b"2", b"after"]
        await subscription.unsubscribe()


async def test_a_wrong_passcode(port: int) -> None:
    with pytest.raises(stompman.FailedAllConnectAttemptsError):
        await client(port, "wrong").__aenter__()
