"""All fixes of a layer in the kernel, as columns that only grow."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from locshare_ext.widget.units import to_units

__all__ = ["NUMBERS", "TrailLog"]

NUMBERS = ("speed", "heading", "battery", "accuracy", "altitude")  # float32; NaN is unknown
FIXED: tuple[tuple[str, Any], ...] = (
    ("member", np.uint32),
    ("x", np.uint32),
    ("y", np.uint32),
    ("time", np.int64),
    ("received", np.int64),
)
FIRST_CAPACITY = 1024
MAX_FIXES = 20_000_000

Columns = dict[str, npt.NDArray[Any]]


class TrailLog:
    """Fixes in order of arrival, numbered from 0; any thread may use it.

    epoch: names this life of the log; `clear` begins another, so that a page knows that
    numbers start again. When `max_fixes` are held, the oldest tenth is forgotten.
    """

    def __init__(self, max_fixes: int = MAX_FIXES) -> None:
        self._lock = threading.RLock()
        self._max = max_fixes
        self._reset()

    def _reset(self) -> None:
        self.epoch = uuid.uuid4().hex
        self.names: list[str] = []
        self._ids: dict[str, int] = {}
        self._columns: Columns = {name: np.empty(FIRST_CAPACITY, dtype) for name, dtype in FIXED}
        self._oldest = 0
        self._count = 0

    @property
    def head(self) -> int:
        """The number that the next fix will have."""
        return self._oldest + self._count

    @property
    def oldest(self) -> int:
        """The number of the oldest fix still held."""
        return self._oldest

    def __len__(self) -> int:
        return self._count

    def clear(self) -> None:
        """Forget everything, and begin another epoch."""
        with self._lock:
            self._reset()

    def ids_of(self, members: Sequence[str] | npt.NDArray[Any]) -> npt.NDArray[np.uint32]:
        """Return each member's id, by which it travels; new names get the next ones."""
        with self._lock:
            ids = self._ids
            for name in members:
                if name not in ids:
                    ids[str(name)] = len(self.names)
                    self.names.append(str(name))
            return np.fromiter((ids[name] for name in members), np.uint32, len(members))

    def append(
        self,
        member: npt.NDArray[np.uint32],
        time: npt.NDArray[np.int64],
        received: npt.NDArray[np.int64],
        lat: npt.ArrayLike,
        lon: npt.ArrayLike,
        numbers: Mapping[str, npt.ArrayLike | None],
    ) -> int:
        """Add fixes of one length (ids of `ids_of`, ms, degrees); returns the head after them."""
        x, y = to_units(lat, lon)
        new: dict[str, Any] = {"member": member, "x": x, "y": y, "time": time, "received": received}
        new |= {name: values for name, values in numbers.items() if values is not None}
        count = len(member)
        with self._lock:
            self._make_room(count)
            start, end = self._count, self._count + count
            for name, values in new.items():
                self._column(name)[start:end] = values
            for name in self._columns.keys() - new.keys():
                self._columns[name][start:end] = np.nan  # only numbers can be missing
            self._count = end
            return self.head

    def rows(self, first: int, last: int) -> Columns:
        """Return copies of the columns of fixes `first` to before `last`, as far as held."""
        with self._lock:
            a, b = max(first - self._oldest, 0), max(min(last - self._oldest, self._count), 0)
            return {name: column[a : max(a, b)].copy() for name, column in self._columns.items()}

    def _column(self, name: str) -> npt.NDArray[Any]:
        if name not in self._columns:
            capacity = len(self._columns["member"])
            self._columns[name] = np.full(capacity, np.nan, np.float32)
        return self._columns[name]

    def _make_room(self, count: int) -> None:
        if self._count and self._count + count > self._max:
            self._forget(max(self._max // 10, min(count, self._count)))
        capacity = len(self._columns["member"])
        if self._count + count <= capacity:
            return
        while capacity < self._count + count:
            capacity *= 2
        for name, column in self._columns.items():
            larger = np.empty(capacity, column.dtype)
            larger[: self._count] = column[: self._count]
            self._columns[name] = larger

    def _forget(self, count: int) -> None:
        count = min(count, self._count)
        for column in self._columns.values():
            column[: self._count - count] = column[count : self._count].copy()
        self._oldest += count
        self._count -= count
