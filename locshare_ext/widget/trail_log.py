"""All fixes of a layer in the kernel, as columns that only grow."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from locshare_ext.errors import InvalidInput
from locshare_ext.widget.units import to_units

__all__ = ["FIXED_NAMES", "NUMBERS", "TrailLog"]

NUMBERS = ("speed", "heading", "battery", "accuracy", "altitude")  # float32; NaN is unknown
FIXED: tuple[tuple[str, Any], ...] = (
    ("member", np.uint32),
    ("x", np.uint32),
    ("y", np.uint32),
    ("time", np.int64),
    ("received", np.int64),
)
FIXED_NAMES = frozenset(name for name, _ in FIXED)
FIRST_CAPACITY = 1024
MAX_FIXES = 20_000_000
MAX_COLUMNS = 32  # numbers and texts of a fix: each is sent with every fix that has it
MAX_CATEGORIES = 4096  # different texts of a column

Columns = dict[str, npt.NDArray[Any]]


class TrailLog:
    """Fixes in order of arrival, numbered from 0; any thread may use it.

    Beside the known numbers a fix may have others of any name, and texts: a text column is a
    number whose values are named by `categories`.

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
        self.categories: dict[str, list[str]] = {}  # by column: its texts, by number
        self._codes: dict[str, dict[str, int]] = {}
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

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the numbers and texts that some fix has."""
        return tuple(name for name in self._columns if name not in FIXED_NAMES)

    def numbers_of(self, columns: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        """Return columns with texts (object arrays; None is unknown) as the numbers by which they travel.

        Raises InvalidInput when a column changes between text and number, or there are too many.
        """
        with self._lock:
            known = set(self.columns)
            if len(known | columns.keys()) > MAX_COLUMNS:
                raise InvalidInput(f"more than {MAX_COLUMNS} columns beside the position", field="columns")
            for name, values in columns.items():
                is_text = values.dtype == object
                if name in known and is_text != (name in self.categories):
                    was, now = ("text", "numbers") if name in self.categories else ("numbers", "text")
                    raise InvalidInput(f"{name} was {was} until now, and is {now} here", field=name)
                if is_text:
                    self._check_new_texts(name, values)
            return {
                name: self._encode(name, values) if values.dtype == object else values
                for name, values in columns.items()
            }

    def _check_new_texts(self, name: str, values: npt.NDArray[Any]) -> None:
        texts = self._codes.get(name, {}).keys() | {text for text in values if text is not None}
        if len(texts) > MAX_CATEGORIES:
            raise InvalidInput(f"{name} has more than {MAX_CATEGORIES} different texts", field=name)

    def _encode(self, name: str, values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        codes, texts = self._codes.setdefault(name, {}), self.categories.setdefault(name, [])
        for text in values:
            if text is not None and text not in codes:
                codes[text] = len(texts)
                texts.append(text)
        known = (np.nan if text is None else codes[text] for text in values)
        return np.fromiter(known, np.float32, len(values))

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

    def replace(
        self,
        members: Sequence[str],
        time: npt.NDArray[np.int64],
        received: npt.NDArray[np.int64],
        lat: npt.ArrayLike,
        lon: npt.ArrayLike,
        columns: Mapping[str, npt.NDArray[Any]],
    ) -> None:
        """Forget everything and hold these fixes; nobody sees the log between."""
        with self._lock:
            self._reset()
            self.append(self.ids_of(members), time, received, lat, lon, self.numbers_of(columns))

    def reach(self, by: str) -> tuple[int, int] | None:
        """Return the first and last moment, ms; None without fixes.

        by: `received`, as far as that is known, else the earlier of both clocks, as pages sort.
        """
        with self._lock:
            if not self._count:
                return None
            time, received = (self._columns[name][: self._count] for name in ("time", "received"))
            known = received > 0
            moments = np.where(known, received if by == "received" else np.minimum(time, received), time)
            return int(moments.min()), int(moments.max())

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
