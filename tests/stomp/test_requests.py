from __future__ import annotations

import pytest

from locshare_ext.errors import FrameError
from locshare_ext.stomp import (
    Abort,
    Ack,
    Begin,
    ClientEvent,
    Commit,
    Disconnect,
    Limits,
    Nack,
    Send,
    Subscribe,
    Unsubscribe,
)

from .helpers import connected, drain

ALL = ("1.0", "1.1", "1.2")
SUBSCRIBE = b"SUBSCRIBE\nid:1\ndestination:/d\n\n\0"
SUBSCRIBED = Subscribe("1", "/d", "auto", (("id", "1"), ("destination", "/d")), None)
BEGIN = b"BEGIN\ntransaction:t\n\n\0"

# what is sent, the versions in which it is right, what it says
RIGHT: list[tuple[bytes, tuple[str, ...], list[ClientEvent]]] = [
    (
        b"SEND\ndestination:/d\ncontent-type:text/plain\nreceipt:r\nx:y\n\nhi\0",
        ALL,
        [
            Send(
                "/d",
                b"hi",
                "text/plain",
                (("destination", "/d"), ("content-type", "text/plain"), ("receipt", "r"), ("x", "y")),
                "r",
                None,
            )
        ],
    ),
    (
        b"SEND\ndestination:/d\ndestination:/e\nreceipt:\nreceipt:2\n\n\0",
        ALL,
        [
            Send(
                "/d",
                b"",
                None,
                (("destination", "/d"), ("destination", "/e"), ("receipt", ""), ("receipt", "2")),
                "",
                None,
            )
        ],
    ),
    (SUBSCRIBE, ALL, [SUBSCRIBED]),
    (
        b"SUBSCRIBE\ndestination:/d\nack:client\nreceipt:r\n\n\0",
        ("1.0",),
        [
            Subscribe(
                "/d", "/d", "client", (("destination", "/d"), ("ack", "client"), ("receipt", "r")), "r", False
            )
        ],
    ),
    (
        SUBSCRIBE + b"UNSUBSCRIBE\nid:1\nreceipt:r\n\n\0" + SUBSCRIBE,
        ALL,
        [SUBSCRIBED, Unsubscribe("1", "r"), SUBSCRIBED],
    ),
    (SUBSCRIBE + b"UNSUBSCRIBE\ndestination:/d\n\n\0", ("1.0",), [SUBSCRIBED, Unsubscribe("1", None)]),
    (
        b"SUBSCRIBE\ndestination:/d\n\n\0UNSUBSCRIBE\ndestination:/d\n\n\0",
        ("1.0",),
        [Subscribe("/d", "/d", "auto", (("destination", "/d"),), None, False), Unsubscribe("/d", None)],
    ),
    (b"ACK\nmessage-id:m\nreceipt:r\n\n\0", ("1.0",), [Ack("m", None, None, "r")]),
    (b"ACK\nmessage-id:m\nsubscription:1\n\n\0", ("1.0", "1.1"), [Ack("m", "1", None, None)]),
    (b"ACK\nid:a\n\n\0", ("1.2",), [Ack("a", None, None, None)]),
    (b"ACK\nid:a\nsubscription:1\n\n\0", ("1.2",), [Ack("a", None, None, None)]),
    (b"NACK\nmessage-id:m\nsubscription:1\n\n\0", ("1.1",), [Nack("m", "1", None, None)]),
    (b"NACK\nid:a\nreceipt:r\n\n\0", ("1.2",), [Nack("a", None, None, "r")]),
    (
        BEGIN + b"SEND\ndestination:/d\ntransaction:t\n\n\0COMMIT\ntransaction:t\nreceipt:r\n\n\0" + BEGIN,
        ALL,
        [
            Begin("t", None),
            Send("/d", b"", None, (("destination", "/d"), ("transaction", "t")), None, "t"),
            Commit("t", "r"),
            Begin("t", None),
        ],
    ),
    (BEGIN + b"ABORT\ntransaction:t\n\n\0", ALL, [Begin("t", None), Abort("t", None)]),
    (BEGIN + b"ACK\nid:a\ntransaction:t\n\n\0", ("1.2",), [Begin("t", None), Ack("a", None, "t", None)]),
    (b"DISCONNECT\n\n\0", ALL, [Disconnect(None)]),
    (b"\n\n\n", ALL, []),
]


@pytest.mark.parametrize("version", ALL)
@pytest.mark.parametrize(("wire", "versions", "expected"), RIGHT)
def test_right_in_some_versions(
    wire: bytes, versions: tuple[str, ...], expected: list[ClientEvent], version: str
) -> None:
    if version in versions:
        assert drain(connected(version), [wire]) == expected
    else:
        with pytest.raises(FrameError):
            drain(connected(version), [wire])


# what is sent, the versions in which it is wrong, code, header at fault
WRONG: list[tuple[bytes, tuple[str, ...], str, str | None]] = [
    (b"SEND\nreceipt:r\n\n\0", ALL, "header_missing", "destination"),
    (b"SEND\nreceipt:r\ndestination:\n\n\0", ALL, "header_missing", "destination"),
    (b"SEND\nreceipt:r\ndestination:/d\ntransaction:t\n\n\0", ALL, "transaction_unknown", "transaction"),
    (b"SUBSCRIBE\nreceipt:r\nid:1\n\n\0", ALL, "header_missing", "destination"),
    (b"SUBSCRIBE\nreceipt:r\ndestination:/d\n\n\0", ("1.1", "1.2"), "header_missing", "id"),
    (b"SUBSCRIBE\nreceipt:r\nid:1\ndestination:/d\nack:maybe\n\n\0", ALL, "header_invalid", "ack"),
    (SUBSCRIBE + b"SUBSCRIBE\nreceipt:r\nid:1\ndestination:/e\n\n\0", ALL, "subscription_taken", "id"),
    (b"UNSUBSCRIBE\nreceipt:r\n\n\0", ALL, "header_missing", "id"),
    (b"UNSUBSCRIBE\nreceipt:r\nid:9\n\n\0", ALL, "subscription_unknown", "id"),
    (b"UNSUBSCRIBE\nreceipt:r\ndestination:/d\n\n\0", ("1.0",), "subscription_unknown", "id"),
    (SUBSCRIBE + b"UNSUBSCRIBE\nreceipt:r\ndestination:/d\n\n\0", ("1.1", "1.2"), "header_missing", "id"),
    (b"ACK\nreceipt:r\n\n\0", ("1.0", "1.1"), "header_missing", "message-id"),
    (b"ACK\nreceipt:r\nmessage-id:m\n\n\0", ("1.1",), "header_missing", "subscription"),
    (b"ACK\nreceipt:r\nmessage-id:m\nsubscription:1\n\n\0", ("1.2",), "header_missing", "id"),
    (
        b"ACK\nreceipt:r\nid:a\nmessage-id:m\nsubscription:1\ntransaction:t\n\n\0",
        ALL,
        "transaction_unknown",
        "transaction",
    ),
    (b"NACK\nreceipt:r\nmessage-id:m\n\n\0", ("1.0",), "command_unknown", None),
    (b"NACK\nreceipt:r\n\n\0", ("1.2",), "header_missing", "id"),
    (b"BEGIN\nreceipt:r\n\n\0", ALL, "header_missing", "transaction"),
    (BEGIN + b"BEGIN\nreceipt:r\ntransaction:t\n\n\0", ALL, "transaction_taken", "transaction"),
    (b"COMMIT\nreceipt:r\n\n\0", ALL, "header_missing", "transaction"),
    (b"COMMIT\nreceipt:r\ntransaction:t\n\n\0", ALL, "transaction_unknown", "transaction"),
    (b"ABORT\nreceipt:r\ntransaction:t\n\n\0", ALL, "transaction_unknown", "transaction"),
    (b"MESSAGE\nreceipt:r\n\n\0", ALL, "command_unknown", None),
    (b"send\nreceipt:r\ndestination:/d\n\n\0", ALL, "command_unknown", None),
    (b"send\nreceipt:r\ndestination:/d\n\nbody\0", ALL, "command_unknown", None),
]


@pytest.mark.parametrize(("wire", "versions", "code", "field"), WRONG)
def test_wrong_in_some_versions(wire: bytes, versions: tuple[str, ...], code: str, field: str | None) -> None:
    for version in versions:
        with pytest.raises(FrameError) as caught:
            drain(connected(version), [wire])
        assert (caught.value.code, caught.value.field, caught.value.receipt) == (code, field, "r")


@pytest.mark.parametrize("version", ALL)
@pytest.mark.parametrize("command", [b"CONNECT", b"STOMP"])
def test_connecting_twice(version: str, command: bytes) -> None:
    with pytest.raises(FrameError) as caught:
        drain(connected(version), [command + b"\nreceipt:r\naccept-version:1.2\nhost:h\n\n\0"])
    assert caught.value.code == "already_connected"
    assert caught.value.receipt is None  # CONNECT has none


def test_open_transactions_are_bounded() -> None:
    connection = connected("1.2", Limits(transactions=2))
    drain(connection, [b"BEGIN\ntransaction:%d\n\n\0" % index for index in range(2)])
    with pytest.raises(FrameError, match="limit of 2 open transactions"):
        drain(connection, [b"BEGIN\ntransaction:3\n\n\0"])
