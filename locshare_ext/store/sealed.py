"""Segments as they stand in the file, and what is kept in memory of them."""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from locshare_ext.errors import StoreDamaged
from locshare_ext.model.trail import STREAM_END
from locshare_ext.store.checks import FIRST_PART, HEAD, SUMMARY, check
from locshare_ext.store.prints import unpack
from locshare_ext.store.rows import first_id, last_id
from locshare_ext.store.segment import (
    HIGHEST,
    Part,
    Segment,
    Summary,
    build,
    codes_of,
    columns_of,
    sent_times,
)

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from locshare_ext.store.prints import Prints

    Ints = NDArray[np.int64]

__all__ = ["Keys", "Sealed", "SealedLog", "list_segments", "read_batch", "read_body", "sealed_newest"]

_T = TypeVar("_T")

_COLUMNS = (
    "id, first, last, rows, low_time, high_time, low_received, high_received, parts, dictionaries, checks"
)
_RANGE_COLUMNS = ("member", "time", "received", "seq", "late")
_KEY_COLUMNS = ("member", "time", "repaired")
SUMMARIES = 4096  # of a few KiB each
PARTS = 16  # of about 1 MiB each, unpacked
COLUMNS = 128  # of about 250 KiB each
PRINTS = 32  # of 256 KiB each


class Keys:
    """When the fixes of a part were measured, as it was sent, member by member."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._ids, self._codes = codes_of(batch)
        self._sent = sent_times(batch)
        self._sorted: dict[int, tuple[Ints, Ints]] = {}

    def of(self, member: int) -> tuple[Ints, Ints]:
        """Return the sent times of a member's fixes, ascending, and where in the part each is."""
        import numpy as np

        found = self._sorted.get(member)
        if found is None:
            rows = np.flatnonzero(np.isin(self._codes, np.flatnonzero(self._ids == member)))
            rows = rows[np.argsort(self._sent[rows], kind="stable")]
            found = self._sorted[member] = (self._sent[rows], rows)
        return found


@dataclass(frozen=True)
class SealedLog:
    """The visible segments of one log, ascending, and all rows of their summaries as columns.

    place: in `segments`; row: in its summary.
    """

    segments: list[Segment]
    summaries: list[Summary]
    place: Ints
    row: Ints
    columns: dict[str, Ints] = field(repr=False)

    def rows_of(self, member: int) -> Ints:
        """Return at which places of the columns a member stands, by its id."""
        import numpy as np

        order, ids = self._by_member
        low, high = np.searchsorted(ids, (member, member + 1))
        return order[low:high]

    @cached_property
    def _by_member(self) -> tuple[Ints, Ints]:
        import numpy as np

        order = np.argsort(self.columns["ids"], kind="stable")
        return order, self.columns["ids"][order]


class Sealed:
    """Reads segments on any thread and connection, and keeps what was read last.

    A segment never changes and its id never comes back, so nothing here is ever stale.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._summaries: _Newest[Summary] = _Newest(SUMMARIES)
        self._parts: _Newest[pa.RecordBatch] = _Newest(PARTS)
        self._ranges: _Newest[pa.RecordBatch] = _Newest(COLUMNS)
        self._keys: _Newest[Keys] = _Newest(COLUMNS)
        self._prints: _Newest[Prints | None] = _Newest(PRINTS)
        self._live: dict[int, tuple[int, int, int, int]] = {}
        self._logs: _Newest[SealedLog] = _Newest(64)

    def summary(self, conn: sqlite3.Connection, segment: Segment) -> Summary:
        """Return what is in a segment in short."""

        def read() -> Summary:
            row = conn.execute("SELECT summary FROM segments WHERE id = ?", (segment.id,)).fetchone()
            try:
                with segment.unbroken():
                    check(segment.checks, SUMMARY, row[0])
                    return Summary.read(row[0])
            except StoreDamaged:
                return Summary.read(build(read_batch(conn, segment)).summary)  # the fixes say the same

        return self._get(self._summaries, segment.id, read)

    def log(self, conn: sqlite3.Connection, log_id: int, segments: list[Segment] | None = None) -> SealedLog:
        """Return all segments of a log."""
        found = list_segments(conn, log_id) if segments is None else segments
        key = (log_id, tuple(segment.id for segment in found))
        return self._get(self._logs, key, lambda: self._joined(conn, found))

    def part(self, conn: sqlite3.Connection, segment: Segment, part: Part) -> pa.RecordBatch:
        """Return the fixes of a part, with ids for names."""
        return self._get(self._parts, (segment.id, part.number), lambda: _read_part(conn, segment, part))

    def ranges(self, conn: sqlite3.Connection, segment: Segment, part: Part) -> pa.RecordBatch:
        """Return member, time, received, seq and late of the fixes of a part."""

        def read() -> pa.RecordBatch:
            return _read_part(conn, segment, part, _RANGE_COLUMNS)

        return self._get(self._ranges, (segment.id, part.number), read)

    def keys(self, conn: sqlite3.Connection, segment: Segment, part: Part) -> Keys:
        """Return when the fixes of a part were measured."""

        def read() -> Keys:
            batch = _read_part(conn, segment, part, _KEY_COLUMNS)
            is_any_repaired = batch.column("repaired").to_numpy(zero_copy_only=False).any()
            return Keys(self.part(conn, segment, part) if is_any_repaired else batch)

        return self._get(self._keys, (segment.id, part.number), read)

    def prints(self, conn: sqlite3.Connection, segment: Segment) -> Prints | None:
        """Return the fingerprints of a segment's fixes; None if it has none that can be read.

        An older version made none.
        """

        def read() -> Prints | None:
            row = conn.execute("SELECT packed FROM prints WHERE segment = ?", (segment.id,)).fetchone()
            with suppress(StoreDamaged), segment.unbroken():
                return None if row is None else unpack(row[0])
            return None

        return self._get(self._prints, segment.id, read)

    def live_since(self, conn: sqlite3.Connection, log_id: int, sealed_to: int) -> tuple[int, int]:
        """Return a `time` and a `received` (ms) before which no row of a log has any.

        Only rows that came since it was last asked are looked at.
        """
        with self._lock:
            known = self._live.get(log_id)
        if known is None or known[0] != sealed_to:
            known = (sealed_to, first_id(log_id, sealed_to), HIGHEST, HIGHEST)
        row = conn.execute(
            "SELECT min(time), min(received), max(id) FROM fixes WHERE id > ? AND id <= ?",
            (known[1], last_id(log_id)),
        ).fetchone()
        if row[2] is not None:
            known = (sealed_to, row[2], min(known[2], row[0]), min(known[3], row[1]))
            with self._lock:
                self._live[log_id] = known
        return known[2], known[3]

    def _joined(self, conn: sqlite3.Connection, segments: list[Segment]) -> SealedLog:
        import numpy as np

        summaries = [self.summary(conn, segment) for segment in segments]
        sizes = [len(summary.ids) for summary in summaries]
        names = ("ids", "is_late", "low", "high", "sent_low", "sent_high", "last", "heard", "seq")
        columns = {
            name: np.concatenate([getattr(summary, name) for summary in summaries] or [_nothing()])
            for name in (*names, "effective")
        }
        rows = np.concatenate([np.arange(size) for size in sizes] or [_nothing()])
        return SealedLog(segments, summaries, np.repeat(np.arange(len(segments)), sizes), rows, columns)

    def _get(self, kept: _Newest[_T], key: Hashable, read: Callable[[], _T]) -> _T:
        with self._lock:
            found = kept.get(key)
        if found is None:
            found = read()  # two threads may both read it: better than one waiting for the other
            with self._lock:
                kept.put(key, found)
        return found


class _Newest(Generic[_T]):
    """What was used last, up to a number."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._items: OrderedDict[Hashable, _T] = OrderedDict()

    def get(self, key: Hashable) -> _T | None:
        if key in self._items:
            self._items.move_to_end(key)
        return self._items.get(key)

    def put(self, key: Hashable, value: _T) -> None:
        self._items[key] = value
        while len(self._items) > self._most:
            self._items.popitem(last=False)


def list_segments(
    conn: sqlite3.Connection, log_id: int, after: int = 0, *, is_visible: bool = True
) -> list[Segment]:
    """Return a log's segments with fixes above an offset, ascending."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM segments WHERE log = ? AND last > ? AND is_visible = ? ORDER BY first",
        (log_id, after, is_visible),
    )
    return [Segment(*row) for row in rows]


def read_body(conn: sqlite3.Connection, segment: Segment) -> bytes:
    """Return a segment's stream, as it was written."""
    parts = segment.parts()
    with segment.unbroken():
        row = conn.execute("SELECT body FROM bodies WHERE segment = ?", (segment.id,)).fetchone()
        body = memoryview(row[0])
        check(segment.checks, HEAD, body[: parts[0].start])
        for part in parts:
            check(segment.checks, FIRST_PART + part.number, body[part.start : part.end])
        return cast(bytes, row[0])


def read_batch(conn: sqlite3.Connection, segment: Segment) -> pa.RecordBatch:
    """Return a segment's fixes, with ids for names."""
    body = read_body(conn, segment)
    with segment.unbroken():
        return columns_of(body)


def _read_part(
    conn: sqlite3.Connection, segment: Segment, part: Part, names: Collection[str] | None = None
) -> pa.RecordBatch:
    """Return the fixes of one part, or some of their columns; the rest of the segment is not read."""
    begin = segment.parts()[0].start
    with segment.unbroken():
        with conn.blobopen("bodies", "body", segment.id, readonly=True) as blob:
            head = blob.read(begin)
            blob.seek(part.start)
            body = blob.read(part.end - part.start)
        check(segment.checks, HEAD, head)
        check(segment.checks, FIRST_PART + part.number, body)
        return columns_of(b"".join((head, body, STREAM_END)), names)


def sealed_newest(sealed: SealedLog) -> dict[int, tuple[int, int]]:
    """Return each member's newest fix in segments: its effective time and offset, by the member's id."""
    newest: dict[int, tuple[int, int]] = {}
    columns = sealed.columns
    rows = zip(*(columns[name].tolist() for name in ("ids", "effective", "seq")), strict=True)
    for member, effective, seq in rows:
        newest[member] = max(newest.get(member, (effective, seq)), (effective, seq))
    return newest


def _nothing() -> Ints:
    import numpy as np

    return np.zeros(0, dtype=np.int64)
