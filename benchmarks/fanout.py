"""Deliveries/s to many subscribers: our endpoint beside a bare tornado `write_message` to each.

Both servers run on processor 0, the load on processor 1; the window of messages under
way is the same. What a delivery costs the server is its CPU time over the deliveries.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable

from benchmarks.processes import cpu_seconds, free_port, process, wait_until_open
from benchmarks.serving import MARKER, fix_body, serve
from benchmarks.websocket import Load, connect, send_frame, stomp_frame, wait_for

SECONDS = 6.0
SUBSCRIBERS = (10, 100)
WINDOW = 2_000  # messages under way

BARE = """
import asyncio, sys
from tornado import web, websocket
watchers = set()

class Fan(websocket.WebSocketHandler):
    def open(self):
        self.set_nodelay(True)
    def on_message(self, message):
        if message == b"SUB":
            watchers.add(self)
            self.write_message(b"OK", binary=True)
        else:
            for watcher in watchers:
                watcher.write_message(message, binary=True)
    def on_close(self):
        watchers.discard(self)

async def main():
    web.Application([("/ws", Fan)]).listen(int(sys.argv[1]), "127.0.0.1")
    await asyncio.Event().wait()

asyncio.run(main())
"""


def bare(subscribers: int) -> tuple[float, float]:
    """Return deliveries/s and server us a delivery of the bare fan-out."""
    port = free_port()
    with process(sys.executable, "-c", BARE, str(port), cpu=0) as child:
        wait_until_open(port, child)
        url = f"ws://127.0.0.1:{port}/ws"
        sockets = [connect(url) for _ in range(subscribers)]
        for sock in sockets:
            sock.sendall(send_frame(b"SUB"))
            wait_for(sock, b"OK")
        # as many bytes as one of our messages has, which carries headers besides the fix
        padding = b"x" * 130
        return measure(child.pid, sockets, connect(url), lambda n: send_frame(fix_body(n % 8, n) + padding))


def ours(subscribers: int, destination: str) -> tuple[float, float]:
    """Return deliveries/s and server us a delivery of our endpoint."""
    with serve(cpu=0) as served:
        sockets = [served.connect(subscribe=destination) for _ in range(subscribers)]
        head = [("destination", destination), ("content-type", "application/json")]
        return measure(
            served.pid,
            sockets,
            served.connect(),
            lambda n: send_frame(stomp_frame("SEND", head, fix_body(n % 8, n))),
        )


def measure(
    pid: int, sockets: list[socket.socket], publisher: socket.socket, publish: Callable[[int], bytes]
) -> tuple[float, float]:
    load = Load(sockets, publisher, MARKER, publish)
    before = cpu_seconds(pid)
    rate = load.saturate(SECONDS, WINDOW)
    cost = (cpu_seconds(pid) - before) / max(1, load.delivered) * 1e6
    for sock in (*sockets, publisher):
        sock.close()
    return rate, cost


def main() -> None:
    for count in SUBSCRIBERS:
        reference, reference_cost = bare(count)
        print(
            f"{count:4} subscribers  bare write_message  {reference:9,.0f}/s  {reference_cost:6.2f} us",
            flush=True,
        )
        for name, destination in (
            ("free topic", "/topic/bench"),
            ("group topic, each fix stored first", "/topic/group.bench"),
        ):
            rate, cost = ours(count, destination)
            print(
                f"{count:4} subscribers  {name:34}  {rate:9,.0f}/s  {cost:6.2f} us"
                f"   {rate / reference:.1f}x the deliveries, {cost / reference_cost:.2f}x the CPU of each",
                flush=True,
            )


if __name__ == "__main__":
    main()
