"""The process of participants who publish, and of one who watches as well.

Told by `locshare_ext.comparison.twoways`, by lines.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import asdict
from typing import Any

from locshare_ext.comparison.keys import make_fix
from locshare_ext.comparison.told import obey
from locshare_ext.errors import InvalidInput
from locshare_ext.transports import Fixes, Transport, open_transport

__all__: list[str] = []


class Speaker:
    """One participant."""

    def __init__(self) -> None:
        self._transport: Transport | None = None
        self._run = 0

    async def open(self, transport: str, link: str) -> dict[str, Any]:
        """Open the connection for publishing, by a first fix."""
        self._transport = open_transport(transport, link, reconnect=False)
        await self._publish(self._opened, 1)
        return {}

    async def speak(self, fixes: int) -> dict[str, Any]:
        """Publish fixes, each when the one before is stored; answers with what it has cost."""
        before = self._opened.traffic.copy()
        waits = await self._publish(self._opened, fixes)
        return {"traffic": asdict(self._opened.traffic.since(before)), "p50": statistics.median(waits)}

    async def both(self, transport: str, link: str, fixes: int) -> dict[str, Any]:
        """Watch and publish at once until all own fixes have come back; answers with the connections."""
        own = open_transport(transport, link, reconnect=False, interval=0.2)
        async with own, own.follow(after="now") as following:
            await anext(following)
            publishing = asyncio.create_task(self._publish(own, fixes))
            seen = 0
            while seen < fixes:
                item = await anext(following)
                if isinstance(item, Fixes):
                    seen += len(item.decode())
            await publishing
            return {"connections": own.traffic.connections}

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

    async def _publish(self, transport: Transport, fixes: int) -> list[float]:
        """Return how long each took until it was stored, ms."""
        self._run += 1
        waits = []
        for number in range(fixes):
            begin = time.monotonic()
            await transport.publish(make_fix(self._run, number))
            waits.append((time.monotonic() - begin) * 1e3)
        return waits


async def _main() -> None:
    speaker = Speaker()
    await obey({"open": speaker.open, "speak": speaker.speak, "both": speaker.both, "close": speaker.close})
    await speaker.close()


if __name__ == "__main__":
    asyncio.run(_main())
