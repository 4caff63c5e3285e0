"""Invites of a group: made, exchanged, listed, shown again, revoked; and who one is."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from locshare_ext.broker.access import MANAGE, ROLES
from locshare_ext.errors import AccessDenied, InvalidInput
from locshare_ext.model.names import fold, group_slug
from locshare_ext.model.setups import setups, way_json
from locshare_ext.model.store import InviteInfo
from locshare_ext.server.audit import Action
from locshare_ext.server.base import Handler
from locshare_ext.services.groups import Group
from locshare_ext.services.sharing import consent_version, read_choice
from locshare_ext.services.wishes import Wish, read_wish

__all__ = ["InviteHandler", "InvitesHandler", "MeHandler", "WaysHandler"]


class InvitesHandler(Handler):
    """`api/groups/{g}/invites`."""

    for_participants = True

    async def get(self, name: str) -> None:
        """List invites, living and ended; their tokens are with each one alone."""
        self.query()
        group = await self.find_group(name, MANAGE)
        invites = await self.site.invites.all(group)
        self.answer({"invites": [_shape(self, group, info) for info in invites]})

    async def post(self, name: str) -> None:
        """Make an invite: {"member", "roles", "expires_in", "uses"}, all optional.

        With an open invite as credential: exchange it for one of the `member` that is named.
        201 for a new one, 200 for a living one that is the same.
        """
        self.query()
        principal = self.principal
        is_open = principal.kind == "invite" and principal.member is None and MANAGE not in principal.roles
        slug = self._require_group(name) if is_open else self.require(name, MANAGE)
        site = self.site
        if not site.invites.options.is_on:
            raise AccessDenied("invites are switched off on this server", code="invites_off")
        wish = read_wish(self.json_body(), longest=site.invites.options.longest)
        if is_open:
            info, is_new = await self._exchange(wish), True
            group = await site.groups.open(slug)
        else:
            group = await site.groups.obtain(name)
            info, is_new = await site.invites.make(principal, group, wish)
        if is_new:
            action: Action = "invite_exchanged" if is_open else "invite_made"
            self.audit(action, group=group.slug, target=info.id, roles=list(info.roles))
        self.answer(await _card(self, group, info), 201 if is_new else 200)

    async def _exchange(self, wish: Wish) -> InviteInfo:
        if wish.member is None:
            raise InvalidInput(
                'this invite is open: say who you are, as in {"member": "your name"}',
                code="member_missing",
                field="member",
            )
        return await self.site.invites.exchange(self.principal, wish)

    def _require_group(self, name: str) -> str:
        """Raise AccessDenied unless the principal has any role in the group."""
        slug = group_slug(name)
        role = next((role for role in ROLES if role in self.principal.roles), MANAGE)
        return self.require(slug, role)


class InviteHandler(Handler):
    """`api/groups/{g}/invites/{id}`."""

    for_participants = True

    async def get(self, name: str, invite_id: str) -> None:
        """Show one, with its token while it lives: a card can be shown again."""
        self.query()
        group = await self.find_group(name, MANAGE)
        info = await self.site.invites.find(group, invite_id)
        if self.site.invites.shows(self.principal, info):
            self.answer(await _card(self, group, info))
        else:
            self.answer(_shape(self, group, info))

    async def delete(self, name: str, invite_id: str) -> None:
        """Revoke it: what is open by it is closed."""
        self.query()
        group = await self.find_group(name, MANAGE)
        info = await self.site.invites.revoke(group, invite_id)
        self.audit("invite_revoked", group=group.slug, target=info.id)
        self.answer({"revoked": info.id})


class WaysHandler(Handler):
    """`api/groups/{g}/invites/{id}/ways`: how a phone comes in by it."""

    for_participants = True

    async def get(self, name: str, invite_id: str) -> None:
        """Give a link for each app, with its code to scan; none where no phone could use it, but why.

        Tries the address by which phones come, so it takes 5 s at most.
        """
        self.query()
        group = await self.find_group(name, MANAGE)
        site = self.site
        info = await site.invites.find(group, invite_id)
        if not site.invites.shows(self.principal, info):
            state = site.invites.state(info)
            reason = "this invite may more than who asks" if state == "living" else f"this invite is {state}"
            self.answer({"ways": [], "reason": reason, "todo": "make another one"})
            return
        token, reach = await site.invites.token(info), await site.reach.look()
        ways: list[dict[str, Any]] = []
        if reach.url is not None:
            found = setups(f"{reach.url}locshare/", token, info.member)
            ways = [way_json(one) for one in found if (reach.page if one.app == "browser" else reach.apps)]
        self.answer({"ways": ways, "reason": reach.reason, "todo": reach.todo})


class MeHandler(Handler):
    """`api/me`: who the credential of a request is, and where it may do what."""

    for_participants = True

    async def get(self) -> None:
        """Give id, kind, group, title, member, roles and expires; an invite what it shares, too."""
        self.query()
        self.answer(await self._whole())

    async def patch(self) -> None:
        """Keep what the member chose that an invite is for: {"precision": metres, "consent": version}."""
        self.query()
        await self.site.sharing.choose(self.principal, read_choice(self.json_body()))
        self.principal = self.site.credentials.check_still(self.principal)
        self.answer(await self._whole())

    async def _whole(self) -> dict[str, Any]:
        principal, site = self.principal, self.site
        group = None if principal.group is None else await site.groups.open(principal.group)
        consent = None if group is None else group.settings["consent"]
        whole: dict[str, Any] = {
            "id": principal.id,
            "kind": principal.kind,
            "group": principal.group,
            "title": None if group is None else group.settings["title"],
            "consent": consent,
            "consent_version": consent_version(consent),
            "member": principal.member,
            "roles": sorted(principal.roles),
            "expires": principal.expires,
            "sharing": None,
        }
        if group is not None:
            whole["sharing"] = await site.sharing.told(principal, group, site.retention.age)
        return whole


def _shape(handler: Handler, group: Group, info: InviteInfo) -> dict[str, Any]:
    return {
        "id": info.id,
        "group": group.slug,
        "title": group.settings["title"],
        "member": info.member,
        "roles": info.roles,
        "created": info.created,
        "expires": info.expires,
        "uses": info.uses,
        "used": info.used,
        "origin": info.origin,
        "state": handler.site.invites.state(info),
        "connections": handler.site.leases.count(info.id),
        "heard_age": _heard_age(handler, group, info),
        "precision": info.precision,
        "consent": info.consent,
        "consented": info.consented,
    }


def _heard_age(handler: Handler, group: Group, info: InviteInfo) -> int | None:
    heard = None if info.member is None else group.heard.get(fold(info.member))
    return None if heard is None else max(0, handler.site.clock() - heard)


async def _card(handler: Handler, group: Group, info: InviteInfo) -> dict[str, Any]:
    """Return an invite with what is needed to use it; links are paths from the server's root."""
    token = await handler.site.invites.token(info)
    base = handler.request.path.rpartition("/locshare/api/")[0] + "/locshare/"
    links = {"attach": f"{base}#t={token}&g={quote(group.slug)}", "share": f"{base}share#t={token}"}
    return {**_shape(handler, group, info), "token": token, "links": links}
