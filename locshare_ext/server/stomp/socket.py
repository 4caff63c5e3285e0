"""WS locshare/stomp: the WebSocket below a STOMP session."""

from __future__ import annotations

from locshare_ext.errors import Unavailable
from locshare_ext.server.base import Handler
from locshare_ext.server.upgrade import check_upgrade, upgrade

__all__ = ["StompSocket"]

SUBPROTOCOLS = ("v12.stomp", "v11.stomp", "v10.stomp")


class StompSocket(Handler):
    """Opens STOMP sessions; who comes without an identity must CONNECT with a passcode."""

    _stream_request_body = False  # a GET without a body; tornado's connection is free to be detached then
    action = "execute"
    needs_principal = False
    has_head = False

    async def get(self, *args: str, **kwargs: str) -> None:
        """Upgrade, unless there are too many connections."""
        check_upgrade(self)
        self._check_room()
        channel = await upgrade(self, SUBPROTOCOLS)
        if channel is not None:
            from locshare_ext.server.stomp.session import Session  # STOMP is loaded by who first speaks it

            channel.start(Session(self.site, channel, self.current_principal, self.request.remote_ip or ""))

    def _check_room(self) -> None:
        site = self.site
        if len(site.sessions) >= site.limits.connections:
            raise Unavailable(
                f"there are {site.limits.connections} connections already", code="too_many_connections"
            )
        principal = self.current_principal
        if principal is not None and principal.kind == "invite":
            same = [one for one in site.sessions if one.principal and one.principal.id == principal.id]
            site.leases.check(principal, len(same))  # also those that have not sent CONNECT yet
        if principal is None:
            address = self.request.remote_ip or ""
            unproved = sum(1 for one in site.sessions if not one.is_proved and one.address == address)
            if unproved >= site.limits.unproved:
                raise Unavailable(
                    f"{unproved} connections of this address have shown no credential yet",
                    code="too_many_connections",
                )
