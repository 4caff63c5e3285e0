"""What `jupyter locshare serve` is told on its command line."""

from __future__ import annotations

import argparse

__all__ = ["add_serve_options"]


def add_serve_options(command: argparse.ArgumentParser) -> None:
    """Add the options; what is not given is None, and comes from the config file."""
    command.add_argument("--host", help="the address to listen on (default: 127.0.0.1)")
    command.add_argument("--port", type=int, help="0: a free one (default: 8899)")
    command.add_argument("--store", metavar="FILE", help="the log's file (default: in Jupyter's data folder)")
    command.add_argument(
        "--allowed-host",
        dest="allowed_hosts",
        action="append",
        type=_host_name,
        metavar="NAME",
        help="a name by which others reach it, such as share.example.org behind a proxy; may be given again. "
        "Requests by another name are then refused, local ones aside (default: local ones only, or with "
        "--host 0.0.0.0 any)",
    )
    command.add_argument(
        "--public-url",
        metavar="URL",
        help="by which phones and others outside reach it, behind a proxy or a tunnel",
    )
    command.add_argument(
        "--base-url", metavar="PATH", help="the path below which all lies, as the proxy passes it on"
    )
    command.add_argument(
        "--trusted-proxy",
        dest="trusted_proxies",
        action="append",
        metavar="ADDRESS",
        help="believe X-Forwarded-For, -Proto and -Host from there, such as 127.0.0.1; may be given again",
    )
    command.add_argument(
        "--certfile", metavar="FILE", help="certificate with its chain (PEM): https is spoken"
    )
    command.add_argument("--keyfile", metavar="FILE", help="its key, if not in the same file")
    command.add_argument("--token-file", metavar="FILE", help="keeps the host's token, for its owner alone")
    command.add_argument(
        "--no-invites",
        dest="invites",
        action="store_const",
        const=False,
        help="nobody but the host takes part",
    )
    command.add_argument(
        "--config", metavar="FILE", help="settings as Jupyter's config files have them, .py or .json"
    )
    command.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any setting, such as max_connections=500 or retention=30; may be given again",
    )
    command.add_argument(
        "--settings", dest="lists", action="store_true", help="list all settings with their help, and end"
    )
    command.add_argument(
        "--example",
        choices=("systemd", "nginx", "caddy"),
        help="print a systemd unit, or a proxy's configuration, for these options, and end",
    )
    command.add_argument("--verbose", action="store_true", help="log also who comes and goes")


def _host_name(text: str) -> str:
    name = text.strip().lower()
    if not name or not all(char.isalnum() or char in "-._" for char in name) or name.startswith("."):
        raise argparse.ArgumentTypeError(f"{text!r} is no host name; expected one such as share.example.org")
    return name
