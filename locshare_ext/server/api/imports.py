"""What is sent to be imported, an Arrow stream or a file of any format that can be read."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from locshare_ext.errors import InvalidFile, InvalidInput
from locshare_ext.formats.asides import Beside, asides_of_rows
from locshare_ext.formats.registry import readable
from locshare_ext.model.aside import MAX_RAW, AsideInfo
from locshare_ext.server.api.trails import ARROW
from locshare_ext.server.bodies import JSON_TYPES

if TYPE_CHECKING:
    import pyarrow as pa

    from locshare_ext.formats.loaded import Loaded
    from locshare_ext.formats.tally import SetAside

__all__ = ["FILE_TYPES", "OPTIONS", "UPLOAD", "asides_of", "opened_stream", "read_upload", "tables_of"]

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


async def opened_stream(file: IO[bytes]) -> tuple[AsyncIterator[pa.Table], Beside]:
    """Return an Arrow stream's batches, read in a thread, and what its head says is beside them.

    Raises InvalidFile, also while they are read.
    """
    pa = await asyncio.to_thread(import_module, "pyarrow")
    try:
        reader = await asyncio.to_thread(pa.ipc.open_stream, file)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _no_stream(error) from None
    missing = [name for name in ("member", "time", "lat", "lon") if name not in reader.schema.names]
    if missing:
        raise InvalidFile(f"column {missing[0]!r} is missing", field=missing[0])
    return _tables(reader), Beside.of_schema(reader.schema)


def asides_of(rows: Sequence[SetAside], now: int) -> list[AsideInfo]:
    """Return what was refused, as a store keeps it. now: ms, of what does not say when it came."""
    return [
        AsideInfo(
            received=one.get("received", now),
            member=one.get("member"),
            credential="import",
            code=one["error"].get("code", "set_aside"),
            message=one["error"].get("message", ""),
            field=one["error"].get("field"),
            raw=one["raw"].encode(errors="replace")[:MAX_RAW],
        )
        for one in asides_of_rows(rows)
    ]


async def _tables(reader: Any) -> AsyncIterator[pa.Table]:
    import pyarrow as pa

    while True:
        try:
            batch = await asyncio.to_thread(next, reader, None)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _no_stream(error) from None
        if batch is None:
            return
        yield pa.Table.from_batches([batch])


def _no_stream(error: Exception) -> InvalidFile:
    return InvalidFile(f"the body is no Arrow stream that can be read: {error}")


def _let_go(reading: asyncio.Future[Loaded]) -> None:
    if not reading.cancelled() and reading.exception() is None:
        reading.result().close()
