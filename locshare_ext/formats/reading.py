"""What all readers of files share."""

from __future__ import annotations

import codecs
import contextlib
from collections.abc import Iterator
from pathlib import Path

from locshare_ext.errors import InvalidFile
from locshare_ext.formats.loaded import Progress
from locshare_ext.formats.rows import FixRows

__all__ = ["reading", "text_lines"]

_LONGEST = 1 << 20  # bytes of one line
_TOLD_EVERY = 4096  # lines between two calls of `progress`


@contextlib.contextmanager
def reading(*, on_disk: bool = False, unit: str = "line") -> Iterator[FixRows]:
    """Give rows to read a file into; they are let go of when that fails or is broken off."""
    rows = FixRows(on_disk=on_disk, unit=unit)
    try:
        yield rows
    except BaseException:
        rows.close()
        raise


def text_lines(path: Path, progress: Progress | None) -> Iterator[tuple[int, str]]:
    """Yield the lines of a file in UTF-8 with their numbers from 1, without their ends.

    Raises InvalidFile for other text (UTF-16 with a mark is read, too) and for endless lines.
    """
    size = path.stat().st_size
    with path.open("rb") as raw:
        start = raw.read(2)
        raw.seek(0)
        if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            with path.open(encoding="utf-16") as text:
                yield from _decoded(path, enumerate(iter(lambda: text.readline(_LONGEST), ""), 1))
            return
        number = 0
        while data := raw.readline(_LONGEST):
            number += 1
            if len(data) == _LONGEST and not data.endswith(b"\n"):
                raise InvalidFile(f"{path.name}: line {number} has over {_LONGEST:,} bytes")
            if number == 1:
                data = data.removeprefix(codecs.BOM_UTF8)
            try:
                yield number, data.decode().rstrip("\r\n")
            except UnicodeDecodeError as error:
                raise InvalidFile(f"{path.name}: line {number} is not UTF-8 ({error.reason})") from None
            if progress is not None and number % _TOLD_EVERY == 0:
                progress(min(raw.tell(), size), size)
    if progress is not None:
        progress(size, size)


def _decoded(path: Path, lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    try:
        for number, line in lines:
            yield number, line.rstrip("\r\n")
    except UnicodeError as error:
        raise InvalidFile(f"{path.name} is no UTF-16 text ({error})") from None
