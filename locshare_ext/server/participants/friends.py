"""Who is shown on a participant's phone, and under which two letters."""

from __future__ import annotations

from locshare_ext.broker.access import WATCH, Principal
from locshare_ext.formats.phones.friends import friends, new_tid
from locshare_ext.model.fix import Fix
from locshare_ext.model.names import fold
from locshare_ext.services.groups import Group

__all__ = ["Friends"]

_MOST = 50  # members in one answer, those heard of last
_CROWD = 1000  # members of a group from which on nobody is shown: each fix would cost a look at all


class Friends:
    """Remembers which letters stand for whom, for as long as the server runs; used on one event loop."""

    def __init__(self) -> None:
        self._tids: dict[str, dict[str, str]] = {}  # slug -> folded name -> tid

    async def shown(self, principal: Principal, group: Group) -> bytes:
        """Return the answer for a member that may watch its group; raises StoreError."""
        if not principal.may(group.slug, WATCH) or len(group.names) > _CROWD:
            return b"[]"
        newest = await group.log.newest()
        fixes = [entry.item for entry in newest[-_MOST:] if isinstance(entry.item, Fix)]
        return friends((self._tid(group, fix.member), fix) for fix in fixes)

    def _tid(self, group: Group, member: str) -> str:
        known = self._tids.setdefault(group.slug, {})
        key = fold(member)
        if key not in known:
            for gone in known.keys() - group.names.keys():  # forgotten or renamed
                del known[gone]
            known[key] = new_tid(member, set(known.values()))
        return known[key]
