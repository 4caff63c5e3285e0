"""The process of all watchers: open them, note what each is given and when, say what it cost.

Told by `locshare_ext.comparison.cell`, by lines.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from array import array
from dataclasses import asdict
from typing import Any

from locshare_ext.comparison.keys import keys_in
from locshare_ext.comparison.told import obey
from locshare_ext.errors import LocShareError
from locshare_ext.transports import Fixes, Hello, Traffic, Transport, open_transport

__all__: list[str] = []

AT_ONCE = 20  # connections that are being made: a server refuses many that have not proved who they are
OPENING = 60.0  # s
PATIENCE = 5.0  # s, beyond the interval of polls


class Watchers:
    """Watchers of one group over one transport, all in this process."""

    def __init__(self) -> None:
        self._transports: list[Transport] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._run = self._wanted = -1
        self._interval = 0.0
        self._error: LocShareError | None = None
        self._forget()

    async def open(self, transport: str, link: str, count: int, interval: float) -> dict[str, Any]:
        """Open watchers, the polls of `polling` evenly over its interval; answers when all have begun."""
        self._interval = interval
        gate = asyncio.Semaphore(AT_ONCE)
        begun: list[asyncio.Future[None]] = []
        loop = asyncio.get_running_loop()
        start = loop.time()
        for number in range(count):
            opened = open_transport(transport, link, interval=interval, reconnect=False)
            begun.append(loop.create_future())
            at = start + (number / count * interval if transport == "polling" else 0.0)
            task = loop.create_task(self._watch(number, opened, at, gate, begun[-1]))
            self._transports.append(opened)
            self._tasks.append(task)
        async with asyncio.timeout(OPENING + interval):
            await asyncio.gather(*begun)
        return {"traffic": asdict(self._traffic())}

    async def measure(self, run: int, begin: float, end: float, fixes: int) -> dict[str, Any]:
        """Count from `begin` to `end`, s of the monotonic clock; then wait for the last of `fixes`."""
        self._forget(run, fixes)
        await _until(begin)
        traffic, cpu = self._traffic(), time.process_time()
        await _until(end)
        spent, served = self._traffic().since(traffic), len(self._delays)
        cpu = time.process_time() - cpu
        await self._wait()
        self._raise()
        return {
            "traffic": asdict(spent),
            "cpu": cpu,
            "served": served,
            "deliveries": len(self._delays),
            "disordered": self._disordered,
            **self._figures(),
        }

    async def close(self) -> dict[str, Any]:
        """Close all watchers."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(transport.aclose() for transport in self._transports))
        self._transports.clear()
        self._tasks.clear()
        return {}

    async def _watch(
        self,
        number: int,
        transport: Transport,
        at: float,
        gate: asyncio.Semaphore,
        begun: asyncio.Future[None],
    ) -> None:
        try:
            await _until(at)
            async with transport.follow(after="now") as following:
                async with gate:
                    item = await anext(following)
                    while not isinstance(item, Hello):
                        item = await anext(following)
                begun.set_result(None)
                async for item in following:
                    if isinstance(item, Fixes):
                        self._take(number, item.body)
        except LocShareError as error:
            if not begun.done():
                begun.set_exception(error)
            self._error = self._error or error
            self._moved.set()

    def _take(self, watcher: int, body: bytes) -> None:
        now = time.monotonic_ns()
        for number, sent in keys_in(body, self._run):
            self._delays.append(now - sent)
            self._numbers.append(number)
            self._disordered += number != self._next.get(watcher, 0)
            self._next[watcher] = number + 1
        self._moved.set()

    def _forget(self, run: int = -1, fixes: int = 0) -> None:
        self._run, self._wanted = run, fixes * len(self._tasks)
        self._delays, self._numbers = array("q"), array("q")  # ns, and which fix, of each delivery
        self._next: dict[int, int] = {}  # of each watcher, the number that has to come
        self._disordered = 0
        self._moved = asyncio.Event()
        self._error = None

    async def _wait(self) -> None:
        """Wait until all is there, or nothing has come for so long that what is missing is lost."""
        with contextlib.suppress(TimeoutError):
            while len(self._delays) < self._wanted and self._error is None:
                self._moved.clear()
                async with asyncio.timeout(PATIENCE + self._interval):
                    await self._moved.wait()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _traffic(self) -> Traffic:
        whole = Traffic()
        for transport in self._transports:
            one = transport.traffic
            whole.requests += one.requests
            whole.connections += one.connections
            whole.sent += one.sent
            whole.received += one.received
        return whole

    def _figures(self) -> dict[str, float | None]:
        """Return the delays in ms: of all deliveries, and of each fix's first and last watcher."""
        import numpy as np

        if not self._delays:
            return dict.fromkeys(("p50", "p99", "worst", "first", "last"))
        delays = np.array(self._delays) / 1e6
        numbers = np.array(self._numbers)
        order = np.lexsort((delays, numbers))
        numbers, sorted_delays = numbers[order], delays[order]
        starts = np.flatnonzero(np.r_[True, numbers[1:] != numbers[:-1]])
        ends = np.r_[starts[1:], len(numbers)] - 1
        p50, p99 = np.percentile(delays, (50, 99))
        return {
            "p50": float(p50),
            "p99": float(p99),
            "worst": float(delays.max()),
            "first": float(np.median(sorted_delays[starts])),
            "last": float(np.median(sorted_delays[ends])),
        }


async def _until(moment: float) -> None:
    """Sleep until a moment of the monotonic clock, which asyncio's loops keep too."""
    await asyncio.sleep(max(0.0, moment - time.monotonic()))


async def _main() -> None:
    import numpy  # noqa: F401 -- loaded before anything is measured

    watchers = Watchers()
    await obey({"open": watchers.open, "measure": watchers.measure, "close": watchers.close})
    await watchers.close()


if __name__ == "__main__":
    asyncio.run(_main())
