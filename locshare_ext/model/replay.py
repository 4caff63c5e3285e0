"""The rules of replay: what of a recording is due when; no I/O, and time is told by the caller."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from locshare_ext.errors import InvalidInput

__all__ = [
    "FASTEST",
    "SLOWEST",
    "Due",
    "Leaps",
    "Piece",
    "Playhead",
    "Schedule",
    "State",
    "check_max_gap",
    "check_shared_speed",
    "check_speed",
]

State = Literal["playing", "paused", "ended"]
Rows = TypeVar("Rows")

SLOWEST, FASTEST = 0.1, 1000.0  # times as fast as it was, of a replay that many follow
LEAP = 0.05  # s between two tellings that a playhead has passed over silences
SHORTEST_PASS = 0.1  # s of the monotonic clock: a loop over one moment must not spin


def check_speed(speed: object, low: float = 0.0, high: float = math.inf) -> float:
    """Return a speed above 0 (infinity too) and in [low, high]; raises InvalidInput for others."""
    if isinstance(speed, bool) or not isinstance(speed, int | float) or not speed > 0:
        raise InvalidInput(
            f"speed {speed!r} is not above 0; 1 is as it was, float('inf') as fast as it can", field="speed"
        )
    if not low <= speed <= high:
        raise InvalidInput(f"speed {speed!r} is outside [{low:g}, {high:g}]", field="speed")
    return float(speed)


def check_shared_speed(speed: object) -> float:
    """Return a speed of a replay that many follow; raises InvalidInput for one outside [0.1, 1000]."""
    if speed == math.inf:
        raise InvalidInput(
            "speed inf is for rec.play(), which goes on as fast as callbacks take it; "
            f"who follows a replay sees it {SLOWEST:g} to {FASTEST:g} times as fast as it was",
            field="speed",
        )
    return check_speed(speed, SLOWEST, FASTEST)


def check_max_gap(seconds: object) -> int | None:
    """Return seconds of silence that are played at most as ms; None: as they were. Raises InvalidInput."""
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < math.inf:
        raise InvalidInput(f"max_gap {seconds!r} is not 0 or more seconds", field="max_gap")
    return round(seconds * 1000)


class Playhead:
    """A moment (ms) on a recording's clock that moves at a speed, as arithmetic on the monotonic clock.

    It moves from a base, so nothing adds up: neither pauses nor late wake-ups make it drift.
    now: s of the monotonic clock, in every call. At speed inf all is due at once, and it is
    where `reached` last put it.
    """

    __slots__ = ("_at", "_moment", "is_paused", "speed")

    def __init__(self, moment: float, now: float, *, speed: float = 1.0, is_paused: bool = False) -> None:
        self.speed = check_speed(speed)
        self.is_paused = is_paused
        self._moment, self._at = float(moment), now

    @property
    def base(self) -> float:
        """Where it was moved, paused or given its speed last, ms."""
        return self._moment

    def at(self, now: float) -> float:
        """Return where it is, ms."""
        if self.is_paused or math.isinf(self.speed):
            return self._moment
        return self._moment + (now - self._at) * 1000 * self.speed

    def horizon(self, now: float) -> float:
        """Return up to which moment all is due."""
        return math.inf if math.isinf(self.speed) and not self.is_paused else self.at(now)

    def deadline(self, moment: float) -> float:
        """Return when on the monotonic clock it is at a moment; inf while it is held."""
        if self.is_paused:
            return math.inf
        return self._at + (moment - self._moment) / 1000 / self.speed

    def reached(self, moment: float) -> None:
        """Note what was delivered last; it matters at speed inf, where no time says it."""
        if math.isinf(self.speed):
            self._moment = float(moment)

    def move(self, moment: float, now: float) -> None:
        """Put it at a moment."""
        self._moment, self._at = float(moment), now

    def pause(self, now: float) -> None:
        """Hold it where it is; twice is no error."""
        self.move(self.at(now), now)
        self.is_paused = True

    def resume(self, now: float) -> None:
        """Go on from where it was held; no error if it was not."""
        if self.is_paused:
            self._at = now
            self.is_paused = False

    def change_speed(self, speed: float, now: float) -> None:
        """Go on at another speed from where it is; raises InvalidInput."""
        checked = check_speed(speed)
        self.move(self.at(now), now)
        self.speed = checked


@dataclass(frozen=True, slots=True)
class Piece(Generic[Rows]):
    """A part of a recording in the order of its clock: moments (ms), ascending, and what stands for rows."""

    moments: Sequence[int]
    rows: Rows


@dataclass(frozen=True, slots=True)
class Due(Generic[Rows]):
    """Rows [start, stop) of a piece, all due; the last one's moment, ms."""

    piece: Piece[Rows]
    start: int
    stop: int

    @property
    def moment(self) -> int:
        """The moment of the last of them, ms."""
        return int(self.piece.moments[self.stop - 1])


class Schedule(Generic[Rows]):
    """Which fixes of a recording are due, each once in a pass, in the order that they are fed in.

    begin, end: the first and the last moment, ms. start: where it begins, None for `begin`.
    A pass is what lies between two discontinuities: the start, a seek, a loop. Whoever reads
    the recording feeds each pass from `start` on, and says when it is complete; late feeding
    delays, it loses nothing. Everything that is due comes out together.

    max_gap: ms; of a longer silence only its last so many ms are played, None: all of it. The
    playhead jumps over the rest when the silence begins, so that nothing else moves.
    """

    def __init__(
        self,
        begin: int,
        end: int,
        now: float,
        *,
        start: int | None = None,
        speed: float = 1.0,
        is_paused: bool = False,
        is_looping: bool = False,
        max_gap: int | None = None,
    ) -> None:
        self.begin, self.end = begin, max(begin, end)
        self.max_gap = max_gap
        self.leaps = 0  # how often the playhead has jumped over a silence
        self.is_looping = is_looping
        self.passes = 1  # the number of the pass under way
        self.start = begin if start is None else self.check_moment(start)  # of this pass
        self.head = Playhead(self.start, now, speed=speed, is_paused=is_paused)
        self._pieces: deque[Piece[Rows]] = deque()
        self._place = 0  # in the first piece
        self._last: float = self.start  # where the silence began that may be under way
        self._is_complete = self._is_ended = False
        self._shortest = now + SHORTEST_PASS

    @property
    def state(self) -> State:
        """Whether it moves, is held, or has delivered all."""
        if self._is_ended:
            return "ended"
        return "paused" if self.head.is_paused else "playing"

    @property
    def waiting(self) -> int:
        """How many rows were fed and not taken."""
        return sum(len(piece.moments) for piece in self._pieces) - self._place

    @property
    def upcoming(self) -> float | None:
        """The moment of the next row, inf when all of this pass is taken; None: that is not fed yet."""
        if self._pieces:
            return self._pieces[0].moments[self._place]
        return math.inf if self._is_complete else None

    @property
    def is_complete(self) -> bool:
        """Whether all of this pass was fed."""
        return self._is_complete

    def at(self, now: float) -> float:
        """Return the playhead, ms; not past the end."""
        return min(self.head.at(now), self.end)

    def check_moment(self, moment: int) -> int:
        """Return a moment that lies in the recording; raises InvalidInput."""
        if not self.begin <= moment <= self.end:
            raise InvalidInput(
                f"moment {moment} is outside the recording, [{self.begin}, {self.end}] ms since 1970",
                code="moment_outside",
                field="at",
            )
        return moment

    def feed(self, piece: Piece[Rows]) -> None:
        """Add what comes next in this pass."""
        if len(piece.moments):
            self._pieces.append(piece)

    def complete(self) -> None:
        """Say that nothing more comes in this pass."""
        self._is_complete = True

    def unfeed(self) -> None:
        """Forget what was fed and not taken: it is to be fed again."""
        self._pieces.clear()
        self._place = 0
        self._is_complete = False

    def take(self, now: float, most: int) -> list[Due[Rows]]:
        """Return what is due and was not taken yet, at most `most` rows."""
        return [] if self.state != "playing" else self._take(now, most)

    def put_back(self, due: Due[Rows], start: int) -> None:
        """Have the rows of what was taken last, from `start` on, still to be delivered."""
        if start >= due.stop:
            return
        if not self._pieces or self._pieces[0] is not due.piece:
            self._pieces.appendleft(due.piece)
        self._place = start
        self._last = due.piece.moments[start - 1] if start else self.start
        self.head.reached(self._last)

    def step(self, count: int, now: float) -> list[Due[Rows]]:
        """Return the next `count` rows, due or not, and hold the playhead at the last of them."""
        self.head.pause(now)
        taken = self._take(None, count)
        if taken:
            self.head.move(taken[-1].moment, now)
        return taken

    def deadline(self) -> float | None:
        """Return when on the monotonic clock the next thing is due; None: not without a call."""
        if self.state != "playing":
            return None
        if self._pieces:
            upcoming = self._pieces[0].moments[self._place]
            self._pass_over(upcoming)
            return self.head.deadline(upcoming)
        if not self._is_complete:
            return None
        over = self.head.deadline(self.end)
        return max(over, self._shortest) if self.is_looping else over

    def turn(self, now: float) -> bool:
        """Whether a pass has come to its end and the next one begins; without a loop it ends there."""
        due = self.deadline()
        if due is None or due > now or self._pieces:
            return False
        if not self.is_looping:
            self._is_ended = True
            self.head.move(self.end, now)
            return False
        # by the deadline and not by now: a hundred loops later it is still on time
        self._begin_pass(self.begin, now if math.isinf(self.head.speed) else due)
        return True

    def seek(self, moment: int, now: float) -> None:
        """Begin a new pass at a moment; held or not as before. Raises InvalidInput outside."""
        self._begin_pass(self.check_moment(moment), now)

    def pause(self, now: float) -> None:
        """Hold the playhead where it is; twice is no error."""
        self.head.pause(now)

    def resume(self, now: float) -> None:
        """Go on; what has ended stays so until a seek."""
        self.head.resume(now)

    def change_speed(self, speed: float, now: float) -> None:
        """Go on at another speed from here."""
        self.head.change_speed(speed, now)

    def _begin_pass(self, moment: int, now: float) -> None:
        self.unfeed()
        self._is_ended = False
        self.passes += 1
        self.start = self._last = moment
        self.head.move(moment, now)
        self._shortest = now + SHORTEST_PASS

    def _take(self, now: float | None, most: int) -> list[Due[Rows]]:
        """Return what is due, or with no time what comes next."""
        taken: list[Due[Rows]] = []
        while self._pieces and most > 0:
            piece, start = self._pieces[0], self._place
            if now is not None:
                self._pass_over(piece.moments[start])
            horizon = math.inf if now is None else self.head.horizon(now)
            room = min(len(piece.moments), start + most)
            stop = room if math.isinf(horizon) else bisect_right(piece.moments, horizon, start, room)
            if self.max_gap is not None and now is not None:
                stop = _first_gap(piece.moments, start, stop, self.max_gap)
            if stop == start:
                break
            taken.append(Due(piece, start, stop))
            most -= stop - start
            self._place = stop
            self._last = piece.moments[stop - 1]
            if stop == len(piece.moments):
                self._pieces.popleft()
                self._place = 0
        if taken:
            self.head.reached(taken[-1].moment)
        return taken

    def _pass_over(self, upcoming: int) -> None:
        """Jump over what is too long of the silence before a moment, as of when the silence began."""
        if self.max_gap is None or self.head.is_paused or math.isinf(self.head.speed):
            return
        begin = upcoming - self.max_gap
        if self._last < begin:
            at = self.head.deadline(max(self._last, self.head.base))
            self.head.move(max(begin, self.head.base), at)
            self._last = begin
            self.leaps += 1


class Leaps:
    """Says when those who see a playhead move are to be told that it jumped: soon, but not each time.

    Times are s of the monotonic clock.
    """

    def __init__(self, plan: Schedule[Any]) -> None:
        self._plan = plan
        self._known, self._at = plan.leaps, -math.inf

    @property
    def due(self) -> float:
        """When to tell; inf while nobody lacks anything."""
        return math.inf if self._known == self._plan.leaps else self._at + LEAP

    def is_due(self, now: float) -> bool:
        """Whether it is time to tell."""
        return self.due <= now

    def told(self, now: float) -> None:
        """Note that they know where it is."""
        self._known, self._at = self._plan.leaps, now


def _first_gap(moments: Sequence[int], start: int, stop: int, max_gap: int) -> int:
    """Return where a silence over `max_gap` ms ends within [start, stop), else `stop`."""
    before = moments[start] if start < stop else 0
    for place in range(start + 1, stop):
        if moments[place] - before > max_gap:
            return place
        before = moments[place]
    return stop
