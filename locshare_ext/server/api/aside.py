"""What was refused of a group, as pages."""

from __future__ import annotations

from locshare_ext.broker.access import MANAGE
from locshare_ext.server.api.parameters import selection, whole_number
from locshare_ext.server.base import Handler

__all__ = ["MOST", "SetAsideHandler"]

MOST = 1000
_IDS = (1 << 63) - 1


class SetAsideHandler(Handler):
    """`api/groups/{g}/set-aside`."""

    async def get(self, name: str) -> None:
        """Give what was refused, in order of arrival: {"set_aside": [...]}; `after` takes an id.

        For who may manage: payloads may have more than fixes have, and say who sent them.
        """
        query = self.query("after", "limit", "since", "until", "members")
        limit = whole_number(query.get("limit", str(MOST)), "limit", 1, MOST)
        after = whole_number(query.get("after", "0"), "after", 0, _IDS)
        query["after"] = str(after)
        group = await self.find_group(name, MANAGE)
        asides = await self.site.groups.asides.select(group, selection(query, None), limit=limit)
        self.answer({"set_aside": [one.as_json() for one in asides]})
