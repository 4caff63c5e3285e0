"""What the store's second process does: the work that looks at every row.

It only reads the file. What it makes goes back to the store's own process, which alone writes.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import sqlite3
import struct
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

from locshare_ext.errors import LocShareError
from locshare_ext.model.store import Selection
from locshare_ext.store.chosen import mask_of, share
from locshare_ext.store.columns import read_rows
from locshare_ext.store.connection import failure, open_reader, snapshot
from locshare_ext.store.merging import merge_segment
from locshare_ext.store.pieces import Piece, read_piece
from locshare_ext.store.rows import first_id, last_id
from locshare_ext.store.schema import GONE
from locshare_ext.store.sealed import Sealed, list_segments, read_batch
from locshare_ext.store.segment import Built, Segment, build, codes_of, compacted
from locshare_ext.store.selecting import begin, list_recordings

if TYPE_CHECKING:
    import pyarrow as pa

_T = TypeVar("_T")

__all__ = ["LIVE", "ROWS", "TASKS", "Remade", "drop_members", "drop_old", "export", "main", "seal"]

ROWS = 65_536  # of a segment
LIVE = 65_536  # newest fixes of a log that stay rows
NICENESS = 5  # of what need not be quick: who publishes, watches and exports comes first
LENGTH = struct.Struct("<Q")  # of a message between the two processes


@dataclass(frozen=True, slots=True)
class Remade:
    """What is left of a segment, None if nothing is; what went: fixes by member, and the highest offset."""

    built: Built | None
    fewer: dict[int, int]
    highest: int


def seal(conn: sqlite3.Connection, sealed: Sealed, *, log_id: int, rows: int) -> Built | None:
    """Return the segment of a log's oldest rows; None if there are none but of who is being forgotten."""
    bounds = (first_id(log_id, begin(conn, "fixes", log_id)), last_id(log_id))
    condition = (
        f"id > ? AND id <= ? AND member NOT IN (SELECT id FROM members WHERE log = ? AND name GLOB '{GONE}*')"
    )
    batch = read_rows(conn, condition, [*bounds, log_id], rows)
    return None if batch is None else build(batch)


def drop_members(
    conn: sqlite3.Connection, sealed: Sealed, *, log_id: int, segment_id: int, members: Sequence[int]
) -> Remade | None:
    """Return a segment without some members; None if they are not in it."""
    segment = _segment(conn, log_id, segment_id)
    if segment is None or not sealed.summary(conn, segment).has_any(members):
        return None
    import numpy as np

    batch = read_batch(conn, segment)
    ids, codes = codes_of(batch)
    return _remade(batch, ~np.isin(ids, list(members))[codes])


def drop_old(
    conn: sqlite3.Connection, sealed: Sealed, *, log: str, log_id: int, segment_id: int, before: int
) -> Remade | None:
    """Return a segment without what came before a moment (ms) and no recording keeps; None: nothing goes."""
    segment = _segment(conn, log_id, segment_id)
    if segment is None or segment.low_received >= before:
        return None
    recordings = list_recordings(conn, log)
    shares = [share(recording, segment) for recording in recordings]
    if "all" in shares:
        return None
    batch = read_batch(conn, segment)
    seq, time, received = (batch.column(name).to_numpy() for name in ("seq", "time", "received"))
    stays = received >= before
    for recording, part in zip(recordings, shares, strict=True):
        if part == "some":
            stays |= mask_of(recording, seq, time, received)
    return None if stays.all() else _remade(batch, stays)


def export(
    conn: sqlite3.Connection, sealed: Sealed, *, log: str, selection: Selection, epoch: str | None
) -> Piece:
    """Return a piece of trails; see `read_piece`."""
    return read_piece(conn, sealed, log, selection, epoch)


def prepare(conn: sqlite3.Connection, sealed: Sealed) -> None:
    """Open the file, before there is an export."""


def main() -> None:
    """Answer requests from stdin on stdout until that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the other process, and that this one
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    gc.disable()  # nothing here is in a circle, and rows are many: a third of the time to read them
    os.dup2(2, 1)  # whatever prints must not be taken for an answer
    path = Path(sys.argv[1])
    conn: sqlite3.Connection | None = None
    sealed = Sealed()
    while (request := receive(requests)) is not None:
        task, arguments = request
        answer: tuple[str, Any]
        try:
            if conn is None:
                conn = open_reader(path)
            with snapshot(conn):
                work = partial(TASKS[task], conn, sealed, **arguments)
                answer = "done", _patiently(work) if task in BESIDE else work()
        except LocShareError as error:
            answer = "failed", (type(error).__name__, error.message, error.code, error.field)
        except sqlite3.Error as error:
            found = failure(error, "the store could not read")
            answer = "failed", (type(found).__name__, found.message, found.code, None)
            if conn is not None:
                conn.close()
                conn = None
        except Exception as error:  # else whatever is asked next would find no process
            traceback.print_exc()
            answer = "failed", ("StoreError", f"the store could not read: {error}", "store_failed", None)
        send(answers, answer)


def _patiently(work: Callable[[], _T]) -> _T:
    """Do work on a thread that gives way to others; only Linux knows a priority of threads.

    A process that gives way could not be in a hurry again, and exports beside busy
    notebooks took more than twice as long.
    """
    found: list[_T] = []
    failed: list[BaseException] = []

    def run() -> None:
        if sys.platform == "linux":  # elsewhere the id of a thread may be that of another process
            lowest = max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0))
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), lowest)
        try:
            found.append(work())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="locshare-beside")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return found[0]


def send(file: IO[bytes], message: Any) -> None:
    """Write one message."""
    data = pickle.dumps(message, protocol=5)
    file.write(LENGTH.pack(len(data)))
    file.write(data)
    file.flush()


def receive(file: IO[bytes]) -> Any:
    """Return one message, None when the other process is gone."""
    head = file.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    data = file.read(length)
    # only ever from the process that started this one, or that this one started
    return pickle.loads(data) if len(data) == length else None  # noqa: S301


def _segment(conn: sqlite3.Connection, log_id: int, segment_id: int) -> Segment | None:
    return next((one for one in list_segments(conn, log_id) if one.id == segment_id), None)


def _remade(batch: pa.RecordBatch, stays: Any) -> Remade:
    import numpy as np
    import pyarrow as pa

    ids, codes = codes_of(batch)
    counts = np.bincount(codes[~stays], minlength=len(ids))
    fewer = {member: count for member, count in zip(ids.tolist(), counts.tolist(), strict=True) if count}
    highest = int(batch.column("seq").to_numpy()[~stays].max())
    if not stays.any():
        return Remade(None, fewer, highest)
    # a member without fixes must not stand in the dictionary
    kept = compacted(batch.filter(pa.array(stays)))
    return Remade(build(kept), fewer, highest)


TASKS: dict[str, Callable[..., Any]] = {
    "seal": seal,
    "drop_members": drop_members,
    "drop_old": drop_old,
    "merge_segment": merge_segment,
    "export": export,
    "prepare": prepare,
}

BESIDE = frozenset({"seal", "drop_members", "drop_old", "merge_segment"})  # tasks that need not be quick

if __name__ == "__main__":
    main()
