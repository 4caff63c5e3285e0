"""One life of a STOMP connection over WebSocket, with stomp.py, on the thread that runs it."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
from collections.abc import Callable
from pathlib import PurePath
from typing import Any, Protocol
from urllib.parse import urlsplit

import stomp
import websocket
from stomp.adapter.ws import WSStompConnection, WSTransport
from stomp.connect import BaseConnection
from stomp.exception import NotConnectedException
from stomp.protocol import Protocol12

from locshare_ext.client.discovery import Server
from locshare_ext.errors import AccessDenied, LocShareError, ServerUnreachable
from locshare_ext.transports.refusals import FOREIGN, error_of_frame, error_of_http

__all__ = [
    "CUT",
    "HEART_BEAT",
    "HEART_BEAT_TOLERANCE",
    "NOT_REACHED",
    "PATIENCE",
    "REFUSED_UPGRADE",
    "SILENT",
    "Connection",
    "Handler",
]

PATIENCE = 10.0  # s, for TCP and TLS, for the upgrade, and for the answers until it is settled
# Codes of a ServerUnreachable: how far it came.
NOT_REACHED = "not_reached"  # no TCP or TLS connection
REFUSED_UPGRADE = "upgrade_refused"  # HTTP answered, and not with WebSocket; details: `http_status`
SILENT = "silent"  # WebSocket was opened, or asked for, and nothing came
CUT = "cut"  # it ended without a word
HEART_BEAT = (10_000, 10_000)  # ms: what we send, what we want
HEART_BEAT_TOLERANCE = 3.0

log = logging.getLogger("locshare_ext.client")
# Without a handler of its own stomp.py's warnings would be printed between a user's cells.
logging.getLogger("stomp.py").addHandler(logging.NullHandler())


class Handler(Protocol):
    """What is told of a connection's life, on the thread in `Connection.run`."""

    def on_connected(self, connection: Connection) -> None:
        """The server has accepted us; subscribe now."""

    def on_receipt(self, headers: dict[str, str]) -> None:
        """What was asked for with this `receipt-id` is done."""

    def on_message(self, headers: dict[str, str], body: bytes) -> None:
        """A MESSAGE came."""


class Connection:
    """Connects once; `run` returns or raises when that connection is over.

    The thread that calls `run` is also the one that receives: stomp.py is given no thread
    of its own for it (it starts one for heart-beats, which ends with the connection).
    patience: s that each answer may take until `settle`; then silence is the heart-beats' business.
    """

    def __init__(self, server: Server, handler: Handler, patience: float = PATIENCE) -> None:
        self._server = server
        self._listener = _Listener(self, handler)
        self._transport = _Transport(server, patience)
        self._stomp = _Connection(self._transport)
        self._stomp.set_listener("locshare", self._listener)
        self._receive: Callable[[], None] | None = None
        self._transport.override_threading(self._keep_loop)
        self._is_aborted = False

    def run(self) -> None:
        """Connect, and handle what comes until the connection ends.

        Raises what the server said when it refused it or ended it with an error, else
        ServerUnreachable with a code that says how far it came; returns when `abort` ended it.
        """
        try:
            self._stomp.connect(
                username=_login(self._server),
                passcode=self._server.token,
                with_connect_command=True,
                wait=False,
            )
            if self._receive is not None and not self._is_aborted:
                self._receive()
        except websocket.WebSocketBadStatusException as error:
            raise _refused(self._server, error) from None
        except (OSError, websocket.WebSocketException, NotConnectedException) as error:
            if self._is_aborted:
                return
            said = f"{self._server.url} does not answer: {_words(error, self._transport.patience)}"
            raise ServerUnreachable(said, code=self._transport.how_far(error)) from None
        finally:
            self._transport.cleanup()
            beats = self._stomp.heartbeat_thread
            self._stomp.on_disconnected()  # ends the heart-beats, also of a connection that never was
            if beats is not None:
                beats.join(1.0)
        if self._listener.error is not None:
            raise self._listener.error
        if not self._is_aborted:
            raise self._transport.ended()

    def settle(self) -> None:
        """Be patient from now on, as all that was asked for has come; on the thread in `run`."""
        self._transport.settle()

    def subscribe(self, destination: str, name: str, headers: dict[str, str]) -> None:
        """Subscribe with a receipt called as the subscription; for `on_connected`."""
        self._stomp.subscribe(destination, name, ack="auto", headers={**headers, "receipt": name})

    def send(self, destination: str, body: bytes, headers: dict[str, str]) -> None:
        """Send JSON to a destination, from any thread; raises NotConnectedException or OSError."""
        self._stomp.send(destination, body, "application/json", headers)

    def abort(self) -> None:
        """End it from any thread; `run` returns soon."""
        self._is_aborted = True
        with contextlib.suppress(Exception):  # a farewell only; the peer may be gone
            if self._transport.is_connected():
                self._stomp.send_frame("DISCONNECT", {})
        self._transport.abort()

    def _keep_loop(self, loop: Callable[[], None]) -> threading.Thread:
        self._receive = loop
        return threading.current_thread()


class _Connection(WSStompConnection):  # type: ignore[misc] # stomp.py has no types
    """stomp.py's connection over our transport."""

    def __init__(self, transport: _Transport) -> None:
        # not super().__init__: it makes a transport itself
        BaseConnection.__init__(self, transport)
        Protocol12.__init__(self, transport, HEART_BEAT, True, heart_beat_receive_scale=HEART_BEAT_TOLERANCE)


class _Transport(WSTransport):  # type: ignore[misc]
    """stomp.py's transport, with one attempt to connect, time-outs, and reasons that are told.

    stomp.py's own attempt has no time-out that is not also one for receiving, logs the
    reason instead of raising it, and follows redirects with the credential.
    """

    def __init__(self, server: Server, patience: float) -> None:
        parts = urlsplit(server.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        super().__init__([(server.host, port)], auto_decode=False, binary_mode=True, vhost=server.host)
        self.patience = patience
        self._server = server
        self._sending = threading.Lock()
        self._is_silent = False

    def attempt_connection(self) -> None:
        """Open the WebSocket; raises OSError or WebSocketException."""
        server = self._server
        parts = urlsplit(server.url)
        self.current_host_and_port = (server.host, parts.port)
        options: dict[str, Any] = {"http_no_proxy": [server.host]} if server.is_loopback else {}
        options["header"] = [f"{name}: {value}" for name, value in server.headers().items()]
        tls = {"ca_certs": server.ca_file} if server.ca_file else None
        made = websocket.WebSocket(sslopt=tls, sockopt=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)])
        made.settimeout(self.patience)
        self.socket = made  # from now on `abort` can end it
        try:
            made.connect(server.ws_url("stomp"), redirect_limit=0, **options)  # type: ignore[no-untyped-call]
        except websocket.WebSocketBadStatusException:
            raise
        except websocket.WebSocketException as error:
            answer = made.handshake_response
            if answer is None or not 300 <= answer.status < 400:
                raise
            raise websocket.WebSocketBadStatusException(str(error), answer.status) from None

    def settle(self) -> None:
        """Wait for ever from now on."""
        if self.socket is not None:
            self.socket.settimeout(None)

    def how_far(self, error: Exception) -> str:
        """Return the code of an attempt that has ended with this before there was a WebSocket."""
        if isinstance(error, websocket.WebSocketTimeoutException):
            return SILENT
        if isinstance(error, websocket.WebSocketProxyException):
            return REFUSED_UPGRADE  # a proxy tunnels nothing, or not to there
        is_broken = isinstance(error, websocket.WebSocketException | ConnectionResetError | BrokenPipeError)
        return (
            CUT if is_broken and not isinstance(error, websocket.WebSocketAddressException) else NOT_REACHED
        )

    def ended(self) -> ServerUnreachable:
        """Return the error of a WebSocket that has ended without a word."""
        url = self._server.url
        if self._is_silent:
            said = f"nothing comes through the WebSocket to {url} within {self.patience:.0f} s"
            return ServerUnreachable(said, code=SILENT)
        return ServerUnreachable("the connection was closed", code=CUT)

    def is_connected(self) -> bool:
        """Return whether the server has accepted us and the socket is open."""
        return self.socket is not None and bool(self.connected)

    def send(self, encoded_frame: bytes) -> None:
        """Send one frame as one binary message; from any thread."""
        connection = self.socket
        if connection is None:
            raise NotConnectedException
        with self._sending:
            connection.send(encoded_frame, websocket.ABNF.OPCODE_BINARY)

    def receive(self) -> bytes:
        """Return the next message's bytes, none when the connection is over."""
        connection = self.socket
        if connection is None:
            return b""
        try:
            opcode, data = connection.recv_data()
        except websocket.WebSocketTimeoutException:
            self._is_silent = True
            return b""
        except (OSError, websocket.WebSocketException):
            return b""
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            log.debug("the server closed: %r", data)
            return b""
        return bytes(data)

    def disconnect_socket(self) -> None:
        """End the connection from any thread (stomp.py: when heart-beats fail to come)."""
        self.running = False
        self.abort()

    def abort(self) -> None:
        """Wake whoever receives; a close() alone would leave that thread waiting."""
        line = None if self.socket is None else self.socket.sock
        if (
            line is not None
        ):  # also while the upgrade is waited for, when the library's own abort does nothing
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def cleanup(self) -> None:
        """Close the socket, without the farewell that websocket-client would wait for."""
        connection = self.socket
        self.socket = None  # type: ignore[assignment] # before closing, so that nobody else uses it
        if connection is not None:
            connection.shutdown()  # type: ignore[no-untyped-call]

    def stop(self) -> None:
        """Do not wait: whoever stops us may be the thread that would have to end."""


class _Listener(stomp.ConnectionListener):  # type: ignore[misc]
    """Hands events to our handler; nothing that it raises ends the connection unseen."""

    def __init__(self, connection: Connection, handler: Handler) -> None:
        self._connection = connection
        self._handler = handler
        self.error: LocShareError | None = None
        self._is_accepted = False

    def on_connected(self, frame: Any) -> None:
        self._is_accepted = True
        self._guard(self._handler.on_connected, self._connection)

    def on_receipt(self, frame: Any) -> None:
        self._guard(self._handler.on_receipt, frame.headers)

    def on_message(self, frame: Any) -> None:
        self._guard(self._handler.on_message, frame.headers, frame.body)

    def on_error(self, frame: Any) -> None:
        self.error = error_of_frame(frame.headers, is_accepted=self._is_accepted)
        self._connection.abort()

    def on_heartbeat_timeout(self) -> None:
        self.error = ServerUnreachable("nothing came from the server for 30 s", code="heart_beat_missed")

    def _guard(self, call: Callable[..., None], *arguments: Any) -> None:
        try:
            call(*arguments)
        except Exception:  # the top of this thread's work: a bug of ours, and the next fix may be fine
            log.exception("handling what the server sent failed")


def _login(server: Server) -> str | None:
    """Return by what name the own notebook server knows this kernel: its notebook's; others get none."""
    if not server.is_of_kernel:
        return None
    name = PurePath(os.environ.get("JPY_SESSION_NAME", "")).stem.strip()
    return name[:64] if name.isprintable() and name else None


def _refused(server: Server, error: websocket.WebSocketBadStatusException) -> LocShareError:
    """Return the error of an upgrade that was answered by HTTP."""
    status = error.status_code
    if (said := error_of_http(status, error.resp_body or b"")) is not None:
        return said
    if status in (401, 403) or 300 <= status < 400:
        what = "does not accept the token" if server.token else "wants a token"
        return AccessDenied(f"{server.url} {what} (HTTP {status} at the upgrade to WebSocket)", code=FOREIGN)
    if status == 404:
        return ServerUnreachable(f"{server.url} has no locshare_ext: it runs without the extension")
    words = f"{server.url} refused the WebSocket with HTTP {status}"
    return ServerUnreachable(words, code=REFUSED_UPGRADE, details={"http_status": status})


def _words(error: Exception, patience: float) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there"
    if isinstance(error, TimeoutError | websocket.WebSocketTimeoutException):
        return f"no connection within {patience:.0f} s"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__)[:200]
