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
from traitlets import Bool

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

        assert self.serverapp is not None  # noqa: S101
        events = self.serverapp.event_logger
        site = self.make_site(
            self.log,
            identity=JupyterIdentity(self.serverapp.web_app.settings),
            audit=Audit(self.log, None if events is None else emitter(events)),
        )
        kernel = Principal(id="kernel", kind="kernel", group=None, roles=ALL_ROLES, member=None)
        site.credentials.add(self._secret, kernel)
        return site

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
        scheme = "https" if serverapp.certfile else "http"
        url = f"{scheme}://{host}:{serverapp.port}{serverapp.base_url}"
        try:
            self._runtime_file = write_runtime_file(url, self._secret, ca_file)
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
