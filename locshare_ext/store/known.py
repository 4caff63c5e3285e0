"""Which late fixes the log has already, in segments."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from locshare_ext.store.sealed import Keys, Sealed

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Key", "find_sealed"]

Key = tuple[int, int, float, float]  # member, sent time, lat, lon


def find_sealed(
    conn: sqlite3.Connection, sealed: Sealed, log_id: int, wanted: Iterable[tuple[int, int]]
) -> set[Key]:
    """Return the keys of fixes in segments that have one of the (member, sent time) wanted.

    Only segments are read in which a member's times reach over one of its wanted ones.
    """
    import numpy as np

    of_log = sealed.log(conn, log_id)
    times: dict[int, list[int]] = {}
    for member, sent in wanted:
        times.setdefault(member, []).append(sent)
    found: set[Key] = set()
    low, high = of_log.columns["sent_low"], of_log.columns["sent_high"]
    for member, some in times.items():
        sents = np.array(sorted(some), dtype=np.int64)
        rows = of_log.rows_of(member)
        is_over = np.searchsorted(sents, high[rows], side="right") > np.searchsorted(sents, low[rows])
        for place in np.unique(of_log.place[rows[is_over]]).tolist():
            segment = of_log.segments[place]
            for part in segment.parts():
                if np.searchsorted(sents, part.high_sent, side="right") > np.searchsorted(
                    sents, part.low_sent
                ):
                    same = _rows_at(sealed.keys(conn, segment, part), member, sents)
                    found.update(_keys(sealed.part(conn, segment, part), member, same) if same else ())
    return found


def _rows_at(keys: Keys, member: int, sents: Any) -> list[tuple[int, int]]:
    """Return which rows of a part are of a member and have one of the sent times, and that time."""
    import numpy as np

    stored, rows = keys.of(member)
    starts, ends = np.searchsorted(stored, sents), np.searchsorted(stored, sents, side="right")
    return [
        (int(row), int(sents[number]))
        for number in np.flatnonzero(ends > starts).tolist()
        for row in rows[starts[number] : ends[number]]
    ]


def _keys(batch: pa.RecordBatch, member: int, rows: list[tuple[int, int]]) -> Iterator[Key]:
    lat, lon = (batch.column(name).to_numpy() for name in ("lat", "lon"))
    for row, sent in rows:
        yield member, sent, float(lat[row]), float(lon[row])
