"""GET locshare/: the host's page, and its files."""

from __future__ import annotations

import asyncio
from html import escape

from locshare_ext.server.pages.files import host_files
from locshare_ext.server.pages.handler import PageHandler

__all__ = ["HostFileHandler", "HostPageHandler"]

_POLICIES = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Permissions-Policy": "geolocation=(), camera=(), microphone=()",
}
_LOGIN = b'data-login=""'


class _HostHandler(PageHandler):
    def policies(self) -> dict[str, str]:
        """Return what the page may do: ask this server, and nothing else."""
        return _POLICIES


class HostPageHandler(_HostHandler):
    """`locshare/`: the host sees and sets what there is; whoever has an invite is led to the share page.

    An invite's link leads here too, and browsers do not send its fragment. So everybody gets the
    same page, nobody is sent to a log-in, and the page's script finds out who came.
    """

    async def get(self) -> None:
        """Give the page, with the address at which people log in where they do."""
        if not self.request.path.endswith("/"):  # the page's own addresses begin there
            self.redirect(f"{self.base_path}locshare/")
            return
        files = await asyncio.get_running_loop().run_in_executor(None, host_files)
        page = files["host.html"]
        login = escape(self.site.identity.login_url(self.base_path) or "").encode()
        self.dress(page.type, "no-store")
        self.finish(page.body.replace(_LOGIN, b'data-login="' + login + b'"', 1))


class HostFileHandler(_HostHandler):
    """`locshare/host/{file}`: scripts and style."""

    async def get(self, name: str) -> None:
        """Give a file; browsers ask each time whether it is still the same."""
        await self.give(host_files, name, caching="no-cache")
