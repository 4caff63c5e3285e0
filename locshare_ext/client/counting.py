"""The numbers of a group, kept up with what is called back: live, played, or followed."""

from __future__ import annotations

import threading
import weakref
from abc import abstractmethod
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from locshare_ext.client.alerted import CallsAlerts
from locshare_ext.client.steering import Discontinuity
from locshare_ext.errors import LocShareError
from locshare_ext.model.cursor import Cursor
from locshare_ext.model.fix import Fix

if TYPE_CHECKING:
    from locshare_ext.analysis.running import GroupNumbers
    from locshare_ext.client.source import FixBatch

__all__ = ["Counted", "Following", "add_batch"]


class Counted(CallsAlerts):
    """The numbers of groups, recordings and replays."""

    _has_past = True  # whether what is known already has the places that its cursors tell

    @property
    @abstractmethod
    def is_live(self) -> bool:
        """Whether fixes may still come."""

    @property
    @abstractmethod
    def title(self) -> str:
        """What people call it."""

    @property
    @abstractmethod
    def clock(self) -> datetime:
        """The moment of what is seen."""

    @abstractmethod
    def history(self) -> FixBatch:
        """Return what is known now."""

    def numbers(self, *, past: bool = True, **settings: Any) -> GroupNumbers:
        """Return the group's numbers, which go on with every fix, live or played, while you keep them.

        past: begin with what the live feed keeps (the newest 100,000 fixes or more), or all of a
        recording; false begins empty, as a replay that is followed does. A replay that begins, is
        moved or loops counts anew. settings: `near`, `max_gap`, `moving`, `radius`, `lasting`, `cell`,
        see `analysis.GroupNumbers`. Raises InvalidInput.
        """
        from locshare_ext.analysis.running import GroupNumbers

        numbers = GroupNumbers(**settings)
        Following(self, numbers, past=past)
        return numbers


class Following:
    """Keep numbers those of what a source brings; ends with them, or by `close`.

    past: with what is known already. on_change is called after each change, on whichever
    thread, and must be quick.
    """

    def __init__(
        self,
        source: Counted,
        numbers: GroupNumbers,
        *,
        past: bool = True,
        on_change: Callable[[], None] | None = None,
    ) -> None:
        self._numbers = weakref.ref(numbers)
        self._source = source
        self._changed = on_change or _nothing
        self._lock = threading.Lock()
        self._waiting: list[Fix] | None = []  # what comes before the past is there
        self._is_void = False  # whether the past that is being read is no past of what comes
        self._newest = -1  # offset up to which all was in the past; -1: nothing that comes was
        source.on_discontinuity(self._begin)
        source.on_fixes(self._take)
        has_past = past and source._has_past
        while not self._join(self._past() if has_past else None):
            pass

    def close(self) -> None:
        """Count no more."""
        self._changed = _nothing
        self._source.off_fix(self._take)
        self._source.off_fix(self._begin)

    def _past(self) -> FixBatch | None:
        try:
            return self._source.history()
        except LocShareError:
            return None  # the source says how it is

    def _join(self, past: FixBatch | None) -> bool:
        """Count the past, then what came meanwhile; False when the past is to be read once more."""
        with self._lock:
            waiting, self._waiting = self._waiting or [], None
            is_void, self._is_void = self._is_void, False
            if is_void and past is not None and self._source.is_live:
                self._waiting = waiting
                return False
            numbers = self._numbers()
            if numbers is not None:
                if past is not None and len(past) and not is_void:
                    add_batch(numbers, past)
                    self._newest = int(past.seq.max())
                numbers.add(self._new(waiting))
        self._changed()
        return True

    def _take(self, fixes: list[Fix]) -> None:
        with self._lock:
            if self._waiting is not None:
                self._waiting += fixes
                return
            numbers = self._numbers()
            if numbers is not None:
                numbers.add(self._new(fixes))
        self._end_or_tell(numbers)

    def _begin(self, where: Discontinuity) -> None:
        with self._lock:
            if self._waiting is not None:
                self._waiting.clear()
                self._is_void = True
            self._newest = -1
            numbers = self._numbers()
            if numbers is not None:
                numbers.begin(where.known)
        self._end_or_tell(numbers)

    def _end_or_tell(self, numbers: GroupNumbers | None) -> None:
        if numbers is None:
            self.close()
        else:
            self._changed()

    def _new(self, fixes: list[Fix]) -> list[Fix]:
        """Return those that were not in the past: a fix is kept a little before it is called back."""
        if self._newest < 0:
            return fixes
        found = [fix for fix in fixes if fix.cursor is None or _offset(fix.cursor) > self._newest]
        if any(fix.cursor is not None for fix in found):
            self._newest = -1  # cursors ascend: nothing that comes now was there
        return found


def add_batch(numbers: GroupNumbers, batch: FixBatch) -> None:
    """Count fixes in the order of a batch."""
    import numpy as np

    names = np.array(batch.names, object)[batch.member].tolist()
    effective = np.where(batch.received > 0, np.minimum(batch.time, batch.received), batch.time)
    numbers.add_columns(names, batch.time.tolist(), effective.tolist(), batch.lat, batch.lon)


def _offset(cursor: str) -> int:
    return Cursor.parse(cursor).offset


def _nothing() -> None:
    pass
