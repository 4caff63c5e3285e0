"""One replay of a recording on a log of its own, which any number of readers follow."""

from __future__ import annotations

import asyncio
import math
from bisect import bisect_right
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import msgspec

from locshare_ext.broker.ephemeral import EphemeralLog
from locshare_ext.errors import StoreError
from locshare_ext.model.clock import Clock
from locshare_ext.model.cursor import new_epoch
from locshare_ext.model.fix import Fix
from locshare_ext.model.mark import Mark, MarkState
from locshare_ext.model.names import fold
from locshare_ext.model.replay import Due, Leaps, Piece, Schedule, State
from locshare_ext.model.store import LogInfo, LogStore, RecordingInfo, Selection
from locshare_ext.services.happenings import Happenings
from locshare_ext.services.rows import Pair, Rows, pairs_of
from locshare_ext.services.windows import WANTED, Windows

__all__ = ["Replay", "Steering", "Wish"]

TOLD = 1.0  # s between two marks of the playhead while it is followed
_AT_ONCE = 500  # fixes given out in one turn of the loop
_RETRY = 2.0  # s until a store that failed is asked again
_ENCODER = msgspec.json.Encoder()
T = TypeVar("T")
Emit = Callable[[Sequence[Fix], int, float], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """How a recording is to be replayed.

    at: ms on `clock`, None for its begin. members: None for all. max_gap: ms, see `Schedule`.
    """

    clock: Clock = "time"
    speed: float = 1.0
    at: int | None = None
    is_looping: bool = False
    is_paused: bool = False
    members: frozenset[str] | None = None
    max_gap: int | None = None


@dataclass(frozen=True, slots=True)
class Steering:
    """What is to change; None: nothing.

    at: ms. step: so many fixes on, then held; member: up to the next one of this member instead.
    """

    at: int | None = None
    speed: float | None = None
    is_paused: bool | None = None
    is_looping: bool | None = None
    step: int | None = None
    member: str | None = None


class Replay:
    """A recording that is played on `log`, steered by any number of hands; belongs to one loop.

    source: the log that it is a part of. part, span: what of it, and the first and last moment of
    that on `wish.clock`. clock: ms since 1970 UTC. emit: takes what comes, with the playhead
    (ms) and the speed, for a live group. on_end: called once when it ends by itself, with
    the reason, or the error that is a bug.
    """

    def __init__(
        self,
        store: LogStore,
        replay_id: str,
        info: RecordingInfo,
        source: LogInfo,
        part: Selection,
        span: tuple[int, int],
        wish: Wish,
        *,
        clock: Callable[[], int],
        on_end: Callable[[Replay, Exception], None],
        emit: Emit | None = None,
    ) -> None:
        self.id = replay_id
        self.info = info
        self.clock: Clock = wish.clock
        self.delivered = 0
        self.lateness = 0.0  # s, of what came last
        self.used = 0.0  # the loop's clock, when somebody last watched or steered it
        self._store, self._source, self._part = store, source, part
        self._now_ms, self._on_end, self._emit = clock, on_end, emit
        self._loop = asyncio.get_running_loop()
        self.log = EphemeralLog(LogInfo(f"replay.{replay_id}", "group", new_epoch(), 1, 0, clock()))
        self._plan: Schedule[Rows] = Schedule(
            *span,
            self._loop.time(),
            start=wish.at,
            speed=wish.speed,
            is_paused=wish.is_paused,
            is_looping=wish.is_looping,
            max_gap=wish.max_gap,
        )
        self._happenings = Happenings(wish.clock, wish.members)
        self._forgotten: set[str] = set()  # members, folded
        self._changed = asyncio.Event()
        self._windows: Windows | None = None
        self._begun = 0  # the pass that readers were told of
        self._why = "start"  # that pass, or the next, began
        # so many fixes on, or up to the next one of a member; one after the other, however quickly asked for
        self._steps: deque[tuple[int, str | None]] = deque()
        self._told: tuple[State, float] | None = None  # what readers were told last, and when
        self._leaps = Leaps(self._plan)
        self._reading: asyncio.Task[None] | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to play."""
        self.used = self._loop.time()
        self._task = asyncio.ensure_future(self._run())

    @property
    def group(self) -> str | None:
        """The slug of the recording's group, None of an import."""
        return self.info.log if self.info.kind == "group" else None

    @property
    def state(self) -> State:
        """Whether it moves, is held, or has delivered all."""
        return self._plan.state

    @property
    def is_emitting(self) -> bool:
        """Whether it goes on into a live group."""
        return self._emit is not None and self.state == "playing"

    def as_json(self) -> dict[str, Any]:
        """Return it as the API gives it."""
        plan = self._plan
        return {
            "id": self.id,
            "recording": self.info.id,
            "group": self.group,
            "topic": f"/topic/{self.log.name}",
            "members": None if self._part.members is None else sorted(self._part.members),
            "begin": plan.begin,
            "end": plan.end,
            **self._situation(),
            "delivered": self.delivered,
            "watchers": self.log.readers,
            "cursor": self.log.cursor(self.log.head),
        }

    def steer(self, steering: Steering) -> None:
        """Change how it goes on; raises InvalidInput for what cannot be, and then nothing changes."""
        plan, now = self._plan, self._loop.time()
        if steering.at is not None:
            plan.check_moment(steering.at)
        if steering.speed is not None:
            plan.change_speed(steering.speed, now)
        if steering.is_looping is not None:
            plan.is_looping = steering.is_looping
        if steering.is_paused is not None:
            (plan.pause if steering.is_paused else plan.resume)(now)
            self._steps.clear()
        if steering.at is not None:
            plan.seek(steering.at, now)
            self._why = "seek"
            self._steps.clear()
        if steering.step is not None:
            plan.pause(now)
            self._steps.append((steering.step, None if steering.member is None else fold(steering.member)))
        self.used = now
        self._told = None
        self._changed.set()

    def forget(self, member: str) -> None:
        """Give out no fix of a member any more, and let go of those that were."""
        self._forgotten.add(fold(member))
        self._happenings.forget(member)
        self.log.forget(member)

    async def end(self, reason: str) -> None:
        """End it, and tell the readers why; twice is no error."""
        self.log.close(reason)
        tasks = [task for task in (self._task, self._reading) if task is not None]
        self._task = self._reading = None
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    # -- the play

    async def _run(self) -> None:
        try:
            while True:
                self._changed.clear()
                await self._advance()
        except Exception as error:
            self._on_end(self, error)

    async def _advance(self) -> None:
        """Do what is due, or wait until something is."""
        plan = self._plan
        if plan.passes != self._begun:
            await self._begin_pass()
            return
        self._read_ahead()
        now = self._loop.time()
        if self._steps:
            taken = self._step(now)
            if plan.is_complete and not plan.waiting:
                self._steps.clear()
        else:
            taken = plan.take(now, _AT_ONCE)
        if taken:
            self._give(taken, now)
            await asyncio.sleep(0)  # whoever else has something to do
        elif self._tell_happenings(plan.at(now)):
            pass  # it may have come to its end by now
        elif plan.turn(now):
            self._why = "loop"
        else:
            if not self._steps:  # else they come when they are read
                self._tell(now)
            await self._wait(now)

    def _step(self, now: float) -> list[Due[Rows]]:
        """Return what the first of the steps that were asked for gives, as far as it is read."""
        count, member = self._steps.popleft()
        if member is None:
            taken = self._plan.step(count, now)
            if count := count - sum(due.stop - due.start for due in taken):
                self._steps.appendleft((count, None))
            return taken
        taken = []
        while len(taken) < _AT_ONCE and (one := self._plan.step(1, now)):
            taken += one
            fix, _ = one[0].piece.rows.pairs(one[0].start, one[0].stop)[0]
            if fold(fix.member) == member:
                return taken
        self._steps.appendleft((count, member))
        return taken

    async def _wait(self, now: float) -> None:
        due = self._plan.deadline()
        if due is not None and (upcoming := self._happenings.upcoming) is not None:
            due = min(due, max(self._plan.head.deadline(upcoming), now))
        if self.log.readers:
            self.used = now
            if self.state == "playing":
                due = min(now + TOLD, self._leaps.due, math.inf if due is None else due)
        timer = None if due is None else self._loop.call_at(due, self._changed.set)
        try:
            await self._changed.wait()
        finally:
            if timer is not None:
                timer.cancel()

    def _give(self, taken: Sequence[Due[Rows]], now: float) -> None:
        for due in taken:
            start = due.start
            while (upcoming := self._happenings.upcoming) is not None and upcoming < due.moment:
                stop = bisect_right(due.piece.moments, upcoming, start, due.stop)
                self._put(due, start, stop, now)
                self._put_events(upcoming)
                start = stop
            self._put(due, start, due.stop, now)
        first = taken[0].piece.moments[taken[0].start]
        self.lateness = max(0.0, now - self._plan.head.deadline(first))

    def _put(self, due: Due[Rows], start: int, stop: int, now: float) -> None:
        """Give out rows [start, stop)."""
        pairs = due.piece.rows.pairs(start, stop)
        if self._forgotten:
            pairs = [pair for pair in pairs if fold(pair[0].member) not in self._forgotten]
        self.log.put_fixes(pairs)
        self.delivered += len(pairs)
        if self._emit is not None and pairs:
            self._emit([fix for fix, _ in pairs], round(self._plan.at(now)), self._plan.head.speed)

    def _put_events(self, moment: float) -> bool:
        """Give out what happened up to a moment; returns whether there was something."""
        told = False
        for at, _, body in self._happenings.take(moment):
            self.log.put_mark(Mark(state="event", playhead=at, clock=self.clock), body)
            told = True
        return told

    def _tell_happenings(self, playhead: float) -> bool:
        """Give out what happened up to the playhead, but nothing before a fix that comes before it."""
        ahead = self._plan.upcoming
        return ahead is not None and self._put_events(min(playhead, ahead - 1))

    async def _begin_pass(self) -> None:
        """Tell that what was seen is past, and where everyone was before; then read on from there."""
        plan = self._plan
        number, start, reason = plan.passes, plan.start, self._why
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        source, part = self._source, self._part
        self._windows = Windows(
            self._store, source.name, part, start, plan.end, (part.upto or 0) - (part.after or 0)
        )
        self._read_ahead()  # while it is asked where everyone was: both take their time
        happenings = Happenings(self.clock, part.members)
        before, _ = await asyncio.gather(
            self._before(start),
            self._patiently(
                lambda: happenings.load(self._store, source.name, part, self.info, start, plan.end)
            ),
        )
        if plan.passes != number:
            return  # there was another seek meanwhile
        self._begun, self._happenings = number, happenings
        self._mark("discontinuity", start, reason=reason)
        known = [pair for pair in before if fold(pair[0].member) not in self._forgotten]
        for begin in range(0, len(known), _AT_ONCE):
            self.log.put_fixes(
                known[begin : begin + _AT_ONCE], Mark(state="restored", playhead=start, clock=self.clock)
            )
        self._told = None

    async def _before(self, start: int) -> list[Pair]:
        """Return where everyone was before a moment."""
        if start <= self._plan.begin:
            return []
        until = replace(self._part, until=start - 1)
        table = await self._patiently(lambda: self._store.at(self._source.name, until))
        return pairs_of(table, self._source.epoch)

    def _read_ahead(self) -> None:
        plan = self._plan
        if self._reading is None and not plan.is_complete and plan.waiting < WANTED // 2:
            assert self._windows is not None  # noqa: S101 -- made when the pass began
            self._reading = asyncio.ensure_future(self._read(self._windows, plan.passes))
            self._reading.add_done_callback(self._on_read)

    async def _read(self, windows: Windows, number: int) -> None:
        table = await self._patiently(windows.next)
        if number != self._plan.passes:
            return
        if table is None:
            self._plan.complete()
        else:
            moments = table.column(self.clock).to_numpy().tolist()
            self._plan.feed(Piece(moments, Rows(table, self._source.epoch)))

    def _on_read(self, task: asyncio.Task[None]) -> None:
        if task is not self._reading:
            return
        self._reading = None
        self._changed.set()
        if not task.cancelled() and (error := task.exception()) is not None and self._task is not None:
            self._task.cancel()
            self._on_end(self, error if isinstance(error, Exception) else RuntimeError(str(error)))

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask the store until it answers: a replay is late then, and loses nothing."""
        while True:
            try:
                return await ask()
            except StoreError:
                await asyncio.sleep(_RETRY)

    # -- what is told

    def _tell(self, now: float) -> None:
        """Say how it goes on, when that has changed; and where it is, now and then."""
        state = self.state
        told, at = self._told or (None, now)
        is_elsewhere = self._leaps.is_due(now)
        if told != state or is_elsewhere or (state == "playing" and now - at >= TOLD):
            self._told = state, now
            self._leaps.told(now)
            self._mark(state, round(self._plan.at(now)))

    def _situation(self) -> dict[str, Any]:
        """Return where it is: `playhead` at the moment `now`, both ms."""
        plan = self._plan
        return {
            "state": plan.state,
            "playhead": round(plan.at(self._loop.time())),
            "now": self._now_ms(),
            "clock": self.clock,
            "speed": plan.head.speed,
            "loop": plan.is_looping,
            "pass": plan.passes,
        }

    def _mark(self, state: MarkState, playhead: int, **more: str) -> None:
        mark = Mark(state=state, playhead=playhead, clock=self.clock)
        said = {"type": mark.type, **more, "replay": self.id, **self._situation(), "playhead": playhead}
        self.log.put_mark(mark, _ENCODER.encode(said))
