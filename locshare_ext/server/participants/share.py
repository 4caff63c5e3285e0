"""GET locshare/share: the page by which a phone shares its location, and its files."""

from __future__ import annotations

import re

from locshare_ext.server.pages.files import WORKER, page_files
from locshare_ext.server.pages.handler import PageHandler

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


class _ShareHandler(PageHandler):
    def policies(self) -> dict[str, str]:
        """Return what the page may do: reach this server, and know where the phone is."""
        socket = self.request.host if _HOST.fullmatch(self.request.host) else ""
        sockets = f" ws://{socket} wss://{socket}" if socket else ""
        return {
            "Content-Security-Policy": _POLICY.format(socket=sockets),
            "Permissions-Policy": _PERMISSIONS,
        }


class SharePageHandler(_ShareHandler):
    """`locshare/share`."""

    async def get(self) -> None:
        """Give the page; its invite is in the fragment, which no browser sends."""
        await self.give(page_files, "share.html", caching="no-store")


class ShareFileHandler(_ShareHandler):
    """`locshare/share/{file}`: scripts, style, the service worker."""

    async def get(self, name: str) -> None:
        """Give a file; browsers ask each time whether it is still the same."""
        if name == WORKER:  # it is to answer for the page itself, which is above it
            self.set_header("Service-Worker-Allowed", self.request.path.rpartition("/")[0])
        await self.give(page_files, name, caching="no-cache")
