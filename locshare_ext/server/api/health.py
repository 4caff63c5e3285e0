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
        """Give versions, whether the store works, and to the host where it is, groups and connections."""
        self.query()
        site = self.site
        is_host = self.principal.may(None, MANAGE)
        store: dict[str, Any] = {"persistent": site.store.persistent, "works": True}
        groups, failure = None, site.store.failure  # it can be read, but recording failed
        try:
            groups = sum(info.kind == "group" for info in await site.store.logs())
        except StoreError as error:
            failure = failure or error.message
        if failure is not None:
            store["works"] = False
        if is_host:  # how much others share, and where, is not for who has an invite
            store["path"] = site.store_path
            if failure is not None:
                store["error"] = failure
        self.answer(
            {
                "version": __version__,
                "protocol": int(PROTOCOL),
                "store": store,
                "retention": {"age": site.retention.age},
                "groups": groups if is_host else None,
                "connections": len(site.sessions) if is_host else None,
            }
        )
