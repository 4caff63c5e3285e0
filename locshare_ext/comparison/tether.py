"""Run a module as a program that ends when the process that started it does.

    python -m locshare_ext.comparison.tether MODULE ARGUMENT...

What was started holds the other end of this process's standard input, which closes however the
starter ends, by `kill -9` too: a measurement leaves no server behind.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading

__all__ = ["open_files"]

FILES = 20_000  # open at once, where the system allows it: 500 watchers on both ends


def open_files() -> None:
    """Allow this process the open files that its connections take."""
    try:
        import resource
    except ImportError:  # no such thing on Windows
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _end_with_starter() -> None:
    # not sys.stdin: its lock, held by this thread, would hinder the interpreter's end
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _main(module: str, *arguments: str) -> None:
    open_files()
    threading.Thread(target=_end_with_starter, name="tether", daemon=True).start()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
