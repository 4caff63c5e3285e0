"""The store's second process, seen from the first: started when there is work, ended when there is none."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from locshare_ext import errors
from locshare_ext.errors import LocShareError, StoreError
from locshare_ext.store.home import Home
from locshare_ext.store.work import receive, send

__all__ = ["Process"]

IDLE = 60.0  # s without work after which it ends, and gives its memory back
_START = "from locshare_ext.store.work import main; main()"


class Process:
    """Does one task after the other beside this interpreter; all methods belong to one loop.

    What is asked for while it works waits. It ends with this process, however that ends.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self._is_closed = False
        self._under_way = 0
        self._ending: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return None if self._process is None else self._process.pid

    async def run(self, task: str, **arguments: Any) -> Any:
        """Return what a task of `store.work` returns, or raise its error; StoreError if the process ended."""
        if self._is_closed:
            raise StoreError("the store is closed")
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "locshare-process")
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
        loop = asyncio.get_running_loop()
        self._under_way += 1
        try:
            done, answer = await loop.run_in_executor(self._thread, partial(self._ask, task, arguments))
        finally:
            self._under_way -= 1
            if not self._under_way and not self._is_closed:
                self._ending = loop.call_later(IDLE, self._end)
        if done == "failed":
            raise _error(*answer)
        return answer

    async def close(self) -> None:
        """End the process and the thread; what is under way fails."""
        self._is_closed = True
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
        if self._thread is not None:
            self._end()
            await asyncio.get_running_loop().run_in_executor(None, self._thread.shutdown)

    def _ask(self, task: str, arguments: dict[str, Any]) -> tuple[str, Any]:
        for _ in range(2):  # it only reads: what it did not finish may be asked again
            with self._lock:
                if self._is_closed:
                    raise StoreError("the store is closed")
                if self._process is None:
                    self._process = _started(self._home.path)
                process = self._process
            assert process.stdin is not None  # noqa: S101 - both are pipes
            assert process.stdout is not None  # noqa: S101
            with suppress(OSError, ValueError):  # a pipe that broke, or was closed
                send(process.stdin, (task, arguments))
                if (answer := receive(process.stdout)) is not None:
                    return answer[0], answer[1]
            self._end()
        raise StoreError("the process that reads the store ended: try again", code="store_process_ended")

    def _end(self) -> None:
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return
        process.kill()  # it only reads: nothing of it is half done
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


def _started(path: Path) -> subprocess.Popen[bytes]:
    root = str(Path(__file__).parents[2])  # also where the package is not installed
    before = os.environ.get("PYTHONPATH")
    environment = {**os.environ, "PYTHONPATH": root if not before else os.pathsep.join((root, before))}
    try:
        process = subprocess.Popen(  # noqa: S603 - this interpreter, with our own code
            [sys.executable, "-P", "-c", _START, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
    except OSError as error:
        raise StoreError(f"the process that reads the store did not start: {error}") from error
    return process


def _error(name: str, message: str, code: str, field: str | None) -> LocShareError:
    kind = getattr(errors, name, StoreError)
    found: LocShareError = kind(message, code=code, field=field)
    return found
