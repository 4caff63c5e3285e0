"""kill -9 of a real process while it stores: nothing acknowledged is missing, no offset is given twice."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import sys
from pathlib import Path

import pytest

from locshare_ext.store import SQLiteStore
from tests.store.helpers import EPOCH, a_fix, everything, put

ROOT = Path(__file__).parents[2]
KILLS = 12


async def killed_under_load(path: Path, start: int, lines: int) -> list[str]:
    """Let a process store until it has acknowledged `lines` batches, kill it, return the fixes it told of."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.store.writing_process",
        str(path),
        str(start),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        told = [await asyncio.wait_for(process.stdout.readline(), 30) for _ in range(lines)]
    finally:
        process.kill()
    rest = await process.stdout.read()
    assert await process.wait() == -9
    whole = (b"".join(told) + rest).decode()
    return whole[: whole.rfind("\n") + 1].split()  # the last line may be cut


@pytest.mark.process
async def test_kill_9_under_load(path: Path) -> None:
    chance = random.Random(9)
    told: dict[int, str] = {}
    for kill in range(KILLS):
        for one in await killed_under_load(path, kill * 1_000_000, chance.randrange(20, 400)):
            offset, _, fix = one.partition(":")
            assert int(offset) not in told, "an offset named two fixes"
            told[int(offset)] = fix
        store = SQLiteStore(path)
        stored = {entry.offset: f"{entry.item.member}:{entry.item.time}" for entry in await everything(store)}
        assert told.items() <= stored.items(), "acknowledged, but not as it was told"
        assert list(stored) == list(range(1, len(stored) + 1))
        assert sum((await store.counts("hikers")).values()) == len(stored)
        appended = await put(store, a_fix("after", kill), epoch="otherone")
        assert appended.entries[0].item.cursor == f"{EPOCH}-{len(stored) + 1}"
        told[appended.head] = f"after:{appended.entries[0].item.time}"
        await store.close()
    with sqlite3.connect(path) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    conn.close()
