"""Whether there is room for one more WebSocket."""

from __future__ import annotations

from locshare_ext.broker.access import Principal
from locshare_ext.errors import Unavailable
from locshare_ext.server.site import Site

__all__ = ["check_room"]


def check_room(site: Site, principal: Principal | None, address: str) -> None:
    """Raise Unavailable that names the limit; principal: None when it comes with the first message."""
    if len(site.sessions) >= site.limits.connections:
        raise Unavailable(
            f"there are {site.limits.connections} connections already", code="too_many_connections"
        )
    if principal is not None and principal.kind == "invite":
        same = [one for one in site.sessions if one.principal and one.principal.id == principal.id]
        site.leases.check(principal, len(same))  # also those that have not sent CONNECT yet
    if principal is None:
        unproved = sum(1 for one in site.sessions if not one.is_proved and one.address == address)
        if unproved >= site.limits.unproved:
            raise Unavailable(
                f"{unproved} connections of this address have shown no credential yet",
                code="too_many_connections",
            )
