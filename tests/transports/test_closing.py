"""What is closed or given up leaves nothing open, over each transport."""

from __future__ import annotations

import asyncio
import gc
import os

import pytest

from locshare_ext.transports import Hello
from tests.transports.bench import Bench, Watch, fix


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


async def fewest_files(enough: int = 0) -> int:
    """Return how many files are open once there are as few as wanted, or no fewer for a while.

    The server is in this process, and hears a moment later that somebody has gone.
    """
    gc.collect()  # what was not closed would warn here
    fewest, waited = open_files(), 0
    while fewest > enough and waited < 20:
        await asyncio.sleep(0.05)
        found, waited = open_files(), waited + 1
        if found < fewest:
            fewest, waited = found, 0
    return fewest


async def test_a_wait_that_is_cut_short_can_be_taken_up_again(bench: Bench, name: str):
    watch = Watch(bench.open(name).follow())
    await watch.hello()
    for number in range(5):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.03):
                await anext(watch.following)
        await bench.publish(fix(number))
        assert await watch.take(number + 1) == list(range(number + 1))


async def test_giving_up_at_any_moment_of_the_beginning(bench: Bench, name: str):
    """After any number of turns of the loop; what was begun is begun anew."""
    await bench.publish(fix(0))
    for turns in range(0, 40, 3):
        watch = Watch(bench.open(name).follow("start"))
        task = asyncio.ensure_future(anext(watch.following))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():  # it had its answer already
            assert isinstance(task.result(), Hello)
        assert await watch.take(1) == [0]
        await watch.following._transport.aclose()


async def test_closing_ends_who_waits(bench: Bench, name: str):
    transport = bench.open(name)
    watch = Watch(transport.follow())
    await watch.hello()
    task = asyncio.ensure_future(anext(watch.following))
    await asyncio.sleep(0.01)
    await transport.aclose()
    task.cancel()
    await asyncio.wait([task])
    await transport.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(watch.following)
    with pytest.raises(RuntimeError, match="closed"):
        transport.follow()
    with pytest.raises(RuntimeError, match="closed"):
        await transport.publish(fix())


async def test_what_is_never_used_opens_nothing(bench: Bench, name: str):
    async with bench.open(name) as transport:
        following = transport.follow()
    assert (transport.traffic.requests, transport.traffic.connections) == (0, 0)
    with pytest.raises(StopAsyncIteration):
        await anext(following)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts open files by /proc")
async def test_coming_and_going_leaves_no_file_open(bench: Bench, name: str):
    await bench.publish(fix(0))

    async def visit() -> None:
        async with bench.open(name) as transport, transport.follow("start") as following:
            watch = Watch(following)
            await watch.take(1)
            await transport.publish(fix(0))

    await visit()
    before = await fewest_files()
    for _ in range(5):
        await visit()
    assert await fewest_files(before) <= before
