"""What a recording does to be seen again: played to callbacks, iterated, or replayed on its server."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

from locshare_ext.client.callbacks import Callbacks
from locshare_ext.client.counting import Counted
from locshare_ext.client.http import Api, path_of
from locshare_ext.client.player import OnError, Player
from locshare_ext.client.playhead import Playhead, Watchers
from locshare_ext.client.times import ms_from
from locshare_ext.errors import InvalidInput
from locshare_ext.model.clock import Clock, check_clock, datetime_from_ms
from locshare_ext.model.replay import check_max_gap, check_shared_speed

if TYPE_CHECKING:
    import pyarrow as pa

    from locshare_ext.client.replay import Replay
    from locshare_ext.model.event import Event

__all__ = ["Replayable"]


class Replayable(Counted):
    """The callbacks of a recording, and what plays to them."""

    _player: Player | None = None
    _calls: Callbacks
    _watchers: Watchers

    def play(
        self,
        speed: float = 1.0,
        *,
        clock: str = "time",
        start: Any = None,
        loop: bool = False,
        max_gap: float | None = None,
        on_error: OnError = "continue",
        wait: bool = True,
    ) -> Player:
        """Deliver every fix once to the callbacks, in the order of a clock, ties as they arrived.

        speed: times as fast as it was; float("inf") as fast as the callbacks take it. clock:
        "time" as it happened, "received" as it came in. start: a moment to begin at;
        `on_discontinuity` is told where everyone was before. loop: begin again at the end.
        max_gap: s; silences are passed over but for their last so many. on_error: "stop" ends it
        when a callback raises, and raises that. wait: return when all is delivered
        (interrupting the kernel ends it); False plays on a thread of its own, and keeps what
        has stopped it as `error`. Playing again ends a replay that is under way. Maps that show this
        recording move along. Returns the player: pause, resume, seek, step, speed, loop, stop,
        wait. Raises InvalidInput.
        """
        player = self._new_player(speed, clock, start, loop, max_gap, on_error)
        if wait:
            player.run()
        else:
            name = f"locshare-play-{self._name_of()}"
            threading.Thread(target=player.run_apart, name=name, daemon=True).start()
        return player

    def replay(
        self,
        speed: float = 1.0,
        *,
        clock: str = "time",
        start: Any = None,
        loop: bool = False,
        paused: bool = False,
        max_gap: float | None = None,
        members: Sequence[str] | None = None,
        into: str | None = None,
        record: bool = False,
    ) -> Replay:
        """Begin a replay on the recording's server, for any number of watchers; returns it, to be steered.

        speed: 0.1 to 1000. clock, start, loop, max_gap: as of `play`. paused: hold it at its
        start, so that who comes before `resume` misses nothing. members: only theirs. into: a live
        group that gets the fixes as well, as if they came now, with source `replay`; record: and
        keeps them. Raises InvalidInput, AccessDenied, Conflict when there are too many.
        """
        from locshare_ext.client.replay import Replay

        body = {
            "recording": self.id,
            "clock": check_clock(clock),
            "speed": check_shared_speed(speed),
            "loop": loop,
            "paused": paused,
            "at": None if start is None else ms_from(start, tz=self.tz, field="start"),
            "max_gap": max_gap,
            "members": None if members is None else list(members),
            "into": into,
            "record": record,
        }
        api = self._need_api("replay")
        said = {name: value for name, value in body.items() if value is not None}
        return Replay(api, api.send("POST", path_of("replays"), said), tz=self.tz)

    def fixes(
        self,
        speed: float = float("inf"),
        *,
        clock: str = "time",
        start: Any = None,
        loop: bool = False,
        max_gap: float | None = None,
    ) -> Player:
        """Return the fixes to be iterated: `for fix in rec.fixes()`, or `async for`, or `.batches()`.

        As `play`, without callbacks; `clock` tells the moment of the fix that was yielded last.
        """
        return self._new_player(speed, clock, start, loop, max_gap, "continue")

    def watch_play(self, call: Callable[[Playhead], None]) -> Callable[[], None]:
        """Have a quick function told when `play` begins, ends or is steered; returns what ends that."""
        return self._watchers.watch(call)

    @property
    def clock(self) -> datetime:
        """The moment of what is seen: the replay's playhead, before it the recording's beginning."""
        return datetime_from_ms(self._begin() if self._player is None else self._player.clock_ms)

    def _new_player(
        self,
        speed: float,
        clock: str,
        start: Any,
        loop: bool,
        max_gap: float | None,
        on_error: OnError,
    ) -> Player:
        key, table = check_clock(clock), self._table()
        begin = None if start is None else ms_from(start, tz=self.tz, field="start")
        if begin is not None:
            _check_start(table, key, begin)
        player = Player(
            table,
            self._calls,
            speed=speed,
            clock=key,
            epoch=self._epoch(),
            start=begin,
            is_looping=loop,
            max_gap=check_max_gap(max_gap),
            on_error=on_error,
            events=self._events,
            tz=self.tz,
            tell=self._watchers.tell,
        )
        before, self._player = self._player, player
        if before is not None:
            before.stop()
        return player

    def _callbacks(self, *, from_now: bool = False) -> Callbacks:
        return self._calls

    # what a recording brings

    @property
    @abstractmethod
    def tz(self) -> tzinfo | None:
        """The zone of times that have none."""

    @property
    @abstractmethod
    def id(self) -> str | None:
        """Its id on the server, None for a file."""

    @abstractmethod
    def _need_api(self, what: str) -> Api:
        """Return what talks to its server; raises InvalidInput for a file."""

    @abstractmethod
    def _name_of(self) -> str:
        """Return what people call it."""

    @abstractmethod
    def _epoch(self) -> str | None:
        """Return the life of the log that it is of."""

    @abstractmethod
    def _begin(self) -> int:
        """Return its first moment, ms."""

    @abstractmethod
    def _table(self) -> pa.Table:
        """Return its fixes, by seq."""

    @abstractmethod
    def _events(self) -> Sequence[Event]:
        """Return its events."""


def _check_start(table: pa.Table, clock: Clock, start: int) -> None:
    import pyarrow.compute as pc

    ends = pc.min_max(table.column(clock))
    begin, end = ends["min"].as_py(), ends["max"].as_py()
    if begin is None or not begin <= start <= end:
        wanted, first, last = (
            None if at is None else f"{datetime_from_ms(at)}" for at in (start, begin, end)
        )
        inside = "which is empty" if first is None else f"[{first}, {last}]"
        raise InvalidInput(
            f"start {wanted} is outside the recording, {inside}", code="moment_outside", field="start"
        )
