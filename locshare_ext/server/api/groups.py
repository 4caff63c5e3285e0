"""Groups: list, make, look at, set, delete; their members."""

from __future__ import annotations

from typing import Any

import msgspec

from locshare_ext.broker.access import MANAGE, PUBLISH, WATCH, Role
from locshare_ext.errors import AccessDenied, InvalidInput
from locshare_ext.model.fix import Fix
from locshare_ext.model.names import fold, group_slug
from locshare_ext.server.base import Handler
from locshare_ext.services.groups import Group
from locshare_ext.services.members import forget_member, merge_member, rename_member
from locshare_ext.services.settings import check_settings

__all__ = ["GroupHandler", "GroupsHandler", "MemberHandler"]


class GroupsHandler(Handler):
    """`api/groups`: those that the credential may see."""

    async def get(self) -> None:
        """List groups with the number of members and fixes, and the newest moment."""
        self.query()
        if self.principal.group is not None:
            groups = [await self.find_group(self.principal.group, WATCH)]
        elif self.principal.grants:
            groups = [one for one in await self.site.groups.all() if self.principal.may(one.slug, WATCH)]
        else:
            self.require(None, WATCH)
            groups = await self.site.groups.all()
        self.answer({"groups": [await _summary(self, group) for group in groups]})

    async def post(self) -> None:
        """Make a group: {"title": ..., settings}."""
        self.query()
        self.require(None, MANAGE)
        sent = self.json_body()
        title = sent.get("title")
        if not isinstance(title, str):
            raise InvalidInput("title is missing", code="title_missing", field="title")
        await _make(self, title, sent)


class GroupHandler(Handler):
    """`api/groups/{g}`: one group."""

    for_participants = True

    async def get(self, name: str) -> None:
        """Give settings, cursor, counts, and each member's newest fix with both ages (ms)."""
        self.query()
        group = await self.find_group(name, WATCH)
        self.answer(await _whole(self, group))

    async def post(self, name: str) -> None:
        """Make the group before anything is published to it."""
        self.query()
        self.require(name, MANAGE)
        if self.principal.is_limited:
            raise AccessDenied("this credential may not make groups", code="role_missing")
        await _make(self, name, self.json_body())

    async def patch(self, name: str) -> None:
        """Change settings; null resets one. See `check_settings`."""
        self.query()
        group = await self.find_group(name, MANAGE)
        await self.site.groups.update(group, check_settings(self.json_body(), group.slug))
        self.answer(await _whole(self, group))

    async def delete(self, name: str) -> None:
        """Remove the group with all its fixes and recordings."""
        self.query()
        group = await self.find_group(name, MANAGE)
        await self.site.groups.delete(group)
        self.audit("group_deleted", group=group.slug)
        self.answer({"deleted": group.slug})


class MemberHandler(Handler):
    """`api/groups/{g}/members/{m}`: one member."""

    for_participants = True

    async def patch(self, name: str, member: str) -> None:
        """Give it another name: {"name": ...}; all that it has sent goes under it.

        With "merge": true the name may be another member's: then both are one from now on.
        """
        self.query()
        group = await self.find_group(name, MANAGE)
        sent = self.json_body()
        if not isinstance(sent.get("name"), str) or not sent.keys() <= {"name", "merge"}:
            raise InvalidInput('expected {"name": "the new name"}', code="name_missing", field="name")
        if not isinstance(sent.get("merge", False), bool):
            raise InvalidInput(
                f"merge {sent['merge']!r} is not true or false", code="merge_invalid", field="merge"
            )
        if sent.get("merge"):
            merged, twice = await merge_member(self.site.groups, group, member, sent["name"])
            self.audit("member_merged", group=group.slug)
            self.answer({"member": merged, "twice": twice})
            return
        renamed = await rename_member(self.site.groups, group, member, sent["name"])
        self.audit("member_renamed", group=group.slug)
        self.answer({"member": renamed})

    async def delete(self, name: str, member: str) -> None:
        """Forget a member: every trace, from the file and its write-ahead log too."""
        self.query()
        if member == "me":
            if self.principal.member is None:
                raise InvalidInput(
                    "this credential is for no single member", code="no_member", field="member"
                )
            group = await self.find_group(name, self._own_role(name))
            member = self.principal.member
        else:
            group = await self.find_group(name, MANAGE)
        removed = await forget_member(self.site.groups, group, member)
        self.audit("member_forgotten", group=group.slug)
        self.answer({"forgotten": removed})

    def _own_role(self, name: str) -> Role:
        """Return a role that is enough to have oneself forgotten: any that it has."""
        return WATCH if self.principal.may(group_slug(name), WATCH) else PUBLISH


async def _make(handler: Handler, title: str, sent: dict[str, Any]) -> None:
    slug = group_slug(title)
    settings = check_settings(sent, slug)
    settings["title"] = settings.get("title") or title
    group = await handler.site.groups.create(title, settings)
    handler.audit("group_made", group=group.slug)
    handler.answer(await _whole(handler, group), 201)


async def _summary(handler: Handler, group: Group) -> dict[str, Any]:
    counts = await handler.site.store.counts(group.slug)
    newest = [entry.item for entry in await group.log.newest()]
    return {
        "group": group.slug,
        "title": group.settings["title"],
        "members": len(counts),
        "fixes": sum(counts.values()),
        "newest": max((item.effective_time for item in newest), default=None),
        "cursor": group.log.cursor(group.log.head),
    }


async def _whole(handler: Handler, group: Group) -> dict[str, Any]:
    log, now = group.log, handler.site.clock()
    counts = await handler.site.store.counts(group.slug)
    newest = await log.newest()
    return {
        "group": group.slug,
        "title": group.settings["title"],
        "settings": group.settings,
        "cursor": log.cursor(log.head),
        "oldest": log.cursor(log.oldest - 1),
        "counts": counts,
        "members": [
            _member(entry.item, msgspec.Raw(entry.body), group, now)
            for entry in newest
            if isinstance(entry.item, Fix)
        ],
    }


def _member(fix: Fix, body: msgspec.Raw, group: Group, now: int) -> dict[str, Any]:
    heard = max(group.heard.get(fold(fix.member), 0), fix.received)
    return {
        "member": fix.member,
        "fix": body,
        "age": max(0, now - fix.effective_time),
        "heard_age": max(0, now - heard),
    }
