"""What a page and its files are given with, whoever asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from tornado import web

from locshare_ext.broker.access import Principal
from locshare_ext.server.base import Handler
from locshare_ext.server.pages.files import PageFile

__all__ = ["PageHandler"]


class PageHandler(Handler):
    """Gives files to anybody: what they show comes later, by what the page's script has."""

    needs_principal = False
    is_page = True
    for_participants = True
    _tag: str | None = None

    async def authenticate(self) -> Principal | None:
        """Return None: cookies are not looked at. Raises AccessDenied for a host that is not ours."""
        self.check_host()
        return None

    def policies(self) -> Mapping[str, str]:
        """Return the headers that say what the page may do."""
        raise NotImplementedError

    async def give(self, files: Callable[[], Mapping[str, PageFile]], name: str, *, caching: str) -> None:
        """Answer with a file, compressed where that is taken; raises 404. files: may block."""
        found = await asyncio.get_running_loop().run_in_executor(None, files)
        file = found.get(name)
        if file is None:
            raise web.HTTPError(404)
        self.dress(file.type, caching)
        self.set_header("Vary", "Accept-Encoding")
        self._tag = file.tag
        if "gzip" in self.request.headers.get("Accept-Encoding", ""):
            self.set_header("Content-Encoding", "gzip")
            self.finish(file.packed)
        else:
            self.finish(file.body)

    def dress(self, type_: str, caching: str) -> None:
        """Set the headers of a file or a page."""
        for header, value in self.policies().items():
            self.set_header(header, value)
        self.set_header("Cross-Origin-Opener-Policy", "same-origin")
        self.set_header("Content-Type", type_)
        self.set_header("Cache-Control", caching)

    def compute_etag(self) -> str | None:
        """Return the file's own."""
        return self._tag
