"""Fixes out of the bodies that MESSAGEs bring, at the least cost for what is wanted of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from locshare_ext.model.cursor import Cursor
from locshare_ext.model.fix import Fix

__all__ = ["Row", "decode_fixes", "decode_objects", "decode_rows", "seq_of", "seqs_of"]


class Row(msgspec.Struct, gc=False):
    """What columns keep of a `Fix`, by the same names.

    Leaving out source, extra and flags, and not being looked at by the garbage collector,
    makes decoding one a third cheaper. It holds no containers, so it can be in no cycle.
    """

    member: str
    time: int
    lat: float
    lon: float
    altitude: float | None = None
    accuracy: float | None = None
    speed: float | None = None
    heading: float | None = None
    battery: float | None = None
    received: int = 0
    cursor: str | None = None


_rows = msgspec.json.Decoder(list[Row])
_row = msgspec.json.Decoder(Row)
_fixes = msgspec.json.Decoder(list[Fix])
_fix = msgspec.json.Decoder(Fix)


def decode_rows(body: bytes) -> list[Row]:
    """Return the fixes of a body, one or an array, as far as columns keep them."""
    return _rows.decode(body) if _is_array(body) else [_row.decode(body)]


def decode_fixes(body: bytes) -> list[Fix]:
    """Return the fixes of a body, one or an array."""
    return _fixes.decode(body) if _is_array(body) else [_fix.decode(body)]


def decode_objects(body: bytes) -> list[dict[str, Any]]:
    """Return the objects of a body, one or an array, as they are."""
    found = msgspec.json.decode(body)
    return found if isinstance(found, list) else [found]


def seq_of(fix: Fix | Row) -> int:
    """Return the fix's offset in its log, -1 if it has none (not stored)."""
    return -1 if fix.cursor is None else Cursor.parse(fix.cursor).offset


def seqs_of(fixes: Sequence[Fix | Row]) -> list[int]:
    """Return the fixes' offsets; those of one log, as a MESSAGE has them, cost a fifth of `seq_of`."""
    if not fixes or fixes[0].cursor is None:
        return [seq_of(fix) for fix in fixes]
    epoch = f"{Cursor.parse(fixes[0].cursor).epoch}-"
    try:
        return [int(fix.cursor.removeprefix(epoch)) for fix in fixes]  # type: ignore[union-attr]
    except (AttributeError, ValueError):  # one without a place, or of another log
        return [seq_of(fix) for fix in fixes]


def _is_array(body: bytes) -> bool:
    return body.startswith(b"[") or body.lstrip().startswith(b"[")
