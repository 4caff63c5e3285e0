"""GET locshare/share: the page by which a phone shares its location, and its files."""

from __future__ import annotations

import asyncio
import re

from tornado import web

from locshare_ext.broker.access import Principal
from locshare_ext.server.base import Handler
from locshare_ext.server.pages.files import WORKER, PageFile, page_files

__all__ = ["ShareFileHandler", "SharePageHandler"]

# Own files only, nothing inline; workers and connections to this server only. Of 'self' not every
# browser thinks that it includes the WebSocket of the same host, so that is named.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'{socket}; worker-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_HOST = re.compile(r"[\w.\-]+(:\d+)?|\[[0-9a-fA-F:.]+\](:\d+)?", re.ASCII)
_PERMISSIONS = "geolocation=(self), screen-wake-lock=(self), camera=(), microphone=()"


class _PageHandler(Handler):
    """Gives files to anybody: what they show comes later, by the invite in the page's fragment."""

    needs_principal = False
    is_page = True
    for_participants = True
    _tag: str | None = None

    async def authenticate(self) -> Principal | None:
        """Return None: cookies are not looked at. Raises AccessDenied for a host that is not ours."""
        self.check_host()
        return None

    async def give(self, name: str, *, caching: str) -> None:
        """Answer with a file, compressed where that is taken; raises 404."""
        files = await asyncio.get_running_loop().run_in_executor(None, page_files)
        file = files.get(name)
        if file is None:
            raise web.HTTPError(404)
        socket = self.request.host if _HOST.fullmatch(self.request.host) else ""
        sockets = f" ws://{socket} wss://{socket}" if socket else ""
        self.set_header("Content-Security-Policy", _POLICY.format(socket=sockets))
        self.set_header("Permissions-Policy", _PERMISSIONS)
        self.set_header("Cross-Origin-Opener-Policy", "same-origin")
        self.set_header("Content-Type", file.type)
        self.set_header("Cache-Control", caching)
        self.set_header("Vary", "Accept-Encoding")
        self._finish(file)

    def _finish(self, file: PageFile) -> None:
        self._tag = file.tag
        if "gzip" in self.request.headers.get("Accept-Encoding", ""):
            self.set_header("Content-Encoding", "gzip")
            self.finish(file.packed)
        else:
            self.finish(file.body)

    def compute_etag(self) -> str | None:
        """Return the file's own."""
        return self._tag


class SharePageHandler(_PageHandler):
    """`locshare/share`."""

    async def get(self) -> None:
        """Give the page; its invite is in the fragment, which no browser sends."""
        await self.give("share.html", caching="no-store")


class ShareFileHandler(_PageHandler):
    """`locshare/share/{file}`: scripts, style, the service worker."""

    async def get(self, name: str) -> None:
        """Give a file; browsers ask each time whether it is still the same."""
        if name == WORKER:  # it is to answer for the page itself, which is above it
            self.set_header("Service-Worker-Allowed", self.request.path.rpartition("/")[0])
        await self.give(name, caching="no-cache")
