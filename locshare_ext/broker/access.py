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
    grants: what it may do in which group, for who has several and not all; `roles` is empty then.
    """

    id: str
    kind: Literal["jupyter", "kernel", "host", "invite"]
    group: str | None = None
    roles: frozenset[Role] = ALL_ROLES
    member: str | None = None
    expires: int | None = None
    precision: float | None = None
    grants: tuple[tuple[str, frozenset[Role]], ...] = ()

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

    @property
    def is_limited(self) -> bool:
        """Whether it is for some groups of this server only."""
        return self.group is not None or bool(self.grants)

    def covers(self, group: str | None) -> bool:
        """Whether it is for a group at all; None: for all groups."""
        if self.grants:
            return any(name == group for name, _ in self.grants)
        return self.group is None or self.group == group

    def may(self, group: str | None, role: Role) -> bool:
        """Whether it has a role in a group; None: in all groups of this server."""
        if not self.covers(group):
            return False
        roles = self.roles_in(group)
        return role in roles or MANAGE in roles

    def roles_in(self, group: str | None) -> frozenset[Role]:
        """Return its roles in a group that it is for."""
        return next((roles for name, roles in self.grants if name == group), self.roles)


def require(principal: Principal, group: str | None, role: Role) -> None:
    """Raise AccessDenied unless `principal` has `role` in `group` (None: in all groups).

    The answer does not tell whether a group exists that the principal may not touch.
    """
    if principal.may(group, role):
        return
    if not principal.covers(group):
        where = "all groups" if group is None else f"group {group!r}"
        own = [name for name, _ in principal.grants] or [principal.group or ""]
        words = f"group {own[0]!r}" if len(own) == 1 else f"groups {', '.join(map(repr, own))}"
        raise AccessDenied(f"this credential is for {words}, not for {where}", field="group")
    roles = ", ".join(sorted(principal.roles_in(group))) or "none"
    raise AccessDenied(f"this credential may not {role} (its roles: {roles})", code="role_missing")
