"""What befalls a disk, done to a server that runs: no rights and no mounting are needed."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

__all__ = ["bound_files", "full_disk"]


def bound_files(pid: int, size: int | None) -> None:
    """Let a process write no file beyond so many bytes; None: as long as it likes."""
    hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard if size is None else size, hard))


@contextlib.contextmanager
def full_disk(pid: int, path: Path, room: int = 16_384) -> Iterator[None]:
    """Leave a process room for so many bytes more in the file that the store commits to."""
    log = path.with_name(f"{path.name}-wal")
    bound_files(pid, (log if log.exists() else path).stat().st_size + room)
    try:
        yield
    finally:
        bound_files(pid, None)
