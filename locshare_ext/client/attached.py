"""One group on one server: what everything that a `Group` does starts from."""

from __future__ import annotations

import unicodedata
import warnings
from contextlib import suppress
from datetime import tzinfo
from typing import Any

from locshare_ext.client import registry
from locshare_ext.client.attach import group_name, only_group, os_user, where
from locshare_ext.client.http import path_of
from locshare_ext.client.joining import Identity, identity
from locshare_ext.client.ladder import check_transport
from locshare_ext.client.times import GroupZone, check_zone
from locshare_ext.errors import AccessDenied, Gone, InvalidInput, NotFound
from locshare_ext.model.names import member_name

__all__ = ["Attached", "warn_unknown"]


class Attached:
    """A group's name and title, its server, and who speaks; see `Group` for the arguments."""

    def __init__(
        self,
        name_or_link: str,
        *,
        me: str | None = None,
        server: str | None = None,
        token: str | None = None,
        tz: str | tzinfo | None = None,
        transport: str | None = None,
    ) -> None:
        if not isinstance(name_or_link, str):
            raise InvalidInput(f"Group wants a name or a link, got {type(name_or_link).__name__}")
        self.tz = tz
        wish = check_transport(transport)
        locate, key, name = where(name_or_link, server, token, me)
        self._api = registry.api(key, locate)
        title = only_group(self._api) if name is None else name
        self._title = unicodedata.normalize("NFKC", title).strip()
        self._name = group_name(title)
        self._me = None if me is None else member_name(me)
        self._identity: Identity | None = None
        self._key = (self._name, *key)
        registry.renew(self._key)
        if wish is not None:
            registry.keep_to(self._key, wish)
        registry.hold(self, self._key)

    @property
    def name(self) -> str:
        """Its name in destinations and URLs."""
        return self._name

    @property
    def title(self) -> str:
        """What people call it."""
        return self._title

    @property
    def me(self) -> str:
        """The member as whom `publish` speaks: the invite's own, else as was said, else the OS user."""
        who = self._who()
        return (who and who.speaks_for) or self._me or os_user()

    @property
    def server(self) -> str:
        """The server's address, without the credential."""
        return self._api.server.url

    @property
    def transport(self) -> str | None:
        """What brings its fixes live: `stomp`, or where that is blocked `sse` or `long polling`.

        None while nothing does; `status` says more.
        """
        feed = registry.existing(self._key)
        return None if feed is None else feed.status.transport

    @property
    def roles(self) -> tuple[str, ...]:
        """What we may do in the group: `publish`, `watch`, `manage` (all); by an ended invite nothing."""
        if not self._api.server.is_by_invite:
            return ("publish", "watch", "manage")
        who = self._who()
        return () if who is None else who.roles

    @property
    def tz(self) -> tzinfo | None:
        """The zone of times that have none; None: that of the group's settings, if there is one."""
        return None if isinstance(self._tz, GroupZone) else self._tz

    @tz.setter
    def tz(self, tz: str | tzinfo | None) -> None:
        self._tz: tzinfo | None = GroupZone(self._zone) if tz is None else check_zone(tz)

    def _zone(self) -> str | None:
        """Return the name of the zone in the group's settings; who may not see them has none."""
        try:
            name = self._about(is_warning=False)["settings"].get("tz")
        except AccessDenied:
            return None
        return None if name is None else str(name)

    def __repr__(self) -> str:
        over = f", transport={self.transport!r}" if self.transport else ""
        return f"Group({self._title!r}, server={self._api.server.url!r}{over})"

    def _who(self) -> Identity | None:
        """Return whose invite we came with; None without one, or when it has ended."""
        if self._identity is None and self._api.server.is_by_invite:
            with suppress(Gone):  # what was measured before may still be published
                self._identity = identity(self._api)
                self._title = self._identity.title or self._title
        return self._identity

    def _path(self, *words: str) -> str:
        """Return the path of something of the group's."""
        return path_of("groups", self._name, *words)

    def _about(self, *, is_warning: bool = True) -> dict[str, Any]:
        """Return what the server says of the group; of an unknown one, that nobody is in it."""
        try:
            about: dict[str, Any] = self._api.get(self._path())
        except NotFound as error:
            warn_unknown(error, is_warning=is_warning)
            return {"members": [], "counts": {}, "settings": {}}
        return about


def warn_unknown(error: NotFound, *, is_warning: bool = True) -> None:
    """Say that a group has nobody in it, when its name looks like a slip of another's."""
    if error.code != "group_not_found":
        raise error
    if is_warning and error.details.get("near"):
        warnings.warn(error.message, stacklevel=4)
