"""Whether a phone can use a URL: the one place where that is decided, and what to do otherwise."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

__all__ = ["Trial", "Verdict", "is_local_host", "is_private_host", "judge_url"]

Kind = Literal["public", "private", "loopback", "none"]

_LOCAL_NAMES = ("localhost", "ip6-localhost", "ip6-loopback")
_PRIVATE_ENDS = (".local", ".lan", ".home", ".internal", ".home.arpa", ".localdomain")
_SHARED = ipaddress.ip_network("100.64.0.0/10")  # carriers' and overlay networks' own, RFC 6598

OPEN = "run group.open_to_phones() in a notebook"
SECURE = (
    "give it a certificate (certfile, keyfile), or put a proxy or tunnel with https before it and name its "
    "address as public_url"
)


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of asking for a URL from the server's own network address.

    ok: this very server answered. error: in words what happened otherwise.
    """

    ok: bool
    error: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a phone can use a URL.

    url: None if none is known. kind: of its host: for everybody, for one network (`private`),
    for this machine alone (`loopback`). is_https: what browsers give positions to. tried:
    whether the server answered there, None if it was not tried. page, apps: whether a phone's
    browser, and a phone's app, can share by it. reason: one sentence, empty if nothing is to be
    said. todo: the one thing to do, empty if nothing is.
    """

    url: str | None
    kind: Kind
    is_https: bool
    tried: bool | None
    page: bool
    apps: bool
    reason: str
    todo: str

    def usable(self, *, app: bool = False) -> str | None:
        """Return the URL if a phone can use it, in its browser or with an app; else None: say `sentence`."""
        return self.url if (self.apps if app else self.page) else None

    @property
    def sentence(self) -> str:
        """What is wrong and the one thing to do, for people; empty if all is well."""
        return f"{self.reason}: {self.todo}." if self.todo else f"{self.reason}." if self.reason else ""

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Verdict:
        """Return what a server's answer says, see `as_json`."""
        return cls(
            url=told["url"],
            kind=told["kind"],
            is_https=told["https"],
            tried=told["tried"],
            page=told["page"],
            apps=told["apps"],
            reason=told["reason"],
            todo=told["todo"],
        )

    def as_json(self) -> dict[str, Any]:
        """Return it for an answer."""
        return {
            "url": self.url,
            "kind": self.kind,
            "https": self.is_https,
            "tried": self.tried,
            "page": self.page,
            "apps": self.apps,
            "reason": self.reason,
            "todo": self.todo,
        }


def judge_url(
    url: str | None,
    *,
    is_meant: bool,
    trial: Trial | None = None,
    todo: str = OPEN,
    is_listening: bool = False,
) -> Verdict:
    """Return whether a phone can use a URL below which `locshare/` lies, and what to do otherwise.

    url: None if none is known. is_meant: whether its owner opened it for phones, or named it:
    a notebook server that happens to listen on a network is not. trial: what came of asking
    for it, None if nothing did; a URL that was not tried is judged as if it answered.
    todo: the one thing to do where nothing is open for phones. is_listening: whether it is the
    listener for phones itself, whose port a firewall may close.
    """
    if not url:
        return _refused(None, "none", None, "no address is known by which phones reach this server", todo)
    parts = urlsplit(url)
    host, tried = parts.hostname or "", None if trial is None else trial.ok
    if is_local_host(host):
        return _refused(
            url, "loopback", tried, f"{host} leads every phone to itself, not to this server", todo
        )
    kind: Kind = "private" if is_private_host(host) else "public"
    if not is_meant:
        return _refused(
            url, kind, tried, f"at {host} the notebook server itself listens, which is not for phones", todo
        )
    if trial is not None and not trial.ok:
        do = (
            f"let port {parts.port} through this machine's firewall"
            if is_listening
            else "mend that, or name the right address as public_url"
        )
        return _refused(url, kind, tried, f"{url} was tried and does not lead here: {trial.error}", do)
    near = f"only phones in the same network reach {host}" if kind == "private" else ""
    if parts.scheme != "https":
        reason = f"{url} is no https: a phone's browser tells its position to no such page"
        more = f" ({near}; what apps send can be read on the way)" if near else ""
        # over the open internet nobody's positions travel readable; in one's own network apps may
        return Verdict(url, kind, False, tried, False, kind == "private", reason + more, SECURE)
    return Verdict(url, kind, True, tried, True, True, near, "")


def _refused(url: str | None, kind: Kind, tried: bool | None, reason: str, todo: str) -> Verdict:
    is_https = url is not None and url.startswith("https://")
    return Verdict(url, kind, is_https, tried, False, False, reason, todo)


def is_local_host(host: str) -> bool:
    """Return whether a host is the machine itself that looks it up, or no host at all."""
    name = host.lower().rstrip(".")
    if name in ("", *_LOCAL_NAMES) or name.endswith(".localhost"):
        return True
    address = _address(name)
    return address is not None and (address.is_loopback or address.is_unspecified)


def is_private_host(host: str) -> bool:
    """Return whether a host has a meaning in one network only, by its address or the form of its name."""
    name = host.lower().rstrip(".")
    address = _address(name)
    if address is None:
        return "." not in name or name.endswith(_PRIVATE_ENDS)
    return address.is_private or address.is_link_local or address in _SHARED


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return mapped if mapped is not None else found
