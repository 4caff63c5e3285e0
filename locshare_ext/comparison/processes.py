"""Processes that a measurement starts, reads and ends."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, ClassVar, Self

from locshare_ext.errors import InvalidInput, ServerUnreachable, Unavailable

__all__ = ["Child", "Probe", "Worker", "load_cpus", "server_cpus"]

START = 60.0  # s
ANSWER = 120.0  # s beyond what a command is told to take
STOP = 10.0  # s


class Child:
    """A module that runs as a process of its own; it ends with this one, or before.

    what: what it is called in errors. log: takes what it says on stderr. cpus: the processors
    that it may use, None for all. As a context it has ended when the context has.
    """

    _runner: ClassVar[tuple[str, ...]] = ("locshare_ext.comparison.tether",)

    def __init__(
        self,
        what: str,
        module: str,
        *arguments: str,
        log: Path,
        cpus: Sequence[int] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.what, self._log = what, log
        command = [sys.executable, "-m", *self._runner, module, *arguments]
        with log.open("ab") as errors:
            self._process = subprocess.Popen(  # noqa: S603 -- this interpreter, a module of ours
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **(environment or {})},
            )
        self.pid = self._process.pid
        self._stdin, self._stdout = _pipe(self._process.stdin), _pipe(self._process.stdout)
        if cpus is not None and hasattr(os, "sched_setaffinity"):
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(self.pid, cpus)
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, name=f"output of {what}", daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def next_line(self, seconds: float = START) -> str:
        """Return the next line that it prints; raises ServerUnreachable when none comes."""
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            raise ServerUnreachable(f"{self.what} has not answered after {seconds:g} s") from None
        if line is None:
            raise self.failure()
        return line

    def check(self) -> None:
        """Raise ServerUnreachable, with what it said last, when it has ended by itself."""
        if self._process.poll() is not None:
            raise self.failure()

    def failure(self) -> ServerUnreachable:
        """Return the error that says why it has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP)
        said = self._log.read_text(errors="replace").strip().splitlines()
        last = f": {said[-1]}" if said else f" with status {self._process.returncode}"
        return ServerUnreachable(f"{self.what} ended{last}")

    def end(self) -> None:
        """End it, by force if need be; twice is no error."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join(STOP)
        for pipe in (self._stdin, self._stdout):
            with contextlib.suppress(OSError):
                pipe.close()

    def _read(self) -> None:
        for line in self._stdout:
            self._lines.put(line.decode(errors="replace").rstrip("\n"))
        self._lines.put(None)


class Worker(Child):
    """A child that is told by lines of JSON, and answers each with one (`locshare_ext.comparison.told`)."""

    _runner = ()  # it ends by itself when there are no more lines

    def ask(self, what: str, **arguments: Any) -> dict[str, Any]:
        """Tell it one thing and return its answer; raises as `answer`."""
        self.tell(what, **arguments)
        return self.answer()

    def tell(self, what: str, **arguments: Any) -> None:
        """Tell it one thing, which it answers when it is done."""
        line = json.dumps({"do": what, **arguments}).encode() + b"\n"
        try:
            self._stdin.write(line)
            self._stdin.flush()
        except OSError:
            raise self.failure() from None

    def answer(self, within: float = ANSWER) -> dict[str, Any]:
        """Wait for its answer, at most so many seconds; raises Unavailable when it could not do it."""
        answer: dict[str, Any] = json.loads(self.next_line(within))
        if "error" in answer:
            raise Unavailable(f"{self.what}: {answer['error']}")
        return answer


class Probe:
    """The CPU time and memory of another process of this machine; raises InvalidInput without psutil."""

    def __init__(self, pid: int) -> None:
        try:
            import psutil
        except ImportError:
            raise InvalidInput("psutil is missing: pip install 'locshare-ext[bench]'") from None
        self._process = psutil.Process(pid)
        self._clock = (~pid << 3) | 2  # the id that clock_getcpuclockid(3) gives on Linux
        self._has_clock = sys.platform == "linux"

    def cpu(self) -> float:
        """Return the seconds that it has computed, user and system, all threads.

        To the nanosecond on Linux; elsewhere as the system counts, often by 10 ms.
        """
        if self._has_clock:
            try:
                return time.clock_gettime_ns(self._clock) / 1e9
            except OSError:
                raise ServerUnreachable("the process that is measured has ended") from None
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def memory(self) -> int:
        """Return its resident memory in bytes."""
        import psutil

        try:
            return int(self._process.memory_info().rss)
        except psutil.NoSuchProcess:
            raise ServerUnreachable("the process that is measured has ended") from None


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    """Return a pipe that was asked for; only the types do not know that it is there."""
    if pipe is None:
        raise RuntimeError("no pipe")
    return pipe


def server_cpus() -> list[int] | None:
    """Return the processor that a measured server has for itself; None where that cannot be said."""
    cpus = _allowed()
    return cpus[:1] if len(cpus) > 1 else None


def load_cpus() -> list[int] | None:
    """Return the processors for whoever asks the server; None where that cannot be said."""
    cpus = _allowed()
    return cpus[1:] if len(cpus) > 1 else None


def _allowed() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
