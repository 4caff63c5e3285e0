"""The timeline of a replay on a server: what is moved on it moves for all who follow, and by them."""

from __future__ import annotations

import logging
import math
import queue
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from locshare_ext.client.playhead import Playhead
from locshare_ext.client.times import ms_from
from locshare_ext.errors import InvalidInput, LocShareError
from locshare_ext.model.replay import check_shared_speed
from locshare_ext.widget.timeline import LIVE, OP, Timeline

if TYPE_CHECKING:
    from locshare_ext.client.replay import Replay
    from locshare_ext.client.source import FixBatch, SourceStatus
    from locshare_ext.widget.layer import TrailLayer

__all__ = ["SharedTimeline"]

NEWS = 20.0  # ms by which a replay is elsewhere than the pages show it, before they are told

log = logging.getLogger(__name__)


class SharedTimeline(Timeline):
    """A layer's timeline whose playhead is that of a replay; any thread may use it.

    What a page does is asked of the server on a thread of its own, as an answer may take long; if it
    refuses, the pages go back to where the replay is, and say why. What code asks for raises.
    """

    def __init__(self, layer: TrailLayer, replay: Replay) -> None:
        self._replay = replay
        self._shown: Playhead | None = None  # by which the pages move
        self._status: SourceStatus | None = None
        self._asked: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        super().__init__(layer, replay)
        try:
            self._follow(replay.playhead())
        except LocShareError as error:  # its status says so
            log.debug("where the replay is is not known: %s", error)
        self._unlisten = replay.listen(_pass, self._show_status)
        self._show_status(replay.status)
        threading.Thread(target=self._run, name="locshare-steering", daemon=True).start()

    def close(self) -> None:
        """Follow nothing more; the replay goes on."""
        self._unlisten()
        self._asked.put(None)
        super().close()

    # what code asks for

    def seek(self, moment: Any) -> None:
        """Go to a moment and hold there. Raises InvalidInput outside, AccessDenied."""
        if moment is None or moment == LIVE:
            raise InvalidInput("a replay has no live; expected a moment", field="playhead")
        self._replay.steer(at=ms_from(moment, tz=self._zone(), field="playhead"), paused=True)

    def play(self, speed: float | None = None) -> None:
        """Go on, or begin again where it has ended; speed: None as before. InvalidInput, AccessDenied."""
        steering: dict[str, Any] = {"paused": False}
        if speed is not None:
            steering["speed"] = check_shared_speed(speed)
        now = self._now()
        if now.end is not None and now.moment >= now.end:
            steering["at"] = now.start
        self._replay.steer(**steering)

    def pause(self) -> None:
        """Hold it where it is. Raises AccessDenied."""
        self._replay.pause()

    def _ask(self, playhead: Playhead) -> None:
        with self._lock:
            self._tell_all()  # of the range, which is this map's own

    # what the replay does

    def _follow(self, playhead: Playhead) -> None:
        with self._lock:
            self._playhead = playhead
            if self._shown is None or _is_news(self._shown, playhead):
                self._tell_all()

    def _tell_all(self) -> None:
        """Have the pages show where the replay is."""
        self._shown = self._playhead
        self._serial += 1
        self._tell(is_asked=True)

    def _show_status(self, status: SourceStatus, note: str = "") -> None:
        self._status = status
        self._layer.show_status(
            status.state,
            status.since,
            status.text,
            list(status.near),
            note or status.note,
            None,
            status.transport,
        )

    # what pages do

    def _receive(self, _: Any, content: Mapping[str, Any], buffers: Any) -> None:
        """Take what a page says; the kernel's main thread calls it."""
        if content.get("op") == "step":
            self._asked.put({"step": 1})
        elif content.get("op") == OP and content.get("isSteered"):
            with self._lock:
                chosen, known = content["range"], self._now()
                self._range = None if chosen is None else (math.floor(chosen[0]), math.ceil(chosen[1]))
            steering = _changes(
                known, content["state"], float(content["speed"]), is_looping=bool(content["loop"])
            )
            if content.get("isMoved"):
                steering["at"] = _inside(known, math.floor(content["moment"]))
            if steering:
                self._asked.put(steering)

    def _run(self) -> None:
        while (steering := self._asked.get()) is not None:
            note = ""
            try:
                self._replay.steer(**steering)
            except LocShareError as error:
                note = error.message
                with self._lock:
                    self._tell_all()
            except Exception:  # the thread's top: what is asked next is to be done all the same
                log.exception("the replay could not be steered")
            if self._status is not None and self._status.state == "live":
                self._show_status(self._status, note)

    def _go_along(self) -> None:
        """Nothing: who follows the replay is called back by it."""


def _changes(known: Playhead, state: str, speed: float, *, is_looping: bool) -> dict[str, Any]:
    """Return what makes a replay as somebody wants it."""
    found: dict[str, Any] = {}
    if state != known.state:
        found["paused"] = state != "playing"
    if speed != known.speed:
        found["speed"] = speed
    if is_looping != known.is_looping:
        found["loop"] = is_looping
    return found


def _inside(known: Playhead, moment: int) -> int:
    """Return a moment of the strip as one of the replay: the recording may have more by now."""
    if known.start is None or known.end is None:
        return moment
    return int(min(max(moment, known.start), known.end))


def _is_news(shown: Playhead, playhead: Playhead) -> bool:
    """Return whether pages that move by one playhead do not by another."""
    ways = [(one.state, one.speed, one.is_looping, one.clock) for one in (shown, playhead)]
    if ways[0] != ways[1]:
        return True
    moved = playhead.speed if playhead.state == "playing" else 0.0
    return abs(shown.moment_at(playhead.at) - playhead.moment) > NEWS * moved


def _pass(batch: FixBatch) -> None:
    """Keep nothing: the map draws the recording."""
