"""Whether it works."""

from __future__ import annotations

from typing import Any

from locshare_ext.broker.access import MANAGE
from locshare_ext.errors import StoreError
from locshare_ext.server.base import Handler
from locshare_ext.server.site import PROTOCOL
from locshare_ext.version import __version__

__all__ = ["HealthHandler"]


class HealthHandler(Handler):
    """`api/health`."""

    async def get(self) -> None:
        """Give versions, the store and whether it works, groups and connections."""
        self.query()
        site = self.site
        store: dict[str, Any] = {"persistent": site.store.persistent, "works": True}
        groups = None
        try:
            groups = sum(info.kind == "group" for info in await site.store.logs())
        except StoreError as error:
            store.update(works=False, error=error.message)
        if site.store.failure is not None:  # it can be read, but recording failed
            store.update(works=False, error=site.store.failure)
        if self.principal.may(None, MANAGE):
            store["path"] = site.store_path
        self.answer(
            {
                "version": __version__,
                "protocol": int(PROTOCOL),
                "store": store,
                "retention": {"age": site.retention.age},
                "groups": groups,
                "connections": len(site.sessions),
            }
        )
