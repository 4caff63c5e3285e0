"""Who a request is from by a JupyterHub, whose service this is: users, groups, log-in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jupyterhub.services.auth import HubOAuth, HubOAuthCallbackHandler, HubOAuthenticated
from tornado import web

from locshare_ext.broker.access import ALL_ROLES, ROLES, Principal, Role
from locshare_ext.errors import AccessDenied, InvalidInput, InvalidName, Unavailable
from locshare_ext.model.names import group_slug, member_name

__all__ = ["HubIdentity", "login_rules", "roles_of"]

_KEPT = 60  # s that an answer of the Hub is believed: who is removed there is out soon


class HubIdentity:
    """Asks the Hub who a cookie or a token of the Hub's is, and grants what its owner set.

    managers: users, or `@group` of the Hub, who manage all; its admins always do. groups: what
    the members of a Hub's group may do in our group of the same name, by its name or `*`.
    Raises InvalidInput for a role that there is not.
    """

    has_users = True
    is_guarded = True  # everybody needs a credential

    def __init__(self, managers: Sequence[str], groups: Mapping[str, str]) -> None:
        self._managers = set(managers)
        self._roles = {name: roles_of(said, name) for name, said in groups.items()}
        self._auth = HubOAuth.instance(cache_max_age=_KEPT)

    async def principal(self, handler: web.RequestHandler, action: str) -> Principal | None:
        """Return the Hub's user who sent the request, None if it is nobody's.

        Raises AccessDenied for a user who may not come to this service, Unavailable when the Hub
        does not answer.
        """
        probe = _Probe(handler.application, handler.request)
        # making a handler takes over this callback
        handler.request.connection.set_close_callback(handler.on_connection_close)  # type: ignore[union-attr]
        try:
            user = await self._auth.get_user(probe, sync=False)
        except web.HTTPError as error:
            if error.status_code == 403:
                return None  # the Hub knows no such token
            raise Unavailable(
                f"JupyterHub cannot say who this is: {error.log_message or error.status_code}",
                code="hub_unavailable",
            ) from None
        if user is None:
            return None
        if not self._auth.check_scopes(self._auth.access_scopes, user):
            raise AccessDenied(
                f"JupyterHub does not let {user['name']!r} use this service", code="not_authorized"
            )
        return self.granted(user)

    def login_url(self, base_path: str) -> str | None:
        """Return what sends a browser to the Hub and back to the host's page."""
        return f"{base_path}locshare/login"

    def granted(self, user: Mapping[str, Any]) -> Principal:
        """Return what a user, as the Hub describes it, may do here."""
        name, groups = str(user["name"]), [str(group) for group in user.get("groups") or ()]
        identity = {name, *(f"@{group}" for group in groups)}
        if user.get("admin") or identity & self._managers:
            return Principal(id=name, kind="jupyter", roles=ALL_ROLES)
        grants: dict[str, frozenset[Role]] = {}
        for group in groups:
            try:
                slug = group_slug(group)
            except InvalidName:  # the Hub's names may have more letters than ours
                continue
            grants[slug] = grants.get(slug, frozenset()) | self._roles.get(
                group, self._roles.get("*", frozenset())
            )
        if not any(grants.values()):
            raise AccessDenied(
                f"{name!r} is in no group of JupyterHub that shares here; its admin can add you to one",
                code="no_group",
            )
        return Principal(
            id=name,
            kind="jupyter",
            roles=frozenset(),
            member=member_name(name),
            grants=tuple(sorted((slug, roles) for slug, roles in grants.items() if roles)),
        )


def roles_of(text: str, name: str) -> frozenset[Role]:
    """Return the roles in a text such as `publish watch`; raises InvalidInput that names the group."""
    words = text.replace(",", " ").split()
    if wrong := [word for word in words if word not in ROLES]:
        raise InvalidInput(
            f"hub_groups of {name!r}: {wrong[0]!r} is no role; expected some of {', '.join(ROLES)}",
            field="hub_groups",
        )
    return frozenset(role for role in ROLES if role in words)


class _Probe(HubOAuthenticated, web.RequestHandler):  # type: ignore[misc]
    """Stands in the request's place while the Hub's library looks who it is; answers nothing."""

    hub_auth_class = HubOAuth


class LoginHandler(HubOAuthenticated, web.RequestHandler):  # type: ignore[misc]
    """`locshare/login`: sends a browser to the Hub, and from there to the page that it wanted."""

    hub_auth_class = HubOAuth

    async def get(self) -> None:
        """Go to the Hub, unless its user is known already."""
        base = self.hub_auth.base_url
        try:
            user = await self.hub_auth.get_user(self, sync=False)
        except web.HTTPError:
            user = None
        self.redirect(f"{base}locshare/" if user else self.get_login_url())


def login_rules(base_url: str) -> list[tuple[str, type[web.RequestHandler]]]:
    """Return the rules by which the Hub's users log in; below `base_url`, as the Hub passes it on."""
    return [
        (f"{base_url}oauth_callback", HubOAuthCallbackHandler),
        (f"{base_url}locshare/login", LoginHandler),
    ]
