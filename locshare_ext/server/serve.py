"""The endpoints without notebooks: `jupyter locshare serve`."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_core.paths import jupyter_data_dir, secure_write
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from locshare_ext.broker.access import ALL_ROLES, Principal
from locshare_ext.errors import InvalidInput, Unavailable
from locshare_ext.model.credentials import HOST
from locshare_ext.server.base import NothingHere
from locshare_ext.server.credentials import new_secret
from locshare_ext.server.limits import Limits
from locshare_ext.server.routes import routes
from locshare_ext.server.site import Site
from locshare_ext.server.stores import MEMORY, open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["host_token", "make_application", "make_site", "run"]

_log = logging.getLogger("locshare_ext.serve")
_EVERYWHERE = ("", "0.0.0.0", "::", "*")  # noqa: S104 -- compared, not bound


def run(
    *,
    port: int = 8899,
    host: str = "127.0.0.1",
    store_path: str | None = None,
    token_file: str | None = None,
    allowed_hosts: Sequence[str] = (),
    limits: Limits | None = None,
    log_level: int = logging.WARNING,
) -> int:
    """Serve until SIGINT or SIGTERM; returns the exit status.

    port: 0 for a free one. host: the address to listen on. store_path: the log's file,
    `memory`, or None for locshare/served.sqlite3 in Jupyter's data directory. token_file:
    keeps the host's token (0600). Prints one line with the link for `Group(link)`.
    """
    logging.basicConfig(level=log_level, format="%(levelname).1s %(asctime)s %(name)s %(message)s")
    folder = Path(jupyter_data_dir()) / "locshare"
    token = host_token(Path(token_file) if token_file else folder / "host-token")
    site = make_site(store_path or str(folder / "served.sqlite3"), token, allowed_hosts, limits)
    try:
        sockets = bind_sockets(port, "" if host in _EVERYWHERE else host)
    except OSError as error:
        raise Unavailable(f"cannot listen on {host}:{port}: {error.strerror or error}") from None

    def ready() -> None:
        link = f"http://{_shown(host)}:{sockets[0].getsockname()[1]}/locshare/#t={token}"
        sys.stdout.write(f'serving {site.store_path or MEMORY}; attach with Group("{link}&g=GROUP")\n')
        sys.stdout.flush()

    asyncio.run(_serve(site, sockets, host, ready))
    return 0


def make_site(
    store: str, token: str, allowed_hosts: Sequence[str] = (), limits: Limits | None = None
) -> Site:
    """Return what the handlers share, for a host with `token`; opens nothing."""
    opened, path = open_store(store, log=_log)
    site = Site(opened, store_path=path, log=_log, limits=limits, allowed_hosts=tuple(allowed_hosts))
    site.credentials.add(token, Principal(id="host", kind="host", group=None, roles=ALL_ROLES, member=None))
    return site


def make_application(site: Site, *, is_public: bool = False) -> Application:
    """Return tornado's application with our handlers and nothing else.

    is_public: it listens beyond this machine, so it goes by names that it cannot know.
    """
    return Application(
        routes(site),
        default_handler_class=NothingHere,
        default_handler_args={"site": site},
        log_function=lambda handler: None,  # each handler logs for itself
        allow_remote_access=is_public,
    )


def host_token(path: Path) -> str:
    """Return the host's token, made at the first start and kept in a file of its owner only.

    Raises InvalidInput when others may read the file, or it holds something else.
    """
    try:
        with path.open() as file:
            mode = os.fstat(file.fileno()).st_mode
            token = file.read().strip()
    except FileNotFoundError:
        token = new_secret(HOST)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with secure_write(str(path)) as file:
            file.write(token + "\n")
        return token
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InvalidInput(f"{path} can be read by others: run `chmod 600`, or remove it for a new token")
    if not token.startswith(HOST) or len(token) < 40:
        raise InvalidInput(f"{path} holds no host token ({HOST}...); remove it for a new one")
    return token


async def _serve(site: Site, sockets: list[socket.socket], host: str, ready: Callable[[], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    server = HTTPServer(
        make_application(site, is_public=host not in ("127.0.0.1", "localhost", "::1")),
        max_body_size=site.limits.drain,
        max_header_size=64 << 10,
        idle_connection_timeout=120,
        body_timeout=site.limits.body_timeout,
    )
    server.add_sockets(sockets)
    site.start()
    ready()
    await stop.wait()
    server.stop()
    await site.close()
    await server.close_all_connections()


def _shown(host: str) -> str:
    """Return the host to put into a link."""
    if host in _EVERYWHERE:
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host


if __name__ == "__main__":
    sys.exit(run(port=int(sys.argv[1]) if len(sys.argv) > 1 else 0, store_path=sys.argv[2]))
