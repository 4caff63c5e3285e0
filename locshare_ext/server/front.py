"""HTTP servers of our own: what `serve` listens with, and the participants' listener."""

from __future__ import annotations

import errno
import os
import secrets
import socket
import ssl
from collections.abc import Sequence
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPMessageDelegate
from tornado.web import Application

from locshare_ext.errors import InvalidInput, Unavailable
from locshare_ext.server.base import NothingHere
from locshare_ext.server.limits import Limits
from locshare_ext.server.proxies import Proxies
from locshare_ext.server.routes import routes
from locshare_ext.server.site import Site

__all__ = ["EVERYWHERE", "Front", "Tls", "bound", "make_application", "make_front", "shown_host"]

EVERYWHERE = ("", "0.0.0.0", "::", "*")  # noqa: S104 -- compared, not bound


class Tls:
    """A certificate with its key, read from files; raises InvalidInput when they cannot be used.

    `load` reads them again: connections from then on get what is in them, as a renewal by
    certbot needs.
    """

    def __init__(self, certfile: str, keyfile: str = "") -> None:
        self.certfile = certfile
        self.keyfile = keyfile
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.load()

    def load(self) -> None:
        """Read the files; what was good stays if they are not."""
        trial = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # half a pair must not spoil the one in use
        try:
            trial.load_cert_chain(self.certfile, self.keyfile or None, password=_no_password)
            self.context.load_cert_chain(self.certfile, self.keyfile or None, password=_no_password)
        except (OSError, ssl.SSLError, ValueError) as error:
            raise InvalidInput(
                f"certificate {self.certfile} with key {self.keyfile or 'in the same file'} cannot be used: "
                f"{getattr(error, 'strerror', None) or getattr(error, 'reason', None) or error}",
                field="certfile",
            ) from None


def _no_password() -> str:
    raise ValueError("the key has a password; expected one without")  # else OpenSSL asks the terminal


class Front(HTTPServer):
    """An HTTP server that believes only known proxies."""

    def initialize(self, *args: Any, proxies: Proxies | None = None, **kwargs: Any) -> None:
        """Take what tornado's server takes, and the proxies."""
        super().initialize(*args, **kwargs)
        self._proxies = proxies or Proxies()

    def start_request(self, server_conn: object, request_conn: Any) -> HTTPMessageDelegate:
        """Return what reads the next request of a connection."""
        return self._proxies.reader(super().start_request(server_conn, request_conn), request_conn)


def make_front(
    application: Application, limits: Limits, *, tls: Tls | None = None, proxies: Proxies | None = None
) -> Front:
    """Return a server for an application of ours; listens to nothing yet."""
    return Front(
        application,
        ssl_options=None if tls is None else tls.context,
        proxies=proxies,
        max_body_size=limits.drain,
        max_header_size=64 << 10,
        idle_connection_timeout=120,
        body_timeout=limits.body_timeout,
    )


def make_application(
    site: Site, *, is_public: bool = False, base_url: str = "/", more: Sequence[Any] = ()
) -> Application:
    """Return tornado's application with our handlers and nothing else.

    is_public: it listens beyond this machine, so it goes by names that it cannot know.
    base_url: the path below which all lies, with `/` at both ends. more: rules that come before.
    """
    return Application(
        [*more, *routes(site, base_url)],
        default_handler_class=NothingHere,
        default_handler_args={"site": site},
        log_function=lambda handler: None,  # each handler logs for itself
        allow_remote_access=is_public,
        base_url=base_url,
        cookie_secret=secrets.token_bytes(32),  # of who logs in by a Hub; nobody else gets cookies
    )


def bound(host: str, port: int) -> list[socket.socket]:
    """Return listening sockets; port: 0 for a free one. Raises Unavailable that names both.

    On all addresses they are of both kinds of IP, and of one port. (tornado's own way leaves
    a socket open when a port is taken.)
    """
    made: list[socket.socket] = []
    try:
        for family, _, _, _, address in _addresses(host, port):
            try:
                sock = socket.socket(family, socket.SOCK_STREAM)
            except OSError:  # a system without IPv6
                continue
            made.append(sock)
            sock.setblocking(False)
            if os.name != "nt":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            taken = made[0].getsockname()[1] if len(made) > 1 else port
            try:
                sock.bind((address[0], taken, *address[2:]))
            except OSError as error:
                if error.errno == errno.EADDRNOTAVAIL and len(made) > 1:
                    made.pop().close()
                    continue
                raise
            sock.listen(128)
    except (OSError, OverflowError, UnicodeError) as error:
        for sock in made:
            sock.close()
        reason = getattr(error, "strerror", None) or error
        raise Unavailable(f"cannot listen on {host or '*'}:{port}: {reason}", code="port_taken") from None
    return made


def _addresses(host: str, port: int) -> list[Any]:
    """Return what getaddrinfo says, once each."""
    name = None if host in EVERYWHERE else host
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return sorted(set(found), key=lambda one: int(one[0]))  # IPv4 first: its port is the one that is free


def shown_host(host: str) -> str:
    """Return a host as URLs have it."""
    return f"[{host}]" if ":" in host else host
