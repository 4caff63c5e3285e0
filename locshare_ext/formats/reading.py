"""What all readers of files share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from locshare_ext.formats.rows import FixRows

__all__ = ["reading"]


@contextlib.contextmanager
def reading(*, on_disk: bool = False, unit: str = "line") -> Iterator[FixRows]:
    """Give rows to read a file into; they are let go of when that fails or is broken off."""
    rows = FixRows(on_disk=on_disk, unit=unit)
    try:
        yield rows
    except BaseException:
        rows.close()
        raise
