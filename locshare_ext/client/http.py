"""HTTP to the server: one place for credentials, time-outs and what went wrong."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

import requests
from urllib3.exceptions import HTTPError

from locshare_ext.client.discovery import Server
from locshare_ext.errors import (
    AccessDenied,
    LocShareError,
    NotFound,
    ServerUnreachable,
    TooLarge,
    Unavailable,
)
from locshare_ext.transports.refusals import FOREIGN, error_of_http

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ARROW_TYPE", "Api", "error_from", "path_of"]

ARROW_TYPE = "application/vnd.apache.arrow.stream"
_AT_ONCE = 1 << 20  # bytes of a large answer that are read at a time
TIMEOUT = (5.0, 60.0)  # s: to connect; between two pieces of an answer


def path_of(*words: str) -> str:
    """Return a path below `locshare/api/`, each word quoted."""
    return "api/" + "/".join(quote(word, safe="") for word in words)


class Api:
    """Requests to one server, from any thread.

    locate: finds the server; asked again when it does not answer, as it may have been
    started again elsewhere.
    """

    def __init__(self, locate: Callable[[], Server]) -> None:
        self._locate = locate
        self._lock = threading.Lock()
        self._server = locate()
        self._session = _session(self._server)

    @property
    def server(self) -> Server:
        """The server that is talked to now."""
        return self._server

    def relocate(self) -> Server:
        """Look for the server again; raises ServerNotFound."""
        server = self._locate()
        with self._lock:
            if server != self._server:
                self._session.close()
                self._server, self._session = server, _session(server)
        return server

    def close(self) -> None:
        """Close kept connections; a later request opens new ones."""
        self._session.close()

    def get(self, path: str, params: Mapping[str, Any] | None = None, *, timeout: float | None = None) -> Any:
        """Return the JSON of a GET; timeout: s to connect, and between two pieces of the answer."""
        limit = TIMEOUT if timeout is None else (min(TIMEOUT[0], timeout), timeout)
        return _json(self._request("GET", path, params=params, timeout=limit))

    def send(
        self, method: str, path: str, body: Any = None, *, params: Mapping[str, Any] | None = None
    ) -> Any:
        """Send JSON (bytes: as they are) and return the answer's JSON, None if it is empty."""
        headers = {}
        if isinstance(body, bytes):
            headers["Content-Type"] = "application/json"
            response = self._request(method, path, params=params, data=body, headers=headers)
        else:
            response = self._request(method, path, params=params, json=body)
        return _json(response) if response.content else None

    def table(self, path: str, params: Mapping[str, Any] | None = None) -> tuple[pa.Table, dict[str, Any]]:
        """Return the Arrow table of a GET and what the server says of it: group, epoch, head.

        It is unpacked as it comes: neither the whole answer nor a copy of it is in memory too.
        """
        import json

        import pyarrow as pa

        params = {**(params or {}), "format": "arrow"}
        response = self._request("GET", path, params=params, headers={"Accept": ARROW_TYPE}, stream=True)
        response.raw.auto_close = False  # else it cannot be asked whether this was all
        response.raw.decode_content = True  # what is between may have compressed it
        try:
            with response, io.BufferedReader(cast(Any, response.raw), _AT_ONCE) as body:
                # threads for batches of this size cost more than they save
                options = pa.ipc.IpcReadOptions(use_threads=False)
                table = pa.ipc.open_stream(body, options=options).read_all()
                body.read()  # the answer's own end: it was not cut, and the connection can be kept
        except (HTTPError, OSError) as error:
            raise ServerUnreachable(
                f"{self._server.url} broke off its answer: {_reason(error)}", code="answer_cut"
            ) from None
        except pa.ArrowInvalid as error:
            raise ServerUnreachable(
                f"{self._server.url} answered with something that is no Arrow table ({error}); "
                "its version of locshare_ext may be another one",
                code="protocol_mismatch",
            ) from None
        said = (table.schema.metadata or {}).get(b"locshare")
        return table, json.loads(said) if said else {}

    def upload(
        self,
        path: str,
        batches: Callable[[], Iterator[pa.RecordBatch]],
        params: Mapping[str, Any],
        *,
        metadata: Mapping[bytes, bytes],
        timeout: float = TIMEOUT[1],
    ) -> Any:
        """POST record batches as one Arrow stream, piece by piece; returns the answer's JSON.

        batches: gives them, again if the server has moved. metadata: of the stream's schema.
        timeout: s until the answer, once all is sent.
        """
        return _json(
            self._request(
                "POST",
                path,
                params=params,
                data=_Stream(batches, metadata),
                headers={"Content-Type": ARROW_TYPE},
                timeout=(TIMEOUT[0], timeout),
            )
        )

    def _request(self, method: str, path: str, **options: Any) -> requests.Response:
        response = self._try(method, path, options)
        if response is None:  # it may have come back, here or at another address
            before = self._server
            if self.relocate() != before or method == "GET":
                response = self._try(method, path, options)
        if response is None:
            raise ServerUnreachable(
                f"{self._server.url} does not answer; is the server running? (found by {self._server.origin})"
            )
        if response.is_redirect:
            raise ServerUnreachable(
                f"{self._server.url} sends requests to another page, probably to log in: it does not accept "
                "the token, or it is not a Jupyter server with locshare_ext",
                code="redirected",
            )
        if response.status_code >= 400:
            raise error_from(response, self._server)
        return response

    def _try(self, method: str, path: str, options: dict[str, Any]) -> requests.Response | None:
        """Return the answer, None if no connection could be made."""
        server, session = self._server, self._session
        headers = {**server.headers(), **options.get("headers", {})}
        try:
            return session.request(
                method,
                server.http_url(path),
                # said here, as REQUESTS_CA_BUNDLE beats what the session says
                verify=server.ca_file,
                **{"timeout": TIMEOUT, **options, "headers": headers},
                auth=_keep_headers,
                allow_redirects=False,  # our own token header would travel along
            )
        except requests.exceptions.SSLError as error:
            raise ServerUnreachable(
                f"{server.url} cannot be trusted: {_reason(error)}", code="tls_failed"
            ) from None
        except (requests.exceptions.ConnectTimeout, requests.exceptions.ConnectionError):
            return None
        except requests.exceptions.Timeout:
            raise ServerUnreachable(f"{server.url} gave no answer in time", code="server_slow") from None
        except requests.exceptions.RequestException as error:
            raise ServerUnreachable(f"{server.url} cannot be used: {_reason(error)}") from None


class _Stream:
    """Record batches as the bytes of an Arrow stream, made while they are sent."""

    closed = False  # as files have it

    def __init__(
        self, batches: Callable[[], Iterator[pa.RecordBatch]], metadata: Mapping[bytes, bytes]
    ) -> None:
        self._batches = batches
        self._metadata = metadata
        self._parts: list[bytes] = []

    def __iter__(self) -> Iterator[bytes]:
        import pyarrow as pa

        from locshare_ext.model.trail import arrow_schema

        self._parts = []
        schema = arrow_schema().with_metadata(dict(self._metadata))
        with pa.ipc.new_stream(self, schema) as writer:
            for batch in self._batches():
                writer.write_batch(batch.replace_schema_metadata(schema.metadata))
                yield self._taken()
        yield self._taken()

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def _taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def error_from(response: requests.Response, server: Server) -> LocShareError:
    """Return the error that an answer of 400 and above stands for, with its code and field."""
    return error_of_http(response.status_code, response.content) or _foreign_error(response, server)


def _foreign_error(response: requests.Response, server: Server) -> LocShareError:
    """Return the error of an answer that is not in our shape: by a proxy, or by Jupyter itself."""
    status = response.status_code
    if status == 404:
        return NotFound(
            f"{server.url} has no locshare_ext: it runs without the extension, or is no Jupyter server",
            code="no_extension",
        )
    if status in (401, 403):
        return AccessDenied(
            f"{server.url} does not accept the token (HTTP {status})"
            if server.token
            else f"{server.url} wants a token (HTTP {status}): use the whole link, or token=",
            code=FOREIGN,
        )
    if status == 413:  # the same again would be refused again
        return TooLarge(f"something before {server.url} takes no body of this size (HTTP 413)")
    kind = Unavailable if status in (429, 503) else ServerUnreachable
    return kind(f"{server.url} answered HTTP {status} {response.reason}")


def _json(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        raise ServerUnreachable(
            f"{response.url.split('?')[0]} answered with something that is no JSON", code="protocol_mismatch"
        ) from None


def _session(server: Server) -> requests.Session:
    session = requests.Session()
    if server.is_loopback:
        session.trust_env = False  # a proxy cannot reach this machine's loopback
    if server.ca_file:
        session.verify = server.ca_file
    return session


def _keep_headers(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep the credential as it is: without an `auth`, requests lets ~/.netrc replace it."""
    return request


def _reason(error: Exception) -> str:
    """Return the innermost reason of a chain of wrapped errors."""
    inner: BaseException = error
    while inner.args and isinstance(inner.args[0], BaseException):
        inner = inner.args[0]
    reason = getattr(inner, "reason", None)
    return str(reason if isinstance(reason, BaseException) else inner)[:200]
