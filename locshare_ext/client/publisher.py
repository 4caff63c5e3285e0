"""Publishing as a phone does: SEND to the group's topic, and wait for the RECEIPT."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from stomp.exception import NotConnectedException
from websocket import WebSocketException

from locshare_ext.client.connection import Connection
from locshare_ext.client.discovery import Server
from locshare_ext.errors import LocShareError, ServerNotFound, ServerUnreachable, Unavailable
from locshare_ext.model.names import group_slug, group_topic
from locshare_ext.model.wire import MAX_FIXES

__all__ = ["StompPublisher"]

BACK_OFF = (0.25, 10.0)  # s: the first pause between two attempts to connect, the longest
_PASSING = (ServerUnreachable, ServerNotFound, Unavailable)  # another attempt may succeed
_LOST = (NotConnectedException, WebSocketException, OSError)


class StompPublisher:
    """Publishes fixes to one group over a STOMP connection that is made again when it is lost.

    locate: finds the server. Use it from one thread; `close` may come from any.
    """

    def __init__(self, locate: Callable[[], Server], group: str) -> None:
        self._locate = locate
        self._topic = group_topic(group_slug(group))
        self._changed = threading.Condition()
        self._connection: Connection | None = None
        self._error: LocShareError | None = None
        self._answers: dict[str, dict[str, str]] = {}
        self._sent = 0
        self._closed = threading.Event()

    def publish(self, fixes: Sequence[Mapping[str, Any]]) -> int:
        """Publish fixes; returns how many were stored, once the server has stored them.

        What was sent when a connection was lost is sent again: the server keeps it once.
        Returns early when closed. Raises what the server says of a body without one good fix.
        """
        stored = 0
        for start in range(0, len(fixes), MAX_FIXES):
            body = msgspec.json.encode(fixes[start : start + MAX_FIXES])
            stored += self._publish_body(body)
        return stored

    def close(self) -> None:
        """End the connection; a `publish` that waits returns."""
        self._closed.set()
        with self._changed:
            connection = self._connection
            self._changed.notify_all()
        if connection is not None:
            connection.abort()

    def _publish_body(self, body: bytes) -> int:
        pause = BACK_OFF[0]
        while not self._closed.is_set():
            connection = self._connected()
            if connection is not None:
                answer = self._exchange(connection, body)
                if answer is not None:
                    return int(answer.get("stored", 0))
            if self._error is not None and not isinstance(self._error, _PASSING):
                raise self._error
            if connection is None:
                self._closed.wait(pause * random.uniform(0.5, 1.0))  # noqa: S311 - not a secret
                pause = min(2 * pause, BACK_OFF[1])
        return 0

    def _exchange(self, connection: Connection, body: bytes) -> dict[str, str] | None:
        """Send a body; returns the headers of its RECEIPT, None if the connection was lost."""
        self._sent += 1
        receipt = f"p{self._sent}"
        try:
            connection.send(self._topic, body, {"receipt": receipt})
        except _LOST:
            connection.abort()
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    receipt in self._answers or self._connection is not connection or self._closed.is_set()
                )
            )
            return self._answers.pop(receipt, None)

    def _connected(self) -> Connection | None:
        """Return the connection, made now if there is none; None if it cannot be made."""
        with self._changed:
            if self._connection is not None:
                return self._connection
            self._error = None
        accepted = threading.Event()
        thread = threading.Thread(target=self._run, args=(accepted,), name="locshare-publish", daemon=True)
        thread.start()
        accepted.wait()
        with self._changed:
            return self._connection

    def _run(self, decided: threading.Event) -> None:
        """Live one connection; sets `decided` when it is accepted or over."""
        try:
            Connection(self._locate(), _Answers(self, decided)).run()
        except LocShareError as error:
            self._error = error
        else:
            self._error = ServerUnreachable("the server closed the connection")
        finally:
            with self._changed:
                self._connection = None
                self._changed.notify_all()
            decided.set()

    def _accept(self, connection: Connection) -> None:
        with self._changed:
            self._connection = connection

    def _answer(self, headers: dict[str, str]) -> None:
        with self._changed:
            self._answers[headers.get("receipt-id", "")] = headers
            self._changed.notify_all()


class _Answers:
    """Tells a publisher of its connection's life."""

    def __init__(self, publisher: StompPublisher, decided: threading.Event) -> None:
        self._publisher = publisher
        self._decided = decided

    def on_connected(self, connection: Connection) -> None:
        self._publisher._accept(connection)
        self._decided.set()

    def on_receipt(self, headers: dict[str, str]) -> None:
        self._publisher._answer(headers)

    def on_message(self, headers: dict[str, str], body: bytes) -> None:
        """Nothing is subscribed to."""
