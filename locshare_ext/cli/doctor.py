"""`jupyter locshare doctor`: what works, by which address phones come, and the one thing to do."""

from __future__ import annotations

import argparse
from typing import Any

from locshare_ext.client.discovery import find_server, server_from_url
from locshare_ext.client.http import Api
from locshare_ext.errors import AccessDenied

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Look at the server and say what is found; returns 0 if phones can use it, else 1."""
    server = server_from_url(options.server, options.token) if options.server else find_server()
    api = Api(lambda: server)
    try:
        health = api.get("api/health")
        _say(True, f"server: {server.url} answers (version {health['version']}, found by {server.origin})")
        is_well = _store(health["store"])
        try:
            told = api.get("api/phones")
        except AccessDenied:
            _say(False, "phones: only the host may ask, and this credential is not the host's")
            return 1
        return 0 if _phones(told) and is_well else 1
    finally:
        api.close()


def _store(store: dict[str, Any]) -> bool:
    """Say how the store is; returns whether it works."""
    where = store.get("path") or ("a file" if store["persistent"] else "memory: a restart loses all")
    if not store["works"]:
        _say(False, f"store: {where} does not work: {store.get('error', 'see the log of the server')}")
        return False
    _say(True, f"store: {where}")
    for note in store.get("notes", ()):
        print(f"      {note}")
    return True


def _phones(told: dict[str, Any]) -> bool:
    """Say by which address phones come; returns whether their browsers can use it."""
    reach = told["reach"]
    print(f"      listener for phones: {'open' if told['listener'] else 'not open'}")
    _say(reach["page"], f"phones: {reach['url'] or 'no address is known'}")
    if reach["tried"] is not None:
        print(f"      tried by the server itself: {'it answers' if reach['tried'] else 'it does not answer'}")
    if reach["url"]:
        print(f"      https: {'yes' if reach['https'] else 'no'}; reached by: {_WHO[reach['kind']]}")
    if reach["reason"]:
        print(f"      {reach['reason']}")
    if reach["todo"]:
        print(f"      to do: {reach['todo']}")
    return bool(reach["page"])


_WHO = {
    "public": "everybody",
    "private": "phones in the same network",
    "loopback": "this machine alone",
    "none": "nobody",
}


def _say(is_good: bool, text: str) -> None:
    print(f"{'ok  ' if is_good else 'NO  '}  {text}")
