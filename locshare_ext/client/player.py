"""A recording played to callbacks, or iterated: each fix once, in the order of a clock, at a speed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, tzinfo
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

from locshare_ext.client.callbacks import Callbacks
from locshare_ext.client.ordered import Ordered
from locshare_ext.client.playhead import Playhead, Watchers
from locshare_ext.client.steering import Discontinuity
from locshare_ext.client.times import ms_from
from locshare_ext.errors import InvalidInput
from locshare_ext.model.clock import Clock, datetime_from_ms
from locshare_ext.model.fix import Fix
from locshare_ext.model.replay import Due, Leaps, Piece, Schedule

if TYPE_CHECKING:
    import pyarrow as pa

    from locshare_ext.model.event import Event

__all__ = ["OnError", "Player"]

OnError = Literal["continue", "stop"]
_CHUNK = 4096  # fixes made ready at once; between two chunks pause and stop are looked at
_SHORTEST = 0.0005  # s of a wait


class Player:
    """Plays a table of fixes: `run` to callbacks, or `for` and `async for` over it; once.

    The rest may be called meanwhile, by any thread and in a callback. Neither pauses nor slow
    callbacks make it drift: what is overdue is delivered at once, in order; see `model.replay`.

    table: by seq. start: ms, None for the beginning. max_gap: ms. events: gives those of the
    recording. tz: the zone of moments without one. tell: as `watch` from the beginning on.
    """

    def __init__(
        self,
        table: pa.Table,
        callbacks: Callbacks,
        *,
        speed: float,
        clock: Clock,
        epoch: str | None = None,
        start: int | None = None,
        is_looping: bool = False,
        max_gap: int | None = None,
        on_error: OnError = "continue",
        events: Callable[[], Sequence[Event]] = tuple,
        tz: tzinfo | None = None,
        now: Callable[[], float] = monotonic,
        tell: Callable[[Playhead], None] | None = None,
    ) -> None:
        if on_error not in ("continue", "stop"):
            raise InvalidInput(f"on_error {on_error!r} is not 'continue' or 'stop'", field="on_error")
        self._rows = Ordered(table, clock, epoch)
        self._clock = clock
        self._callbacks = callbacks
        self._on_error, self._events, self._tz = on_error, events, tz
        self._now = now
        self._change = threading.Condition(threading.RLock())
        self._is_begun = self._is_stopped = self._is_done = False
        begin, end = self._rows.begin, self._rows.end
        if start is not None:  # outside there is nothing, and that may be looked at, too
            begin, end = (min(start, begin), max(start, end)) if len(self._rows) else (start, start)
        self._plan: Schedule[int] = Schedule(  # rows: the first row of a piece
            begin,
            end,
            now(),
            start=start,
            speed=speed,
            is_looping=is_looping,
            max_gap=max_gap,
        )
        self._passed = 0  # the pass that was begun last
        self._why: Literal["start", "seek", "loop"] = "start"
        self._steps = 0
        self._hold: int | None = None  # where to be held once the steps are done, ms
        self._seen: int | None = None  # the moment of the fix that callbacks see
        self._is_watched = False  # whether rules are held to it
        self._reached = self._plan.start
        self._row = self._rows.first_at(self._plan.start)  # that comes next
        self._delivered = 0
        self._leaps = Leaps(self._plan)
        self._watchers = Watchers()
        if tell is not None:
            self._watchers.watch(tell)
        self.error: Exception | None = None  # of the callback that has stopped it

    # what it is

    @property
    def delivered(self) -> int:
        """How many fixes were delivered, those of all passes."""
        return self._delivered

    @property
    def total(self) -> int:
        """How many there are."""
        return len(self._rows)

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
            if self._is_done or not self._is_begun:
                return self._reached
            return int(self._plan.at(self._now()))

    @property
    def clock(self) -> datetime:
        """The playhead, see `clock_ms`."""
        return datetime_from_ms(self.clock_ms)

    def playhead(self) -> Playhead:
        """Return where it is and how it moves on."""
        with self._change:
            plan = self._plan
            is_held = self._is_done or self._is_stopped or plan.head.is_paused
            return Playhead(
                "paused" if is_held else "playing",
                self.clock_ms,
                self._now(),
                plan.head.speed,
                self._clock,
                is_looping=plan.is_looping,
                start=plan.begin,
                end=plan.end,
            )

    def watch(self, call: Callable[[Playhead], None]) -> Callable[[], None]:
        """Have a quick function told of each change, see `Steered`."""
        return self._watchers.watch(call)

    # how it is steered

    @property
    def speed(self) -> float:
        """Times as fast as it was; may be set while it plays."""
        return self._plan.head.speed

    @speed.setter
    def speed(self, speed: float) -> None:
        with self._change:
            self._plan.change_speed(speed, self._now())
        self._changed()

    @property
    def loop(self) -> bool:
        """Whether it begins again at the end; may be set while it plays."""
        return self._plan.is_looping

    @loop.setter
    def loop(self, loop: bool) -> None:
        with self._change:
            self._plan.is_looping = bool(loop)
        self._changed()

    def pause(self) -> None:
        """Hold the playhead where it is."""
        with self._change:
            self._plan.pause(self._now())
        self._changed()

    def resume(self) -> None:
        """Go on from where it was held."""
        with self._change:
            self._steps = 0
            self._plan.resume(self._now())
        self._changed()

    def seek(self, moment: Any) -> None:
        """Go to a moment, held or not as before; `on_discontinuity` is told. InvalidInput outside."""
        with self._change:
            if self._is_done:
                raise InvalidInput("this replay has ended; play again", code="replay_ended")
            self._plan.seek(ms_from(moment, tz=self._tz, field="moment"), self._now())
            self._why, self._steps = "seek", 0
        self._changed()

    def step(self, count: int = 1, *, member: str | None = None) -> None:
        """Deliver the next `count` fixes, or all up to a member's next (`count`-th), and hold there.

        Raises InvalidInput for a count below 1, and a member that has no further fix.
        """
        if type(count) is not int or count < 1:
            raise InvalidInput(f"count {count!r} is not 1 or more fixes", field="count")
        with self._change:
            if member is not None:
                count = self._rows.until(member, count, self._next_row())
            self._begin_steps(count, None)
        self._changed()

    def step_to_event(self, kind: str | None = None) -> datetime:
        """Deliver all up to the next event, such as kind="note", and hold there; returns its moment.

        Raises InvalidInput if there is none before the end.
        """
        with self._change:
            now = self.clock_ms
            ahead = [
                at
                for event in self._events()
                if (kind is None or event.kind == kind)
                and now < (at := event.time if self._clock == "time" else event.received) <= self._plan.end
            ]
            if not ahead:
                raise InvalidInput(
                    f"there is no {kind or 'event'} after {self.clock.isoformat()}", field="kind"
                )
            moment = min(ahead)
            self._begin_steps(self._rows.first_after(moment) - self._next_row(), moment)
        self._changed()
        return datetime_from_ms(moment)

    def stop(self) -> None:
        """End it; the fix under way is the last."""
        with self._change:
            self._is_stopped = True
        self._changed()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it has ended; returns whether it has, within `timeout` seconds."""
        with self._change:
            return self._change.wait_for(lambda: self._is_done, timeout)

    # how it is played

    def run(self) -> None:
        """Deliver until all is delivered or `stop` is called, on the calling thread.

        With on_error="stop" raises what a callback raised.
        """
        self._is_watched = True
        is_strict, calls = self._on_error == "stop", self._callbacks
        for item in self._items():
            try:
                if isinstance(item, Discontinuity):
                    self._seen = item.clock_ms
                    calls.begin(item, clock=self._clock, is_strict=is_strict)
                    continue
                with calls.watching.turn(self._known):
                    if isinstance(item, int):
                        self._seen = item
                        calls.advance(item, is_strict=is_strict)
                    else:
                        calls.run(item, is_strict=is_strict)
            except Exception as error:
                self.error = error
                raise

    def run_apart(self) -> None:
        """Do `run` on a thread of its own: what has stopped it was shown, and is in `error`."""
        try:
            self.run()
        except Exception as error:
            if error is not self.error:
                raise

    def __iter__(self) -> Iterator[Fix]:
        """Yield each fix when it is due."""
        for item in self._items():
            if not isinstance(item, Discontinuity | int):
                yield from item

    def batches(self) -> Iterator[list[Fix]]:
        """Yield what is due, up to 4,096 fixes at a time."""
        for item in self._items():
            if not isinstance(item, Discontinuity | int) and (batch := list(item)):
                yield batch

    async def __aiter__(self) -> AsyncIterator[Fix]:
        """Yield each fix when it is due; the loop is free meanwhile."""
        items = self._items()
        try:
            while (item := await asyncio.to_thread(next, items, None)) is not None:
                if not isinstance(item, Discontinuity | int):
                    for fix in item:
                        yield fix
        finally:
            self.stop()
            with suppress(ValueError):  # a thread is still in it, and ends it by itself
                items.close()

    # inside

    def _items(self) -> Generator[Discontinuity | Iterator[Fix] | int, None, None]:
        """Yield what comes: the start of a pass, or fixes that are due, to be taken before the next.

        Or a moment, where rules are held to what time alone may set off by then.
        """
        with self._change:
            if self._is_begun:
                raise InvalidInput("this replay was begun before; make another one", code="replay_begun")
            self._is_begun = True
            self._plan.head.move(self._plan.start, self._now())
        self._changed()
        try:
            while (item := self._next_told()) is not None:
                if isinstance(item, Discontinuity | int):
                    yield item
                    self._seen = None
                    continue
                before, passed = self._delivered, self._passed
                yield self._fixes(item)
                with self._change:
                    self._seen = None
                    if self._plan.passes == passed:  # held or stopped in the middle of it
                        self._plan.put_back(item, item.start + self._delivered - before)
        finally:
            with self._change:
                self._seen = None
                self._is_done = True
            self._changed()

    def _fixes(self, due: Due[int]) -> Iterator[Fix]:
        begin, end, passed = due.piece.rows + due.start, due.piece.rows + due.stop, self._passed
        moments = self._rows.moments[begin:end].tolist()
        is_step = self._plan.head.is_paused
        for fix, moment in zip(self._rows.fixes(begin, end), moments, strict=True):
            if self._is_stopped or self._plan.passes != passed or self._plan.head.is_paused != is_step:
                return
            self._seen = self._reached = moment
            self._delivered += 1
            self._row += 1
            yield fix

    def _next_told(self) -> Due[int] | Discontinuity | int | None:
        """Do `_next`, and tell where the playhead is once it has jumped over a silence."""
        while True:
            item = self._next()
            if self._leaps.is_due(self._now()):
                self._leaps.told(self._now())
                self._watchers.tell(self.playhead())
            if not isinstance(item, str):
                return item

    def _next(self) -> Due[int] | Discontinuity | int | Literal["leapt"] | None:
        """Wait until something comes; None when it is over."""
        plan = self._plan
        with self._change:
            while not self._is_stopped:
                now = self._now()
                if plan.passes != self._passed:
                    return self._begin_pass()
                if self._steps:
                    if (step := self._step(now)) is not None:
                        return step
                    continue
                if taken := plan.take(now, _CHUNK):  # there is but one piece
                    return Due(taken[0].piece, taken[0].start, taken[-1].stop)
                if plan.turn(now):
                    self._why = "loop"
                    continue
                if plan.state == "ended":
                    return None
                if (meanwhile := self._rest(now)) is not None:
                    return meanwhile
            return None

    def _rest(self, now: float) -> int | Literal["leapt"] | None:
        """Wait until something is due or somebody steers; returns what is before that."""
        plan = self._plan
        due = plan.deadline()
        if due is not None and (alarm := self._alarm()) is not None:
            if alarm <= plan.at(now):
                return int(plan.at(now))
            due = min(due, plan.head.deadline(alarm))
        if self._leaps.is_due(now):
            return "leapt"
        # a wait of 0 would spin where the clock has not quite come to the deadline
        self._change.wait(None if due is None else max(min(due, self._leaps.due) - now, _SHORTEST))
        return None

    def _alarm(self) -> int | None:
        """Return the moment at which time alone may set off a rule, if there is time."""
        return self._callbacks.watching.due if self._is_watched else None

    def _known(self) -> tuple[Sequence[Fix], int]:
        return self._rows.known_before(self._row), self.clock_ms

    def _step(self, now: float) -> Due[int] | None:
        taken = self._plan.step(min(self._steps, _CHUNK), now)
        self._steps -= taken[0].stop - taken[0].start if taken else self._steps
        if not self._steps and self._hold is not None:
            self._plan.head.move(self._hold, now)
        return taken[0] if taken else None

    def _begin_steps(self, count: int, hold: int | None) -> None:
        now = self._now()
        self._plan.pause(now)
        self._steps, self._hold = count, hold
        if not count and hold is not None:
            self._plan.head.move(hold, now)

    def _begin_pass(self) -> Discontinuity:
        plan = self._plan
        self._passed = plan.passes
        self._row = self._next_row()
        plan.feed(Piece(self._rows.moments[self._row :], self._row))
        plan.complete()
        self._reached = plan.start
        return Discontinuity(self._why, plan.start, self._rows.known_before(self._row))

    def _next_row(self) -> int:
        """Return the row that comes next."""
        plan = self._plan
        is_moved = plan.passes != self._passed or not plan.is_complete
        return self._rows.first_at(plan.start) if is_moved else self._row

    def _changed(self) -> None:
        """Wake whoever waits, and tell of it outside of the lock: they may take locks of their own."""
        with self._change:
            self._change.notify_all()
        self._watchers.tell(self.playhead())
