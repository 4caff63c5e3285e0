"""Rows of fixes as columns, without an object per fix."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from locshare_ext.model.trail import arrow_schema
from locshare_ext.store.rows import FUTURE, LATE, REPAIRED
from locshare_ext.store.schema import ENTRY_BITS

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["read_rows"]

_COLUMNS = (
    "id",
    "member",
    "source",
    "time",
    "received",
    "lat",
    "lon",
    "altitude",
    "accuracy",
    "speed",
    "heading",
    "battery",
    "flags",
    "extra",
)


def read_rows(
    conn: sqlite3.Connection, condition: str, values: Sequence[Any], limit: int
) -> pa.RecordBatch | None:
    """Return up to `limit` fixes that a condition selects, ascending by seq; None when there is none.

    With the columns of trails, and members' ids as text for their names.
    """
    cursor = conn.execute(
        f"SELECT {', '.join(_COLUMNS)} FROM fixes WHERE {condition} ORDER BY id LIMIT ?", [*values, limit]
    )
    rows = cursor.fetchall()
    return _batch(rows) if rows else None


def _batch(rows: list[tuple[Any, ...]]) -> pa.RecordBatch:
    import numpy as np
    import pyarrow as pa

    schema = arrow_schema()
    columns = dict(zip(_COLUMNS, zip(*rows, strict=True), strict=True))
    flags = np.array(columns.pop("flags"), dtype=np.uint8)
    ids, codes = np.unique(np.array(columns.pop("member"), dtype=np.int64), return_inverse=True)
    seq = np.array(columns.pop("id"), dtype=np.int64) & (1 << ENTRY_BITS) - 1
    arrays = {
        "seq": pa.array(seq),
        "member": pa.DictionaryArray.from_arrays(
            pa.array(codes.astype(np.int32)), pa.array([str(one) for one in ids.tolist()], pa.utf8())
        ),
        "source": pa.array(columns.pop("source"), pa.utf8()).dictionary_encode(),
    }
    for name, bit in (("late", LATE), ("future", FUTURE), ("repaired", REPAIRED)):
        arrays[name] = pa.array((flags & bit) != 0)
    for name, column in columns.items():
        arrays[name] = pa.array(column, schema.field(name).type)
    return pa.RecordBatch.from_arrays([arrays[field.name] for field in schema], schema=schema)
