"""Which late fixes the log has already, in segments."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from locshare_ext.errors import StoreDamaged
from locshare_ext.store.prints import may_have, prints_of
from locshare_ext.store.sealed import Keys, Sealed, SealedLog
from locshare_ext.store.segment import Segment

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = ["Key", "find_sealed"]

Key = tuple[int, int, float, float]  # member, sent time, lat, lon


def find_sealed(conn: sqlite3.Connection, sealed: Sealed, log_id: int, wanted: Collection[Key]) -> set[Key]:
    """Return the keys of fixes in segments that may be the ones wanted, and all that are.

    A segment is read only where a member's times reach over one of its wanted ones and the
    fingerprint of that one is there.
    """
    import numpy as np

    try:
        of_log = sealed.log(conn, log_id)
    except StoreDamaged:
        return set()
    members, sents, lats, lons = zip(*sorted(wanted), strict=True)
    member, sent = np.array(members, dtype=np.int64), np.array(sents, dtype=np.int64)
    prints = prints_of(member, sent, np.array(lats, dtype=np.float64), np.array(lons, dtype=np.float64))
    found: set[Key] = set()
    for place, some in _near(of_log, member, sent):
        segment = of_log.segments[place]
        stored = sealed.prints(conn, segment)
        asked = some if stored is None else some[may_have(stored, prints[some])]
        with suppress(StoreDamaged):  # rather twice than not at all
            for one in np.unique(member[asked]).tolist():
                found.update(_found(conn, sealed, segment, one, sent[asked[member[asked] == one]]))
    return found


def _near(of_log: SealedLog, member: Ints, sent: Ints) -> Iterator[tuple[int, Ints]]:
    """Give segments, by their place, with what is wanted of members whose times reach over it there."""
    import numpy as np

    near: dict[int, list[Ints]] = {}
    low, high = of_log.columns["sent_low"], of_log.columns["sent_high"]
    for one in np.unique(member).tolist():
        begin, end = np.searchsorted(member, (one, one + 1))
        rows = of_log.rows_of(one)
        firsts = begin + np.searchsorted(sent[begin:end], low[rows])
        ends = begin + np.searchsorted(sent[begin:end], high[rows], side="right")
        for row, first, last in zip(rows.tolist(), firsts.tolist(), ends.tolist(), strict=True):
            if first < last:
                near.setdefault(int(of_log.place[row]), []).append(np.arange(first, last))
    for place, some in sorted(near.items()):
        yield place, np.unique(np.concatenate(some))


def _found(
    conn: sqlite3.Connection, sealed: Sealed, segment: Segment, member: int, sents: Ints
) -> Iterator[Key]:
    """Give the keys of a member's fixes in a segment that have one of some sent times."""
    import numpy as np

    for part in segment.parts():
        if np.searchsorted(sents, part.high_sent, side="right") > np.searchsorted(sents, part.low_sent):
            same = _rows_at(sealed.keys(conn, segment, part), member, sents)
            if same:
                yield from _keys(sealed.part(conn, segment, part), member, same)


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
