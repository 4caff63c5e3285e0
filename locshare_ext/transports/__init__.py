"""One group over five transports: a small async client for each, all with one interface.

    from locshare_ext.transports import Fixes, open_transport

    async with open_transport("websocket", "https://host/locshare/#t=TOKEN&g=hikers") as transport:
        await transport.publish({"time": 1763806275123, "lat": 37.5665, "lon": 126.978})
        async for item in transport.follow(after="start"):
            if isinstance(item, Fixes):
                for fix in item.decode():
                    ...
            place = item.cursor  # follow(after=place) goes on behind this item, over any transport

============  =======================================  ====================================
name          watches by                               publishes by
============  =======================================  ====================================
polling       GET fixes every `interval` s, with ETag  POST on the same kept connection
long polling  GET fixes that waits up to `wait` s      POST on a second connection
sse           one response that goes on                POST on a second connection
websocket     messages of JSON                         the same connection, answer `stored`
stomp         SUBSCRIBE to /topic/group.{g}            SEND on the same connection, RECEIPT
============  =======================================  ====================================

`follow` is an async iterator of items: a Hello first and after each reconnection, then Fixes,
Events, Gap and Discontinuity, each with the cursor to resume from. It reconnects by itself with a
jittered back-off (`Backoff`), takes up what it missed, and waits as long as the server asks for;
with `reconnect=False` it raises what has ended it. Errors are those of `locshare_ext.errors` with
the server's code and field, the same ones over each transport. `traffic` counts requests,
connections and bytes on the wire.

Nothing of HTTP is imported before a transport is used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, cast

from locshare_ext.errors import InvalidInput, LocShareError
from locshare_ext.transports.address import Server, parse_link
from locshare_ext.transports.backoff import Backoff
from locshare_ext.transports.items import (
    Discontinuity,
    Fixes,
    Gap,
    Hello,
    Item,
    Published,
    SetAside,
    Stated,
    Traffic,
)

if TYPE_CHECKING:
    from locshare_ext.transports.base import Following, Transport

__all__ = [
    "TRANSPORTS",
    "Backoff",
    "Discontinuity",
    "Fixes",
    "Following",
    "Gap",
    "Hello",
    "Item",
    "Published",
    "Server",
    "SetAside",
    "Stated",
    "Traffic",
    "Transport",
    "open_transport",
]

_PLACES = {
    "polling": "polling:Polling",
    "long polling": "polling:LongPolling",
    "sse": "sse:Sse",
    "websocket": "websocket:WebSocket",
    "stomp": "stomp:Stomp",
}
TRANSPORTS = tuple(_PLACES)  # from the simplest to the one that does most
LONGEST_WAIT = 30.0  # s, by the server's rule


def open_transport(
    name: str,
    link: str | Server,
    *,
    group: str | None = None,
    token: str | None = None,
    interval: float = 1.0,
    wait: float = 25.0,
    reconnect: bool = True,
    backoff: Backoff | None = None,
    on_lost: Callable[[LocShareError, float], None] | None = None,
    as_browser: bool = False,
) -> Transport:
    """Return a transport, one of `TRANSPORTS`; nothing is sent yet. To be used by `async with`.

    link: the address of a server, `https://host/locshare/#t=TOKEN&g=GROUP`; group, token: what
    it does not say. The token is Jupyter's, the host's or an invite. interval: s between the
    polls of `polling`. wait: s that a long poll waits, at most 30. reconnect: try again what may
    pass by itself, after pauses by `backoff`; on_lost: is told each time, with the reason and
    the seconds until then. as_browser: open WebSockets without the credential, which is then
    their first message or STOMP's passcode, as browsers cannot set headers there. Proxies are
    those of the environment (HTTPS_PROXY, NO_PROXY), TLS is always verified (LOCSHARE_CA_FILE:
    by this authority).

    Raises InvalidInput for a name, link or number that cannot be used.
    """
    if name not in _PLACES:
        raise InvalidInput(
            f"transport {name!r} is unknown; expected one of {', '.join(TRANSPORTS)}", field="name"
        )
    server, named = (link, None) if isinstance(link, Server) else parse_link(link)
    if token is not None:
        server = replace(server, token=token)
    group = group or named
    if group is None:
        raise InvalidInput("the link names no group; add &g=NAME to it, or give group=", field="group")
    _check("interval", interval, 3600)
    _check("wait", wait, LONGEST_WAIT)
    from locshare_ext.transports.base import Settings

    settings = Settings(interval, wait, reconnect, backoff or Backoff(), on_lost, as_browser)
    module, _, kind = _PLACES[name].partition(":")
    made = getattr(import_module(f"locshare_ext.transports.{module}"), kind)
    return cast("Transport", made(server, group, settings))


def _check(name: str, seconds: float, most: float) -> None:
    if not 0 < seconds <= most:
        raise InvalidInput(f"{name} {seconds!r} is not within (0, {most:g}] seconds", field=name)


def __getattr__(name: str) -> object:
    if name in ("Following", "Transport"):
        return getattr(import_module("locshare_ext.transports.base"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
