"""The one thread that writes: whatever waits goes into one transaction."""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from locshare_ext.errors import InvalidInput, LocShareError, StoreDamaged, StoreError
from locshare_ext.model.event import Event
from locshare_ext.model.fix import Fix
from locshare_ext.model.store import Appended, LogKind, StoreFailure
from locshare_ext.store.connection import failure
from locshare_ext.store.desk import Desk

__all__ = ["Writer"]

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

MAX_IN_ONE = 500  # drafts per transaction, if not of one job: late ones take 5 ms, and all in it wait
PROBE_EVERY = 2.0  # s between tries of a file that fails, when nobody else tries
MAX_WAITING = 200_000  # drafts that wait for a disk that does not answer; then StoreError
_DATA_ERRORS = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError, sqlite3.ProgrammingError)


@dataclass(slots=True)
class _Append:
    log: str
    batches: Sequence[Sequence[Fix | Event]]
    epoch: str
    kind: LogKind
    future: asyncio.Future[list[Appended | LocShareError]] | asyncio.Future[Appended]
    count: int  # of drafts
    is_single: bool  # the future is of its one batch


@dataclass(slots=True)
class _Task(Generic[_T]):
    work: Callable[[Desk], _T]
    future: asyncio.Future[_T]


_Job = _Append | _Task[Any]
_Answer = tuple[asyncio.Future[Any], Any, BaseException | None]


class Writer:
    """Run jobs on one thread, in the order they came; it starts with the first of them.

    Appends that wait go into one transaction (group commit, without a timer: what comes
    while one commits joins the next). Answers go to the loops that asked, in order.
    """

    def __init__(self, desk: Desk, log: logging.Logger | logging.LoggerAdapter[Any] | None = None) -> None:
        self._desk = desk
        self._log = log or _log
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._waiting = 0  # drafts
        self._is_closed = False
        self.failure: StoreFailure | None = None  # why the last commit was none
        self._is_announced = False

    @property
    def has_started(self) -> bool:
        """Whether there was any job yet."""
        return self._thread is not None

    @property
    def has_opened(self) -> bool:
        """Whether the file can be read: it has this version's schema."""
        return self._desk.has_opened

    def append(
        self, log: str, drafts: Sequence[Fix | Event], epoch: str, kind: LogKind
    ) -> asyncio.Future[Appended]:
        """Queue a batch; must be called on a loop, whose future it returns."""
        future: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self._put_append(_Append(log, (drafts,), epoch, kind, future, len(drafts), is_single=True))
        return future

    def append_all(
        self, log: str, batches: Sequence[Sequence[Fix | Event]], epoch: str, kind: LogKind
    ) -> asyncio.Future[list[Appended | LocShareError]]:
        """Queue batches that came together; must be called on a loop, whose future it returns."""
        future: asyncio.Future[list[Appended | LocShareError]] = asyncio.get_running_loop().create_future()
        count = sum(map(len, batches))
        self._put_append(_Append(log, batches, epoch, kind, future, count, is_single=False))
        return future

    def run(self, work: Callable[[Desk], _T]) -> asyncio.Future[_T]:
        """Queue other work; must be called on a loop, whose future it returns."""
        future: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        self._put(_Task(work, future))
        return future

    async def close(self, last: Callable[[], None]) -> None:
        """Finish what is queued, run `last` on the thread, close the file, end the thread."""

        def work(desk: Desk) -> None:
            last()
            desk.close()

        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            thread = self._thread
        if thread is None:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._jobs.put(_Task(work, future))
        self._jobs.put(None)
        try:
            await asyncio.shield(future)
        finally:
            if future.done():
                thread.join()  # it has nothing left to do

    def _put_append(self, job: _Append) -> None:
        with self._lock:
            is_full = self._waiting and self._waiting + job.count > MAX_WAITING
            if not is_full:
                self._waiting += job.count
        if is_full:
            job.future.set_exception(StoreError("the store does not keep up: try again", code="store_busy"))
        else:
            self._put(job)

    def _put(self, job: _Job) -> None:
        with self._lock:
            if self._is_closed:
                job.future.set_exception(StoreError("the store is closed"))
                return
            self._jobs.put(job)
            if self._thread is None:
                # daemon: a program that forgot to close can end; what was acknowledged is committed
                self._thread = threading.Thread(target=self._work, name="locshare-writer", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        ahead: list[_Job | None] = []  # taken from the queue while gathering, not done yet
        while (job := ahead.pop() if ahead else self._next()) is not None:
            if isinstance(job, _Append):
                group = self._gather(job, ahead)
                _tell(self._append(group))
                with self._lock:
                    self._waiting -= sum(one.count for one in group)
                del group
            else:
                _tell([self._do(job)])
            self._desk.settle()
            del job  # while waiting, hold nobody's batch

    def _next(self) -> _Job | None:
        """Wait for a job; a file that failed is tried meanwhile, so that its recovery is known."""
        self._announce()
        while self.failure is not None:
            with suppress(queue.Empty):
                return self._jobs.get(timeout=PROBE_EVERY)
            try:
                self._desk.probe()
            except Exception as error:
                self._recover(error)
            else:
                self._note(None)
        return self._jobs.get()

    def _gather(self, first: _Append, ahead: list[_Job | None]) -> list[_Append]:
        group, count = [first], first.count
        while count < MAX_IN_ONE:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            # a large batch is begun when those before it are answered: else they wait for it too
            if not isinstance(job, _Append) or count + job.count > MAX_IN_ONE:
                ahead.append(job)
                break
            group.append(job)
            count += job.count
        return group

    def _append(self, group: list[_Append]) -> list[_Answer]:
        try:
            appended = self._desk.append(group)
        except Exception as error:
            reason = self._recover(error)
            if isinstance(reason, StoreError):
                return [(job.future, None, reason) for job in group]
            # one batch is at fault: the others must not fail with it
            if len(group) > 1:
                return [answer for job in group for answer in self._append([job])]
            if len(group[0].batches) > 1:
                return [self._append_one_by_one(group[0])]
            appended = [[reason]]
        else:
            self._note(None)
        return [_answer(job, results) for job, results in zip(group, appended, strict=True)]

    def _append_one_by_one(self, job: _Append) -> _Answer:
        results: list[Any] = []
        for drafts in job.batches:
            [(_, found, error)] = self._append([replace(job, batches=(drafts,), is_single=False)])
            if isinstance(error, StoreError):
                return job.future, None, error
            results += found
        return job.future, results, None

    def _do(self, task: _Task[Any]) -> _Answer:
        try:
            return task.future, task.work(self._desk), None
        except Exception as error:
            return task.future, None, self._recover(error)

    def _recover(self, error: Exception) -> LocShareError:
        """Make ready for the next job; returns what to tell those whose job failed."""
        if isinstance(error, StoreError) and not isinstance(error, StoreDamaged):
            reason: LocShareError = error
            self._desk.recover(reopen=True)
        elif isinstance(error, sqlite3.Error) and not isinstance(error, _DATA_ERRORS):
            reason = failure(error, "the store could not commit")
            reason.__cause__ = error
            self._desk.recover(reopen=True)
        else:
            self._desk.recover(reopen=False)
            if isinstance(error, LocShareError):
                return error
            _log.error("a batch or task of the store failed", exc_info=error)
            reason = InvalidInput(f"cannot be stored: {error}", code="not_storable")
            reason.__cause__ = error
            return reason
        self._note(reason)
        return reason

    def _note(self, reason: LocShareError | None) -> None:
        """Log when the store begins to fail and when it works again, not every batch between."""
        before, now = self.failure, time.time_ns() // 1_000_000
        if reason is not None and before is None:
            self._log.warning(
                "store %s fails, nothing is recorded: %s. Publishers are told to send again; "
                "it is tried every %g s",
                self._desk.path,
                reason,
                PROBE_EVERY,
            )
        elif reason is None and before is not None:
            seconds = (now - before.since) / 1000
            self._log.warning(
                "store %s works again; nothing was recorded for %.0f s", self._desk.path, seconds
            )
        if reason is None:
            self.failure = None
        else:
            self.failure = StoreFailure(reason.message, now if before is None else before.since)

    def _announce(self) -> None:
        """Log once where the file is, and what is to be known of that."""
        place = self._desk.home.place
        if place.journal is None or self._is_announced:
            return
        self._is_announced = True
        mode = "WAL" if place.journal == "wal" else f"journal {place.journal}"
        self._log.info("store %s is open (%s)", place.path, mode)
        for note in place.notes:
            self._log.warning("%s", note)


def _answer(job: _Append, results: list[Appended | LocShareError]) -> _Answer:
    if not job.is_single:
        return job.future, results, None
    result = results[0]
    return (job.future, result, None) if isinstance(result, Appended) else (job.future, None, result)


def _tell(answers: list[_Answer]) -> None:
    """Resolve futures on their loops, in order, one call for each loop."""
    loops: dict[asyncio.AbstractEventLoop, list[_Answer]] = {}
    for answer in answers:
        loops.setdefault(answer[0].get_loop(), []).append(answer)
    for loop, some in loops.items():
        with suppress(RuntimeError):  # the loop was closed: nobody is there to be told
            loop.call_soon_threadsafe(_resolve, some)


def _resolve(answers: list[_Answer]) -> None:
    for future, result, error in answers:
        if future.done():  # cancelled; what is stored stays stored
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
