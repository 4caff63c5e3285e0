"""Which late fixes the log has already, in segments."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from locshare_ext.store.sealed import Keys, Sealed

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
                    found.update(_same(sealed.keys(conn, segment, part), member, sents))
    return found


def _same(keys: Keys, member: int, sents: Any) -> Iterator[Key]:
    """Give the keys of a member's fixes that have one of the sent times."""
    import numpy as np

    stored, lat, lon = keys.of(member)
    starts, ends = np.searchsorted(stored, sents), np.searchsorted(stored, sents, side="right")
    for number in np.flatnonzero(ends > starts).tolist():
        here = slice(starts[number], ends[number])
        for key in zip(stored[here].tolist(), lat[here].tolist(), lon[here].tolist(), strict=True):
            yield member, *key
