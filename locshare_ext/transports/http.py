"""HTTP and WebSockets to one server, with aiohttp: credentials, proxies, errors, and what they cost."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from aiohttp import ClientResponse, ClientTimeout
from yarl import URL

from locshare_ext.errors import (
    AccessDenied,
    LocShareError,
    NotFound,
    ServerUnreachable,
    TooFast,
    TooLarge,
    Unavailable,
)
from locshare_ext.model.names import replay_of
from locshare_ext.transports.address import Server
from locshare_ext.transports.items import Traffic
from locshare_ext.transports.refusals import FOREIGN, error_of_http

__all__ = ["LARGEST", "SILENCE", "Answer", "Http"]

CONNECT = 10.0  # s, for TCP and TLS
ANSWER = 60.0  # s between two pieces of an answer
SILENCE = 60.0  # s; streams have a sign of life every 15 s, WebSockets a ping every 25 s
LARGEST = 64 << 20  # bytes of a WebSocket message
_AUTO = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")  # headers that aiohttp adds by itself
_RECEIVED = 64 << 10  # bytes of an error's body that are looked at


class Http:
    """Requests over kept connections, on one loop; nothing is opened before the first.

    as_browser: do without headers where a browser cannot set them. traffic: is counted in.
    """

    def __init__(self, server: Server, group: str, traffic: Traffic, *, as_browser: bool = False) -> None:
        self._server = server
        replay = replay_of(group)
        kind, name = ("groups", group) if replay is None else ("replays", replay)
        self._path = f"api/{kind}/{quote(name, safe='')}/"
        self._traffic = traffic
        self._as_browser = as_browser
        self._session: aiohttp.ClientSession | None = None
        self._proxy, self._proxy_headers = _proxy_of(server)
        # without TLS a proxy reads the request itself, with it only what asks for a tunnel
        is_read = self._proxy is not None and server.url.startswith("http:")
        self._plain_proxy_headers = self._proxy_headers if is_read else {}

    def url(self, name: str) -> str:
        """Return the address of an endpoint of the group."""
        return self._server.http_url(self._path + name)

    async def close(self) -> None:
        """Close all connections; a later request would open new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()
            # TLS says goodbye in a later turn of the loop, and aiohttp does not wait for it
            await asyncio.sleep(0)

    async def fetch(
        self,
        method: str,
        name: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        data: bytes | None = None,
        silence: float = ANSWER,
    ) -> Answer:
        """Return the whole answer to a request, of a status below 300 or 304.

        silence: s without a byte after which it is given up. Raises the error that the server
        answered, ServerUnreachable when there was no answer.
        """
        with self.translated():
            address = self.url(name)
            async with await self._send(method, address, params, headers, data, silence) as response:
                return Answer(response.status, response.headers.get("ETag"), await response.read())

    async def ask(
        self, method: str, path: str, query: str, headers: Mapping[str, str], data: bytes
    ) -> Answer:
        """Return the answer to a request that somebody else would make, whatever its status.

        path: below `locshare/`. path, query and headers go out as they are, and nothing is added but
        what HTTP itself needs. Raises ServerUnreachable when there was no answer.
        """
        address = self._server.http_url(path) + (f"?{query}" if query else "")
        with self.translated():
            try:
                plain = URL(address, encoded=True)
                async with await self._send(method, plain, None, headers, data, skip=_AUTO) as response:
                    return Answer(response.status, None, await response.read())
            except _RefusedAnswer as answer:
                return Answer(answer.status, None, answer.body)

    async def stream(
        self, name: str, params: Mapping[str, str], headers: Mapping[str, str]
    ) -> ClientResponse:
        """Return an answer that goes on, to be closed by the caller; raises as `fetch`."""
        with self.translated():
            return await self._send("GET", self.url(name), params, headers, None, SILENCE)

    async def _send(
        self,
        method: str,
        address: str | URL,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        data: bytes | None,
        silence: float = ANSWER,
        skip: Sequence[str] = (),
    ) -> ClientResponse:
        self._traffic.requests += 1
        return await self._opened().request(
            method,
            address,
            params=params,
            headers={**self._server.headers(), **(headers or {}), **self._plain_proxy_headers},
            data=data,
            timeout=ClientTimeout(total=None, sock_connect=CONNECT, sock_read=silence),
            proxy=self._proxy,
            proxy_headers=self._proxy_headers,
            skip_auto_headers=skip,
            allow_redirects=False,  # our own token header would travel along
        )

    async def websocket(
        self, address: str, params: Mapping[str, str], protocols: Sequence[str] = ()
    ) -> aiohttp.ClientWebSocketResponse:
        """Open a WebSocket at an http address; raises as `fetch`."""
        with self.translated():
            self._traffic.requests += 1
            headers = {} if self._as_browser and self._server.token else self._server.headers()
            async with asyncio.timeout(CONNECT * 2):
                return await self._opened().ws_connect(
                    address,
                    params=params,
                    protocols=protocols,
                    headers={**headers, **self._plain_proxy_headers},
                    proxy=self._proxy,
                    proxy_headers=self._proxy_headers,
                    max_msg_size=LARGEST,
                    timeout=aiohttp.ClientWSTimeout(ws_receive=SILENCE, ws_close=2.0),
                )

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            tls: ssl.SSLContext | bool = True
            if self._server.ca_file:
                tls = _context(self._server.ca_file)
            connector = aiohttp.TCPConnector(ssl=tls, socket_factory=self._socket)
            tracing = aiohttp.TraceConfig()
            tracing.on_connection_create_end.append(self._on_connection)
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                response_class=_Response,
                timeout=ClientTimeout(total=None, sock_connect=CONNECT, sock_read=ANSWER),
                trace_configs=[tracing],
                trust_env=False,  # it would read ~/.netrc for each request; proxies are ours to find
            )
        return self._session

    def _socket(self, address: Any) -> socket.socket:
        family, kind, protocol = address[:3]
        made = _CountedSocket(family, kind, protocol)
        made.traffic = self._traffic
        return made

    async def _on_connection(self, *_: object) -> None:
        self._traffic.connections += 1

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """Turn what aiohttp raises into our errors."""
        server = self._server
        try:
            yield
        except _RefusedAnswer as answer:
            raise _error_of(answer, server) from None
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError) as error:
            raise ServerUnreachable(
                f"{server.url} cannot be trusted: {_words(error)}", code="tls_failed"
            ) from None
        except aiohttp.WSServerHandshakeError as error:
            raise ServerUnreachable(f"{server.url} did not open a WebSocket: {error.message}") from None
        except TimeoutError:
            raise ServerUnreachable(f"{server.url} did not answer in time", code="server_slow") from None
        except (aiohttp.ClientError, OSError) as error:
            raise ServerUnreachable(f"{server.url} does not answer: {_words(error)}") from None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered."""

    status: int
    etag: str | None
    body: bytes


class _RefusedAnswer(Exception):
    """An answer that is none to what was asked."""

    def __init__(self, status: int, reason: str, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(status)
        self.status, self.reason, self.headers, self.body = status, reason, headers, body


class _Response(ClientResponse):
    """Raises what is refused as soon as its body is there: of a refused WebSocket aiohttp drops it."""

    async def start(self, connection: Any) -> ClientResponse:
        """Read the head of the answer."""
        await super().start(connection)
        if self.status >= 300 and self.status != 304:
            body = b""
            while len(body) < _RECEIVED and (more := await self.content.readany()):
                body += more
            raise _RefusedAnswer(self.status, self.reason or "", dict(self.headers), body)
        return self


class _CountedSocket(socket.socket):
    """A socket that counts what goes through it, as asyncio's selector loops use it."""

    __slots__ = ("traffic",)
    traffic: Traffic

    def recv(self, *arguments: Any) -> bytes:
        data = super().recv(*arguments)
        self.traffic.received += len(data)
        return data

    def recv_into(self, *arguments: Any) -> int:
        count = super().recv_into(*arguments)
        self.traffic.received += count
        return count

    def send(self, *arguments: Any) -> int:
        count = super().send(*arguments)
        self.traffic.sent += count
        return count

    def sendmsg(self, *arguments: Any) -> int:
        count = super().sendmsg(*arguments)
        self.traffic.sent += count
        return count


def _error_of(answer: _RefusedAnswer, server: Server) -> LocShareError:
    status = answer.status
    error = error_of_http(status, answer.body) or _foreign_error(answer, server)
    after = answer.headers.get("Retry-After", "")
    if after.isascii() and after.isdigit():
        error.details.setdefault("retry_after", int(after))
    return error


def _foreign_error(answer: _RefusedAnswer, server: Server) -> LocShareError:
    """Return the error of an answer that is not in our shape: by a proxy, or by Jupyter itself."""
    status = answer.status
    if status < 400:
        return ServerUnreachable(
            f"{server.url} sends requests to another page, probably to log in: it does not accept the token, "
            "or it is not a Jupyter server with locshare_ext",
            code="redirected",
        )
    said = f"{server.url} answered HTTP {status} {answer.reason}".rstrip()
    if status == 404:
        return NotFound(
            f"{server.url} has no locshare_ext: it runs without the extension", code="no_extension"
        )
    if status in (401, 403):
        return AccessDenied(said, code=FOREIGN)
    if status == 413:  # the same again would be refused again
        return TooLarge(f"something before {server.url} takes no body of this size (HTTP 413)")
    if status == 429:
        return TooFast(said)
    return Unavailable(said) if status == 503 else ServerUnreachable(said)


@lru_cache(maxsize=8)
def _context(ca_file: str) -> ssl.SSLContext:
    """Return one context for all transports: making it reads the file."""
    return ssl.create_default_context(cafile=ca_file)


def _proxy_of(server: Server) -> tuple[str | None, dict[str, str]]:
    """Return the environment's proxy for a server, and the header with its credential."""
    parts = urlsplit(server.url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if proxy is None or server.is_loopback or proxy_bypass(parts.netloc):
        return None, {}
    given = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    headers = {}
    if given.username is not None:
        user = f"{unquote(given.username)}:{unquote(given.password or '')}".encode()
        headers["Proxy-Authorization"] = f"Basic {base64.b64encode(user).decode()}"
    return urlunsplit((given.scheme, given.netloc.rpartition("@")[2], given.path, "", "")), headers


def _words(error: Exception) -> str:
    """Return the innermost reason."""
    inner: BaseException = error
    while isinstance(inner, aiohttp.ClientConnectorError):
        inner = inner.os_error
    return (getattr(inner, "strerror", None) or str(inner) or type(inner).__name__)[:200]
