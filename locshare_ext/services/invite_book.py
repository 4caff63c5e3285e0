"""The invites of a server in memory: by their ids, by group, by member."""

from __future__ import annotations

from typing import cast

from locshare_ext.broker.access import Principal, Role
from locshare_ext.model.names import fold
from locshare_ext.model.store import InviteInfo

__all__ = ["InviteBook", "holder_of"]


class InviteBook:
    """Keeps invites, living and ended; knows no rule and no clock."""

    def __init__(self) -> None:
        self._by_id: dict[str, InviteInfo] = {}
        self._by_group: dict[str, dict[str, InviteInfo]] = {}

    def get(self, invite_id: str) -> InviteInfo | None:
        """Return an invite, None if there is none of that id."""
        return self._by_id.get(invite_id)

    def groups(self) -> list[str]:
        """Return the slugs of the groups that have any."""
        return list(self._by_group)

    def of_group(self, slug: str) -> list[InviteInfo]:
        """Return a group's invites."""
        return list(self._by_group.get(slug, {}).values())

    def of_member(self, slug: str, member: str | None) -> list[InviteInfo]:
        """Return a member's invites, however its name is written; None: the open ones."""
        key = _key(member)
        return [info for info in self.of_group(slug) if _key(info.member) == key]

    def put(self, info: InviteInfo) -> None:
        """Keep an invite, in the place of what was kept by its id."""
        self._by_id[info.id] = info
        self._by_group.setdefault(info.log, {})[info.id] = info

    def drop(self, invite_id: str) -> None:
        """Keep an invite no more; no error if it was not kept."""
        info = self._by_id.pop(invite_id, None)
        if info is not None:
            here = self._by_group[info.log]
            del here[invite_id]
            if not here:
                del self._by_group[info.log]


def holder_of(info: InviteInfo) -> Principal:
    """Return who comes with an invite."""
    return Principal(
        id=info.id,
        kind="invite",
        group=info.log,
        roles=frozenset(cast("tuple[Role, ...]", info.roles)),
        member=info.member,
        expires=info.expires,
        precision=info.precision,
    )


def _key(member: str | None) -> str | None:
    return None if member is None else fold(member)
