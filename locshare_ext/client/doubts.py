"""Whether what is seen live is recorded: asked of the server from the first sign that it is not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from locshare_ext.errors import LocShareError

__all__ = ["Doubts", "Unrecorded"]

EVERY = 3.0  # s between two questions


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """The server can store nothing. since: ms. why: a clause, empty for who may not know."""

    since: int
    why: str = ""


class Doubts:
    """Asks how the server's store is, as long as it fails; any thread may call it.

    ask: returns the answer of `api/health`. tell: is called, on a thread of its own, when it
    is known that nothing is recorded, and with None when it is again.
    """

    def __init__(
        self, ask: Callable[[], Mapping[str, Any]], tell: Callable[[Unrecorded | None], None], name: str
    ) -> None:
        self._ask, self._tell, self._name = ask, tell, name
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()

    def arise(self) -> None:
        """Begin to ask, unless that is under way."""
        with self._lock:
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(
                    target=self._run, name=f"locshare-health-{self._name}", daemon=True
                )
                self._thread.start()

    def close(self) -> None:
        """Ask no more."""
        self._closing.set()

    def _run(self) -> None:
        try:
            while not self._closing.is_set():
                try:
                    told = unrecorded_of(self._ask())
                except LocShareError:
                    pass  # the feed says that there is no answer
                else:
                    if self._closing.is_set():
                        return
                    self._tell(told)
                    if told is None:
                        return
                self._closing.wait(EVERY)
        finally:
            with self._lock:
                self._thread = None


def unrecorded_of(health: Mapping[str, Any]) -> Unrecorded | None:
    """Return what an answer of `api/health` says, None if all that comes is recorded."""
    store = health.get("store", {})
    since = store.get("failing_since")
    return Unrecorded(int(since), str(store.get("error", ""))) if isinstance(since, int) else None
