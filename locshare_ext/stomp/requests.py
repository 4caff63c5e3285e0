"""From a connected client's frames to what they ask for: headers, names and order checked."""

from __future__ import annotations

from collections.abc import Callable

from locshare_ext.errors import FrameError
from locshare_ext.stomp import events as ev
from locshare_ext.stomp.frames import CLIENT_COMMANDS, Frame
from locshare_ext.stomp.parser import Limits

__all__ = ["RequestReader", "missing_header"]

_ACK_MODES = ("auto", "client", "client-individual")


class RequestReader:
    """Read the frames of one connection after CONNECT, by the rules of its version.

    Knows which subscriptions and transactions are open, so that a name is never open twice
    and nothing is closed that was not opened.
    """

    def __init__(self, version: str, limits: Limits) -> None:
        self.limits = limits
        self._version = version
        self._subscriptions: dict[str, tuple[str, bool]] = {}  # id -> destination, named
        self._transactions: set[str] = set()
        self._sent: ev.Send | None = (
            None  # the last, without its body: the parser gives the same headers again
        )

    def is_named(self, subscription: str) -> bool:
        """Return whether the MESSAGEs of a subscription carry its id: not if a 1.0 client gave none."""
        return self._subscriptions.get(subscription, ("", True))[1]

    def read(self, frame: Frame) -> ev.ClientEvent:
        """Return what the frame asks for; raises FrameError, with its receipt, for one that breaks a rule."""
        sent = self._sent
        if sent is not None and frame.headers is sent.headers and frame.command == "SEND":
            return ev.Send(sent.destination, frame.body, sent.content_type, sent.headers, sent.receipt, None)
        fields = dict(frame.headers[::-1])  # backwards, so that the first of repeated headers stays
        receipt = fields.get("receipt")
        try:
            if frame.command == "SEND":
                return self._read_send(frame, fields, receipt)
            return self._read_command(frame, fields, receipt)
        except FrameError as error:
            error.receipt = receipt if frame.command not in ("CONNECT", "STOMP") else None
            raise

    def _read_send(self, frame: Frame, fields: dict[str, str], receipt: str | None) -> ev.Send:
        destination = fields.get("destination")
        if not destination:
            raise missing_header("SEND", "destination")
        transaction = fields.get("transaction")
        if transaction is not None:
            self._check_open(transaction)
        sent = ev.Send(
            destination, frame.body, fields.get("content-type"), frame.headers, receipt, transaction
        )
        if transaction is None:
            self._sent = ev.Send(destination, b"", sent.content_type, frame.headers, receipt, None)
        return sent

    def _read_command(self, frame: Frame, fields: dict[str, str], receipt: str | None) -> ev.ClientEvent:
        command = frame.command
        if command in ("CONNECT", "STOMP"):
            raise FrameError(f"{command} came a second time", code="already_connected")
        if command not in CLIENT_COMMANDS[self._version]:
            raise FrameError(
                f"command {command[:40]} is unknown to a STOMP {self._version} server", code="command_unknown"
            )
        return _READERS[command](self, frame, fields, receipt)

    def _read_subscribe(self, frame: Frame, fields: dict[str, str], receipt: str | None) -> ev.ClientEvent:
        destination = fields.get("destination")
        if not destination:
            raise missing_header("SUBSCRIBE", "destination")
        name = fields.get("id")
        if name is None and self._version != "1.0":
            raise missing_header("SUBSCRIBE", "id", " from STOMP 1.1")
        ack = fields.get("ack", "auto")
        if ack not in _ACK_MODES:
            raise FrameError(
                f"ack {ack[:40]!r} is unknown, expected {', '.join(_ACK_MODES)}",
                code="header_invalid",
                field="ack",
            )
        key = destination if name is None else name
        if key in self._subscriptions:
            raise FrameError(
                f"subscription {key[:80]!r} exists already", code="subscription_taken", field="id"
            )
        if len(self._subscriptions) >= self.limits.subscriptions:
            raise FrameError(
                f"more than the limit of {self.limits.subscriptions} subscriptions on one connection",
                code="too_many_subscriptions",
            )
        self._subscriptions[key] = (destination, name is not None)
        return ev.Subscribe(key, destination, ack, frame.headers, receipt, name is not None)

    def _read_unsubscribe(self, frame: Frame, fields: dict[str, str], receipt: str | None) -> ev.ClientEvent:
        name = fields.get("id")
        if name is None and self._version == "1.0":
            destination = fields.get("destination")
            if destination is None:
                raise missing_header("UNSUBSCRIBE", "id", " or destination")
            name = next(
                (key for key, known in self._subscriptions.items() if known[0] == destination), destination
            )
        if name is None:
            raise missing_header("UNSUBSCRIBE", "id", " from STOMP 1.1")
        if self._subscriptions.pop(name, None) is None:
            raise FrameError(
                f"subscription {name[:80]!r} does not exist", code="subscription_unknown", field="id"
            )
        return ev.Unsubscribe(name, receipt)

    def _read_ack(self, frame: Frame, fields: dict[str, str], receipt: str | None) -> ev.ClientEvent:
        command = frame.command
        header = "id" if self._version == "1.2" else "message-id"
        name = fields.get(header)
        if name is None:
            raise missing_header(command, header, f" in STOMP {self._version}")
        subscription = fields.get("subscription") if self._version != "1.2" else None
        if subscription is None and self._version == "1.1":
            raise missing_header(command, "subscription", " in STOMP 1.1")
        transaction = fields.get("transaction")
        if transaction is not None:
            self._check_open(transaction)
        made = ev.Ack if command == "ACK" else ev.Nack
        return made(name, subscription, transaction, receipt)

    def _read_transaction(self, frame: Frame, fields: dict[str, str], receipt: str | None) -> ev.ClientEvent:
        command = frame.command
        name = fields.get("transaction")
        if name is None:
            raise missing_header(command, "transaction")
        if command != "BEGIN":
            self._check_open(name)
            self._transactions.remove(name)
            return ev.Commit(name, receipt) if command == "COMMIT" else ev.Abort(name, receipt)
        if name in self._transactions:
            raise FrameError(
                f"transaction {name[:80]!r} is open already", code="transaction_taken", field="transaction"
            )
        if len(self._transactions) >= self.limits.transactions:
            raise FrameError(
                f"more than the limit of {self.limits.transactions} open transactions",
                code="too_many_transactions",
            )
        self._transactions.add(name)
        return ev.Begin(name, receipt)

    def _read_disconnect(self, frame: Frame, fields: dict[str, str], receipt: str | None) -> ev.ClientEvent:
        return ev.Disconnect(receipt)

    def _check_open(self, transaction: str) -> None:
        if transaction not in self._transactions:
            raise FrameError(
                f"transaction {transaction[:80]!r} is not open",
                code="transaction_unknown",
                field="transaction",
            )


def missing_header(command: str, header: str, when: str = "") -> FrameError:
    """Return the error for a frame without a mandatory header."""
    return FrameError(
        f"{command} lacks the header {header}, which is needed{when}", code="header_missing", field=header
    )


_Reader = Callable[[RequestReader, Frame, dict[str, str], str | None], ev.ClientEvent]
_READERS: dict[str, _Reader] = {
    "SUBSCRIBE": RequestReader._read_subscribe,
    "UNSUBSCRIBE": RequestReader._read_unsubscribe,
    "ACK": RequestReader._read_ack,
    "NACK": RequestReader._read_ack,
    "BEGIN": RequestReader._read_transaction,
    "COMMIT": RequestReader._read_transaction,
    "ABORT": RequestReader._read_transaction,
    "DISCONNECT": RequestReader._read_disconnect,
}
