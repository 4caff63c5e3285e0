"""Which hosts and origins a request may name."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from locshare_ext.errors import AccessDenied

__all__ = ["check_host", "check_origin", "is_cross_site"]


def check_host(
    host: str, allowed: Sequence[str], settings: Mapping[str, Any], *, is_guarded: bool, public_url: str = ""
) -> None:
    """Raise AccessDenied if the Host header names no name of this server (DNS rebinding).

    allowed: names besides the local ones. settings: Jupyter's `allow_remote_access` and
    `local_hostnames`. is_guarded: whether everybody needs a credential; a page that
    rebinds a name has none, so only where nobody needs one any name is refused. public_url:
    by which the owner says that it is reached; its name is always good.
    """
    name = host.rsplit(":", 1)[0] if re.search(r":\d+$", host) else host
    name = name.removeprefix("[").removesuffix("]").lower()
    if name in settings.get("local_hostnames", ("localhost",)) or name in allowed:
        return
    if public_url and name == urlsplit(public_url).hostname:
        return
    if unquote(name).startswith("/"):
        return  # a unix socket's path: no browser sends it
    is_address = _is_address(name)
    if is_address and ipaddress.ip_address(name).is_loopback:
        return
    if not allowed and settings.get("allow_remote_access", False) and (is_guarded or is_address):
        return
    raise AccessDenied(
        f"host {name[:80]!r} is not a name of this server; its owner can allow it by `allowed_hosts`",
        code="host_not_allowed",
    )


def check_origin(headers: Mapping[str, str], host: str, settings: Mapping[str, Any]) -> str | None:
    """Return the origin if it is a foreign one that Jupyter's settings allow, None for our own.

    Raises AccessDenied for any other foreign origin, whatever the credential.
    """
    origin = headers.get("Origin", headers.get("Sec-Websocket-Origin"))
    if origin is None or urlsplit(origin.lower()).netloc == host.lower() != "":
        return None
    allowed = settings.get("allow_origin", "")
    pattern = settings.get("allow_origin_pat", "")
    if allowed in ("*", origin) or (pattern and re.fullmatch(pattern, origin)):
        return origin
    raise AccessDenied(f"origin {origin[:120]!r} is not allowed here", code="origin_not_allowed")


def is_cross_site(headers: Mapping[str, str]) -> bool:
    """Return whether a browser says that another site made it send this, not by a link."""
    return headers.get("Sec-Fetch-Site") in ("cross-site", "same-site") and (
        headers.get("Sec-Fetch-Mode") != "navigate"
    )


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
