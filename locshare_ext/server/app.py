"""The Jupyter server extension: wires store, services and handlers; decides nothing else.

Every start of a notebook server runs this, used or not: what a request needs is imported by
the first request.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_server.extension.application import ExtensionApp
from traitlets import Bool, Integer, List, Unicode

from locshare_ext.model.credentials import KERNEL
from locshare_ext.server.credentials import new_secret
from locshare_ext.server.door import door_rule
from locshare_ext.server.runtime import kernel_host, remove_runtime_file, write_runtime_file
from locshare_ext.server.settings import Settings
from locshare_ext.server.stores import store_file

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

    from locshare_ext.server.site import Site

__all__ = ["LocShareApp"]

UPKEEP = 30.0  # s after the start that retention begins, if something was stored before


class LocShareApp(Settings, ExtensionApp):
    """Share locations of groups live: STOMP over WebSocket, a stored log, trails, recordings."""

    name = "locshare_ext"
    load_other_extensions = True

    write_runtime = Bool(True, help="Write the file by which kernels find this server.").tag(config=True)

    phones = Bool(
        True,
        help="Whether group.open_to_phones() may open a listener for phones: participants' endpoints alone, "
        "on a port of its own. Nothing listens until it is asked for.",
    ).tag(config=True)
    phones_host = Unicode(help="The address that the listener for phones is on; empty: all.").tag(config=True)
    phones_port = Integer(
        8899, min=0, max=65_535, help="The port of the listener for phones; 0: a free one."
    ).tag(config=True)
    phones_certfile = Unicode(
        help="Certificate (PEM, with its chain) of the listener for phones: with one it speaks https."
    ).tag(config=True)
    phones_keyfile = Unicode(
        help="Key of that certificate, if it is not in the same file; without a password."
    ).tag(config=True)
    phones_url = Unicode(
        help="The address by which phones reach their listener, if a tunnel or a proxy is before it."
    ).tag(config=True)
    phones_proxies = List(
        Unicode(),
        help="Addresses or networks of proxies before the listener for phones, such as 127.0.0.1; "
        "X-Forwarded-For, -Proto and -Host count from them alone.",
    ).tag(config=True)

    _site: Site | None = None
    _runtime_file: Path | None = None
    _upkeep: asyncio.TimerHandle | None = None

    def initialize_settings(self) -> None:
        """Make the kernels' secret; all else is made when it is needed."""
        self._secret = new_secret(KERNEL)

    def initialize_handlers(self) -> None:
        """Let all requests below `locshare` come to our handlers."""
        assert self.serverapp is not None  # noqa: S101
        application: Any = self.serverapp.web_app
        rule = door_rule(application, application.settings["base_url"], lambda: self.site)
        application.add_handlers(".*$", [rule])

    @property
    def site(self) -> Site:
        """What the handlers share, made when it is first asked for; opens nothing."""
        if self._site is None:
            self._site = self._make_site()
        return self._site

    def _make_site(self) -> Site:
        from locshare_ext.broker.access import ALL_ROLES, Principal
        from locshare_ext.server.audit import Audit, emitter
        from locshare_ext.server.jupyter import JupyterIdentity
        from locshare_ext.server.phones import PhoneOptions, Phones
        from locshare_ext.server.reach import Reach

        assert self.serverapp is not None  # noqa: S101
        events = self.serverapp.event_logger
        site = self.make_site(
            self.log,
            identity=JupyterIdentity(self.serverapp.web_app.settings),
            audit=Audit(self.log, None if events is None else emitter(events)),
            reach=Reach(
                public_url=self.public_url,
                own=self._own_url,
                is_hub="JUPYTERHUB_SERVICE_PREFIX" in os.environ,
            ),
        )
        options = PhoneOptions(
            host=self.phones_host,
            port=self.phones_port,
            certfile=self.phones_certfile,
            keyfile=self.phones_keyfile,
            public_url=self.phones_url,
            trusted_proxies=tuple(self.phones_proxies),
            is_allowed=self.phones,
        )
        site.phones = Phones(site, options)
        kernel = Principal(id="kernel", kind="kernel", group=None, roles=ALL_ROLES, member=None)
        site.credentials.add(self._secret, kernel)
        return site

    def _own_url(self) -> str | None:
        """Return the URL at which Jupyter itself listens, as others in this network see it."""
        from locshare_ext.server.reach import network_address

        server = self.serverapp
        if server is None or server.sock:
            return None
        host = network_address() if server.ip in ("", "0.0.0.0", "*", "::") else server.ip  # noqa: S104
        return served_url(server, kernel_host(host or "", "")[0])

    async def _start_jupyter_server_extension(self, serverapp: ServerApp) -> None:
        """Tell kernels where we are: only now the port is final."""
        path = store_file(self.where)
        if path is not None and os.path.exists(path):
            self._upkeep = asyncio.get_running_loop().call_later(UPKEEP, lambda: self.site.start())
        if not self.write_runtime:
            return
        if serverapp.sock:
            self.log.warning("locshare_ext: kernels cannot find a server that listens on a unix socket")
            return
        host, ca_file = (
            await asyncio.get_running_loop().run_in_executor(
                None, kernel_host, serverapp.ip, serverapp.certfile
            )
            if serverapp.certfile
            else kernel_host(serverapp.ip, "")
        )
        try:
            self._runtime_file = write_runtime_file(served_url(serverapp, host), self._secret, ca_file)
        except OSError as error:
            self.log.warning("locshare_ext: kernels will not find this server: %s", error)

    async def stop_extension(self) -> None:
        """End connections, groups and the store; runs also when the start hook did not."""
        runtime_file, self._runtime_file = self._runtime_file, None
        if runtime_file is not None:
            remove_runtime_file(runtime_file)
        if self._upkeep is not None:
            self._upkeep.cancel()
        if self._site is not None:
            await self._site.close()


def served_url(server: ServerApp, host: str) -> str:
    """Return the address of a Jupyter server by one of its hosts."""
    return f"{'https' if server.certfile else 'http'}://{host}:{server.port}{server.base_url}"
