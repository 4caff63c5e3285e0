"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

__all__ = ["replacing"]


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a name beside `target` to write to; it becomes `target` when all went well.

    A reader sees the old file or the new one, also after a power cut. When the body
    raises, the new file is removed and the old one stays. The folder must exist
    (FileNotFoundError names the target, not the file beside it).
    """
    folder = target.parent
    if not folder.is_dir():
        raise FileNotFoundError(2, "the folder does not exist", str(folder))
    beside = folder / f".{target.name[:100]}.{secrets.token_hex(4)}.tmp"
    try:
        yield beside
        with beside.open("rb+") as written:
            os.fsync(written.fileno())
        beside.replace(target)
    except BaseException:
        for name in (beside, beside.with_name(beside.name + "-journal")):
            with contextlib.suppress(OSError):
                name.unlink()
        raise
    if hasattr(os, "O_DIRECTORY"):  # the rename itself; Windows has no such thing
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
