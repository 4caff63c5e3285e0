"""The numbers of a group up to where its map's timeline is, though nothing is played."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from locshare_ext.client.counting import add_batch
from locshare_ext.model.clock import datetime_from_ms

if TYPE_CHECKING:
    from locshare_ext.analysis.running import GroupNumbers
    from locshare_ext.client.source import FixBatch
    from locshare_ext.widget.looks_back import LooksBack

__all__ = ["LookedAt"]


class LookedAt:
    """Counts what a map's source has up to the map's playhead; of one thread, but for `close`.

    On from where it was it counts only what lies between, back from there it counts anew.
    on_change is called, on any thread, when somebody has moved the playhead.
    """

    def __init__(
        self, shown: LooksBack, source: Any, numbers: GroupNumbers, on_change: Callable[[], None]
    ) -> None:
        self._map, self._source, self._numbers = shown, source, numbers
        self._rows: FixBatch | None = None  # in the order of `_clock`
        self._moments: Any = None
        self._clock = ""
        self._counted = 0  # rows
        self.close = shown.watch_playhead(on_change)

    @property
    def is_moving(self) -> bool:
        """Whether it is another moment soon."""
        return self._is_looked_at() and self._map.is_playing

    def numbers(self) -> tuple[GroupNumbers, datetime] | None:
        """Return the numbers and their moment; None at LIVE, and where others are as good.

        Those are what callbacks are played, and of a recording at whose beginning the map still is,
        all of it.
        """
        playhead = self._map.playhead if self._is_looked_at() else None
        if playhead is None:
            return None
        moment = int(playhead.value // 1_000_000)
        if self._rows is None or self._clock != self._map.clock:
            self._begin()
        until = int(np.searchsorted(self._moments, moment, side="right"))
        if until < self._counted:
            self._begin()  # of a live group there may be more by now
            until = int(np.searchsorted(self._moments, moment, side="right"))
        if not len(self._moments) or (not self._source.is_live and moment <= self._moments[0]):
            return None
        assert self._rows is not None  # noqa: S101 -- begun above
        if until > self._counted:
            add_batch(self._numbers, self._rows.take(slice(self._counted, until)))
            self._counted = until
        return self._numbers, datetime_from_ms(moment)

    def _is_looked_at(self) -> bool:
        player = getattr(self._source, "_player", None)
        is_played = player is not None and not player.is_done
        return not (self._map.is_live or self._map.drives_on_fix or is_played)

    def _begin(self) -> None:
        if self._rows is None or self._source.is_live:
            self._rows = self._source.history()
        self._clock = self._map.clock
        key = self._rows.received if self._clock == "received" else self._rows.time
        self._rows = self._rows.take(np.lexsort((self._rows.seq, key)))
        self._moments = np.sort(key)
        self._counted = 0
        self._numbers.begin()
