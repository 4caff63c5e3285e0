"""What the writer's thread works with: the connection that writes, and what it knows of the logs."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from locshare_ext.errors import LocShareError, NotFound, StoreError
from locshare_ext.model.event import Event
from locshare_ext.model.fix import Fix
from locshare_ext.model.store import Appended, LogKind
from locshare_ext.store.appending import Batches, LogState, load_state, make_log
from locshare_ext.store.boot import find_unclean, mark_closed, mark_open, this_boot
from locshare_ext.store.checkpoints import Checkpoints, leave_to_others
from locshare_ext.store.connection import (
    Synchronous,
    failure,
    journal_of,
    open_writer,
    transaction,
)
from locshare_ext.store.home import Home
from locshare_ext.store.sealed import Sealed

__all__ = ["AppendJob", "Desk"]

_log = logging.getLogger(__name__)


class AppendJob(Protocol):
    """Batches for one log; epoch and kind: of the log, if there is none yet."""

    log: str
    batches: Sequence[Sequence[Fix | Event]]
    epoch: str
    kind: LogKind


class Desk:
    """What the writer's thread works with: its connection and the logs it has in memory.

    Only used on that thread. After an error of SQLite the connection is closed and opened
    anew for the next job, so that a store recovers when the cause is gone.
    full: told the name of a log that may have `room` rows which could be sealed.
    """

    def __init__(
        self,
        home: Home,
        synchronous: Synchronous,
        sealed: Sealed,
        full: Callable[[str], None],
        room: int,
    ) -> None:
        self.home = home
        self.sealed = sealed
        self._full = full
        self._room = room
        self.deleted: set[str] = set()  # epochs of logs deleted while this program runs
        self._synchronous = synchronous
        self._conn: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None  # device and inode of what was first opened
        self.was_unclean = False  # when first opened: a crash came before a forgetting was done
        self._data_version: int | None = None
        self._checkpoints = Checkpoints()
        self._states: dict[str, LogState] = {}

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self.home.path

    @property
    def conn(self) -> sqlite3.Connection:
        """The open connection; raises StoreError when the file cannot be opened."""
        if self._conn is None:
            self._conn = self._open()
        return self._conn

    @property
    def has_opened(self) -> bool:
        """Whether the file was opened, and so has this version's schema; any thread may ask."""
        return self._file is not None

    def check_file(self) -> None:
        """Raise StoreError if the open file is no longer the one at its path.

        Its folder may have been emptied, or another file put in its place: what is written
        to the old one would be acknowledged and lost, and in a new one the same lives would
        begin again at 1.
        """
        if _identity(self.path) != self._file:
            raise StoreError(
                f"store {self.path} was removed or replaced while it was open: "
                "put the file back, or restart to begin a new one",
                code="store_replaced",
            )

    def state(self, log: str) -> LogState | None:
        """Return a log's state, loaded when it is not in memory."""
        state = self._states.get(log)
        if state is None:
            state = load_state(self.conn, log)
            if state is not None:
                self._states[log] = state
        return state

    def drop_state(self, log: str) -> None:
        """Load a log's state anew next time: its rows were changed past it."""
        self._states.pop(log, None)

    def append(self, jobs: Sequence[AppendJob]) -> list[list[Appended | LocShareError]]:
        """Store all batches of `jobs` in one transaction, or none."""
        conn = self.conn
        self.check_file()
        conn.execute("BEGIN IMMEDIATE")
        self._notice_others(conn)
        batches = Batches(conn, self.sealed)
        answers: list[list[Appended | LocShareError]] = [
            [*batches.add(self._state_for(job), job.batches)] for job in jobs
        ]
        batches.finish()
        conn.execute("COMMIT")
        for log in {job.log for job in jobs}:
            self._tell_full(log)
        return answers

    def probe(self) -> None:
        """Write something without meaning; raises what a batch would raise now."""
        conn = self.conn
        self.check_file()
        with transaction(conn):
            conn.execute("INSERT OR REPLACE INTO state VALUES ('probe', hex(randomblob(2000)))")
        with transaction(conn):
            conn.execute("DELETE FROM state WHERE name = 'probe'")

    def settle(self) -> None:
        """See to what was committed being brought into the file; when those who waited are answered."""
        conn = self._conn
        if conn is not None and self.home.place.journal == "wal":
            self._checkpoints.note(self.path)
            self._checkpoints.finish(conn)

    def empty_wal(self) -> bool:
        """Write the log of changes into the file and truncate it; False: a reader was in the way."""
        with self._checkpoints.paused():
            return bool(self.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)

    def note_sealed(self, log: str, offset: int) -> None:
        """Know that fixes up to an offset are in segments now."""
        state = self._states.get(log)
        if state is not None:
            state.sealed_to = state.asked_at = offset

    def _tell_full(self, log: str) -> None:
        """Say that a log may have enough to be sealed, once for as many entries as that takes."""
        state = self._states[log]
        if state.numbering.head - max(state.sealed_to, state.asked_at) >= self._room:
            state.asked_at = state.numbering.head - self._room // 2
            self._full(log)

    def recover(self, *, reopen: bool) -> None:
        """Undo what was begun, and forget what was in memory of it."""
        self._states.clear()
        conn, self._conn = self._conn, None if reopen else self._conn
        if conn is None:
            return
        try:
            if conn.in_transaction:
                conn.execute("ROLLBACK")
        except sqlite3.Error:
            _log.debug("rollback failed", exc_info=True)  # closing does the same
        if reopen:
            self._checkpoints.close()
            conn.close()

    def close(self) -> None:
        """Close the file; the last connection also empties the write-ahead log into it."""
        self._states.clear()
        conn, self._conn = self._conn, None
        self._checkpoints.close()
        if conn is not None:
            try:
                mark_closed(conn)
            except sqlite3.Error:
                _log.debug("the file could not be marked as closed", exc_info=True)
            conn.close()
        self.home.release()

    def _notice_others(self, conn: sqlite3.Connection) -> None:
        """Load logs anew if another process wrote: its offsets must not be given again."""
        version = conn.execute("PRAGMA data_version").fetchone()[0]
        if version != self._data_version:
            self._data_version = version
            self._states.clear()

    def _open(self) -> sqlite3.Connection:
        if self._file is not None:
            self.check_file()
        self.home.claim()
        conn = open_writer(self.path, self.home.choose_journal())
        try:
            journal = journal_of(conn)
            # without WAL, NORMAL may leave a file that is damaged after a power cut
            synchronous = self._synchronous if journal == "wal" else "FULL"
            if synchronous == "NORMAL":
                mark_open(conn, this_boot())
            conn.execute(f"PRAGMA synchronous = {synchronous}")
            leave_to_others(conn)
            self.home.opened(journal)
        except sqlite3.Error as error:
            conn.close()
            raise failure(error, f"store {self.path} cannot be opened") from error
        if self._file is None:
            self.was_unclean = find_unclean(conn) is not None
        self._file = _identity(self.path)
        return conn

    def _state_for(self, job: AppendJob) -> LogState:
        state = self.state(job.log)
        if state is None:
            if job.epoch in self.deleted:
                raise NotFound(f"log {job.log!r} was deleted", code="log_deleted")
            make_log(self.conn, job.log, job.kind, job.epoch)
            state = self.state(job.log)
        assert state is not None  # noqa: S101 - made above
        return state


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
