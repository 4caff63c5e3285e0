"""Two ways to send fixes and learn that they are stored: STOMP, and POST."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NoReturn, Protocol

from stomp.exception import NotConnectedException
from websocket import WebSocketException

from locshare_ext.client.connection import CUT, PATIENCE, Connection
from locshare_ext.client.discovery import Server
from locshare_ext.client.http import Api, path_of
from locshare_ext.errors import LocShareError, ServerUnreachable, TooFast
from locshare_ext.model.names import group_topic
from locshare_ext.transports import Published
from locshare_ext.transports.bodies import read_published

__all__ = ["PostSender", "Sender", "StompSender"]

_LOST = (NotConnectedException, WebSocketException, OSError)


class Sender(Protocol):
    """Sends bodies, one at a time, from one thread; `close` may come from any."""

    ended_at: float
    """When what it was connected by has ended, by the monotonic clock."""

    def connect(self) -> bool:
        """Connect unless that was done; returns whether it was done now. Raises LocShareError."""

    def send(self, body: bytes) -> Published | None:
        """Send JSON; returns what became of it once it is stored, None when closed.

        Raises what the server says of a body without one good fix, ServerUnreachable when the
        answer is lost: then it may have been stored.
        """

    def close(self) -> None:
        """End the connection; a `send` that waits returns."""


class StompSender:
    """SEND to the group's topic, and wait for the RECEIPT; the connection has a thread of its own."""

    def __init__(self, locate: Callable[[], Server], group: str, patience: float = PATIENCE) -> None:
        self.ended_at = 0.0
        self._locate = locate
        self._topic = group_topic(group)
        self._patience = patience
        self._changed = threading.Condition()
        self._attempt: Connection | None = None  # the newest; what becomes of others is nobody's business
        self._connection: Connection | None = None  # accepted, and not over
        self._error: LocShareError | None = None
        self._awaited = ""  # a receipt
        self._answer: dict[str, str] | None = None
        self._sent = 0
        self._is_closed = False

    def connect(self) -> bool:
        """Connect, see `Sender.connect`."""
        with self._changed:
            if self._connection is not None:
                return False
            if self._error is not None or self._is_closed:  # of a life that ended while nothing was sent
                self._raise()
        attempt = Connection(self._locate(), self, self._patience)
        thread = threading.Thread(target=self._run, args=(attempt,), name="locshare-publish", daemon=True)
        with self._changed:
            self._attempt = attempt
            try:
                thread.start()
                self._changed.wait_for(lambda: self._connection or self._attempt is None or self._is_closed)
            except BaseException:  # interrupted: nobody waits for it any more
                self._attempt = None
                attempt.abort()
                raise
            if self._is_closed:
                attempt.abort()
            if self._connection is None:
                self._raise()
        return True

    def send(self, body: bytes) -> Published | None:
        """Send, see `Sender.send`."""
        with self._changed:
            connection = self._connection
            if connection is None:
                self._raise()
            self._sent += 1
            receipt = self._awaited = f"p{self._sent}"
            self._answer = None
        try:
            connection.send(self._topic, body, {"receipt": receipt})
        except _LOST:
            connection.abort()
        with self._changed:
            self._changed.wait_for(
                lambda: self._answer is not None or self._connection is not connection or self._is_closed
            )
            answer = self._answer
            if answer is None and not self._is_closed:
                self._raise()
        return None if answer is None else _published(answer)

    def close(self) -> None:
        """End it, see `Sender.close`."""
        with self._changed:
            self._is_closed = True
            attempt = self._attempt
            self._changed.notify_all()
        if attempt is not None:
            attempt.abort()

    def _raise(self) -> NoReturn:
        error, self._error = self._error, None
        raise error or ServerUnreachable("the connection was closed", code=CUT)

    def _run(self, attempt: Connection) -> None:
        """Live one connection, on a thread of its own."""
        error: LocShareError | None = None
        try:
            attempt.run()
        except LocShareError as caught:
            error = caught
        finally:
            with self._changed:
                if self._attempt is attempt:
                    self.ended_at = time.monotonic()
                    self._attempt, self._connection, self._error = None, None, error
                    self._changed.notify_all()

    # what a connection calls, on its thread

    def on_connected(self, connection: Connection) -> None:
        """It can be sent over."""
        connection.settle()
        with self._changed:
            if self._attempt is connection:
                self._connection = connection
                self._changed.notify_all()

    def on_receipt(self, headers: dict[str, str]) -> None:
        """Something is stored: what is waited for, or what a wait was interrupted for."""
        with self._changed:
            if headers.get("receipt-id") == self._awaited:
                self._answer = headers
                self._changed.notify_all()

    def on_message(self, headers: dict[str, str], body: bytes) -> None:
        """Nothing is subscribed to."""


class PostSender:
    """POST, one request for each body; over an invite's rate it waits, as STOMP does by itself."""

    def __init__(self, api: Callable[[], Api], group: str) -> None:
        self.ended_at = 0.0
        self._api = api
        self._path = path_of("groups", group, "fixes")
        self._closed = threading.Event()

    def connect(self) -> bool:
        """Leave it to each request."""
        return False

    def send(self, body: bytes) -> Published | None:
        """Send, see `Sender.send`."""
        while not self._closed.is_set():
            try:
                return read_published(self._api().send("POST", self._path, body))
            except TooFast as error:
                wait = error.details.get("retry_after")
                if not isinstance(wait, int | float):
                    raise
                self._closed.wait(wait)
            finally:
                self.ended_at = time.monotonic()
        return None

    def close(self) -> None:
        """End it, see `Sender.close`."""
        self._closed.set()


def _published(headers: dict[str, str]) -> Published:
    """Return what a RECEIPT says."""
    return Published(
        int(headers.get("stored", 0)),
        int(headers.get("duplicates", 0)),
        int(headers.get("set-aside", 0)),
        headers.get("cursor"),
    )
