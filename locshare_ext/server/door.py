"""The way from Jupyter's application to our handlers, which are loaded by the first who comes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest
from tornado.routing import PathMatches, Router, Rule, URLSpec

from locshare_ext.model.credentials import INVITE

if TYPE_CHECKING:
    from tornado.web import Application

    from locshare_ext.server.site import Site

__all__ = ["Door", "door_rule"]

_STRAYED = rf".*{INVITE}[0-9A-Za-z]+_[0-9A-Za-z]{{22}}.*"


class Door(Router):
    """Finds the handler of each request below `locshare`.

    Handlers with all that they need (STOMP, the log, the wire, the store) take 50 to 100 ms
    to import; most notebook servers are started without anybody sharing a location.
    base_url: Jupyter's. site: returns what the handlers share, asked for at the first request.
    """

    # Jupyter looks for methods here that ask for no login. Each of our handlers asks by itself.
    SUPPORTED_METHODS = ()

    def __init__(self, application: Application, base_url: str, site: Callable[[], Site]) -> None:
        self._application = application
        self._base_url = base_url
        self._site = site
        self._specs: list[URLSpec] | None = None

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> HTTPMessageDelegate | None:
        """Return what reads the request and answers it."""
        if self._specs is None:
            self._specs = self._load()
        for spec in self._specs:
            params = spec.matcher.match(request)
            if params is not None:
                return self._application.get_handler_delegate(
                    request, spec.handler_class, spec.kwargs, **params
                )
        return None

    def _load(self) -> list[URLSpec]:
        from locshare_ext.server.base import NothingHere
        from locshare_ext.server.routes import routes

        site = self._site()
        strayed = (".*", NothingHere, {"site": site})
        return [URLSpec(*rule) for rule in (*routes(site, self._base_url), strayed)]


def door_rule(application: Application, base_url: str, site: Callable[[], Site]) -> Rule:
    """Return the rule that leads all requests below `locshare` through a door.

    Others with an invite in their path, too: somebody wrote the address in a wrong way, such as with
    two slashes, and Jupyter would log it at each fix that the phone sends there.
    """
    below = re.escape(base_url.rstrip("/")) + r"/locshare(?:/.*)?"
    return Rule(PathMatches(f"(?:{below}|{_STRAYED})"), Door(application, base_url, site))
