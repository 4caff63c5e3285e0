"""Watchers of several groups: a connection for each group, or one for all."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locshare_ext.comparison.grid import Progress
from locshare_ext.comparison.processes import Worker, load_cpus
from locshare_ext.comparison.served import serving

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["watch_groups"]

_WARM = 2  # watchers, before the memory of others is measured


def watch_groups(
    groups: Sequence[int] = (1, 4, 16),
    *,
    watchers: int = 10,
    transports: Iterable[str] = ("sse", "websocket", "stomp"),
    progress: Progress = lambda _: None,
) -> pd.DataFrame:
    """Measure watchers who follow several groups each; a row for each transport and number of groups.

    groups: up to 64, which is what one STOMP connection may subscribe to.

    - connections: TCP connections of one watcher.
    - memory_per_watcher: KiB of the server for one of them.
    - deliveries: of one fix in each group.
    - slowest: ms until the last watcher had the last of them.

    Raises ServerUnreachable when the server fails, Unavailable when the watchers do.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for transport in transports:
        for count in groups:
            progress(f"{transport}, {count} groups")
            rows.append(_row(transport, count, watchers))
    return pd.DataFrame(rows)


def _row(transport: str, groups: int, watchers: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="locshare-bench-") as name, serving() as served:
        log, module = Path(name) / "grouping.log", "locshare_ext.comparison.grouping"
        with Worker("the process for watching groups", module, log=log, cpus=load_cpus()) as worker:
            links = [served.link(f"hikers-{number}") for number in range(groups)]
            worker.ask("publish_first", links=links)
            worker.ask("open", transport=transport, links=links, count=_WARM)
            worker.ask("close")
            before = served.probe.memory()
            opened = worker.ask("open", transport=transport, links=links, count=watchers)
            memory = served.probe.memory()
            told = worker.ask("deliver", links=links)
            worker.ask("close")
    return {
        "transport": transport,
        "groups": groups,
        "watchers": watchers,
        "connections": opened["connections"] / watchers,
        "memory_per_watcher": (memory - before) / watchers / 1024,
        "deliveries": told["deliveries"],
        "slowest": told["slowest"],
    }
