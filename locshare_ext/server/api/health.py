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

    for_participants = True

    async def get(self) -> None:
        """Give versions, whether the store works, and to the host where it is, groups and connections."""
        self.query()
        site = self.site
        is_host = self.principal.may(None, MANAGE)
        store: dict[str, Any] = {"persistent": site.store.persistent, "works": True}
        groups, error = None, None
        try:
            groups = sum(info.kind == "group" for info in await site.store.logs())
        except StoreError as raised:
            error = raised.message
        failure = site.store.failure  # asked for now: the reading may have been what failed
        if failure is not None:
            error = failure.message
            store["failing_since"] = failure.since
        if error is not None:
            store["works"] = False
        if is_host:  # how much others share, and where, is not for who has an invite
            place = site.store.place
            store |= {"path": place.path, "journal": place.journal, "notes": list(place.notes)}
            if error is not None:
                store["error"] = error
        self.answer(
            {
                "version": __version__,
                "protocol": int(PROTOCOL),
                "store": store,
                "retention": {"age": site.retention.age},
                "groups": groups if is_host else None,
                "connections": len(site.sessions) if is_host else None,
                "phones": site.reach.verdict().as_json() if is_host else None,
            }
        )
