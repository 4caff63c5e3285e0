"""The server's side of one STOMP connection: bytes in, what the client asks for out.

    connection = ServerConnection()
    while events := connection.receive_data(data, now):    # may raise FrameError: error_for(), close
        for event in events:
            ...                                            # ConnectRequest: accept() or error()
        data = b""                                         # what waited behind CONNECT, or an error

No I/O, no clock. Who may do what, ack modes and what a transaction holds are decided above.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable

from locshare_ext.errors import FrameError, FrameTooLarge, LocShareError
from locshare_ext.stomp import events as ev
from locshare_ext.stomp.frames import VERSIONS, Beat, Frame, Headers, encode_message
from locshare_ext.stomp.heartbeat import Due, HeartBeat, negotiate, parse_heart_beat
from locshare_ext.stomp.parser import FrameParser, Limits
from locshare_ext.stomp.requests import RequestReader, missing_header

__all__ = ["ServerConnection", "State"]

_BEAT = b"\n"


class State(enum.Enum):
    """Where the connection is in its life."""

    OPENING = "opening"  # nothing but CONNECT may come
    DECIDING = "deciding"  # CONNECT came; what follows it waits for accept() or error()
    CONNECTED = "connected"
    CLOSED = "closed"  # DISCONNECT came, or ERROR was built; what still comes is dropped


class ServerConnection:
    """One client's connection; its methods are called from one thread.

    limits: see Limits; for an accepted client they may be set anew before `accept()`.
    heart_beat: ms that we offer to send and want to receive at, 0 for not.
    server: the header of CONNECTED, `name/version`.
    versions: those that may be agreed, ascending.
    """

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        heart_beat: tuple[int, int] = (10_000, 10_000),
        server: str = "locshare-ext",
        versions: tuple[str, ...] = VERSIONS,
    ) -> None:
        self._parser = FrameParser(limits)
        self._offered = heart_beat
        self._server = server
        self._versions = versions
        self._state = State.OPENING
        self._fault: FrameError | None = None
        self._answered = (0, 0)  # the heart-beat header of CONNECTED
        self._heart = HeartBeat(None, None, 0.0)
        self._requests = RequestReader("1.0", self._parser.limits)  # of no use before CONNECT

    @property
    def version(self) -> str | None:
        """Return the agreed version, None before CONNECT."""
        return self._parser.version

    @property
    def state(self) -> State:
        """Return where the connection is in its life."""
        return self._state

    @property
    def limits(self) -> Limits:
        """Return the limits in force."""
        return self._parser.limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._parser.limits = self._requests.limits = limits

    @property
    def heart_beat(self) -> HeartBeat:
        """Return the agreed heart-beat; both of its intervals are None before CONNECT."""
        return self._heart

    # -- what comes in

    def receive_data(self, data: bytes, now: float) -> list[ev.ClientEvent]:
        """Return what the client asks for in `data` and in what waited before it.

        now: seconds of the caller's monotonic clock. Call it again with b"" until the list is
        empty: what follows CONNECT is read only after `accept()`, and an error only raised when
        the events before it have been handed out. Raises FrameError when the peer broke the
        protocol, with `.receipt`; answer it with `error_for()` and close.
        """
        if data:
            self._heart.heard(now)
        if self._state is State.CLOSED:
            return []
        if self._fault is not None:
            raise self._fault
        found: list[ev.ClientEvent] = []
        try:
            self._parser.receive_data(data)
            if self._state is State.DECIDING:
                self._check_waiting()
                return found
            while (frame := self._parser.next_frame()) is not None:
                if isinstance(frame, Beat):
                    continue
                found.append(self._read(frame, now))
                if self._state is not State.CONNECTED:
                    break
        except FrameError as error:
            self._fault = error
            if not found:
                raise
        return found

    def _check_waiting(self) -> None:
        waiting = self._parser.buffered
        if waiting > self.limits.frame:
            raise FrameTooLarge(
                f"{waiting} bytes wait behind CONNECT, over the limit of {self.limits.frame} before CONNECTED"
            )

    def _read(self, frame: Frame, now: float) -> ev.ClientEvent:
        if self._state is State.OPENING:
            return self._read_connect(frame, now)
        request = self._requests.read(frame)
        if isinstance(request, ev.Disconnect):
            self._state = State.CLOSED
        return request

    def _read_connect(self, frame: Frame, now: float) -> ev.ClientEvent:
        if frame.command not in ("CONNECT", "STOMP"):
            raise FrameError(
                f"{frame.command[:40]} came before CONNECT",
                code="not_connected",
                receipt=frame.get("receipt"),
            )
        version = self._agree(frame.get("accept-version"))
        headers = frame.headers
        if version == "1.0":
            # Read before the version was known: 1.0 pads values, see the parser
            headers = tuple((name, value.strip(" \t")) for name, value in headers)
            frame = Frame(frame.command, headers, frame.body)
        else:
            self._check_connect(frame)
        self._parser.version = version
        self._requests = RequestReader(version, self.limits)
        self._state = State.DECIDING
        beats = frame.get("heart-beat") if version != "1.0" else None  # 1.0 knows no heart-beats
        self._agree_heart_beat((0, 0) if beats is None else parse_heart_beat(beats), now)
        return ev.ConnectRequest(frame.get("login"), frame.get("passcode"), frame.get("host"), headers)

    def _agree(self, accepted: str | None) -> str:
        """Return the highest version that both speak (1.1 and 1.2 "Protocol Negotiation")."""
        offered = ["1.0"] if accepted is None else [part.strip() for part in accepted.split(",")]
        common = [version for version in self._versions if version in offered]
        if not common:
            raise FrameError(
                f"version {', '.join(offered)[:40]} is not supported, expected {' '.join(self._versions)}",
                code="version_not_supported",
                field="accept-version",
            )
        return common[-1]

    def _check_connect(self, frame: Frame) -> None:
        if frame.get("host") is None:
            raise missing_header("CONNECT", "host", " from STOMP 1.1")
        if frame.body:
            raise FrameError("CONNECT has a body, expected none", code="body_not_allowed")

    def _agree_heart_beat(self, client: tuple[int, int], now: float) -> None:
        self._answered = (sends, wants) = negotiate(client, self._offered)
        client_sends, client_wants = client
        self._heart = HeartBeat(
            max(sends, client_wants) / 1000 if sends and client_wants else None,
            max(wants, client_sends) / 1000 if wants and client_sends else None,
            now,
        )

    # -- what goes out

    def accept(self, session: str, user_name: str, extra: Iterable[tuple[str, str]] = ()) -> bytes:
        """Return CONNECTED, the answer to a ConnectRequest; then read on with `receive_data(b"", now)`."""
        if self._state is not State.DECIDING:
            raise RuntimeError(
                f"accept() answers a ConnectRequest, but the connection is {self._state.value}"
            )
        self._state = State.CONNECTED
        headers = [("version", str(self.version)), ("server", self._server), ("session", session)]
        headers.append(("user-name", user_name))
        if self.version != "1.0":  # 1.0 knows no heart-beats
            headers.append(("heart-beat", f"{self._answered[0]},{self._answered[1]}"))
        return Frame("CONNECTED", (*headers, *extra)).encode(self.version)

    def receipt(self, id: str, headers: Iterable[tuple[str, str]] = ()) -> bytes:  # noqa: A002
        """Return the RECEIPT for a frame whose `receipt` was `id`."""
        return Frame("RECEIPT", (("receipt-id", id), *headers)).encode(self.version)

    def error(
        self,
        message: str,
        *,
        body: bytes = b"",
        receipt: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
    ) -> bytes:
        """Return an ERROR, after which the caller must close (1.2 "ERROR"); nothing more is read.

        receipt: that of the frame at fault. body: UTF-8 text for people.
        """
        self._state = State.CLOSED
        given: list[tuple[str, str]] = [("message", message)]
        if receipt is not None:
            given.append(("receipt-id", receipt))
        given += headers
        if body and all(name != "content-type" for name, _ in given):
            given.append(("content-type", "text/plain;charset=utf-8"))
        given.append(("content-length", str(len(body))))
        return Frame("ERROR", tuple(given), body).encode(self.version)

    def error_for(
        self,
        error: LocShareError,
        *,
        body: bytes | None = None,
        content_type: str = "text/plain;charset=utf-8",
        receipt: str | None = None,
    ) -> bytes:
        """Return the ERROR for what `receive_data` raised, or for what the caller could not do.

        body: what is told beside the header `message`, that message without it. receipt: that of
        the frame at fault; a FrameError knows its own. One about versions lists ours.
        """
        headers: Headers = (
            ("code", error.code),
            ("status", str(error.status)),
            ("content-type", content_type),
        )
        if error.field is not None:
            headers += (("field", error.field),)
        if error.code == "version_not_supported":
            headers += (("version", ",".join(self._versions)),)
        if isinstance(error, FrameError):
            receipt = error.receipt
        told = error.message.encode() if body is None else body
        return self.error(error.message, body=told, receipt=receipt, headers=headers)

    def message(
        self,
        *,
        destination: str,
        subscription: str,
        message_id: str,
        content_type: str | None,
        body: bytes,
        headers: Iterable[tuple[str, str]] = (),
    ) -> bytes:
        """Return a MESSAGE for this client; `encode_message` makes one that sessions share."""
        return encode_message(
            version=self.version or "1.0",
            destination=destination,
            subscription=subscription if self._requests.is_named(subscription) else None,
            message_id=message_id,
            content_type=content_type,
            body=body,
            headers=headers,
        )

    def beat(self) -> bytes:
        """Return a heart-beat; it must go out as a WebSocket message of its own."""
        return _BEAT

    # -- time

    def heard(self, now: float) -> None:
        """Note a sign of life that brought no data: a pong, or that we did not read on purpose."""
        self._heart.heard(now)

    def sent(self, now: float) -> None:
        """Note that data was sent; optional, see HeartBeat.sent."""
        self._heart.sent(now)

    def next_deadline(self) -> float | None:
        """Return when to call `on_time` at the latest, None for never."""
        return self._heart.next_deadline() if self._state is State.CONNECTED else None

    def on_time(self, now: float) -> Due | None:
        """Return Due.BEAT (send `beat()`), Due.TIMEOUT (the peer is silent: close) or None."""
        return self._heart.on_time(now) if self._state is State.CONNECTED else None
