"""A recording played to callbacks: each fix once, in the order of a clock, at a speed."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np

from locshare_ext.client.callbacks import Callbacks
from locshare_ext.client.columns import fixes_from_table
from locshare_ext.errors import InvalidInput
from locshare_ext.model.clock import Clock
from locshare_ext.model.fix import Fix

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Player", "check_speed"]

_CHUNK = 4096  # fixes made ready at once; between two chunks pause and stop are looked at


def check_speed(speed: float) -> float:
    """Return a speed above 0 (infinity too); raises InvalidInput for others."""
    if isinstance(speed, bool) or not isinstance(speed, int | float) or not speed > 0:
        raise InvalidInput(
            f"speed {speed!r} is not above 0; 1 is as it was, float('inf') as fast as it can", field="speed"
        )
    return float(speed)


class Player:
    """Plays a table of fixes to callbacks; `run` does it, the rest may be called meanwhile.

    The playhead is arithmetic on the monotonic clock from a base, so neither pauses nor
    slow callbacks make it drift: what is overdue is delivered at once, in order.
    """

    def __init__(
        self,
        table: pa.Table,
        callbacks: Callbacks,
        *,
        speed: float,
        clock: Clock,
        epoch: str | None = None,
        now: Callable[[], float] = monotonic,
    ) -> None:
        moments = table.column(clock).to_numpy()
        order = np.argsort(moments, kind="stable")  # ties stay as they arrived: the table is by seq
        self._table = table.take(order)
        self._moments = moments[order]
        self._callbacks = callbacks
        self._epoch = epoch  # of the log, for the fixes' cursors
        self._now = now
        self._speed = check_speed(speed)
        self._change = threading.Condition(threading.RLock())
        self._is_paused = self._is_stopped = self._is_done = False
        self._begin = int(self._moments[0]) if len(order) else 0
        self._base = (float(self._begin), now())  # playhead in ms, and when it was there
        self._seen: int | None = None  # the moment of the fix that callbacks see
        self._delivered = 0

    @property
    def delivered(self) -> int:
        """How many fixes were delivered."""
        return self._delivered

    @property
    def total(self) -> int:
        """How many there are."""
        return len(self._moments)

    @property
    def is_done(self) -> bool:
        """Whether it has ended: all delivered, or stopped."""
        return self._is_done

    @property
    def clock_ms(self) -> int:
        """The playhead in ms on the chosen clock; in a callback the moment of its fix."""
        with self._change:
            if self._seen is not None:
                return self._seen
            if self._is_done:
                return int(self._moments[self._delivered - 1]) if self._delivered else self._begin
            return int(self._playhead())

    @property
    def speed(self) -> float:
        """Times as fast as it was; may be set while it plays."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        checked = check_speed(speed)
        with self._change:
            self._rebase()
            self._speed = checked
            self._change.notify_all()

    def pause(self) -> None:
        """Hold the playhead where it is."""
        with self._change:
            if not self._is_paused:
                self._rebase()
                self._is_paused = True
                self._change.notify_all()

    def resume(self) -> None:
        """Go on from where it was held."""
        with self._change:
            if self._is_paused:
                self._is_paused = False
                self._base = (self._base[0], self._now())
                self._change.notify_all()

    def stop(self) -> None:
        """End it; the fix under way is the last."""
        with self._change:
            self._is_stopped = True
            self._change.notify_all()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it has ended; returns whether it has, within `timeout` seconds."""
        with self._change:
            return self._change.wait_for(lambda: self._is_done, timeout)

    def run(self) -> None:
        """Deliver until all is delivered or `stop` is called, on the calling thread."""
        with self._change:
            self._base = (float(self._begin), self._now())
        try:
            while (end := self._next_end()) is not None:
                self._callbacks.run(self._fixes(self._delivered, end))
                self._seen = None
        finally:
            with self._change:
                self._seen = None
                self._is_done = True
                self._change.notify_all()

    def _fixes(self, begin: int, end: int) -> Iterator[Fix]:
        moments = self._moments[begin:end].tolist()
        fixes = fixes_from_table(self._table.slice(begin, end - begin), epoch=self._epoch)
        for fix, moment in zip(fixes, moments, strict=True):
            if self._is_stopped or self._is_paused:
                return
            self._seen = moment
            self._delivered += 1
            yield fix

    def _next_end(self) -> int | None:
        """Wait until fixes are due; returns where these end, None when it is over."""
        with self._change:
            while not self._is_stopped and self._delivered < len(self._moments):
                if self._is_paused:
                    self._change.wait()
                    continue
                chunk = min(len(self._moments), self._delivered + _CHUNK)
                if math.isinf(self._speed):
                    return chunk
                head = self._playhead()
                due = int(np.searchsorted(self._moments[:chunk], math.floor(head), side="right"))
                if due > self._delivered:
                    return due
                ahead = float(self._moments[self._delivered]) - head
                self._change.wait(max(ahead, 0.5) / 1000 / self._speed)
            return None

    def _playhead(self) -> float:
        moment, at = self._base
        if math.isinf(self._speed):
            return float(self._moments[self._delivered - 1]) if self._delivered else moment
        if self._is_paused:
            return moment
        return moment + (self._now() - at) * 1000 * self._speed

    def _rebase(self) -> None:
        self._base = (self._playhead(), self._now())
