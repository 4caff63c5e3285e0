"""Who asks, and whether that is allowed: the one place where it is decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from locshare_ext.errors import AccessDenied

__all__ = ["ALL_ROLES", "MANAGE", "PUBLISH", "ROLES", "WATCH", "Principal", "Role", "require"]

Role = Literal["publish", "watch", "manage"]
PUBLISH: Role = "publish"
WATCH: Role = "watch"
MANAGE: Role = "manage"
ROLES: tuple[Role, ...] = (PUBLISH, WATCH, MANAGE)
ALL_ROLES: frozenset[Role] = frozenset(ROLES)


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody with a credential.

    id: for logs and audits: the invite's id, `host`, a Hub user's name, `kernel:<name>`.
    group: the only group that it may touch, by slug; None: all of this server.
    roles: what it may do there; manage includes the other two.
    member: whom its fixes are bound to, None if it may say for whom it speaks or has none yet.
    expires: ms since 1970 at which an invite ends, None for what does not end.
    precision: metres of the grid that it wants its places on, None for as they were measured.
    """

    id: str
    kind: Literal["jupyter", "kernel", "host", "invite"]
    group: str | None = None
    roles: frozenset[Role] = ALL_ROLES
    member: str | None = None
    expires: int | None = None
    precision: float | None = None

    @property
    def speaker(self) -> str:
        """The name that what it sends goes under when it may not, or does not, choose another.

        Raises AccessDenied for an open invite: it has no name yet.
        """
        if self.member is not None:
            return self.member
        if self.kind != "invite":
            return self.id
        raise AccessDenied(
            "this invite is open, it has no name to share under: choose one by "
            f'POST {{"member": "your name"}} to locshare/api/groups/{self.group}/invites, '
            "and use the invite of the answer",
            code="member_needed",
            field="member",
        )

    def may(self, group: str | None, role: Role) -> bool:
        """Whether it has a role in a group; None: in all groups of this server."""
        if self.group is not None and self.group != group:
            return False
        return role in self.roles or MANAGE in self.roles


def require(principal: Principal, group: str | None, role: Role) -> None:
    """Raise AccessDenied unless `principal` has `role` in `group` (None: in all groups).

    The answer does not tell whether a group exists that the principal may not touch.
    """
    if principal.may(group, role):
        return
    if principal.group is not None and principal.group != group:
        where = "all groups" if group is None else f"group {group!r}"
        raise AccessDenied(
            f"this credential is for group {principal.group!r}, not for {where}", field="group"
        )
    roles = ", ".join(sorted(principal.roles)) or "none"
    raise AccessDenied(f"this credential may not {role} (its roles: {roles})", code="role_missing")
