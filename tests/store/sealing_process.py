"""A process that seals, forgets and trims and stops at a stage, to be killed there."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from typing import Any

from locshare_ext.store import SQLiteStore, sealing, upkeep
from tests.store.helpers import T0

STAGES = {  # (module, function after which the process stops)
    "written": (sealing, "put_segment"),
    "shown": (sealing, "show_segment"),
    "rows": (sealing, "clear_rows"),
    "replaced": (sealing, "replace_segment"),
    "hidden": (sealing, "clear_hidden"),
    "begun": (upkeep, "begin_forget"),
    "cleared": (upkeep, "clear_some"),
    "finished": (upkeep, "finish_clear"),
    "rewritten": (upkeep, "rewrite"),
}


def stop_after(stage: str, calls: int) -> None:
    """Let the process stand still after the so-many-th call of a stage's step is committed."""
    module, name = STAGES[stage]
    step = getattr(module, name)
    left = calls

    def stopping(*args: Any, **kwargs: Any) -> Any:
        nonlocal left
        done = step(*args, **kwargs)
        left -= 1
        if left == 0:
            os.write(1, b"there\n")
            time.sleep(600)  # on the writer's thread; kill -9 ends it
        return done

    setattr(module, name, stopping)


async def main(path: str, stage: str, calls: int, action: str) -> None:
    store = SQLiteStore(path, sealed_rows=100, live_rows=50)
    stop_after(stage, calls)
    if action == "seal":
        await store.seal("hikers")
    elif action == "forget":
        await store.forget("hikers", "ann")
    else:
        await store.trim("hikers", T0 + 250_000)
    os.write(1, b"never reached\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]))
