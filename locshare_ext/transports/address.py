"""A server's address and the credential for it, also as the link that people pass on."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs, urlsplit, urlunsplit

from locshare_ext.errors import InvalidInput
from locshare_ext.model.credentials import INVITE, KERNEL, PREFIXES

__all__ = ["CA_FILE", "Server", "holds_secret", "is_link", "parse_link", "server_from_url"]

CA_FILE = "LOCSHARE_CA_FILE"  # names the certificate authority of a server with https
_PAGES = ("lab", "tree", "notebooks", "login", "hub")  # Jupyter's own pages, as copied from a browser


@dataclass(frozen=True, slots=True)
class Server:
    """A server's address and the credential for it.

    url: ends with `/`; the endpoints lie below it, in `locshare/`. token: None if none is
    needed. ca_file: the certificate authority of a self-signed server. origin: where this
    was found, for messages; never holds the token.
    """

    url: str
    token: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    origin: str = "arguments"

    @property
    def host(self) -> str:
        """The host's name without the port."""
        return urlsplit(self.url).hostname or ""

    @property
    def is_loopback(self) -> bool:
        """Whether it runs on this machine; proxies are not asked then."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")

    @property
    def is_of_kernel(self) -> bool:
        """Whether the token is what a notebook server gives its kernels: new at each of its starts."""
        return self.token is not None and self.token.startswith(KERNEL)

    @property
    def is_by_invite(self) -> bool:
        """Whether the token is an invite."""
        return self.token is not None and self.token.startswith(INVITE)

    def headers(self) -> dict[str, str]:
        """Return the HTTP headers that carry the credential."""
        if self.token is None:
            return {}
        if self.token.startswith(PREFIXES):
            return {"X-Locshare-Token": self.token}
        return {"Authorization": f"token {self.token}"}

    def http_url(self, path: str) -> str:
        """Return the address of an endpoint below `locshare/`."""
        return f"{self.url}locshare/{path}"

    def ws_url(self, path: str) -> str:
        """Return the WebSocket address of an endpoint below `locshare/`."""
        return "ws" + self.http_url(path)[len("http") :]


def is_link(text: str) -> bool:
    """Return whether this is the address of a server rather than a group's name."""
    return text.startswith(("http://", "https://"))


def holds_secret(text: str) -> bool:
    """Return whether a token of ours is in a text, such as a link without its beginning."""
    return any(prefix in text for prefix in PREFIXES)


def parse_link(text: str) -> tuple[Server, str | None]:
    """Return the server and the group of a link `http(s)://host/base/locshare/#t=TOKEN&g=GROUP`.

    A link of a participant's page and an address copied from JupyterLab are understood too.
    The group is None if the link names none. Raises InvalidInput if it is no address.
    """
    parts = urlsplit(text.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidInput("this link is not an http:// or https:// address of a server", field="link")
    try:
        parts.port  # noqa: B018 - urllib looks at it only now
    except ValueError:
        raise InvalidInput("the link's port is not a number from 0 to 65535", field="link") from None
    said = {**parse_qs(parts.query), **parse_qs(parts.fragment)}
    token = next(iter(said.get("t") or said.get("token") or []), None)
    group = next(iter(said.get("g") or said.get("group") or []), None)
    netloc = parts.netloc.rpartition("@")[2]  # a password in front of the host would end up in messages
    url = urlunsplit((parts.scheme, netloc, _base_path(parts.path), "", ""))
    # a link has no room for a certificate; without one the system's authorities decide
    ca_file = os.environ.get(CA_FILE) if parts.scheme == "https" else None
    return Server(url, token, ca_file, origin="the link"), group


def server_from_url(url: str, token: str | None = None) -> Server:
    """Return the server of an address that may carry a token itself."""
    server, _ = parse_link(url)
    return replace(server, token=token or server.token, origin="arguments")


def _base_path(path: str) -> str:
    """Return what lies above `locshare/`, or above a page of Jupyter's."""
    words = [word for word in path.split("/") if word]
    # a Hub's service of that name is at services/locshare/, and the endpoints below it
    named = [word if at == 0 or words[at - 1] != "services" else "" for at, word in enumerate(words)]
    end = next((at for at, word in enumerate(named) if word == "locshare" or word in _PAGES), len(words))
    return "/".join(["", *words[:end], ""])
