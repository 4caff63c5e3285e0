from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locshare_ext.errors import FrameError, FrameTooLarge
from locshare_ext.stomp import (
    ConnectRequest,
    Disconnect,
    Frame,
    Limits,
    Send,
    ServerConnection,
    State,
    Subscribe,
)

from .helpers import CONNECTS, byte_by_byte, connected, cut, cuts_of, drain, parse

SEND = b"SEND\ndestination:/topic/a\n\nhi\0"


def fault(connection: ServerConnection, data: bytes) -> FrameError:
    with pytest.raises(FrameError) as caught:
        drain(connection, [data])
    return caught.value


@pytest.mark.parametrize(
    ("accepted", "version"),
    [
        (None, "1.0"),
        ("1.0", "1.0"),
        ("1.1", "1.1"),
        ("1.2", "1.2"),
        ("1.0,1.1,1.2", "1.2"),
        ("1.2,1.0", "1.2"),
        ("1.1,2.0", "1.1"),
        ("1.0, 1.1", "1.1"),
    ],
)
@pytest.mark.parametrize("command", ["CONNECT", "STOMP"])
def test_highest_common_version(accepted: str | None, version: str, command: str) -> None:
    connection = ServerConnection(server="locshare-ext/9")
    headers = [("host", "h"), ("login", "me"), ("passcode", "a:b\\t")]
    if accepted is not None:
        headers.append(("accept-version", accepted))
    wire = "".join(f"{name}:{value}\n" for name, value in headers)
    [event] = connection.receive_data(f"{command}\n{wire}\n\0".encode(), 0.0)
    assert event == ConnectRequest("me", "a:b\\t", "h", tuple(headers))
    assert "a:b" not in repr(event)
    assert connection.version == version
    [answer] = parse([connection.accept("s-1", "ann", [("locshare-protocol", "1")])], version)
    assert answer.command == "CONNECTED"
    assert answer.get("version") == version
    assert answer.get("session") == "s-1"
    assert answer.get("user-name") == "ann"
    assert answer.get("server") == "locshare-ext/9"
    assert answer.get("locshare-protocol") == "1"
    assert answer.get("heart-beat") == (None if version == "1.0" else "10000,10000")


@pytest.mark.parametrize("accepted", ["1.3", "2.0,3.0", "", "1", "1.20"])
def test_error_lists_our_versions(accepted: str) -> None:
    connection = ServerConnection()
    error = fault(connection, f"CONNECT\naccept-version:{accepted}\nhost:h\nreceipt:1\n\n\0".encode())
    assert error.code == "version_not_supported"
    [answer] = parse([connection.error_for(error)], None)
    assert answer.command == "ERROR"
    assert answer.get("version") == "1.0,1.1,1.2"
    assert answer.get("receipt-id") is None
    assert b"1.0 1.1 1.2" in answer.body
    assert connection.state is State.CLOSED


def test_versions_may_be_fewer() -> None:
    connection = ServerConnection(versions=("1.1",))
    drain(connection, [b"CONNECT\naccept-version:1.0,1.1,1.2\nhost:h\n\n\0"])
    assert connection.version == "1.1"
    assert fault(ServerConnection(versions=("1.1",)), CONNECTS["1.0"]).code == "version_not_supported"


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (b"CONNECT\naccept-version:1.1\n\n\0", "header_missing"),
        (b"CONNECT\naccept-version:1.2\n\n\0", "header_missing"),
        (b"CONNECT\naccept-version:1.2\nhost:h\n\nbody\0", "body_not_allowed"),
        (b"CONNECT\naccept-version:1.2\nhost:h\nheart-beat:x\n\n\0", "heart_beat_invalid"),
        (b"CONNECT\naccept-version:1.2\nhost:h\nheart-beat:\n\n\0", "heart_beat_invalid"),
        (b"CONNECTED\n\n\0", "not_connected"),
        (SEND, "not_connected"),
        (b"FOO\n\n\0", "not_connected"),
        (b"connect\n\n\0", "not_connected"),
        (b"\xff\xfe\n\n\0", "header_invalid"),
    ],
)
def test_bad_opening(wire: bytes, code: str) -> None:
    for chunks in ([wire], byte_by_byte(wire)):
        with pytest.raises(FrameError) as caught:
            drain(ServerConnection(), chunks)
        assert caught.value.code == code


def test_opening_by_a_1_0_client_with_padding() -> None:
    connection = ServerConnection()
    [event] = drain(connection, [b"CONNECT\nlogin: me\npasscode:  secret \n\n\0\n"])
    assert isinstance(event, ConnectRequest)
    assert (event.login, event.passcode, event.host) == ("me", "secret", None)


def test_frames_behind_connect_wait_for_the_decision() -> None:
    connection = ServerConnection(limits=Limits(frame_before_connect=100))
    wire = CONNECTS["1.2"] + SEND
    [request] = connection.receive_data(wire, 0.0)
    assert isinstance(request, ConnectRequest)
    assert connection.state is State.DECIDING
    assert connection.receive_data(b"", 0.0) == []
    assert connection.receive_data(b"SEND\ndestination:/topic/b\n\n" + b"x" * 500 + b"\0", 0.0) == []
    connection.limits = Limits(subscriptions=1)
    connection.accept("s", "ann")
    first, second = connection.receive_data(b"", 0.0)
    assert isinstance(first, Send)
    assert isinstance(second, Send)
    assert second.body == b"x" * 500
    assert connection.receive_data(b"", 0.0) == []


def test_what_waits_behind_connect_is_bounded() -> None:
    connection = ServerConnection(limits=Limits(frame=1000))
    connection.receive_data(CONNECTS["1.2"], 0.0)
    connection.receive_data(b"x" * 1000, 0.0)
    with pytest.raises(FrameTooLarge, match="limit of 1000"):
        connection.receive_data(b"x", 0.0)


def test_limits_of_an_accepted_client() -> None:
    connection = ServerConnection()
    drain(connection, [CONNECTS["1.2"]])
    connection.limits = Limits(frame=100, subscriptions=1)
    connection.accept("s", "ann")
    drain(connection, [b"SUBSCRIBE\nid:1\ndestination:/topic/a\n\n\0"])
    error = fault(connection, b"SUBSCRIBE\nid:2\ndestination:/topic/a\nreceipt:r\n\n\0")
    assert (error.code, error.receipt) == ("too_many_subscriptions", "r")
    assert "limit of 1 subscriptions" in error.message


def test_events_before_an_error_come_first() -> None:
    connection = connected("1.2")
    data = SEND + SEND + b"FOO\nreceipt:7\n\n\0" + SEND
    assert len(connection.receive_data(data, 0.0)) == 2
    for _ in range(2):
        with pytest.raises(FrameError) as caught:
            connection.receive_data(b"", 0.0)
        assert caught.value.receipt == "7"
    [answer] = parse([connection.error_for(caught.value)])
    assert answer.get("receipt-id") == "7"
    assert answer.get("message") == "command FOO is unknown to a STOMP 1.2 server"
    assert answer.get("content-length") == str(len(answer.body))
    assert connection.receive_data(SEND, 0.0) == []  # closed


def test_nothing_is_read_after_disconnect() -> None:
    connection = connected("1.2")
    assert drain(connection, [b"DISCONNECT\nreceipt:77\n\n\0" + SEND + b"\xff\0"]) == [Disconnect("77")]
    assert connection.state is State.CLOSED
    assert connection.receipt("77") == b"RECEIPT\nreceipt-id:77\n\n\0"
    assert connection.next_deadline() is None


def test_refusing_a_client() -> None:
    connection = ServerConnection()
    drain(connection, [CONNECTS["1.2"]])
    [answer] = parse([connection.error("access denied", headers=[("code", "access_denied")])])
    assert answer.get("message") == "access denied"
    assert answer.get("code") == "access_denied"
    assert answer.body == b""
    with pytest.raises(RuntimeError, match="closed"):
        connection.accept("s", "ann")


def test_accept_without_a_request_is_our_mistake() -> None:
    with pytest.raises(RuntimeError, match="opening"):
        ServerConnection().accept("s", "ann")
    with pytest.raises(RuntimeError, match="connected"):
        connected("1.2").accept("s", "ann")


def test_receipt_is_escaped_by_the_version() -> None:
    headers = [("cursor", "4k7q-1")]
    assert connected("1.2").receipt("a:b\r", headers) == b"RECEIPT\nreceipt-id:a\\cb\\r\ncursor:4k7q-1\n\n\0"
    assert connected("1.0").receipt("a:b") == b"RECEIPT\nreceipt-id:a:b\n\n\0"


@pytest.mark.parametrize(("version", "named"), [("1.0", False), ("1.0", True), ("1.1", True), ("1.2", True)])
def test_message_names_the_subscription_if_the_client_did(version: str, named: bool) -> None:
    connection = connected(version)
    name = b"id:s\n" if named else b""
    [event] = drain(connection, [b"SUBSCRIBE\n%bdestination:/topic/a\n\n\0" % name])
    assert isinstance(event, Subscribe)
    assert event.named is named
    wire = connection.message(
        destination="/topic/a",
        subscription=event.id,
        message_id="m-1",
        content_type="application/json",
        body=b"{}",
        headers=[("ack", "m-1")],
    )
    [frame] = parse([wire], version)
    assert frame.get("subscription") == ("s" if named else None)
    assert frame.get("ack") == "m-1"
    assert frame.body == b"{}"


@given(st.data())
def test_any_split_gives_the_same_events(data: st.DataObject) -> None:
    wire = (
        b"SUBSCRIBE\r\nid:1\r\ndestination:/topic/a\r\n\r\n\0\n"
        b"SEND\ndestination:/topic/a\ncontent-length:3\nreceipt:r\n\na\0b\0"
        b"BEGIN\ntransaction:t\n\n\0ACK\nid:7\ntransaction:t\n\n\0COMMIT\ntransaction:t\n\n\0"
        b"UNSUBSCRIBE\nid:1\n\n\0\nDISCONNECT\nreceipt:end\n\n\0"
    )
    assert drain(connected("1.2"), cut(wire, data.draw(cuts_of(wire)))) == drain(connected("1.2"), [wire])


LINES = st.sampled_from(
    [
        "destination:/topic/a",
        "id:1",
        "id:2",
        "receipt:r",
        "transaction:t",
        "message-id:m",
        "subscription:1",
        "ack:client",
        "ack:x",
        "content-length:2",
        "host:h",
        "accept-version:1.2",
        "heart-beat:1,1",
        "x",
        "a:\\t",
    ]
)
COMMANDS = st.sampled_from(
    [
        "SEND",
        "SUBSCRIBE",
        "UNSUBSCRIBE",
        "ACK",
        "NACK",
        "BEGIN",
        "COMMIT",
        "ABORT",
        "DISCONNECT",
        "CONNECT",
        "STOMP",
        "MESSAGE",
        "NOPE",
    ]
)
BODIES = st.sampled_from(["", "", "hi"])
FRAMES = st.tuples(COMMANDS, st.lists(LINES, max_size=4), BODIES).map(
    lambda parts: "\n".join([parts[0], *parts[1], "", parts[2]]).encode() + b"\0"
)


@given(st.sampled_from([None, "1.0", "1.1", "1.2"]), st.lists(FRAMES, max_size=8))
def test_any_sequence_of_frames_ends_in_events_or_a_frame_error(
    version: str | None, wires: list[bytes]
) -> None:
    connection = ServerConnection() if version is None else connected(version)
    try:
        for event in drain(connection, wires):
            assert not isinstance(event, Frame)
    except FrameError as error:
        [answer] = parse([connection.error_for(error)], connection.version)
        assert answer.command == "ERROR"
        assert answer.get("receipt-id") == error.receipt
        assert answer.get("code") == error.code


def test_equal_headers_are_read_again_for_each_frame() -> None:
    connection = connected("1.2", Limits(frame=300))
    head = b"SEND\ndestination:/topic/x\na:b\\nc\n"
    plain = head + b"\none\0"
    events = drain(connection, [plain + plain + head + b"content-length:3\n\nt\0o\0" * 1 + plain])
    assert [event.body for event in events] == [b"one", b"one", b"t\0o", b"one"]
    assert {event.headers for event in events[:2]} == {(("destination", "/topic/x"), ("a", "b\nc"))}
    in_transaction = b"SEND\ndestination:/topic/x\ntransaction:t\n\n\0"
    events = drain(connection, [b"BEGIN\ntransaction:t\n\n\0" + in_transaction * 2 + plain])
    assert [getattr(event, "transaction", None) for event in events] == ["t", "t", "t", None]
    drain(connection, [b"ABORT\ntransaction:t\n\n\0"])
    with pytest.raises(FrameError, match="not open"):
        drain(connection, [in_transaction])
    other = connected("1.2", Limits(frame=300))
    drain(other, [plain])
    other.limits = Limits(frame=60)
    with pytest.raises(FrameTooLarge, match="over the limit of 60 bytes"):
        drain(other, [head + b"\n" + b"x" * 60 + b"\0"])
