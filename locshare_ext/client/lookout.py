"""Trying, beside a life on a lower rung, whether a higher one gets through by now."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from locshare_ext.client.connection import Connection
from locshare_ext.client.discovery import Server
from locshare_ext.client.ladder import Ladder
from locshare_ext.client.lives import Life, open_life
from locshare_ext.errors import LocShareError, NotFound

__all__ = ["Lookout", "Proof", "trial_of"]


class Proof:
    """Watches a trial: it must be live, and stay so for `hold` seconds; then it is ended.

    It is a taker of lives and a handler of connections; what comes meanwhile is not its business.
    """

    def __init__(self, hold: float) -> None:
        self.is_given = False
        self._hold = hold
        self._life: Life | None = None
        self._timer: threading.Timer | None = None

    def of(self, life: Life) -> bool:
        """Run a life, and return whether it stood the trial; on the calling thread."""
        self._life = life
        try:
            with contextlib.suppress(LocShareError):
                life.run()
        finally:
            if self._timer is not None:
                self._timer.cancel()
                self._timer.join()
        return self.is_given

    def place(self) -> str:
        """Return that nothing old is wanted."""
        return "now"

    def on_hello(self, cursor: str | None) -> None:
        """It is live."""
        if self._timer is None:
            self._timer = threading.Timer(self._hold, self._give)
            self._timer.name, self._timer.daemon = "locshare-trial", True
            self._timer.start()

    def on_event(self) -> None:
        """Do nothing: the life beside which it is tried tells of events."""

    def on_unknown(self, error: NotFound) -> None:
        """Nothing can be tried of a group that has not begun."""
        if self._life is not None:
            self._life.abort()

    def on_fixes(self, body: bytes, read: str | None) -> None:
        """Leave it to the life that is lived."""

    def on_mark(self, said: Mapping[str, Any], read: str | None) -> None:
        """Leave it to the life that is lived."""

    def on_connected(self, connection: Connection) -> None:
        """Frames go both ways: that is all of a connection without a subscription."""
        connection.settle()
        self.on_hello(None)

    def on_receipt(self, headers: dict[str, str]) -> None:
        """Nothing was asked for."""

    def on_message(self, headers: dict[str, str], body: bytes) -> None:
        """Nothing is subscribed to."""

    def _give(self) -> None:
        self.is_given = True
        if self._life is not None:
            self._life.abort()


def trial_of(rung: str, server: Server, group: str, proof: Proof, patience: float) -> Life:
    """Return a life to try a rung with; over STOMP a connection alone: who may only publish has that too."""
    if rung == "stomp":
        return Connection(server, proof, patience)
    return open_life(rung, server, group, proof, patience)


class Lookout:
    """A thread that tries the higher rungs when the ladder says so, until one is proven.

    make: returns a life to try a rung with. on_passed: is called once, on that thread, when one
    has passed; who follows then ends what it does, and goes to `passed` unless it is None.
    """

    def __init__(
        self,
        ladder: Ladder,
        make: Callable[[str, Proof], Life],
        on_passed: Callable[[], None],
        name: str,
    ) -> None:
        self.passed: str | None = None
        self._ladder, self._make, self._on_passed = ladder, make, on_passed
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._life: Life | None = None
        self._thread = threading.Thread(target=self._run, name=f"locshare-lookout-{name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it; it leaves the ladder alone from now on. An attempt to connect may still run out."""
        with self._lock:
            self._stop.set()
            life = self._life
        if life is not None:
            life.abort()

    def _run(self) -> None:
        ladder = self._ladder
        while not self._stop.is_set() and (due := ladder.look_at) is not None:
            if self._stop.wait(max(0.0, due - time.monotonic())):
                return
            for rung, hold in ladder.higher():
                if self._stands(rung, hold):
                    with self._lock:
                        self.passed = None if self._stop.is_set() else rung
                    self._on_passed()
                    return
            with self._lock:
                if not self._stop.is_set():
                    ladder.missed(time.monotonic())

    def _stands(self, rung: str, hold: float) -> bool:
        proof = Proof(hold)
        try:
            life = self._make(rung, proof)
        except LocShareError:
            return False
        with self._lock:
            if self._stop.is_set():
                return False
            self._life = life
        return proof.of(life)
