"""Which server to talk to: the one that a link names, or the one that is found from here."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

from locshare_ext.errors import InvalidInput, ServerNotFound
from locshare_ext.model.credentials import INVITE, KERNEL, PREFIXES

__all__ = ["Server", "find_server", "holds_secret", "is_link", "parse_link", "server_from_url"]

CA_FILE = "LOCSHARE_CA_FILE"  # names the certificate authority of a server with https
_PAGES = ("lab", "tree", "notebooks", "login", "hub")  # Jupyter's own pages, as copied from a browser

_CAUSES = """\
No server with locshare_ext was found. The three usual causes:
  1. The extension is installed in another environment than the one Jupyter runs in, or Jupyter was not
     restarted since: run `jupyter server extension list` where Jupyter was started, then restart it.
  2. VS Code, Colab or a standalone Voila run no server extension: start `jupyter locshare serve` in a
     terminal and attach with the link it prints, Group("http://.../locshare/#t=...&g=hikers").
  3. The kernel runs on another machine than Jupyter: attach with a link in the same way.
What was looked for:
"""


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


def find_server(environ: Mapping[str, str] | None = None, *, runtime_dir: Path | None = None) -> Server:
    """Return the server that this kernel belongs to; reads files only, asks no network.

    In order: LOCSHARE_URL with LOCSHARE_TOKEN; the file that LOCSHARE_RUNTIME names; the
    file of the Jupyter server that started this kernel; the only one of a live server.
    Raises ServerNotFound with the usual causes and what was looked for.
    """
    environ = os.environ if environ is None else environ
    looked: list[str] = []
    if url := environ.get("LOCSHARE_URL"):
        server, _ = parse_link(url)
        token = environ.get("LOCSHARE_TOKEN") or server.token
        return replace(server, token=token, ca_file=environ.get(CA_FILE), origin="LOCSHARE_URL")
    looked.append("LOCSHARE_URL and LOCSHARE_TOKEN: not set")
    if named := environ.get("LOCSHARE_RUNTIME"):
        if server_named := _read_runtime(Path(named), looked, "LOCSHARE_RUNTIME"):
            return server_named
    else:
        looked.append("LOCSHARE_RUNTIME: not set")
    directory = runtime_dir or _runtime_dir()
    if parent := environ.get("JPY_PARENT_PID"):
        path = directory / f"locshare-{parent}.json"
        if server_parent := _read_runtime(path, looked, "the server that started this kernel"):
            return server_parent
    else:
        looked.append("JPY_PARENT_PID: not set, so no Jupyter server started this process")
    return _only_live(directory, looked)


def _only_live(directory: Path, looked: list[str]) -> Server:
    found: list[Server] = []
    for path in sorted(directory.glob("locshare-*.json")):
        server = _read_runtime(path, looked, "a running server")
        if server is not None:
            found.append(server)
    if len(found) == 1:
        return found[0]
    if not found:
        looked.append(f"{directory}/locshare-*.json: none of a live server")
        raise ServerNotFound(_CAUSES + "\n".join(f"  - {line}" for line in looked))
    urls = ", ".join(server.url for server in found)
    raise ServerNotFound(
        f"{len(found)} servers with locshare_ext run here, and none of them started this process: {urls}. "
        "Say which: Group(name, server=url, token=...), or set LOCSHARE_URL and LOCSHARE_TOKEN.",
        code="server_ambiguous",
    )


def _read_runtime(path: Path, looked: list[str], why: str) -> Server | None:
    """Return the server of a runtime file; adds to `looked` why there is none."""
    try:
        content: Any = json.loads(path.read_text("utf-8"))
        if content.get("version") != 1:
            looked.append(f"{path} ({why}): version {content.get('version')!r}, expected 1")
            return None
        server, pid = (
            Server(str(content["url"]), content["token"], content.get("ca_file"), origin=str(path)),
            int(content["pid"]),
        )
    except FileNotFoundError:
        looked.append(f"{path} ({why}): no such file")
    except OSError as error:
        looked.append(f"{path} ({why}): {error.strerror}")
    except (ValueError, KeyError, TypeError, AttributeError):
        looked.append(f"{path} ({why}): not a runtime file")
    else:
        if _is_alive(pid):
            return server
        looked.append(f"{path} ({why}): left behind by process {pid}, which has ended")
    return None


def _is_alive(pid: int) -> bool:
    if os.name == "nt":  # pragma: no cover - os.kill would end the process there
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return pid > 0


def _runtime_dir() -> Path:
    from jupyter_core.paths import jupyter_runtime_dir

    return Path(jupyter_runtime_dir())


def _base_path(path: str) -> str:
    """Return what lies above `locshare/`, or above a page of Jupyter's."""
    words = [word for word in path.split("/") if word]
    end = next((at for at, word in enumerate(words) if word == "locshare" or word in _PAGES), len(words))
    return "/".join(["", *words[:end], ""])
