"""A recording played to callbacks: each fix once, in the order of a clock, at a speed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np

from locshare_ext.client.callbacks import Callbacks
from locshare_ext.client.playhead import Playhead
from locshare_ext.model.clock import Clock
from locshare_ext.model.fix import Fix
from locshare_ext.model.replay import Due, Piece, Schedule
from locshare_ext.model.trail import fixes_from_table

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Player"]

_CHUNK = 4096  # fixes made ready at once; between two chunks pause and stop are looked at
_SHORTEST = 0.0005  # s of a wait


class Player:
    """Plays a table of fixes to callbacks; `run` does it, the rest may be called meanwhile.

    Neither pauses nor slow callbacks make it drift: what is overdue is delivered at once, in
    order; see `model.replay`. start: ms, where it begins; what was before is left out. tell: is
    told when it begins, ends, is held or goes on, or gets another speed.
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
        start: int | None = None,
        tell: Callable[[Playhead], None] | None = None,
    ) -> None:
        moments = table.column(clock).to_numpy()
        order = np.argsort(moments, kind="stable")  # ties stay as they arrived: the table is by seq
        if start is not None:
            order = order[np.searchsorted(moments[order], start) :]
        self._table = table.take(order)
        self._moments = moments[order]
        self._callbacks = callbacks
        self._epoch = epoch  # of the log, for the fixes' cursors
        self._now = now
        self._clock = clock
        self._tell = tell
        self._change = threading.Condition(threading.RLock())
        self._is_stopped = self._is_done = False
        begin, end = (int(self._moments[0]), int(self._moments[-1])) if len(order) else (start or 0,) * 2
        begin = begin if start is None else min(start, begin)
        self._plan: Schedule[None] = Schedule(begin, end, now(), speed=speed)
        self._plan.feed(Piece(self._moments, None))
        self._plan.complete()
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
                return int(self._moments[self._delivered - 1]) if self._delivered else self._plan.begin
            return int(self._plan.at(self._now()))

    @property
    def speed(self) -> float:
        """Times as fast as it was; may be set while it plays."""
        return self._plan.head.speed

    @speed.setter
    def speed(self, speed: float) -> None:
        with self._change:
            self._plan.change_speed(speed, self._now())
            self._change.notify_all()
        self._say()

    def pause(self) -> None:
        """Hold the playhead where it is."""
        with self._change:
            self._plan.pause(self._now())
            self._change.notify_all()
        self._say()

    def resume(self) -> None:
        """Go on from where it was held."""
        with self._change:
            self._plan.resume(self._now())
            self._change.notify_all()
        self._say()

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
            self._plan.head.move(self._plan.begin, self._now())
        self._say()
        try:
            while (due := self._next_due()) is not None:
                self._callbacks.run(self._fixes(due))
                with self._change:
                    self._seen = None
                    self._plan.put_back(due, self._delivered)  # held or stopped in the middle of it
        finally:
            with self._change:
                self._seen = None
                self._is_done = True
                self._change.notify_all()
            self._say()

    def _say(self) -> None:
        """Tell where it is, outside of the lock: whoever listens may take locks of its own."""
        if self._tell is None:
            return
        with self._change:
            is_held = self._is_done or self._is_stopped or self._plan.head.is_paused
            playhead = Playhead(
                "paused" if is_held else "playing",
                self.clock_ms,
                self._now(),
                self._plan.head.speed,
                self._clock,
                start=self._plan.begin,
                end=self._plan.end,
            )
        self._tell(playhead)

    def _fixes(self, due: Due[None]) -> Iterator[Fix]:
        begin, end = due.start, due.stop
        moments = self._moments[begin:end].tolist()
        fixes = fixes_from_table(self._table.slice(begin, end - begin), epoch=self._epoch)
        for fix, moment in zip(fixes, moments, strict=True):
            if self._is_stopped or self._plan.head.is_paused:
                return
            self._seen = moment
            self._delivered += 1
            yield fix

    def _next_due(self) -> Due[None] | None:
        """Wait until fixes are due and return them; None when it is over."""
        with self._change:
            while not self._is_stopped and self._delivered < len(self._moments):
                now = self._now()
                taken = self._plan.take(now, _CHUNK)
                if taken:
                    return taken[0]
                due = self._plan.deadline()
                # a wait of 0 would spin where the clock has not quite come to the deadline
                self._change.wait(None if due is None else max(due - now, _SHORTEST))
            return None
