"""The process of the publisher: fixes at given moments, whatever becomes of those before.

Told by `locshare_ext.comparison.cell`, by lines.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from typing import Any

from locshare_ext.comparison.keys import make_fix
from locshare_ext.comparison.told import obey
from locshare_ext.errors import InvalidInput
from locshare_ext.transports import Traffic, Transport, open_transport

__all__: list[str] = []

_GOLDEN = 0.6180339887498949  # its multiples lie evenly within 1, however few there are
_UNDER_WAY = 2000  # fixes sent and not acknowledged


class Publisher:
    """One member who publishes."""

    def __init__(self) -> None:
        self._transport: Transport | None = None

    async def open(self, transport: str, link: str) -> dict[str, Any]:
        """Open the connection; the first fix makes the group."""
        self._transport = open_transport(transport, link, reconnect=False)
        await self._opened.publish(make_fix(0, 0))
        return {}

    async def publish(self, run: int, begin: float, seconds: float, fixes: int) -> dict[str, Any]:
        """Publish fixes over some seconds from `begin` on (monotonic clock), answers when all are stored.

        Each has its own share of the time, and its place in it varies: else polls, which
        are as regular, would find every fix equally old.
        """
        before, late = self._opened.traffic.copy(), 0.0
        sending: set[asyncio.Task[int]] = set()
        stored = 0
        for number in range(fixes):
            due = begin + (number + 0.05 + 0.9 * ((number + 1) * _GOLDEN % 1.0)) * seconds / fixes
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            late = max(late, time.monotonic() - due)
            if len(sending) >= _UNDER_WAY:
                done, sending = await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
                stored += sum(task.result() for task in done)
            sending.add(asyncio.create_task(self._send(run, number)))
        stored += sum(await asyncio.gather(*sending))
        spent: Traffic = self._opened.traffic.since(before)
        return {"stored": stored, "late": late, "traffic": asdict(spent)}

    @property
    def _opened(self) -> Transport:
        if self._transport is None:
            raise InvalidInput("nothing is open")
        return self._transport

    async def close(self) -> dict[str, Any]:
        """Close the connection."""
        if self._transport is not None:
            await self._transport.aclose()
            self._transport = None
        return {}

    async def _send(self, run: int, number: int) -> int:
        return (await self._opened.publish(make_fix(run, number))).stored


async def _main() -> None:
    publisher = Publisher()
    await obey({"open": publisher.open, "publish": publisher.publish, "close": publisher.close})
    await publisher.close()


if __name__ == "__main__":
    asyncio.run(_main())
