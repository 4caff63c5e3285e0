"""The kernel's side of a map's timeline: where its playhead is, what range is chosen, and moving both."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, cast

from locshare_ext.client.playhead import Playhead, PlayheadState, Watchers
from locshare_ext.client.times import ms_from, now_ms
from locshare_ext.errors import InvalidInput
from locshare_ext.model.clock import Clock
from locshare_ext.model.replay import check_speed

if TYPE_CHECKING:
    import pandas as pd

    from locshare_ext.client.player import Player
    from locshare_ext.widget.layer import TrailLayer

__all__ = ["LIVE", "Timeline"]

LIVE: Literal["live"] = "live"
DAY = 86_400_000  # ms
NEAR = 1000.0  # ms of the page's clock by which what it tells may be late
OP = "playhead"

Range = tuple[int, int]


class Timeline:
    """What a layer's timeline shows, as far as the kernel knows; any thread may use it.

    The page moves its playhead by itself and tells here when a change is over; what is said
    while a cell runs is read when it ends. source: what is shown; None, or one without
    `watch_play`, plays on the page alone.
    """

    def __init__(self, layer: TrailLayer, source: Any = None) -> None:
        self._layer = layer
        self._source = source
        self._lock = threading.RLock()
        self._playhead: Playhead | None = None  # None: nobody has told
        self._range: Range | None = None
        self._serial = 0  # of what was asked of the pages
        self._player: Player | None = None  # that goes along with the page
        self._mine: Player | None = None  # the last of those: it tells of its end when it is gone
        self._is_beginning = False
        self._along: Playhead | None = None  # what it goes along with
        self._drives = False
        self._watchers = Watchers()
        watch = getattr(source, "watch_play", None)
        self._unwatch: Callable[[], None] = _nothing if watch is None else watch(self._follow)
        layer.on_msg(self._receive)

    def close(self) -> None:
        """Follow nothing more, and end what goes along."""
        self._unwatch()
        self._layer.on_msg(self._receive, remove=True)
        self._end_player()

    def watch(self, call: Callable[[], None]) -> Callable[[], None]:
        """Have a quick function called when somebody has moved it; returns what ends that."""
        return self._watchers.watch(lambda playhead: call())

    # where it is

    @property
    def playhead(self) -> pd.Timestamp | None:
        """The moment that is shown; now while live, None while a recording is empty."""
        import pandas as pd

        moment = self._moment()
        return None if moment is None else pd.Timestamp(moment, unit="ms", tz="UTC")

    @property
    def state(self) -> PlayheadState:
        """Whether it is live, playing or paused."""
        if self._playhead is None:
            return "live" if self._layer.mode == "live" else "paused"
        return self._now().state

    @property
    def selection(self) -> tuple[pd.Timestamp, pd.Timestamp] | None:
        """The chosen range; None without one."""
        import pandas as pd

        if self._range is None:
            return None
        start, end = (pd.Timestamp(moment, unit="ms", tz="UTC") for moment in self._range)
        return start, end

    @property
    def drives_on_fix(self) -> bool:
        """Whether playing on the page plays the recording to its `on_fix` callbacks, too."""
        return self._drives

    @drives_on_fix.setter
    def drives_on_fix(self, is_on: bool) -> None:
        if is_on and not callable(getattr(self._source, "play", None)):
            raise InvalidInput(
                "only a recording can be played to on_fix: a live group calls it with what comes",
                field="drives_on_fix",
            )
        self._drives = bool(is_on)
        self._go_along()

    # how it is moved

    def seek(self, moment: Any) -> None:
        """Go to a moment and hold there; `"live"` goes to what happens now. Raises InvalidInput."""
        if moment is None or moment == LIVE:
            if self._layer.mode != "live":
                raise InvalidInput("a recording has no live; expected a moment", field="playhead")
            self._ask(replace(self._now(), state="live", at=time.monotonic()))
            return
        ms = ms_from(moment, tz=self._zone(), field="playhead")
        self._ask(replace(self._now(), state="paused", moment=float(ms), at=time.monotonic()))

    def play(self, speed: float | None = None) -> None:
        """Play from where it is; speed: times as fast as it was, None as before. Raises InvalidInput."""
        now = self._now()
        speed = now.speed if speed is None else check_speed(speed, high=600.0)
        self._ask(replace(now, state="playing", speed=speed))

    def pause(self) -> None:
        """Hold it where it is."""
        self._ask(replace(self._now(), state="paused"))

    def select(self, start: Any, end: Any) -> None:
        """Choose a range; raises InvalidInput for an end that is not after the start."""
        first, last = (ms_from(moment, tz=self._zone(), field="selection") for moment in (start, end))
        if not first < last:
            raise InvalidInput(f"selection ends at {end}, not after its start {start}", field="selection")
        self._range = (first, last)
        self._ask(self._now())

    def clear_selection(self) -> None:
        """Choose no range."""
        self._range = None
        self._ask(self._now())

    # inside

    def _zone(self) -> Any:
        return getattr(self._source, "tz", None)

    def _moment(self) -> int | None:
        is_unknown = self._playhead is None and self._layer.mode != "live"
        if is_unknown and self._layer.reach(self._layer.clock) is None:
            return None
        return math.floor(self._now().moment)

    def _head(self) -> float:
        """Return what LIVE shows, as the page has it: what ended long ago is seen as of its end."""
        reach, now = self._layer.reach(self._layer.clock), now_ms()
        return float(now if reach is None or 0 <= now - reach[1] <= DAY else reach[1])

    def _now(self) -> Playhead:
        """Return the playhead with its moment as of now."""
        with self._lock:
            at, clock = time.monotonic(), cast("Clock", self._layer.clock)
            if self._playhead is None:
                if self._layer.mode == "live":
                    return Playhead(LIVE, self._head(), at, clock=clock)
                reach = self._layer.reach(clock)
                return Playhead("paused", float(reach[0] if reach else 0), at, clock=clock)
            known = self._playhead
            moment = self._head() if known.state == LIVE else known.moment_at(at)
            is_over = known.end is not None and moment >= known.end and not known.is_looping
            state: PlayheadState = known.state
            if state == "playing" and is_over:
                state = LIVE if self._layer.mode == "live" else "paused"
            return replace(known, state=state, moment=moment, at=at, clock=clock)

    def _ask(self, playhead: Playhead) -> None:
        """Have the pages show a moment."""
        with self._lock:
            self._playhead = playhead
            self._serial += 1
            self._tell(is_asked=True)
        self._go_along()
        self._watchers.tell(playhead)

    def _tell(self, *, is_asked: bool) -> None:
        """Tell the pages, or only those that come later, where the playhead is."""
        playhead = self._playhead
        if playhead is None:
            return
        self._layer.tell_pages(
            OP,
            is_news=is_asked,
            state=playhead.state,
            moment=playhead.moment,
            now=now_ms() - (time.monotonic() - playhead.at) * 1000,
            speed=playhead.speed,
            loop=playhead.is_looping,
            range=self._range,
            serial=self._serial,
            isAsked=is_asked,
        )

    def _follow(self, playhead: Playhead) -> None:
        """Move along with `play` of the recording, unless it goes along with the page."""
        is_mine = self._is_beginning or (
            self._mine is not None and self._mine is getattr(self._source, "_player", None)
        )
        if is_mine or math.isinf(playhead.speed):
            return
        with self._lock:
            self._playhead = playhead
            self._serial += 1
            self._tell(is_asked=True)
        self._watchers.tell(playhead)

    def _receive(self, _: Any, content: Mapping[str, Any], buffers: Any) -> None:
        """Take what a page says; the kernel's main thread calls it."""
        if content.get("op") != OP or content.get("serial") != self._serial:
            return  # the page has not heard yet what was asked of it
        with self._lock:
            chosen = content["range"]
            self._range = None if chosen is None else (math.floor(chosen[0]), math.ceil(chosen[1]))
            late = max(0.0, (now_ms() - float(content["now"])) / 1000)  # s that it lay unread
            self._playhead = Playhead(
                content["state"],
                float(content["moment"]),
                time.monotonic() - late,
                float(content["speed"]),
                cast("Clock", self._layer.clock),
                is_looping=bool(content["loop"]),
                start=content["start"],
                end=content["end"],
            )
            self._tell(is_asked=False)
            moved = self._playhead
        self._go_along()
        self._watchers.tell(moved)

    def _go_along(self) -> None:
        """Play to the recording's callbacks what the page plays, if that is switched on."""
        now = self._now()
        if not self._drives or now.state != "playing":
            if now.end is None or now.moment < now.end:  # at the end it has but to finish
                self._end_player()
            return
        told, player = self._playhead or now, self._player
        if player is not None and not player.is_done and self._is_same_way(told):
            if player.speed != told.speed:
                player.speed = told.speed
        else:
            self._end_player()
            # from where the page began, though it has gone on since: no fix is to be left out
            self._is_beginning = True  # it tells before it is returned
            try:
                self._player = self._mine = self._source.play(
                    told.speed, clock=told.clock, start=math.ceil(told.moment), wait=False
                )
            finally:
                self._is_beginning = False
        self._along = told

    def _is_same_way(self, told: Playhead) -> bool:
        """Whether a playhead is where the one before has led to: neither moved nor begun again."""
        before = self._along
        if before is None or before.clock != told.clock:
            return False
        led = replace(before, is_looping=False, end=None).moment_at(told.at)
        return abs(led - told.moment) < NEAR * max(1.0, before.speed)

    def _end_player(self) -> None:
        player, self._player = self._player, None
        if player is not None:
            player.stop()


def _nothing() -> None:
    """End what was never begun."""
