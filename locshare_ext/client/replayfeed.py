"""What comes of a replay that a server gives out: its fixes, its marks, its playhead."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from locshare_ext.client.callbacks import Callbacks
from locshare_ext.client.feed import Feed
from locshare_ext.client.http import path_of
from locshare_ext.client.incoming import decode_fixes
from locshare_ext.client.intake import LAG, Intake
from locshare_ext.client.ladder import Ladder
from locshare_ext.client.playhead import Playhead, Watchers
from locshare_ext.client.source import FixBatch
from locshare_ext.client.steering import Discontinuity
from locshare_ext.client.watching import newest_of
from locshare_ext.errors import LocShareError, NotFound
from locshare_ext.model.clock import Clock
from locshare_ext.model.cursor import Cursor
from locshare_ext.model.fix import Fix
from locshare_ext.model.names import replay_of

__all__ = ["ReplayFeed", "playhead_of"]

Reason = Literal["start", "seek", "loop"]
STEPPED = 1.0  # s by which the server's clock was set, rather than that something was slow


class _Intake(Intake):
    """Keeps what a replay gives out; places are those in the replay's own log.

    clock: that of the replay. until: the place up to which all was given out before we came:
    that is kept, and no callback is told of it.
    """

    def __init__(self, tell: Callable[[FixBatch], None]) -> None:
        super().__init__(tell)
        self.clock: Clock = "time"
        self.until: Cursor | None = None
        self._begun: tuple[Reason, int, list[Fix]] | None = None  # and not told yet
        self._is_past_new = False  # whether rules do not know of the past yet

    def is_past(self, read: str | None) -> bool:
        """Whether something was given out before we came."""
        at, until = None if read is None else Cursor.parse(read), self.until
        return at is not None and until is not None and at.epoch == until.epoch and at.offset <= until.offset

    def take(self, body: bytes, read: str | None) -> None:
        """Take fixes: into the columns, to the listeners, to the callbacks."""
        fixes = decode_fixes(body)
        with self.callbacks.watching.turn(self.known):
            if self.is_past(read):
                self._number(fixes, read)
                self._is_past_new = True
                return
            self._settle()
            self._number(fixes, read)
            self.tell_begin()
            self.callbacks.run(self._one_by_one(fixes))
            self.seen = None

    def known(self) -> tuple[list[Fix], int]:
        """Return each member's last fix, and when that was."""
        self.callbacks.watching.clock = self.clock
        return newest_of(self.columns.history()), 0

    def advance(self, moment: int) -> None:
        """Have the clock come to a moment (ms) without a fix; any thread may call it."""
        with self.callbacks.watching.turn(self.known):
            self._settle()
            super().advance(moment)

    def _settle(self) -> None:
        """Have rules begin where everybody was when we came."""
        if self._is_past_new:
            self._is_past_new = False
            self.callbacks.watching.begin(*self.known(), self.clock)

    @property
    def is_begun(self) -> bool:
        """Whether all that are to know do so, where it began anew."""
        return self._begun is None

    def begin_anew(self, reason: Reason, playhead: int, read: str | None) -> None:
        """What was before is no past of what comes; who is told so waits for where everyone was."""
        cursor = self.cursor
        self._restart()
        self.cursor = cursor if read is None else Cursor.parse(read)
        self._begun = None if self.is_past(read) else (reason, playhead, [])

    def restore(self, fixes: list[Fix], read: str | None) -> None:
        """Take where members were before the playhead."""
        self._number(fixes, read)
        if self._begun is not None:
            self._begun[2].extend(fixes)

    def tell_begin(self) -> None:
        """Tell callbacks that it has begun anew, if they were not."""
        if self._begun is not None:
            (reason, playhead, known), self._begun = self._begun, None
            self.seen = playhead
            self.callbacks.begin(Discontinuity(reason, playhead, tuple(known)), clock=self.clock)
            self.seen = None

    def _restart(self) -> None:
        self._void()

    def _one_by_one(self, fixes: list[Fix]) -> Any:
        for fix in fixes:
            self.seen = fix.time if self.clock == "time" else fix.received
            yield fix

    def _number(self, fixes: Sequence[Fix], read: str | None) -> None:
        """Keep fixes by their places in the replay, which ascend as their own do not."""
        last = Cursor.parse(read) if read is not None else self.cursor
        end = 0 if last is None else last.offset
        self._keep(fixes, list(range(end - len(fixes) + 1, end + 1)), last)


class ReplayFeed(Feed):
    """One replay, followed like a group; see `Feed`. Its name is `replay.ID`."""

    _rungs = ("stomp", "sse")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._intake: _Intake = _Intake(self._statuses.tell_fixes)
        self._watchers = Watchers()
        self._head: Playhead | None = None
        self._ends = (0, 0)
        self._lag = float("inf")  # s: our monotonic clock less the server's
        self._words = ""  # with which the server ended it

    @property
    def callbacks(self) -> Callbacks:
        """What is called with each fix."""
        return self._intake.callbacks

    @property
    def clock(self) -> int:
        """The moment, ms, of what is seen: in a callback that of its fix, else the playhead."""
        seen = self._intake.seen
        if seen is not None and self._is_own_turn():
            return seen
        return 0 if self._head is None else int(self._head.moment_at(time.monotonic()))

    @property
    def playhead(self) -> Playhead | None:
        """Where the replay is, by its last mark; None before it was heard of."""
        return self._head

    def watch(self, call: Callable[[Playhead], None]) -> Callable[[], None]:
        """Have a quick function told of each mark, on the feed's thread; returns what ends that."""
        return self._watchers.watch(call)

    def learn(self, said: Mapping[str, Any]) -> None:
        """Take what the server says of the replay, in an answer or a mark."""
        self._ends = said.get("begin", self._ends[0]), said.get("end", self._ends[1])
        self._intake.clock = said["clock"]
        lag = time.monotonic() - said["now"] / 1000
        if lag < self._lag or lag > self._lag + STEPPED:
            self._lag = lag  # the least that anything took to come here
        self._head = playhead_of(said, self._lag, self._ends)
        self._watchers.tell(self._head)

    # of a life

    def on_mark(self, said: Mapping[str, Any], read: str | None) -> None:
        """Take a mark: a new beginning, where everyone was, or how it goes on."""
        if said["type"] == "event":  # the recording has them, and so has who asks it
            return
        if said["type"] == "discontinuity":
            self._intake.begin_anew(said["reason"], said["playhead"], read)
        elif said["state"] == "restored":
            self._intake.restore(msgspec.convert(said["fixes"], list[Fix]), read)
            return
        else:
            self._intake.tell_begin()
        if read is not None:
            self._intake.cursor = Cursor.parse(read)
        if not self._intake.is_past(read):
            self.learn(said)

    def _tick(self) -> None:
        head, at = self._head, time.monotonic() - LAG / 1000
        if head is not None and head.state == "playing" and head.at <= at and self._intake.is_begun:
            self._intake.advance(int(head.moment_at(at)))

    def _load_history(self) -> None:
        """Ask where it is; what it has given out is read from the start of its log."""
        about = self.api.get(path_of("replays", replay_of(self.group) or ""))
        self._intake.until = Cursor.parse(about["cursor"])
        self.learn(about)
        self._statuses.is_known()
        self._has_history = True

    def _takes_it(self, error: LocShareError, ladder: Ladder) -> bool:
        if isinstance(error, NotFound):
            why = f": {self._words}" if self._words else ""
            self._is_refused = True
            self._statuses.close(f"The replay has ended{why}.")
            self._settled.set()
            return False
        if self._was_live:
            self._words = error.message.removeprefix("the server ended the connection: ").rstrip(".")
        return super()._takes_it(error, ladder)


def playhead_of(said: Mapping[str, Any], lag: float, ends: tuple[int, int]) -> Playhead:
    """Return the playhead that a server tells of; lag: s, our monotonic clock less the server's."""
    return Playhead(
        "playing" if said["state"] == "playing" else "paused",
        said["playhead"],
        said["now"] / 1000 + lag,
        float(said["speed"]),
        said["clock"],
        is_looping=said["loop"],
        start=ends[0],
        end=ends[1],
    )
