"""How asyncio's servers end in tests."""

from __future__ import annotations

import asyncio

__all__ = ["turns", "unlisten"]


async def unlisten(server: asyncio.Server) -> None:
    """Stop listening, after what was accepted a moment ago has begun.

    `Server.close` alone leaves such a connection half made: its transport fails to join the
    closed server, and nobody closes its socket.
    """
    loop = asyncio.get_running_loop()
    for sock in server.sockets:
        loop.remove_reader(sock.fileno())
    await turns()
    server.close()


async def turns() -> None:
    """Let the loop turn a few times."""
    for _ in range(20):
        await asyncio.sleep(0)
