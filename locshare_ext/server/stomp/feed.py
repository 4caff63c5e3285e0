"""A STOMP subscription to a group: a reader of its log with a cursor, and no queue."""

from __future__ import annotations

from collections.abc import Sequence

from locshare_ext.broker.live import Log
from locshare_ext.server.feed_options import FeedOptions
from locshare_ext.server.site import PROTOCOL
from locshare_ext.server.stomp.acks import Ledger
from locshare_ext.server.stomp.form import MessageForm
from locshare_ext.server.stomp.peer import Peer
from locshare_ext.server.streams.reader import GroupReader, Kind

__all__ = ["Feed"]


class Feed(GroupReader):
    """Passes a group's fixes (or its events) on to one subscription of one session."""

    __slots__ = ("_receipt", "_session")

    def __init__(
        self, session: Peer, log: Log, options: FeedOptions, form: MessageForm, kind: Kind | None
    ) -> None:
        super().__init__(session, log, options, form, kind)
        self._session = session
        self._receipt: str | None = None

    async def begin(self, receipt: str | None) -> None:
        """Take its place in the log, answer the RECEIPT (the hello), then follow; raises as `start`."""
        self._receipt = receipt
        await self.start()

    @property
    def ledger(self) -> Ledger | None:
        """What waits for an ACK: nothing, with ack:auto."""
        return None

    async def settle(self, tokens: Sequence[int], *, is_ack: bool) -> None:
        """Nothing waits for an ACK."""

    def _greet(self, cursor: str, gap: bool) -> None:
        if self._receipt is not None:
            headers = (("cursor", cursor), ("gap", "true" if gap else "false"))
            self._session.receipt(self._receipt, (*headers, ("locshare-protocol", PROTOCOL)))
