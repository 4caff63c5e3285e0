"""What a proxy says of the requests that it passes on, believed only of proxies that are known."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine

from locshare_ext.errors import InvalidInput

__all__ = ["Proxies"]

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_SAID = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-Ip", "X-Scheme", "Forwarded")


class Proxies:
    """The addresses from which X-Forwarded-For, -Proto and -Host are believed; from others they are dropped.

    networks: such as `127.0.0.1` or `10.0.0.0/8`. Raises InvalidInput for what is none.
    """

    def __init__(self, networks: Sequence[str] = ()) -> None:
        self._networks = [_network(text) for text in networks]

    def __bool__(self) -> bool:
        return bool(self._networks)

    def trusts(self, address: str) -> bool:
        """Return whether an address is a proxy's of ours."""
        try:
            found = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        plain = getattr(found, "ipv4_mapped", None) or found  # a socket for both kinds of IP
        return any(plain in network for network in self._networks)

    def reader(self, delegate: HTTPMessageDelegate, connection: Any) -> HTTPMessageDelegate:
        """Return what reads a request before `delegate` does, and tells it who sent it to the proxy."""
        return _Reader(self, delegate, connection.context)

    def client(self, peer: str, forwarded: Sequence[str]) -> str:
        """Return whose request it is: the last address that was said and is none of our proxies'.

        What stands before it anybody may have written.
        """
        client = peer
        for name in reversed([part.strip() for text in forwarded for part in text.split(",")]):
            if not self.trusts(client):
                break
            address = _bare(name)
            if address is None:
                break
            client = address
        return client


class _Reader(HTTPMessageDelegate):
    """Reads one request; the connection is the proxy's again afterwards."""

    def __init__(self, proxies: Proxies, delegate: HTTPMessageDelegate, context: Any) -> None:
        self._proxies = proxies
        self._delegate = delegate
        self._context = context
        self._peer = context.remote_ip
        self._protocol = context.protocol

    def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders) -> Any:
        if self._proxies.trusts(self._peer):
            self._believe(headers)
        for name in _SAID:
            if name in headers:
                del headers[name]
        return self._delegate.headers_received(start_line, headers)

    def _believe(self, headers: HTTPHeaders) -> None:
        self._context.remote_ip = self._proxies.client(self._peer, headers.get_list("X-Forwarded-For"))
        # of several proxies each appends: the last is what ours said of the one before
        scheme = headers.get("X-Forwarded-Proto", "").rpartition(",")[2].strip().lower()
        if scheme in ("http", "https"):
            self._context.protocol = scheme
        host = headers.get("X-Forwarded-Host", "").rpartition(",")[2].strip()
        if host:
            headers["Host"] = host

    def data_received(self, chunk: bytes) -> Any:
        return self._delegate.data_received(chunk)

    def finish(self) -> None:
        self._delegate.finish()
        self._restore()

    def on_connection_close(self) -> None:
        self._delegate.on_connection_close()
        self._restore()

    def _restore(self) -> None:
        self._context.remote_ip, self._context.protocol = self._peer, self._protocol


def _network(text: str) -> _Network:
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise InvalidInput(
            f"trusted proxy {text!r} is no address; expected one such as 127.0.0.1 or 10.0.0.0/8",
            field="trusted_proxies",
        ) from None


def _bare(text: str) -> str | None:
    """Return the address of an X-Forwarded-For part, which may have brackets and a port."""
    name = text.strip().strip('"')
    if name.startswith("["):
        name = name[1:].partition("]")[0]
    elif name.count(":") == 1:
        name = name.partition(":")[0]
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return None
