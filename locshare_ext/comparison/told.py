"""The other end of a `Worker`: take lines of JSON, do what they say, answer each with one."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from locshare_ext.comparison.tether import open_files

__all__ = ["Command", "obey"]

Command = Callable[..., Awaitable[dict[str, Any]]]


async def obey(commands: Mapping[str, Command]) -> None:
    """Do one command after the other until the lines end; an error of one is its answer."""
    open_files()
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        told = json.loads(line)
        try:
            answer = await commands[told.pop("do")](**told)
        except Exception as error:  # whatever it is, the driver has to hear of it
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
