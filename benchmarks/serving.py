"""`jupyter locshare serve` as a process to be measured."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import free_port, process, wait_until_open
from benchmarks.websocket import connect, send_frame, stomp_frame, wait_for

__all__ = ["Served", "fix_body", "serve"]

MARKER = b'"source":"bench"'  # once in each fix, as stored and as sent


@dataclass(frozen=True, slots=True)
class Served:
    """A running server: its process, port and token."""

    pid: int
    port: int
    token: str

    def connect(self, *, subscribe: str | None = None, **headers: str) -> socket.socket:
        """Return a connected STOMP client, subscribed if a destination is given."""
        sock = connect(f"ws://127.0.0.1:{self.port}/locshare/stomp", token=self.token)
        hello = [("accept-version", "1.2"), ("host", "bench"), ("heart-beat", "0,0")]
        sock.sendall(send_frame(stomp_frame("CONNECT", hello)))
        wait_for(sock, b"CONNECTED\n")
        if subscribe:
            wanted = [("id", "0"), ("destination", subscribe), ("receipt", "s"), *headers.items()]
            sock.sendall(send_frame(stomp_frame("SUBSCRIBE", wanted)))
            wait_for(sock, b"receipt-id:s\n")
        return sock

    def make_group(self, title: str) -> None:
        """Make a group."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/locshare/api/groups",
            json.dumps({"title": title}).encode(),
            {"Content-Type": "application/json", "X-Locshare-Token": self.token},
        )
        urllib.request.urlopen(request).close()


@contextlib.contextmanager
def serve(cpu: int | None = None, *, store: Path | None = None) -> Iterator[Served]:
    """Serve a store, a new one if none is given, on a free port, on one processor."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        command = [*(sys.executable, "-m", "locshare_ext.cli.main", "serve", "--port", str(port))]
        command += ["--store", str(store or Path(folder) / "log.sqlite3")]
        runtime = {"JUPYTER_RUNTIME_DIR": folder, "JUPYTER_DATA_DIR": folder}
        with process(*command, cpu=cpu, **runtime) as child:
            wait_until_open(port, child)
            yield Served(child.pid, port, _token(child))


def _token(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    for line in child.stdout:
        if match := re.search(r"lsh_\w+", line):
            return match[0]
    raise RuntimeError("the server printed no token")


def fix_body(member: int, number: int) -> bytes:
    """Return a fix of about 200 bytes; each number is another moment."""
    fix = {
        "member": f"m{member:04d}",
        "time": int(time.time() * 1000) // 1000 * 1000 - 3_600_000 + number,
        "lat": 37.5665,
        "lon": 126.978,
        "accuracy": 5.0,
        "speed": 1.4,
        "heading": 270.0,
        "extra": {"pad": "x" * 40},
    }
    return json.dumps(fix, separators=(",", ":"))[:-1].encode() + b"," + MARKER + b"}"
