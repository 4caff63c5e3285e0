"""By which URL phones come to this server, and whether that works: really tried."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from locshare_ext.errors import InvalidInput
from locshare_ext.model.reach import OPEN, Trial, Verdict, is_local_host, is_private_host, judge_url

if TYPE_CHECKING:
    from locshare_ext.server.credentials import Credentials

__all__ = ["Reach", "checked_url", "network_address"]

_PATIENCE = 5.0  # s for each try: phones give up sooner
_ELSEWHERE = ((socket.AF_INET, "198.51.100.1"), (socket.AF_INET6, "2001:db8::1"))


class Reach:
    """Knows the URLs of a server, and which of them is for phones.

    public_url: as its owner says. own: gives the URL at which the server itself listens, None
    if it cannot be known. is_meant: whether all that it listens at is for phones, as without
    notebooks. is_hub: whether the server is behind a Hub's proxy, by whose address phones come.
    todo: what to do where nothing is open for phones.
    """

    def __init__(
        self,
        *,
        public_url: str = "",
        own: Callable[[], str | None] = lambda: None,
        is_meant: bool = False,
        is_hub: bool = False,
        todo: str = OPEN,
    ) -> None:
        self.public_url = checked_url(public_url)
        self.listener: str | None = None  # while one is open for phones
        self.credentials: Credentials | None = None
        self._own = own
        self._is_meant = is_meant
        self._is_hub = is_hub
        self._todo = todo
        self._seen: str | None = None  # by which a browser of the host came
        self._tried: tuple[str, Trial] | None = None

    def note(self, url: str) -> None:
        """Note by which URL a user of this server came: behind a proxy nothing else tells it."""
        if not is_local_host(urlsplit(url).hostname or ""):
            self._seen = url

    @property
    def url(self) -> tuple[str | None, bool]:
        """The URL by which phones come as far as is known, and whether it is meant for that."""
        if self.listener:
            return self.listener, True
        if self.public_url:
            return self.public_url, True
        if self._seen is not None and (self._is_hub or not self._is_meant):
            parts = urlsplit(self._seen)
            is_open = parts.scheme == "https" and not is_private_host(parts.hostname or "")
            return self._seen, self._is_hub or is_open
        return self._own(), self._is_meant

    def verdict(self) -> Verdict:
        """Return whether phones can use it, by what came of the last try if it was tried."""
        url, is_meant = self.url
        tried = self._tried
        trial = tried[1] if tried is not None and tried[0] == url else None
        return judge_url(
            url, is_meant=is_meant, trial=trial, todo=self._todo, is_listening=url == self.listener
        )

    async def look(self) -> Verdict:
        """Try the URL, and return whether phones can use it; takes 5 s at most."""
        url, _ = self.url
        if url and self.credentials is not None and not is_local_host(urlsplit(url).hostname or ""):
            with self.credentials.probe() as token:
                self._tried = url, await _try(url, token)
        return self.verdict()


async def _try(url: str, token: str) -> Trial:
    """Ask for a URL as a phone would; only this very server takes the token."""
    from tornado.httpclient import HTTPClientError, HTTPRequest
    from tornado.simple_httpclient import HTTPTimeoutError, SimpleAsyncHTTPClient

    request = HTTPRequest(
        f"{url}locshare/api/health",
        headers={"X-Locshare-Token": token},
        follow_redirects=False,
        connect_timeout=_PATIENCE,
        request_timeout=_PATIENCE,
        ssl_options=ssl.create_default_context() if url.startswith("https:") else None,
    )
    client = SimpleAsyncHTTPClient(force_instance=True)
    try:
        answer = await client.fetch(request, raise_error=False)
        return _judged(answer.code, answer.body)
    except HTTPTimeoutError:
        return Trial(False, f"nothing answered within {_PATIENCE:g} s")
    except ssl.SSLCertVerificationError as error:
        return Trial(False, f"its certificate is not one that phones trust ({error.verify_message})")
    except socket.gaierror:
        return Trial(False, "its name is not known here")
    except (OSError, HTTPClientError, ValueError, asyncio.IncompleteReadError) as error:
        return Trial(False, getattr(error, "strerror", None) or str(error) or type(error).__name__)
    finally:
        client.close()


def _judged(status: int, body: bytes) -> Trial:
    """Return what an answer says of who gave it."""
    try:
        told = json.loads(body or b"null")
    except ValueError:
        told = None
    error = told.get("error") if isinstance(told, dict) else None
    if status == 200 and isinstance(told, dict) and "protocol" in told:
        return Trial(True)
    if isinstance(error, dict) and error.get("code") == "host_not_allowed":
        return Trial(False, "this server refuses that name; add it to allowed_hosts")
    if isinstance(error, dict) and error.get("code") == "credential_invalid":
        return Trial(False, "another server of the same kind answers there")
    return Trial(False, f"something else answers there (status {status})")


def checked_url(url: str) -> str:
    """Return a base URL with `/` at its end, empty for none; raises InvalidInput for what is no URL."""
    if not url:
        return ""
    parts = urlsplit(url.strip())
    try:
        port_is_good = parts.port is None or parts.port > 0
    except ValueError:
        port_is_good = False
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_good or "@" in parts.netloc:
        raise InvalidInput(
            f"public_url {url[:120]!r} is no address; expected one such as https://share.example.org/",
            field="public_url",
        )
    path = parts.path.rstrip("/")
    if path.endswith("/locshare") and not path.endswith(
        "/services/locshare"
    ):  # what a Hub's service is called
        path = path.removesuffix("/locshare")
    return f"{parts.scheme}://{parts.netloc}{path}/"


def network_address() -> str | None:
    """Return the address that this machine has in its network, None if it is in none; sends nothing."""
    for family, elsewhere in _ELSEWHERE:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            try:
                sock.connect((elsewhere, 9))
                address = str(sock.getsockname()[0])
            except OSError:
                continue
        if not is_local_host(address):
            return address
    return None
