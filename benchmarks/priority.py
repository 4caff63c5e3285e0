"""Measuring how long something waits on a machine that others use, too."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

__all__ = ["ahead_of_others"]


@contextmanager
def ahead_of_others(is_wanted: bool) -> Iterator[bool]:
    """Have this process, its threads and its children run before all others; yields whether they do.

    Only root may. What they wait for is then their own doing, and not that of what else runs; nor is
    it what a server has, which nobody runs so.
    """
    if not is_wanted:
        yield False
        return
    try:
        _schedule(os.SCHED_FIFO, 1)
    except PermissionError:
        yield False
        return
    try:
        yield True
    finally:
        _schedule(os.SCHED_OTHER, 0)


def _schedule(policy: int, priority: int) -> None:
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        for task in Path(f"/proc/{process.pid}/task").iterdir():
            with suppress(ProcessLookupError):  # a thread that has ended
                os.sched_setscheduler(int(task.name), policy, os.sched_param(priority))
