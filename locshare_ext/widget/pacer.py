"""The one thread that sends what layers have for their pages."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import weakref
from collections.abc import Callable
from typing import Protocol

__all__ = ["MainLoop", "Pacer", "Sender", "pacer"]

log = logging.getLogger(__name__)

PROBE_PERIOD = 0.2  # s between questions whether the main thread answers
BUSY_AFTER = 0.5  # s without an answer


class Sender(Protocol):
    """What the pacer serves: a layer."""

    def send_due(self, now: float) -> float | None:
        """Send what is due; return the seconds until the next call, None: when woken."""


class MainLoop:
    """Know whether the kernel's main thread takes messages just now.

    While a cell runs it does not: its event loop runs no callback. A process without a
    running loop (a script, a test) is never busy.
    """

    def __init__(self) -> None:
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None
        self._asked = 0.0
        self._is_waiting = False

    @property
    def has_loop(self) -> bool:
        """Whether there is a loop at all: a kernel, whose pages can speak only through it."""
        return self._loop is not None

    def is_busy(self, now: float) -> bool:
        """Ask the loop, and say whether it is late with its last answer; any thread."""
        loop = self._loop
        if loop is None or loop.is_closed():
            return False
        if self._is_waiting:
            return now - self._asked > BUSY_AFTER
        if now - self._asked > PROBE_PERIOD:
            self._asked, self._is_waiting = now, True
            loop.call_soon_threadsafe(self._answer)
        return False

    def call(self, function: Callable[[], None]) -> None:
        """Call a function on the main thread when it is free; at once without a loop."""
        if self._loop is None or self._loop.is_closed():
            function()
        else:
            self._loop.call_soon_threadsafe(function)

    def _answer(self) -> None:
        self._is_waiting = False


class Pacer:
    """Call each layer when something of it is due; started by the first call of `wake`.

    Layers are held weakly. The thread ends when it has nothing to serve.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._due: weakref.WeakKeyDictionary[Sender, float | None] = weakref.WeakKeyDictionary()
        self._thread: threading.Thread | None = None
        self._serving = threading.Lock()  # one thread at a time sends

    def wake(self, sender: Sender) -> None:
        """Serve a layer soon; any thread may call it, nothing waits."""
        with self._condition:
            self._due[sender] = 0.0
            self._notify()

    def hurry(self, sender: Sender) -> None:
        """Serve a layer at once, in this thread, unless another is being served; else soon.

        While a cell computes, every other thread waits 5 ms for its turn: what is pushed by
        one thread and sent by the next would wait twice.
        """
        if not self._serving.acquire(blocking=False):
            self.wake(sender)
            return
        try:
            due = self._send(sender, time.monotonic())
        finally:
            self._serving.release()
        if due is None:
            return
        with self._condition:
            before = self._due.get(sender)
            if before is None or due < before:
                self._due[sender] = due
                self._notify()

    def _notify(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="locshare-frames", daemon=True)
            self._thread.start()
        self._condition.notify()

    def forget(self, sender: Sender) -> None:
        """Serve a layer no more."""
        with self._condition:
            self._due.pop(sender, None)
            self._condition.notify()

    def _run(self) -> None:
        while True:
            with self._condition:
                waits = [due for due in self._due.values() if due is not None]
                if not waits:
                    self._thread = None
                    return
                if (wait := min(waits) - time.monotonic()) > 0:
                    self._condition.wait(wait)
                now = time.monotonic()
                ready = [sender for sender, due in self._due.items() if due is not None and due <= now]
                for sender in ready:
                    self._due[sender] = None
            for sender in ready:
                self._serve(sender, now)
            del ready

    def _serve(self, sender: Sender, now: float) -> None:
        with self._serving:
            due = self._send(sender, now)
        with self._condition:
            if due is not None and self._due.get(sender, 0.0) is None:
                self._due[sender] = due

    def _send(self, sender: Sender, now: float) -> float | None:
        """Send what is due; returns when the sender is to be served again, None: when woken."""
        try:
            wait = sender.send_due(now)
        except Exception:
            log.exception("a map's frame could not be sent")
            wait = 1.0
        return None if wait is None else now + wait


pacer = Pacer()
