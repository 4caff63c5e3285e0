"""A file as it was sent, of any format that can be read, as tables for an import."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from locshare_ext.errors import InvalidInput
from locshare_ext.formats.registry import readable
from locshare_ext.server.api.trails import ARROW
from locshare_ext.server.bodies import JSON_TYPES

if TYPE_CHECKING:
    import pyarrow as pa

    from locshare_ext.formats.loaded import Loaded

__all__ = ["FILE_TYPES", "OPTIONS", "UPLOAD", "read_upload", "tables_of"]

_OF_FORMATS = {one.media_type.partition(";")[0] for one in readable()}
# what a file may be called; what it is, its content says, or `format`
FILE_TYPES = (*sorted(_OF_FORMATS - {*JSON_TYPES, ARROW}), "application/octet-stream")
OPTIONS = ("format", "columns", "tz", "member", "encoding")
UPLOAD = "upload"  # the file's name while it comes
_LONGEST = 60  # characters of its name then, up to four bytes each


class _BrokenOffError(Exception):
    """Nobody waits for the file to be read any more."""


async def read_upload(path: Path, name: str, options: Mapping[str, str]) -> Loaded:
    """Read the file, in a thread; its fixes are then in a temporary file, to be closed.

    name: of the recording; the fixes' member where nothing says whose they are. Raises
    InvalidFile, InvalidInput. When it is cancelled, reading ends soon.
    """
    from locshare_ext.formats import load

    if not name.strip():
        raise InvalidInput("name is missing", field="name")
    named = path.with_name(re.sub(r"[^\w .,()&+-]", "-", name).strip(" .")[:_LONGEST] or "import")
    is_broken_off = False

    def told(_done: int, _all: int) -> None:
        if is_broken_off:
            raise _BrokenOffError

    def read() -> Loaded:
        path.rename(named)
        return load(named, on_disk=True, progress=told, **dict(options))

    reading = asyncio.ensure_future(asyncio.to_thread(read))
    try:
        return await asyncio.shield(reading)
    except asyncio.CancelledError:
        is_broken_off = True
        reading.add_done_callback(_let_go)
        raise


async def tables_of(loaded: Loaded) -> AsyncIterator[pa.Table]:
    """Yield the fixes in order of arrival."""
    import pyarrow as pa

    batches = iter(loaded.fixes.batches())
    while (batch := await asyncio.to_thread(next, batches, None)) is not None:
        yield pa.Table.from_batches([batch])


def _let_go(reading: asyncio.Future[Loaded]) -> None:
    if not reading.cancelled() and reading.exception() is None:
        reading.result().close()
