"""Trails as files of the formats that the registry lists: made in a thread, sent piece by piece."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import quote

from locshare_ext.server.base import Handler

if TYPE_CHECKING:
    from locshare_ext.formats.registry import Format
    from locshare_ext.formats.trail import Trail

__all__ = ["attachment", "send_file"]

AT_ONCE = 256 << 10  # bytes written before the loop may do something else
_IN_MEMORY = 4 << 20  # bytes of a file that need no disk


async def send_file(handler: Handler, made: Callable[[], Trail], found: Format, name: str) -> None:
    """Finish a request with a trail as a file; made: gives the trail, in a thread. name: of the file."""
    file = await asyncio.to_thread(_written, made, found)
    try:
        size = file.seek(0, 2)
        file.seek(0)
        handler.set_header("Content-Type", found.media_type)
        handler.set_header("Content-Disposition", attachment(name + found.suffixes[0]))
        handler.set_header("Content-Length", str(size))
        while data := await asyncio.to_thread(file.read, AT_ONCE):
            handler.write(data)
            await handler.flush()
        await handler.finish()
    finally:
        file.close()


def attachment(name: str) -> str:
    """Return a Content-Disposition for a file's name in any script (RFC 6266)."""
    plain = "".join(char if char.isascii() and (char.isalnum() or char in "-_.") else "_" for char in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _written(made: Callable[[], Trail], found: Format) -> IO[bytes]:
    trail = made()
    if found.name == "gpkg":  # SQLite needs a file with a name
        with tempfile.TemporaryDirectory(prefix="locshare-") as folder:
            path = Path(folder) / "recording.gpkg"
            found.write()(path, trail)
            return path.open("rb")
    file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 -- the caller closes
    try:
        found.write()(trail, file)
    except BaseException:
        file.close()
        raise
    return file
