"""Invites: letting others watch and publish, from a notebook."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from locshare_ext.client.discovery import server_from_url
from locshare_ext.client.http import Api, path_of
from locshare_ext.client.times import ms_from, now_ms
from locshare_ext.errors import InvalidInput, NotFound
from locshare_ext.model.clock import datetime_from_ms
from locshare_ext.model.credentials import INVITE
from locshare_ext.model.names import fold, member_name, near_names
from locshare_ext.model.spans import span_ms

if TYPE_CHECKING:
    from datetime import timedelta, tzinfo

    import pandas as pd

__all__ = ["Invite", "Wish", "invites_frame", "make_invite", "revoke_invites"]

_DATE = re.compile(r"\s*\d{4}-\d")  # how a moment begins, and no span does


@dataclass(frozen=True, slots=True)
class Invite:
    """A credential for one group, for somebody else to come with.

    member: as whom it publishes, None for an open invite, whose holder picks a free name.
    roles: of `publish`, `watch`, `manage`. expires: with a zone. uses: how many may pick a
    name with an open one, None: any number. `token` and `link` let anybody in who has them,
    so neither is shown with it: print `invite.link`, and clear that output.
    """

    id: str
    group: str
    member: str | None
    roles: tuple[str, ...]
    expires: datetime
    uses: int | None = None
    token: str = field(default="", repr=False)
    link: str = field(default="", repr=False)

    @property
    def is_local(self) -> bool:
        """Whether the link leads to this machine only."""
        return server_from_url(self.link).is_loopback

    def __repr__(self) -> str:
        return f"<Invite {self.id} {self._words()}>"

    def _repr_html_(self) -> str:
        way = "its secret link is in <code>.link</code>, and not in this output"
        if self.is_local:
            way += (
                "; it names this machine as itself, so it works here only: "
                "give <code>address=</code>, by which others reach the server"
            )
        return f"Invite <code>{html.escape(self.id)}</code> {html.escape(self._words())}; {way}."

    def _words(self) -> str:
        whom = "for whoever has it" if self.member is None else f"for {self.member!r}"
        until = self.expires.astimezone().strftime("%Y-%m-%d %H:%M %Z")
        return f"to {self.group!r} {whom}: {', '.join(self.roles)}, until {until}"


@dataclass(frozen=True, slots=True)
class Wish:
    """What an invite shall be; None leaves it to the server. address: of the server, for others."""

    roles: str | Sequence[str] | None = None
    expires: str | timedelta | datetime | None = None
    uses: int | None = None
    address: str | None = None

    def body(self, member: str | None, tz: tzinfo | None) -> dict[str, Any]:
        """Return the request for one."""
        roles = self.roles if self.roles is None or isinstance(self.roles, str) else list(self.roles)
        expires_in = None if self.expires is None else _seconds(self.expires, tz)
        wished = {"member": member, "roles": roles, "expires_in": expires_in, "uses": self.uses}
        return {name: value for name, value in wished.items() if value is not None}


def make_invite(api: Api, group: str, member: str | None, wish: Wish, tz: tzinfo | None) -> Invite:
    """Have the server make an invite, or give the living one of the same member and roles again.

    group: its title, which a group that does not exist yet gets.
    """
    name = None if member is None else member_name(member)
    base = api.server.url if wish.address is None else server_from_url(wish.address).url
    made = api.send("POST", path_of("groups", group, "invites"), wish.body(name, tz))
    token, slug = str(made["token"]), str(made["group"])
    return Invite(
        id=str(made["id"]),
        group=slug,
        member=made["member"],
        roles=tuple(made["roles"]),
        expires=datetime_from_ms(made["expires"]),
        uses=made.get("uses"),
        token=token,
        link=f"{base}locshare/#t={token}&g={quote(slug)}",
    )


def invites_frame(told: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return one row per invite, without what is secret."""
    import numpy as np
    import pandas as pd

    from locshare_ext.formats.frame import STR, utc_times

    def text(values: Iterable[str | None]) -> Any:
        return pd.array(list(values), dtype=STR)

    def count(name: str) -> Any:
        return pd.array([one.get(name) for one in told], dtype="Int64")

    def moment(name: str) -> Any:
        return utc_times(np.array([one[name] for one in told], dtype=np.int64))

    return pd.DataFrame(
        {
            "id": text(one["id"] for one in told),
            "member": text(one["member"] for one in told),
            "roles": text(" ".join(one["roles"]) for one in told),
            "state": text(one["state"] for one in told),
            "created": moment("created"),
            "expires": moment("expires"),
            "uses": count("uses"),
            "used": count("used"),
            "connections": count("connections"),
        }
    )


def revoke_invites(api: Api, group: str, which: Invite | str) -> int:
    """Revoke an invite by itself, its id, token or link, or all living ones of a member.

    Returns how many; raises NotFound when nothing living is meant by it.
    """
    if isinstance(which, Invite):
        ids = [which.id]
    elif isinstance(which, str):
        ids = _meant(api, group, which)
    else:
        raise InvalidInput(f"revoke wants an Invite, an id or a member, got {type(which).__name__}")
    for one in ids:
        api.send("DELETE", path_of("groups", group, "invites", one))
    return len(ids)


def _meant(api: Api, group: str, which: str) -> list[str]:
    if INVITE in which:
        return [which.partition(INVITE)[2].partition("_")[0]]
    told = api.get(path_of("groups", group, "invites"))["invites"]
    if any(one["id"] == which for one in told):
        return [which]
    living = [one for one in told if one["state"] == "living" and one["member"] is not None]
    ids = [str(one["id"]) for one in living if fold(one["member"]) == fold(which)]
    if not ids:
        near = near_names(which, [one["member"] for one in living])
        hint = f"; there are some for {', '.join(near)}" if near else ""
        raise NotFound(
            f"no living invite to {group!r} is for {which[:64]!r} or has that id{hint}",
            code="invite_not_found",
            details={"near": near},
        )
    return ids


def _seconds(expires: object, tz: tzinfo | None) -> int:
    """Return for how long an invite shall live: a span, or until a moment."""
    if isinstance(expires, datetime) or (isinstance(expires, str) and _DATE.match(expires)):
        ms = ms_from(expires, tz=tz, field="expires") - now_ms()
        if ms <= 0:
            raise InvalidInput(f"expires {str(expires)[:40]!r} is in the past", field="expires")
    else:
        ms = span_ms(expires, field="expires")
    return max(1, ms // 1000)
