"""What a map offers code of its timeline."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from locshare_ext.model.clock import check_clock

if TYPE_CHECKING:
    import pandas as pd

    from locshare_ext.widget.layer import TrailLayer
    from locshare_ext.widget.timeline import Timeline

__all__ = ["LooksBack"]


class LooksBack:
    """The playhead, the chosen range and the clock of a map, as its page has them and as code sets them.

    A page moves them by itself, and tells here when that is over; while a cell runs it is not
    heard, so a cell sees them as they were when it began, or moved on if they play.
    """

    trail_layer: TrailLayer
    _timeline: Timeline

    @property
    def playhead(self) -> pd.Timestamp | None:
        """The moment that is shown, UTC; now while the map is live, None for an empty recording.

        `group.at(m.playhead, clock=m.clock)` is the frame of what is seen. Setting it goes to a
        moment (a datetime with a zone, RFC 3339 text, ms) and holds there; `"live"` goes back to
        what happens now. Raises InvalidInput.
        """
        return self._timeline.playhead

    @playhead.setter
    def playhead(self, moment: Any) -> None:
        self._timeline.seek(moment)

    @property
    def is_live(self) -> bool:
        """Whether the map shows what happens now."""
        return self._timeline.state == "live"

    @property
    def is_playing(self) -> bool:
        """Whether the playhead moves through the past."""
        return self._timeline.state == "playing"

    @property
    def selection(self) -> tuple[pd.Timestamp, pd.Timestamp] | None:
        """The range that is chosen on the timeline, (start, end) in UTC; None without one.

        `group.trails(since=start, until=end, clock=m.clock)` are its fixes. It may be set, to
        None too. Raises InvalidInput.
        """
        return self._timeline.selection

    @selection.setter
    def selection(self, chosen: tuple[Any, Any] | None) -> None:
        if chosen is None:
            self._timeline.clear_selection()
        else:
            self._timeline.select(*chosen)

    @property
    def clock(self) -> str:
        """How the past is shown: `time`, as it was; `received`, as it was known. May be set.

        Raises InvalidInput.
        """
        return str(self.trail_layer.clock)

    @clock.setter
    def clock(self, clock: str) -> None:
        self.trail_layer.clock = check_clock(clock)

    def watch_playhead(self, call: Callable[[], None]) -> Callable[[], None]:
        """Have a quick function called, on any thread, when the playhead moved; returns what ends that."""
        return self._timeline.watch(call)

    @property
    def drives_on_fix(self) -> bool:
        """Whether playing on the map calls the recording's `on_fix`, too; off unless it is set."""
        return self._timeline.drives_on_fix

    @drives_on_fix.setter
    def drives_on_fix(self, is_on: bool) -> None:
        self._timeline.drives_on_fix = is_on

    def play(self, speed: float | None = None) -> None:
        """Play on the map from where the playhead is, at `speed` times as fast as it was (up to 600)."""
        self._timeline.play(speed)

    def pause(self) -> None:
        """Hold the playhead where it is."""
        self._timeline.pause()
