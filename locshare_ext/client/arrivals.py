"""Whether whom an invite is for has come, and if not, why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from locshare_ext.client.asides import read_asides
from locshare_ext.client.http import path_of
from locshare_ext.errors import NotFound
from locshare_ext.model.fix import Fix
from locshare_ext.model.names import fold

if TYPE_CHECKING:
    from locshare_ext.client.group import Group
    from locshare_ext.client.invites import Invite

__all__ = ["Arrival", "arrival_of"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """How an invite stands. at: ms, of the position that has come; reason: why none is kept."""

    state: Literal["waiting", "connected", "refused", "here", "expired", "revoked"]
    at: int | None = None
    reason: str | None = None


def arrival_of(group: Group, invite: Invite) -> Arrival:
    """Ask the server how an invite stands. Raises AccessDenied, ServerUnreachable."""
    api = group._api
    try:
        told: dict[str, Any] = api.get(path_of("groups", group.name, "invites", invite.id))
    except NotFound:  # long ended, or its member was forgotten
        return Arrival("revoked")
    names = {fold(name) for name in _names(group, invite)}
    members = api.get(path_of("groups", group.name))["members"]
    fixes = [msgspec.convert(one["fix"], Fix) for one in members]
    came = [fix.received for fix in fixes if fold(fix.member) in names and fix.received >= told["created"]]
    if came:
        return Arrival("here", at=min(came))
    if told["state"] != "living":
        return Arrival("expired" if told["state"] == "expired" else "revoked")
    asides = read_asides(api, group.name, since=told["created"])
    refused = [one for one in asides if fold(str(one["member"])) in names]
    if refused:
        return Arrival("refused", reason=str(refused[-1]["reason"]))
    return Arrival("connected" if told["connections"] else "waiting")


def _names(group: Group, invite: Invite) -> list[str]:
    """Return as whom people have come with an invite."""
    if invite.member is not None:
        return [invite.member]
    told = group._api.get(path_of("groups", group.name, "invites"))["invites"]
    return [str(one["member"]) for one in told if one["origin"] == invite.id]
