"""`jupyter locshare serve`: the endpoints in a process without notebooks."""

from __future__ import annotations

import argparse

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    from locshare_ext.server import serve

    return serve.run(
        port=options.port,
        host=options.host,
        store_path=options.store,
        allowed_hosts=options.allowed_hosts,
    )
