"""The endpoints without notebooks: `jupyter locshare serve`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import stat
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_core.paths import jupyter_data_dir, secure_write

from locshare_ext.broker.access import ALL_ROLES, Principal
from locshare_ext.errors import InvalidInput
from locshare_ext.model.credentials import HOST
from locshare_ext.server.credentials import new_secret
from locshare_ext.server.front import EVERYWHERE, Tls, bound, make_application, make_front, shown_host
from locshare_ext.server.limits import Limits
from locshare_ext.server.notifying import is_journal, notify
from locshare_ext.server.proxies import Proxies
from locshare_ext.server.reach import Reach, checked_url, network_address
from locshare_ext.server.serving import Serving, read_settings
from locshare_ext.server.site import Site
from locshare_ext.server.stores import MEMORY, open_store

if TYPE_CHECKING:
    from locshare_ext.server.settings import Settings

__all__ = ["host_token", "make_application", "make_site", "run"]

_log = logging.getLogger("locshare_ext.serve")
_REACHED = "let phones reach this server: listen on a network (host), or name the address of the proxy or \
tunnel before it as public_url"


def run(
    *,
    config: str | None = None,
    flags: Mapping[str, object] | None = None,
    settings: Sequence[str] = (),
    log_level: int = logging.WARNING,
) -> int:
    """Serve until SIGINT or SIGTERM; returns the exit status.

    config: a file as Jupyter's are, Python or JSON, that sets traits of `LocShareApp` (what the
    server may do and keep) and `LocShareServe` (how it is reached). settings: NAME=VALUE of
    such traits, which come before the file's; flags: traits of `LocShareServe`, and the store,
    before both. Prints one line when it is ready. Raises InvalidInput, Unavailable.
    """
    logging.basicConfig(level=log_level, format="%(levelname).1s %(asctime)s %(name)s %(message)s")
    serving, chosen = read_settings(config, settings, dict(flags or {}))
    folder = Path(jupyter_data_dir()) / "locshare"
    token_file = Path(serving.token_file or folder / "host-token")
    token = host_token(token_file)
    if not chosen.trait_has_value("store"):
        chosen.store = str(folder / "served.sqlite3")
    tls = Tls(serving.certfile, serving.keyfile) if serving.certfile else None
    proxies = Proxies(serving.trusted_proxies)
    checked_url(chosen.public_url)  # before anything is open
    sockets = bound(serving.host, serving.port)
    address = _address(serving, sockets[0].getsockname()[1])
    site = _site(chosen, serving, token, address)

    def ready() -> None:
        link = f"{site.reach.public_url or address(True)}locshare/#t={token}&g=GROUP"
        # who reads the journal, or the Hub's log, is not the host
        way = f'Group("{link}")' if not (is_journal() or serving.is_hub) else f"the token in {token_file}"
        sys.stdout.write(f"serving {site.store_path or MEMORY}; attach with {way}\n")
        sys.stdout.flush()
        notify("READY=1", f"STATUS=serving {site.reach.public_url or address(False)}")

    application = make_application(
        site, is_public=_is_public(serving), base_url=serving.base_url, more=serving.handlers()
    )
    front = make_front(application, site.limits, tls=tls, proxies=proxies)
    asyncio.run(_serve(site, front, sockets, ready, tls))
    return 0


def _site(chosen: Settings, serving: Serving, token: str, address: Callable[[bool], str]) -> Site:
    reach = Reach(
        public_url=chosen.public_url,
        own=lambda: address(True),
        is_meant=True,
        is_hub=serving.is_hub,
        todo=_REACHED,
    )
    site = chosen.make_site(_log, reach=reach, identity=serving.identity())
    site.credentials.add(token, _host())
    return site


def _host() -> Principal:
    return Principal(id="host", kind="host", group=None, roles=ALL_ROLES, member=None)


def make_site(
    store: str, token: str, allowed_hosts: Sequence[str] = (), limits: Limits | None = None
) -> Site:
    """Return what the handlers share, for a host with `token`; opens nothing."""
    opened, path = open_store(store, log=_log)
    site = Site(opened, store_path=path, log=_log, limits=limits, allowed_hosts=tuple(allowed_hosts))
    site.credentials.add(token, _host())
    return site


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


async def _serve(
    site: Site, front: object, sockets: list[socket.socket], ready: Callable[[], None], tls: Tls | None
) -> None:
    from locshare_ext.server.front import Front

    assert isinstance(front, Front)  # noqa: S101
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if hasattr(signal, "SIGHUP"):
        loop.add_signal_handler(signal.SIGHUP, _reload, tls)
    front.add_sockets(sockets)
    site.start()
    ready()
    await stop.wait()
    notify("STOPPING=1")
    front.stop()  # nobody new; who is being answered is
    await site.close()
    await front.close_all_connections()
    with contextlib.suppress(OSError):
        sys.stdout.write("stopped; all that was acknowledged is kept\n" if site.store_path else "stopped\n")
        sys.stdout.flush()


def _reload(tls: Tls | None) -> None:
    """Read the certificate again, as after its renewal."""
    if tls is None:
        return
    try:
        tls.load()
    except InvalidInput as error:
        _log.error("the certificate stays as it was: %s", error.message)
    else:
        _log.info("the certificate was read again")


def _is_public(serving: Serving) -> bool:
    """Whether names come that the server cannot know: it listens on a network, or a Hub has it."""
    return serving.is_hub or serving.host not in ("127.0.0.1", "localhost", "::1")


def _address(serving: Serving, port: int) -> Callable[[bool], str]:
    """Return what gives the server's own URL; True: as others see it who are in the same network."""
    scheme = "https" if serving.certfile else "http"

    def address(is_for_others: bool) -> str:
        host = serving.host
        if host in EVERYWHERE:
            host = (network_address() if is_for_others else None) or "127.0.0.1"
        return checked_url(f"{scheme}://{shown_host(host)}:{port}{serving.base_url}")

    return address


if __name__ == "__main__":
    given = {"port": int(sys.argv[1]) if len(sys.argv) > 1 else 0, "store": sys.argv[2]}
    sys.exit(run(flags=given))
