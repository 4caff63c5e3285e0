"""When what may be trimmed was received."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING

from locshare_ext.errors import StoreDamaged
from locshare_ext.store.chosen import mask_of, share
from locshare_ext.store.rows import first_id, last_id
from locshare_ext.store.sealed import Sealed, list_segments
from locshare_ext.store.selecting import begin, find_log, kept_by, list_recordings

if TYPE_CHECKING:
    from locshare_ext.store.segment import Segment

__all__ = ["nth_received"]


def nth_received(conn: sqlite3.Connection, sealed: Sealed, logs: Sequence[str], count: int) -> int | None:
    """Return when the `count`-th entry was received that may be trimmed; see `LogStore.received_first`."""
    moments: list[int] = []
    for log in logs:
        found = find_log(conn, log)
        if found is None:
            continue
        log_id = found[0]
        of_log: list[int] = []
        for segment in list_segments(conn, log_id):
            if len(of_log) >= count:
                break
            of_log += _of_segment(conn, sealed, log, segment)
        for table in ("fixes", "events"):
            if table == "fixes" and len(of_log) >= count:
                continue
            kept, values = kept_by(conn, table, log_id, log)
            # by id: the order in which they came, without sorting what may be millions
            rows = conn.execute(
                f"SELECT received FROM {table} WHERE id > ? AND id <= ? AND NOT {kept} ORDER BY id LIMIT ?",
                [first_id(log_id, begin(conn, table, log_id)), last_id(log_id), *values, count],
            )
            of_log += [received for (received,) in rows]
        moments += of_log
    return sorted(moments)[: max(count, 1)][-1] if moments else None


def _of_segment(conn: sqlite3.Connection, sealed: Sealed, log: str, segment: Segment) -> list[int]:
    recordings = [one for one in list_recordings(conn, log) if share(one, segment) != "none"]
    if any(share(one, segment) == "all" for one in recordings):
        return []
    import numpy as np

    moments: list[int] = []
    try:
        batches = [sealed.ranges(conn, segment, part) for part in segment.parts()]
    except StoreDamaged:
        return [segment.high_received] * segment.rows  # it can only go as a whole
    for batch in batches:
        seq, time, received = (batch.column(name).to_numpy() for name in ("seq", "time", "received"))
        kept = np.zeros(len(seq), dtype=bool)
        for recording in recordings:
            kept |= mask_of(recording, seq, time, received)
        moments += received[~kept].tolist()
    return moments
