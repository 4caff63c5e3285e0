"""Who watches and publishes, too: how many connections that takes, and what a published fix costs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locshare_ext.comparison.cell import GROUP
from locshare_ext.comparison.grid import Progress
from locshare_ext.comparison.processes import Worker, load_cpus
from locshare_ext.comparison.served import serving
from locshare_ext.transports import TRANSPORTS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["speak"]


def speak(
    fixes: int = 100, transports: Iterable[str] = TRANSPORTS, progress: Progress = lambda _: None
) -> pd.DataFrame:
    """Measure publishing, one fix after the other is stored; a row for each transport.

    - connections: TCP connections of one who watches and publishes.
    - requests: HTTP requests for one published fix.
    - sent, received: bytes on the wire for it, without TCP and IP.
    - cpu: us of the server to take and store it.
    - acknowledged: ms until it is said to be stored, median.

    Raises ServerUnreachable when the server fails, Unavailable when the publisher does.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="locshare-bench-") as name, serving() as served:
        log, link = Path(name) / "speaking.log", served.link(GROUP)
        module = "locshare_ext.comparison.speaking"
        with Worker("the process for publishing", module, log=log, cpus=load_cpus()) as worker:
            for transport in transports:
                progress(f"publishing over {transport}")
                worker.ask("open", transport=transport, link=link)
                cpu = served.probe.cpu()
                told = worker.ask("speak", fixes=fixes)
                cpu = served.probe.cpu() - cpu
                both = worker.ask("both", transport=transport, link=link, fixes=5)
                worker.ask("close")
                rows.append(
                    {
                        "transport": transport,
                        "connections": both["connections"],
                        "requests": told["traffic"]["requests"] / fixes,
                        "sent": told["traffic"]["sent"] / fixes,
                        "received": told["traffic"]["received"] / fixes,
                        "cpu": cpu / fixes * 1e6,
                        "acknowledged": told["p50"],
                    }
                )
    return pd.DataFrame(rows)
