"""By which URL phones come, and the listener for them."""

from __future__ import annotations

from typing import Any

from locshare_ext.broker.access import MANAGE
from locshare_ext.errors import Conflict
from locshare_ext.server.base import Handler

__all__ = ["PhonesHandler"]


class PhonesHandler(Handler):
    """`api/phones`: whether phones reach this server; for its host alone."""

    async def get(self) -> None:
        """Try the URL by which phones come, and say whether they can; takes 5 s at most."""
        self.query()
        self.require(None, MANAGE)
        await self._tell()

    async def post(self) -> None:
        """Open a listener for phones: {"port", "host", "certfile", "keyfile", "public_url"}, all optional."""
        self.query()
        self.require(None, MANAGE)
        if self.site.phones is None:
            raise Conflict(
                "this server has no notebooks, so phones come to it itself: it opens no listener for them",
                code="no_listener",
            )
        is_new = await self.site.phones.open(self.json_body())
        if is_new:
            self.audit("phones_opened", target=self.site.reach.listener)
        await self._tell(201 if is_new else 200)

    async def delete(self) -> None:
        """Close it; what is open by it ends."""
        self.query()
        self.require(None, MANAGE)
        if self.site.phones is not None and await self.site.phones.close():
            self.audit("phones_closed")
        await self._tell()

    async def _tell(self, status: int = 200) -> None:
        phones = self.site.phones
        reach: dict[str, Any] = (await self.site.reach.look()).as_json()
        is_open = phones is not None and phones.is_open
        connections = 0 if phones is None else phones.connections
        self.answer({"listener": is_open, "connections": connections, "reach": reach}, status)
