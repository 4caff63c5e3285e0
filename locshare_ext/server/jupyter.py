"""Who a request is by Jupyter's own rules: cookie, token, Hub; authorizer; XSRF."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlencode

from jupyter_core.utils import ensure_async
from jupyter_server.auth import IdentityProvider, User
from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.auth.identity import LegacyIdentityProvider, PasswordIdentityProvider
from jupyter_server.base.handlers import JupyterHandler
from tornado import web

from locshare_ext.broker.access import ALL_ROLES, Principal
from locshare_ext.errors import AccessDenied

__all__ = ["RESOURCE", "JupyterIdentity"]

RESOURCE = "locshare"  # what the authorizer is asked about

# those that only know a token or a password: whoever has it is the host
_NAMELESS = (IdentityProvider, PasswordIdentityProvider, LegacyIdentityProvider)


class JupyterIdentity:
    """Asks the identity provider and the authorizer of the Jupyter server."""

    has_users = True

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings

    @property
    def is_guarded(self) -> bool:
        """Whether Jupyter asks anybody for a token or a password."""
        provider = self._settings.get("identity_provider")
        return bool(getattr(provider, "auth_enabled", True))

    async def principal(self, handler: web.RequestHandler, action: str) -> Principal | None:
        """Return the Jupyter user who sent the request, None if it is nobody's.

        Raises AccessDenied when the authorizer says no, and for a write with a cookie but
        without its XSRF token.
        """
        probe = _Probe(handler.application, handler.request)
        # making a handler takes over this callback
        handler.request.connection.set_close_callback(handler.on_connection_close)  # type: ignore[union-attr]
        refused: web.HTTPError | None = None
        try:
            await probe.prepare()
        except web.HTTPError as error:
            refused = error
        user = probe.current_user
        if user is None:
            return None
        if refused is not None:
            raise AccessDenied(
                "the request came with a cookie but without its XSRF token; send header X-XSRFToken",
                code="xsrf_failed",
            )
        if not await ensure_async(probe.authorizer.is_authorized(probe, user, action, RESOURCE)):
            raise AccessDenied(
                f"the Jupyter server does not allow its user to {action} {RESOURCE}", code="not_authorized"
            )
        return Principal(id=_name(user, probe), kind="jupyter", group=None, roles=ALL_ROLES, member=None)

    def login_url(self, base_path: str) -> str | None:
        """Return Jupyter's form, which leads back; of other providers the page that leads to theirs."""
        if type(self._settings.get("identity_provider")) in _NAMELESS:
            return f"{base_path}login?{urlencode({'next': f'{base_path}locshare/'})}"
        return base_path


def _name(user: User, probe: JupyterHandler) -> str:
    if type(probe.identity_provider) in _NAMELESS:
        return "host"
    return str(user.username)


class _Probe(JupyterHandler):
    """Stands in the request's place while Jupyter looks who it is; answers nothing."""

    _transforms: list[Any] = []  # noqa: RUF012 -- tornado's name

    @property
    def log(self) -> logging.Logger:
        return _QUIET

    @allow_unauthenticated
    def get(self) -> None:
        """Never called."""

    @allow_unauthenticated
    def post(self) -> None:
        """Never called."""

    @allow_unauthenticated
    def put(self) -> None:
        """Never called."""

    @allow_unauthenticated
    def patch(self) -> None:
        """Never called."""

    @allow_unauthenticated
    def delete(self) -> None:
        """Never called."""

    head = options = get


_QUIET = logging.getLogger("locshare_ext.probe")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False  # what it refuses is answered by us, and a URI may hold a secret
