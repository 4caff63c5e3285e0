"""Fixes as growing columns with a bound: what the kernel keeps of a live group."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from locshare_ext.client.incoming import Row, seqs_of
from locshare_ext.client.source import COLUMNS, DTYPES, NUMBER_COLUMNS, FixBatch
from locshare_ext.model.fix import Fix
from locshare_ext.model.names import fold
from locshare_ext.model.trail import arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FixColumns", "batch_from_table", "table_from_fixes"]

BOUND = 200_000  # fixes kept, about 18 MB
_FIRST_ROOM = 1024
_FLAGS = ("late", "future", "repaired")


class FixColumns:
    """Columns that grow at the end and, past `bound` fixes, lose their oldest half.

    Any thread may call; every batch that was given out stays as it is.
    """

    def __init__(self, bound: int = BOUND) -> None:
        self._bound = bound
        self._lock = threading.Lock()
        self._names: list[str] = []
        self._shown_names: list[str] = []
        self._ids: dict[str, int] = {}
        self._size = 0
        self._arrays = _room_for(0)

    def __len__(self) -> int:
        return self._size

    def history(self) -> FixBatch:
        """Return all that is kept, in order of arrival, without copying."""
        with self._lock:
            return self._batch(0, self._size)

    def append(self, fixes: Sequence[Fix | Row], seqs: Sequence[int]) -> FixBatch:
        """Add fixes with their offsets; returns them as columns."""
        # a column at a time, by name and not by getattr: half of the cost
        columns: list[Any] = [
            seqs,
            [fix.time for fix in fixes],
            [fix.received for fix in fixes],
            [fix.lat for fix in fixes],
            [fix.lon for fix in fixes],
            [fix.altitude for fix in fixes],
            [fix.accuracy for fix in fixes],
            [fix.speed for fix in fixes],
            [fix.heading for fix in fixes],
            [fix.battery for fix in fixes],  # numpy makes NaN of None
        ]
        with self._lock:
            try:
                ids = [self._ids[fix.member] for fix in fixes]
            except KeyError:  # somebody new
                ids = [self._id(fix.member) for fix in fixes]
            return self._extend(len(fixes), [ids, *columns])

    def extend(self, batch: FixBatch) -> FixBatch:
        """Add a batch with names of its own; returns it with ours."""
        with self._lock:
            ids = np.array([self._id(name) for name in batch.names] or [0], dtype=np.int32)
            columns: list[Any] = [ids[batch.member], *(getattr(batch, name) for name in COLUMNS[1:])]
            return self._extend(len(batch), columns)

    def clear(self) -> None:
        """Forget all fixes; the members keep their numbers."""
        with self._lock:
            self._size, self._arrays = 0, _room_for(0)

    def forget(self, name: str) -> bool:
        """Remove a member with all its fixes, and give the others new numbers; returns if it was there."""
        with self._lock:
            gone = self._ids.get(fold(name))
            if gone is None:
                return False
            kept = self._batch(0, self._size)
            kept = kept.take(kept.member != gone)
            self._leave_out(gone, kept, kept.member)
            return True

    def rename(self, member: str, name: str) -> bool:
        """Let a member's fixes be under another name, which another may have; returns if it was there."""
        with self._lock:
            gone, into = self._ids.get(fold(member)), self._ids.get(fold(name))
            if gone is None:
                return False
            if into is None or into == gone:
                into = len(self._names)
                self._names.append(name)
            kept = self._batch(0, self._size)
            self._leave_out(gone, kept, np.where(kept.member == gone, np.int32(into), kept.member))
            return True

    def _leave_out(self, gone: int, kept: FixBatch, numbers: Any) -> None:
        """Keep these fixes, of members with these numbers, none of which is of one who is gone."""
        names = [one for number, one in enumerate(self._names) if number != gone]
        self._names, self._shown_names = names, []
        self._ids = {fold(one): number for number, one in enumerate(names)}
        self._size, self._arrays = 0, _room_for(0)
        numbers = numbers - (numbers > gone)
        self._extend(len(kept), [numbers, *(getattr(kept, column) for column in COLUMNS[1:])])

    def _extend(self, count: int, columns: Sequence[Any]) -> FixBatch:
        self._make_room(count)
        start, end = self._size, self._size + count
        for array, values in zip(self._arrays, columns, strict=True):
            array[start:end] = values
        self._size = end
        return self._batch(start, end)

    def _make_room(self, count: int) -> None:
        """Move to larger or emptier arrays; the old ones stay with whoever holds a batch."""
        room = len(self._arrays[0])
        if self._size + count <= room:
            return
        keep = self._size
        if keep + count > self._bound:
            keep = min(keep, max(0, self._bound // 2 - count))
        larger = _room_for(max(keep + count, min(2 * room, self._bound)))
        for old, new in zip(self._arrays, larger, strict=True):
            new[:keep] = old[self._size - keep : self._size]
        self._arrays, self._size = larger, keep

    def _batch(self, start: int, end: int) -> FixBatch:
        if len(self._shown_names) != len(self._names):
            self._shown_names = list(self._names)
        views = [array[start:end] for array in self._arrays]
        for view in views:
            view.flags.writeable = False
        return FixBatch(self._shown_names, *views)

    def _id(self, name: str) -> int:
        number = self._ids.get(name)
        if number is None:
            folded = fold(name)  # one member, however its name is spelled
            number = self._ids.get(folded)
            if number is None:
                number = self._ids[folded] = len(self._names)
                self._names.append(name)
            self._ids[name] = number
        return number


def _room_for(count: int) -> list[Any]:
    return [np.empty(max(count, _FIRST_ROOM), dtype=dtype) for dtype in DTYPES]


def batch_from_table(table: pa.Table) -> FixBatch:
    """Return the columns of an Arrow table with the fields of trails."""
    member = _member(table)
    columns = [member.indices.to_numpy(zero_copy_only=False).astype(np.int32)]
    for name, dtype in zip(COLUMNS[1:], DTYPES[1:], strict=True):
        columns.append(table.column(name).to_numpy().astype(dtype, copy=False))
    return FixBatch(member.dictionary.to_pylist(), *columns)


def _member(table: pa.Table) -> Any:
    import pyarrow as pa

    column = table.unify_dictionaries().column("member").combine_chunks()
    if isinstance(column, pa.ChunkedArray):  # no chunk at all
        column = pa.array([], type=column.type)
    return column


def table_from_fixes(fixes: Sequence[Fix]) -> pa.Table:
    """Return fixes as an Arrow table with the fields of trails, in their order."""
    import pyarrow as pa

    columns: dict[str, list[Any]] = {"seq": seqs_of(fixes)}
    for name in ("member", "source", "time", "received", "lat", "lon", *NUMBER_COLUMNS):
        columns[name] = [getattr(fix, name) for fix in fixes]
    for flag in _FLAGS:
        columns[flag] = [flag in fix.flags for fix in fixes]
    columns["extra"] = [msgspec.json.encode(fix.extra).decode() if fix.extra else None for fix in fixes]
    return pa.table(columns, schema=arrow_schema())
