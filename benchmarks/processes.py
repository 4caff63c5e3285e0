"""Servers as processes of their own, and what they cost."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil

__all__ = [
    "LOAD_CPU",
    "PYTHON",
    "SERVER_CPU",
    "Tree",
    "busy_seconds",
    "cpu_seconds",
    "free_port",
    "memory",
    "open_files",
    "pin",
    "process",
    "wait_until_open",
]

PYTHON = sys.executable
SERVER_CPU, LOAD_CPU = 0, 1
FILES = 20_000  # open at once, where the system allows it: 1,000 subscribers and what goes with them


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextlib.contextmanager
def process(
    *command: str, cpu: int | None = None, folder: str | None = None, **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """Run `command` on one processor, its output in a pipe; ended at the end, with all that it started."""
    child = subprocess.Popen(
        command,
        text=True,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **environment},
        # before it begins, so that its threads and children stay there too
        preexec_fn=lambda: _prepare(cpu),
    )
    try:
        yield child
    except BaseException:
        if said := _end(child).strip():
            print(f"{command} said:\n{said[-2000:]}", file=sys.stderr)
        raise
    else:
        _end(child)


def _prepare(cpu: int | None) -> None:
    open_files()
    pin(cpu)


def pin(cpu: int | None) -> None:
    """Keep this process on one processor, where the system knows such a thing."""
    if cpu is not None and hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {allowed[cpu % len(allowed)]})


def open_files() -> None:
    """Allow this process, and what it starts, the open files that a thousand connections take."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _end(child: subprocess.Popen[str]) -> str:
    """Kill a process and what it started, which a shell script would leave behind; returns its output."""
    family = []
    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(child.pid)
        parent.send_signal(signal.SIGSTOP)  # so that it starts nothing more in between
        family = [*parent.children(recursive=True), parent]
    for one in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    said, _ = child.communicate()
    psutil.wait_procs(family, timeout=10)
    return said


def wait_until_open(port: int, child: subprocess.Popen[str], seconds: float = 60) -> None:
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if child.poll() is not None:
            raise RuntimeError(f"the server ended: {child.stdout.read() if child.stdout else ''}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        select.select([], [], [], 0.02)
    raise RuntimeError(f"nothing listens on port {port} after {seconds} s")


class Tree:
    """A process with all that it had started when this was made."""

    def __init__(self, pid: int) -> None:
        parent = psutil.Process(pid)
        self._all = [parent, *parent.children(recursive=True)]

    def cpu_seconds(self) -> float:
        return sum(times.user + times.system for times in (one.cpu_times() for one in self._all))

    def memory(self) -> int:
        """Return the resident memory in bytes."""
        return sum(one.memory_info().rss for one in self._all)


def busy_seconds() -> float:
    """Return the CPU seconds that all processes have used, and those that the host kept for itself."""
    times = psutil.cpu_times()
    return sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0)


def cpu_seconds(pid: int) -> float:
    return Tree(pid).cpu_seconds()


def memory(pid: int) -> float:
    """Return the resident memory of a process in MiB."""
    return Tree(pid).memory() / 2**20
