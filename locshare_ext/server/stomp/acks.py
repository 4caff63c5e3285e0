"""Which MESSAGEs of a session wait for an ACK, and what an ACK or NACK names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from locshare_ext.errors import InvalidInput
from locshare_ext.server.stomp.peer import Peer
from locshare_ext.stomp import Ack, Nack

__all__ = ["AckMode", "Acks", "Claim", "Ledger", "Subscription", "make_ledger", "put_back"]

AckMode = Literal["client", "client-individual"]
_SPLIT = "@"  # no message-id of ours has one


class Subscription(Protocol):
    """What a SUBSCRIBE began, whatever its destination."""

    @property
    def ledger(self) -> Ledger | None:
        """What waits for an ACK; None with ack:auto."""

    async def settle(self, tokens: Sequence[int], *, is_ack: bool) -> None:
        """Do what an ACK or a NACK means for MESSAGEs, by the tokens they have in the ledger."""

    def stop(self) -> None:
        """End it: what waits for an ACK is not acknowledged. Twice is no error."""


class Ledger:
    """The MESSAGEs of one subscription that wait for an ACK, in the order in which they went out.

    subscription: its id on the connection. most: how many may wait.
    A MESSAGE has a key, unique among those that wait, by which an ACK names it, and a token,
    by which its subscription knows it.
    """

    __slots__ = ("_is_cumulative", "_suffix", "_waiting", "_writes_header", "most")

    def __init__(self, subscription: str, mode: AckMode, version: str, most: int) -> None:
        self.most = most
        self._is_cumulative = mode == "client"
        self._suffix = _SPLIT + subscription
        self._writes_header = version == "1.2"  # before, an ACK names the message-id
        self._waiting: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, key: object) -> bool:
        return key in self._waiting

    @property
    def room(self) -> int:
        """How many more may go out, 0 at least."""
        return max(self.most - len(self._waiting), 0)

    @property
    def first(self) -> int | None:
        """The token of the MESSAGE that waits longest, None when none does."""
        return next(iter(self._waiting.values()), None)

    def add(self, message_id: str, token: int, delivery: int = 1) -> tuple[tuple[str, str], ...]:
        """Note a MESSAGE that goes out; returns the headers that it needs for that.

        delivery: how often it was delivered: an old ACK must not mean the new delivery.
        """
        if not self._writes_header:
            self._waiting[message_id] = token
            return ()
        key = message_id if delivery == 1 else f"{message_id}.{delivery}"
        self._waiting[key] = token
        return (("ack", key + self._suffix),)

    def claim(self, key: str) -> list[tuple[str, int]]:
        """Take out what an ACK of a key that is here stands for: it, or all up to it."""
        if not self._is_cumulative:
            return [(key, self._waiting.pop(key))]
        found: list[tuple[str, int]] = []
        for one in self._waiting.items():
            found.append(one)
            if one[0] == key:
                break
        for name, _ in found:
            del self._waiting[name]
        return found

    def put_back(self, claimed: Iterable[tuple[str, int]]) -> None:
        """Undo claims; tokens ascend in the order in which MESSAGEs went out."""
        self._waiting = dict(sorted({**dict(claimed), **self._waiting}.items(), key=lambda one: one[1]))


@dataclass(frozen=True, slots=True)
class Claim:
    """MESSAGEs that were taken out of a ledger by an ACK or NACK, to be settled or put back."""

    subscription: Subscription
    claimed: Sequence[tuple[str, int]]
    is_ack: bool

    async def settle(self) -> None:
        """Do what the ACK or NACK means."""
        await self.subscription.settle([token for _, token in self.claimed], is_ack=self.is_ack)


def put_back(claims: Iterable[Claim]) -> None:
    """Let the MESSAGEs of claims wait again."""
    by_ledger: dict[int, tuple[Ledger, list[tuple[str, int]]]] = {}
    for claim in claims:
        ledger = claim.subscription.ledger
        if ledger is not None:  # once for all of a ledger: each time it is sorted
            by_ledger.setdefault(id(ledger), (ledger, []))[1].extend(claim.claimed)
    for ledger, claimed in by_ledger.values():
        ledger.put_back(claimed)


class Acks:
    """Finds what the ACKs and NACKs of one session name. subscriptions: the open ones, by id."""

    def __init__(self, session: Peer, subscriptions: Mapping[str, Subscription]) -> None:
        self._session = session
        self._subscriptions = subscriptions

    def check(self, event: Ack | Nack) -> None:
        """Raise InvalidInput unless the MESSAGE waits for an ACK."""
        self._find(event)

    def claim(self, event: Ack | Nack) -> Claim:
        """Take out what an ACK or NACK stands for; raises InvalidInput when there is no such MESSAGE."""
        subscription, ledger, key = self._find(event)
        return Claim(subscription, ledger.claim(key), isinstance(event, Ack))

    def _find(self, event: Ack | Nack) -> tuple[Subscription, Ledger, str]:
        header = "id" if self._session.version == "1.2" else "message-id"
        is_auto = False
        for key, subscription in self._candidates(event):
            ledger = subscription.ledger
            if ledger is None:
                is_auto = True
            elif key in ledger:
                return subscription, ledger, key
        command = type(event).__name__.upper()
        if is_auto and event.subscription is not None:
            raise InvalidInput(
                f"{command} of a MESSAGE of subscription {event.subscription[:80]!r}, "
                "which is ack:auto and expects none",
                code="ack_not_expected",
                field="subscription",
            )
        raise InvalidInput(
            f"{command} names {event.id[:80]!r}, but no MESSAGE with that {_NAMES[header]} waits for one: "
            "it was settled already, went back when its subscription ended, or is of one with ack:auto",
            code="ack_unknown",
            field=header,
        )

    def _candidates(self, event: Ack | Nack) -> Iterator[tuple[str, Subscription]]:
        """Give the subscriptions that may be meant, and the key of the MESSAGE there."""
        if self._session.version == "1.2":
            key, _, name = event.id.partition(_SPLIT)
            if name in self._subscriptions:
                yield key, self._subscriptions[name]
        elif event.subscription is not None:
            if event.subscription in self._subscriptions:
                yield event.id, self._subscriptions[event.subscription]
        else:  # 1.0 need not say which
            for subscription in tuple(self._subscriptions.values()):
                yield event.id, subscription


_NAMES = {"id": "`ack` header", "message-id": "message-id"}


def make_ledger(subscription: str, ack: str, version: str, prefetch: int) -> Ledger | None:
    """Return the ledger that SUBSCRIBE's `ack` asks for, None for auto."""
    if ack == "auto":
        return None
    return Ledger(subscription, "client" if ack == "client" else "client-individual", version, prefetch)
