"""Bring what was committed from the write-ahead log into the file, beside the thread that commits.

By itself SQLite does that inside whichever commit makes the log long: copying 4 MB and waiting
for the disk twice took 90 ms, as long as everybody's next fixes waited (measured beside a
phone's backlog; 11 ms without).
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from locshare_ext.errors import StoreError
from locshare_ext.store.connection import open_checkpointer

__all__ = ["Checkpoints", "leave_to_others"]

_log = logging.getLogger(__name__)

KEPT = 4 << 20  # bytes that the log is cut to when it begins anew: to write over them is quicker
STEP = 2 << 20  # bytes the log grows by, over those, until it is brought in again
PASSES = 3  # each is left what was committed during the one before
LONG = 16 << 20  # bytes of the log from which on the writer helps it to an end
FEW = 256  # pages that the writer may bring in itself: a few ms, and the disk is waited for twice
MOST = 64 << 20  # bytes of the log from which on commits see to it themselves: readers kept us from it


class Checkpoints:
    """Bring changes into the file on a thread of its own, which starts when there are enough.

    All but `note` and `finish` wait for what is under way. All methods are for the thread
    that writes.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # held while changes are brought in
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_ending = False
        self._is_nearly_done = False
        self._noted = 0  # bytes of the log when it was last brought in

    def note(self, path: Path) -> None:
        """See how long the log of changes has become; after a commit."""
        try:
            size = os.stat(f"{path}-wal").st_size
        except OSError:
            return
        if size < self._noted:
            self._noted = 0  # all of it was in the file, and it was begun anew
        if size - max(self._noted, KEPT) < STEP:
            return
        self._noted = size
        if self._thread is None:
            # daemon, as the writer is: what is not brought in is in the log
            self._thread = threading.Thread(
                target=self._work, args=(path,), name="locshare-checkpoints", daemon=True
            )
            self._thread.start()
        self._wake.set()

    def finish(self, conn: sqlite3.Connection) -> None:
        """Bring in the little that was committed meanwhile, if that is all that is left.

        Beside a writer that always writes, no other thread would ever be done, and the log
        only begins anew when all of it is in the file. With pauses between commits, it is.
        """
        if self._is_nearly_done:
            self._is_nearly_done = False
            with suppress(sqlite3.Error):  # as a commit would say
                _bring_in(conn)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Keep the thread from the file: SQLite lets only one bring in changes."""
        with self._lock:
            yield

    def close(self) -> None:
        """End the thread and its connection, until there is enough again."""
        thread, self._thread = self._thread, None
        self._noted, self._is_nearly_done = 0, False
        if thread is None:
            return
        self._is_ending = True
        self._wake.set()
        thread.join()
        self._is_ending = False
        self._wake.clear()

    def _work(self, path: Path) -> None:
        conn: sqlite3.Connection | None = None
        while self._wake.wait():
            self._wake.clear()
            if self._is_ending:  # looked at after clearing, which may have cleared the end's call
                break
            try:
                with self._lock:
                    if conn is None:
                        conn = open_checkpointer(path)
                    self._run(conn)
            except (sqlite3.Error, StoreError):
                # nothing is lost: it is all in the log, and tried again when that has grown
                _log.debug("changes could not be brought into %s", path, exc_info=True)
                if conn is not None:
                    conn.close()
                    conn = None
        if conn is not None:
            conn.close()

    def _run(self, conn: sqlite3.Connection) -> None:
        left = 0
        for _ in range(PASSES):
            left = _bring_in(conn)
            if left == 0 or self._is_ending:
                return
        self._is_nearly_done = left <= FEW and self._noted >= LONG


def leave_to_others(conn: sqlite3.Connection) -> None:
    """Let commits of a connection bring in changes only when the log has become very long.

    When it begins anew, it is cut, so that beyond KEPT its size is that of what is in it.
    """
    (page,) = conn.execute("PRAGMA page_size").fetchone()
    conn.execute(f"PRAGMA wal_autocheckpoint = {MOST // page}")
    conn.execute(f"PRAGMA journal_size_limit = {KEPT}")


def _bring_in(conn: sqlite3.Connection) -> int:
    """Bring in what no reader is in the way of, without waiting for anybody; returns the pages left."""
    _, length, done = conn.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return int(length) - int(done)
