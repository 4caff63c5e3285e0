"""What a STOMP client asks for: CONNECT, SEND, SUBSCRIBE and the rest, done and answered."""

from __future__ import annotations

from dataclasses import replace

from locshare_ext.errors import FrameError, InvalidName, NotAuthenticated
from locshare_ext.model.names import member_name
from locshare_ext.server.site import Site
from locshare_ext.server.stomp.peer import Peer
from locshare_ext.server.stomp.sending import Sending
from locshare_ext.server.stomp.subscribing import Subscriptions
from locshare_ext.server.stomp.transactions import Transactions
from locshare_ext.stomp import (
    Abort,
    Ack,
    Begin,
    ClientEvent,
    Commit,
    ConnectRequest,
    Disconnect,
    Nack,
    Send,
    Subscribe,
    Unsubscribe,
)

__all__ = ["Commands"]


class Commands:
    """Does for one session what its client asks for, in the order that it came."""

    def __init__(self, site: Site, session: Peer) -> None:
        self._site = site
        self._session = session
        self._subscriptions = Subscriptions(site, session)
        self._transactions = Transactions(site, session, self._subscriptions.acks)
        self._is_committing = False
        self.sending = Sending(site, session, session.on_room)

    def leave(self) -> None:
        """End all subscriptions; what is under way to the store goes on, a COMMIT too."""
        self._site.leases.leave(self._session.principal, self._session)
        if not self._is_committing:
            self._subscriptions.leave()

    def at_once(self, event: ClientEvent | FrameError) -> bool:
        """Do one thing without waiting for anything; False when that cannot be, and nothing was done."""
        return isinstance(event, Send) and self.sending.at_once(event)

    def must_wait(self, event: ClientEvent | FrameError) -> bool:
        """Whether a thing could be done at once later: the intake is told to go on then."""
        return isinstance(event, Send) and self.sending.is_full

    def flush(self) -> None:
        """Pass on what `at_once` has gathered; called when it is called no more in this turn."""
        self.sending.flush()

    async def do(self, event: ClientEvent | FrameError) -> None:
        """Do one thing, and answer it; raises LocShareError for what becomes an ERROR."""
        if isinstance(event, Send) and event.transaction is None:
            await self.sending.do(event)
            return
        await self.sending.settle()  # an answer says that all before it was done
        if isinstance(event, FrameError):
            raise event
        if isinstance(event, ConnectRequest):
            await self._connect(event)
        elif isinstance(event, Subscribe):
            await self._subscriptions.subscribe(event)
        elif isinstance(event, Unsubscribe):
            self._subscriptions.unsubscribe(event)
        elif isinstance(event, Disconnect):
            self._session.part(event.receipt)
        elif isinstance(event, Begin | Commit | Abort):
            await self._transact(event)
        elif event.transaction is not None:
            self._transactions.hold(event.transaction, event)
            self._answer(event.receipt)  # it is in the transaction; what becomes of that, COMMIT's tells
        elif isinstance(event, Ack | Nack):
            await self._subscriptions.settle(event)

    async def _connect(self, event: ConnectRequest) -> None:
        principal = self._session.principal
        if event.passcode:
            principal = await self._site.credentials.check(event.passcode, self._session.address)
        elif principal is None:
            raise NotAuthenticated(
                "CONNECT has no passcode, and the WebSocket came without an identity", field="passcode"
            )
        principal = self._site.credentials.check_still(principal)  # the upgrade may have been a while ago
        if principal.kind == "kernel" and event.login:  # kernels share a secret, so each says its name
            principal = replace(principal, id=f"kernel:{_kernel_name(event.login)}")
        if self._session.is_over:  # it has left meanwhile, and would keep its place for ever
            return
        self._site.leases.take(principal, self._session)
        self._site.log.info("STOMP connection of %s", principal.kind)
        self._session.accept(principal)

    # -- transactions

    async def _transact(self, event: Begin | Commit | Abort) -> None:
        if isinstance(event, Commit):
            await self._commit(event)
            return
        if isinstance(event, Begin):
            self._transactions.begin(event.transaction)
        else:
            self._transactions.drop(event.transaction)
        self._answer(event.receipt)

    async def _commit(self, event: Commit) -> None:
        self._is_committing = True
        try:
            await self._transactions.commit(event)
        finally:
            self._is_committing = False
            self.sending.pace()
            if self._session.is_over:  # it has left meanwhile
                self.leave()

    def _answer(self, receipt: str | None) -> None:
        if receipt is not None:
            self._session.receipt(receipt)


def _kernel_name(login: str) -> str:
    try:
        return member_name(login)
    except InvalidName as error:
        raise InvalidName(error.message.replace("member", "login", 1), field="login") from None
