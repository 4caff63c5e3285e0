"""What systemd is told, where it runs us."""

from __future__ import annotations

import contextlib
import os
import socket
import sys

__all__ = ["is_journal", "notify"]


def notify(*lines: str) -> None:
    """Tell the service manager, such as `READY=1` (sd_notify(3)); nothing happens where there is none."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path.startswith(("/", "@")) or not hasattr(socket, "AF_UNIX"):
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock, contextlib.suppress(OSError):
        sock.sendto("\n".join(lines).encode(), address)


def is_journal() -> bool:
    """Return whether what is printed goes into systemd's journal (systemd.exec(5), JOURNAL_STREAM)."""
    named = os.environ.get("JOURNAL_STREAM", "")
    try:
        found = os.fstat(sys.stdout.fileno())
    except (OSError, ValueError):
        return False
    return named == f"{found.st_dev}:{found.st_ino}"
