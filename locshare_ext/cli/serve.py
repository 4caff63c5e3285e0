"""`jupyter locshare serve`: the endpoints in a process without notebooks."""

from __future__ import annotations

import argparse
import sys

__all__ = ["run"]

_FLAGS = (
    *("host", "port", "store", "allowed_hosts", "public_url", "base_url", "trusted_proxies"),
    *("certfile", "keyfile", "token_file", "invites"),
)


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM; or print what was asked for."""
    import logging

    flags = {name: getattr(options, name) for name in _FLAGS}
    if options.lists:
        from locshare_ext.server.serving import described

        sys.stdout.write(described())
        return 0
    if options.example:
        from locshare_ext.server.deploy import example

        sys.stdout.write(example(options.example, options.config, options.settings, flags))
        return 0
    from locshare_ext.server import serve

    return serve.run(
        config=options.config,
        settings=options.settings,
        flags=flags,
        log_level=logging.INFO if options.verbose else logging.WARNING,
    )
