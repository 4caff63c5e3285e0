"""WS locshare/stomp: the WebSocket below a STOMP session."""

from __future__ import annotations

from locshare_ext.server.room import check_room
from locshare_ext.server.upgrade import SocketHandler, check_upgrade, upgrade

__all__ = ["StompSocket"]

SUBPROTOCOLS = ("v12.stomp", "v11.stomp", "v10.stomp")


class StompSocket(SocketHandler):
    """Opens STOMP sessions; who comes without an identity must CONNECT with a passcode."""

    for_participants = True

    async def get(self, *args: str, **kwargs: str) -> None:
        """Upgrade, unless there are too many connections."""
        check_upgrade(self)
        self.query()
        check_room(self.site, self.current_principal, self.request.remote_ip or "")
        channel = await upgrade(self, SUBPROTOCOLS)
        if channel is not None:
            from locshare_ext.server.stomp.session import Session  # STOMP is loaded by who first speaks it

            channel.start(Session(self.site, channel, self.current_principal, self.request.remote_ip or ""))
