"""Ages of a group that is played faster than it was: stale, lost and gap, as much shorter."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from locshare_ext.client.discovery import Server
from locshare_ext.client.http import Api, path_of
from locshare_ext.errors import (
    AccessDenied,
    Conflict,
    InvalidInput,
    NotFound,
    ServerNotFound,
    ServerUnreachable,
    Unavailable,
)
from locshare_ext.model.names import group_slug

__all__ = ["hasten"]

AGES = {"stale": 60.0, "lost": 600.0, "gap": 120.0}  # s: of a group that says nothing else
LEAST = 1.0  # s; positions are a second old by the time that they are seen
ASK_AGAIN = 0.5  # s between two attempts to reach the server


def hasten(locate: Callable[[], Server], group: str, speed: float, stop: threading.Event) -> None:
    """Make a group whose ages are divided by `speed`, unless it is there; waits for the server, or `stop`.

    So a bus looks stale when it would have, and no line is drawn across its break.
    """
    ages = {name: max(LEAST, age / speed) for name, age in AGES.items()}
    while not stop.is_set():
        try:
            _make(Api(locate), group, ages)
        except (ServerNotFound, ServerUnreachable, Unavailable):
            stop.wait(ASK_AGAIN)
        else:
            return


def _make(api: Api, group: str, ages: dict[str, float]) -> None:
    """Make the group; one that is there keeps what it has, as does one that is not ours to make."""
    with contextlib.closing(api), contextlib.suppress(AccessDenied, Conflict):
        try:
            api.get(path_of("groups", group_slug(group)))
        except NotFound:
            _post(api, {"title": group, **ages})


def _post(api: Api, about: dict[str, float | str]) -> None:
    try:
        api.send("POST", path_of("groups"), about)
    except InvalidInput as error:
        if error.code != "unknown_setting" or error.field not in about:
            raise
        # a server of an earlier version: it gets what it knows
        _post(api, {name: value for name, value in about.items() if name != error.field})
