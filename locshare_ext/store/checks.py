"""What is sealed is checked whenever it is read: a disk that lost a bit must not move anybody.

One damaged segment is the trouble of who wants to read just that one, and of nobody else.
"""

from __future__ import annotations

import logging
import sqlite3
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zlib import crc32

from locshare_ext.errors import StoreDamaged

__all__ = ["FIRST_PART", "HEAD", "SUMMARY", "check", "checks_of", "unbroken"]

_log = logging.getLogger(__name__)
_CHECK = struct.Struct("<I")
SUMMARY, HEAD, FIRST_PART = 0, 1, 2  # places of the checksums of a segment
_SQLITE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR)  # the latter: there is no such row
_BROKEN = (ValueError, OSError, MemoryError, TypeError, LookupError, NotImplementedError, struct.error)


def checks_of(pieces: Iterable[bytes | memoryview]) -> bytes:
    """Return the checksums of a segment's summary, the head of its stream, and its parts."""
    return b"".join(_CHECK.pack(crc32(piece)) for piece in pieces)


def check(checks: bytes | None, place: int, piece: bytes | memoryview) -> None:
    """Raise ValueError if a piece is not as it was written; None: an older version wrote no checksums."""
    if checks is not None and _CHECK.unpack_from(checks, place * _CHECK.size)[0] != crc32(piece):
        raise ValueError("its checksum is another")


@contextmanager
def unbroken(first: int, last: int, since: int, until: int) -> Iterator[None]:
    """Raise StoreDamaged for whatever goes wrong inside, where a segment is read and unpacked.

    first, last: offsets of its fixes. since, until: ms that they were received between.
    """
    try:
        yield
    except (*_BROKEN, sqlite3.Error) as error:
        if isinstance(error, sqlite3.Error) and (error.sqlite_errorcode & 0xFF) not in _SQLITE:
            raise
        message = (
            f"fixes {first} to {last}, received from {_utc(since)} to {_utc(until)}, cannot be read: their "
            "place in the store is damaged; all others can be read"
        )
        _tell(message, str(error))
        raise StoreDamaged(message) from error


def _utc(moment: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=moment)).isoformat(" ", "seconds")


@lru_cache(maxsize=1024)
def _tell(message: str, reason: str) -> None:
    """Tell the operator once."""
    _log.error("%s (%s)", message, reason)
