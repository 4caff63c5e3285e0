"""Servers as processes of their own, and what they cost."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil

__all__ = ["cpu_seconds", "free_port", "memory", "process", "wait_until_open"]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextlib.contextmanager
def process(*command: str, cpu: int | None = None, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run `command` on one processor, its output in a pipe; ended at the end."""
    child = subprocess.Popen(
        command,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **environment},
    )
    if cpu is not None:
        psutil.Process(child.pid).cpu_affinity([cpu % (os.cpu_count() or 1)])
    try:
        yield child
    finally:
        child.send_signal(signal.SIGKILL)
        child.communicate()


def wait_until_open(port: int, child: subprocess.Popen[str], seconds: float = 60) -> None:
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if child.poll() is not None:
            raise RuntimeError(f"the server ended: {child.stdout.read() if child.stdout else ''}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        select.select([], [], [], 0.02)
    raise RuntimeError(f"nothing listens on port {port} after {seconds} s")


def cpu_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def memory(pid: int) -> float:
    """Return the resident memory of a process in MiB."""
    return psutil.Process(pid).memory_info().rss / 2**20


PYTHON = sys.executable
