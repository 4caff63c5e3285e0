"""Fixes: polling by cursor, and POST."""

from __future__ import annotations

from locshare_ext.broker.access import PUBLISH, WATCH
from locshare_ext.errors import InvalidInput
from locshare_ext.model.names import fold, split_names
from locshare_ext.server.api.parameters import whole_number
from locshare_ext.server.base import Handler

__all__ = ["FixesHandler"]

MOST = 1000
USUAL = 1000
READS = 8  # pages of the log looked at for one answer, when most entries are not wanted


class FixesHandler(Handler):
    """`api/groups/{g}/fixes`."""

    late_methods = ("POST",)  # a phone comes home with fixes from before its invite expired

    async def get(self, name: str) -> None:
        """Give what is after a cursor: {"fixes": [...], "cursor": ..., "gap": false}."""
        query = self.query("after", "limit", "members", "wait")
        if "wait" in query:
            raise InvalidInput("long polling is not supported yet", code="not_supported", field="wait")
        limit = whole_number(query.get("limit", str(USUAL)), "limit", 1, MOST)
        members = (
            frozenset(fold(name) for name in split_names(query["members"])) if "members" in query else None
        )
        group = await self.find_group(name, WATCH)
        log = group.log
        place = log.place(query.get("after"), "start")
        offset = place.offset
        bodies: list[bytes] = []
        for _ in range(READS):
            entries = await log.read(offset, limit - len(bodies))
            for entry in entries:
                offset = entry.offset
                if entry.is_fix and (members is None or fold(entry.item.member or "") in members):
                    bodies.append(entry.body)
            if not entries or len(bodies) >= limit:
                break
        gap = b"true" if place.gap else b"false"
        cursor = log.cursor(offset).encode()
        self.finish(b'{"fixes":[%b],"cursor":"%b","gap":%b}' % (b",".join(bodies), cursor, gap))

    async def post(self, name: str) -> None:
        """Store one fix or an array of them; answers when they are committed."""
        self.query()
        slug = self.require(name, PUBLISH)
        stored = await self.site.groups.publish(self.principal, slug, bytes(self.body))
        self.answer(stored.as_json())
