"""Where a store's file is, and whose: one server uses a file at a time, another takes its own."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from locshare_ext.errors import StoreError
from locshare_ext.model.store import StorePlace
from locshare_ext.store.drive import drive_of, is_remote

__all__ = ["Home"]

_NO_LOCKS = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})
MOST = 100  # servers beside each other; more is a mistake


class Home:
    """The place of a store's file; made (0600, its folder 0700) where missing.

    path: as asked for; when another server has it, `claim` moves on to `NAME-2`, `NAME-3`...,
    whichever is free. is_shared: any number of programs may use the file, nothing is claimed.
    Only `path`, `place` and `is_taken` are for any thread; the rest is the writer's.
    """

    def __init__(self, path: Path, *, is_shared: bool = True) -> None:
        self.path = path
        self._wanted = path
        self._is_shared = is_shared
        self._lock: IO[str] | None = None
        self._is_settled = False
        self._journal: str | None = None
        self._notes: tuple[str, ...] = ()

    @property
    def place(self) -> StorePlace:
        """What people are told of it."""
        return StorePlace(str(self.path), self._journal, self._notes)

    @property
    def is_taken(self) -> bool:
        """Whether another server uses the file that was asked for."""
        if self._is_shared or self._lock is not None:
            return False
        lock = _lock_path(self._wanted)
        if not lock.exists():
            return False
        try:
            held = _held(lock)
        except OSError:
            return False  # who opens it is told
        if held is None:
            return True
        _let_go(held, lock)
        return False

    def claim(self) -> None:
        """Settle, once, which file is ours, and make it; raises StoreError when that cannot be."""
        try:
            if not self._is_settled:
                _make_folder(self._wanted)
                if not self._is_shared:
                    self._claim()
                self._is_settled = True
            if not self.path.exists():  # opening and closing it would let go of SQLite's locks
                _make(self.path)
        except OSError as error:
            raise StoreError(f"store {self.path} cannot be opened: {error.strerror or error}") from error

    def choose_journal(self) -> str:
        """Return how to commit: by WAL, which needs memory that programs share, where the drive has it."""
        kind = drive_of(self.path)
        if kind is None or not is_remote(kind):
            return "wal"
        self._note(
            f"{self.path} lies on a network drive ({kind}): every commit takes longer, and a second server "
            "may not be noticed; LocShareApp.store names another place"
        )
        return "delete"

    def opened(self, journal: str) -> None:
        """Know how SQLite commits."""
        self._journal = journal

    def release(self) -> None:
        """Let others have the file."""
        self._is_settled = False
        if self._lock is not None:
            _let_go(self._lock, _lock_path(self.path))
            self._lock = None

    def _claim(self) -> None:
        taken: list[str] = []
        for number in range(1, MOST + 1):
            path = _numbered(self._wanted, number)
            try:
                self._lock = _held(_lock_path(path))
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    raise
                self._note(f"{path} cannot be locked ({error.strerror}): see that no other server uses it")
                self.path = path
                return
            if self._lock is not None:
                self.path = path
                if taken:
                    self._note(
                        f"another server{_by_whom(self._wanted)} uses {self._wanted}: "
                        f"this one keeps what it is sent in {path}"
                    )
                return
            taken.append(str(path))
        raise StoreError(f"{MOST} servers use {self._wanted} and its neighbours", code="store_in_use")

    def _note(self, sentence: str) -> None:
        if sentence not in self._notes:
            self._notes = (*self._notes, sentence)


def _numbered(path: Path, number: int) -> Path:
    return path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")


def _lock_path(path: Path) -> Path:
    # apart: on some systems a lock on the file itself is one of SQLite's
    return path.with_name(f"{path.name}.lock")


def _held(path: Path) -> IO[str] | None:
    """Return the open lock file, ours as long as it is open; None when another program has it.

    The system lets go of it when its program ends, however that ends.
    """
    while True:
        file = os.fdopen(_made(path), "r+")
        try:
            if not _try_lock(file):
                file.close()
                return None
            if _is_same(path, file):  # else its owner removed it just now
                file.truncate(0)
                file.write(f"{os.getpid()}\n")
                file.flush()
                return file
        except BaseException:
            file.close()
            raise
        file.close()


def _let_go(file: IO[str], path: Path) -> None:
    try:
        path.unlink(missing_ok=True)  # while it is locked: who waits for it sees that it is gone
    except OSError:
        pass
    finally:
        file.close()


def _is_same(path: Path, file: IO[str]) -> bool:
    try:
        found = path.stat()
    except OSError:
        return False
    ours = os.fstat(file.fileno())
    return (found.st_dev, found.st_ino) == (ours.st_dev, ours.st_ino)


def _by_whom(path: Path) -> str:
    try:
        text = _lock_path(path).read_text().strip()
    except OSError:
        return ""
    return f" (process {text})" if text.isdigit() else ""


def _make_folder(path: Path) -> None:
    missing = [folder for folder in path.parents if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)


def _make(path: Path) -> None:
    # SQLite gives the -wal and -shm files the mode of this one
    os.close(_made(path))


def _made(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)


def _locking() -> Callable[[IO[str]], bool]:
    try:
        import fcntl
    except ImportError:  # Windows
        return _try_lock_on_windows

    def try_lock(file: IO[str]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    return try_lock


def _try_lock_on_windows(file: IO[str]) -> bool:
    import importlib

    msvcrt: Any = importlib.import_module("msvcrt")
    try:
        file.seek(1 << 20)  # far behind what is written, which others read
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    finally:
        file.seek(0)
    return True


_try_lock = _locking()
