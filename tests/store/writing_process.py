"""A process that stores under load until it is killed; says what was acknowledged."""

from __future__ import annotations

import asyncio
import os
import sys

from locshare_ext.broker.log import GroupLog
from locshare_ext.model.store import LogInfo
from locshare_ext.store import SQLiteStore
from tests.store.helpers import EPOCH, a_fix

PUBLISHERS = 8


async def publish(log: GroupLog, publisher: int, start: int) -> None:
    """Store batches of 1-5 fixes; one line to stdout for each that was acknowledged."""
    at = start
    while True:
        size = 1 + (publisher + at) % 5
        fixes = [a_fix(f"m{publisher}", at + n) for n in range(size)]
        appended = await log.append(fixes)
        at += size
        said = " ".join(f"{entry.offset}:{entry.item.member}:{entry.item.time}" for entry in appended.entries)
        os.write(1, f"{said}\n".encode())


async def main(path: str, start: int) -> None:
    store = SQLiteStore(path)
    info = await store.log("hikers") or LogInfo("hikers", "group", EPOCH, 1, 0, 0)
    log = GroupLog(info, store)
    await asyncio.gather(*(publish(log, number, start) for number in range(PUBLISHERS)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
