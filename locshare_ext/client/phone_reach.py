"""By which address phones reach a group's server, as a notebook is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from locshare_ext.client.discovery import server_from_url
from locshare_ext.client.http import path_of
from locshare_ext.errors import AccessDenied
from locshare_ext.model.reach import Verdict, judge_url

if TYPE_CHECKING:
    from locshare_ext.client.http import Api

__all__ = ["reach_of"]


def reach_of(api: Api, address: str | None = None) -> Verdict:
    """Return whether phones reach a server, and where; takes as long as the server tries it, 5 s at most.

    address: what a host says of it, which is believed. Of a server that is another's, the
    address by which we came ourselves. Raises InvalidInput, ServerUnreachable.
    """
    if address is not None:
        return _judged(server_from_url(address).url)
    try:
        told: dict[str, Any] = api.get(path_of("phones"))["reach"]
    except AccessDenied:  # its host alone may have it tried
        return _judged(api.server.url)
    known = {name: told[name] for name in ("url", "kind", "tried", "page", "apps", "reason", "todo")}
    return Verdict(is_https=bool(told["https"]), **known)


def _judged(url: str) -> Verdict:
    return judge_url(url, is_meant=True)
