"""TCP on one side, a WebSocket of the server on the other: for STOMP clients that know no WebSocket."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

from tests.support.raw import CLOSE, RawSocket

__all__ = ["bridge"]


@contextlib.contextmanager
def bridge(port: int) -> Iterator[int]:
    """Pass bytes on to the WebSocket at `port`, and back; yields the TCP port to connect to."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        accepting = threading.Thread(target=_accept, args=(listening, port))
        accepting.start()
        try:
            yield int(listening.getsockname()[1])
        finally:
            listening.shutdown(socket.SHUT_RDWR)  # ends accept()
            accepting.join()


def _accept(listening: socket.socket, port: int) -> None:
    pumps: list[threading.Thread] = []
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listening.accept()
                stack.callback(client.close)
                web = RawSocket(port, patience=None)
                stack.callback(web.close)
                pumps += [
                    threading.Thread(target=_to_server, args=(client, web)),
                    threading.Thread(target=_to_client, args=(web, client)),
                ]
                for pump in pumps[-2:]:
                    pump.start()
                stack.callback(_end, client, web)  # last in, first out: ends the pumps before the sockets
        stack.close()
    for pump in pumps:
        pump.join()


def _end(client: socket.socket, web: RawSocket) -> None:
    with contextlib.suppress(OSError):
        client.shutdown(socket.SHUT_RDWR)
    web.shutdown()


def _to_server(client: socket.socket, web: RawSocket) -> None:
    with contextlib.suppress(OSError):
        while data := client.recv(1 << 16):
            web.send(data)
    web.shutdown()


def _to_client(web: RawSocket, client: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while (message := web.receive()) is not None and message.opcode != CLOSE:
            client.sendall(message.payload)
        client.shutdown(socket.SHUT_RDWR)
