"""What an invite's card tells a page. It is a secret: by message to a page that asks, kept in no model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from locshare_ext.client.arrivals import arrival_of
from locshare_ext.client.phone_reach import reach_of
from locshare_ext.errors import LocShareError
from locshare_ext.model.setups import setups, way_json

if TYPE_CHECKING:
    from locshare_ext.client.group import Group
    from locshare_ext.client.invites import Invite

__all__ = ["card_of", "status_of"]


def card_of(group: Group, invite: Invite, address: str | None = None) -> dict[str, Any]:
    """Return what is on a card; takes as long as `reach_of`. Where no phone can come it has no way in."""
    found: dict[str, Any] = {
        "title": group.title,
        "member": invite.member,
        "expires": round(invite.expires.timestamp() * 1000),
        "ways": [],
        "reason": "",
        "todo": "",
    }
    try:
        reach = reach_of(group._api, address)
    except LocShareError as error:
        return {**found, "reason": error.message}
    if reach.url is not None:
        ways = setups(f"{reach.url}locshare/", invite.token, invite.member)
        found["ways"] = [
            way_json(one) for one in ways if (reach.page if one.app == "browser" else reach.apps)
        ]
    return {**found, "reason": reach.reason, "todo": reach.todo}


def status_of(group: Group, invite: Invite) -> dict[str, Any]:
    """Return how an invite stands, as the card words it: `state`, and `at` (ms) or `reason`."""
    try:
        arrival = arrival_of(group, invite)
    except LocShareError as error:
        return {"state": "away", "reason": error.message}
    told = {"state": arrival.state, "at": arrival.at, "reason": arrival.reason}
    return {name: value for name, value in told.items() if value is not None}
