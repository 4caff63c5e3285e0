"""Something that is done now and then, on a thread that lives as long as it is wanted."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["Ticker"]

EVERY = 0.5  # s


class Ticker:
    """Calls `tick` twice a second while `is_wanted`; `look` says that this may have changed."""

    def __init__(self, name: str, tick: Callable[[], None], is_wanted: Callable[[], bool]) -> None:
        self._name, self._tick, self._is_wanted = name, tick, is_wanted
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def look(self) -> None:
        """Begin if it is wanted; any thread may call it."""
        with self._lock:
            if self._thread is None and not self._closing.is_set() and self._is_wanted():
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def close(self, timeout: float) -> None:
        """End it for good; waits for it up to `timeout` seconds."""
        with self._lock:
            self._closing.set()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def _run(self) -> None:
        while not self._closing.wait(EVERY):
            with self._lock:
                if not self._is_wanted():
                    self._thread = None
                    return
            self._tick()
