"""One loop turn: whoever has something to send is asked once, after all that came."""

from __future__ import annotations

import asyncio
from typing import Protocol

__all__ = ["Turn"]


class Served(Protocol):
    """Something with output: called once per loop turn after `Turn.add`."""

    def serve(self) -> None:
        """Write all there is, in one write."""

    def broken(self, error: Exception) -> None:
        """End it: `serve` raised what it never should."""


class Turn:
    """Collects who has something to send in this turn of the loop; one callback serves all."""

    def __init__(self) -> None:
        self._waiting: list[Served] = []

    def add(self, served: Served) -> None:
        """Serve `served` at the end of this turn; the caller adds it once per turn."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._run)
        self._waiting.append(served)

    def _run(self) -> None:
        waiting, self._waiting = self._waiting, []
        for served in waiting:
            try:
                served.serve()
            except Exception as error:  # a bug of ours must not take the others' turn
                served.broken(error)
