"""Fixes as columns: an Arrow table straight from rows, without an object per fix."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING, Any

from locshare_ext.model.store import Selection
from locshare_ext.model.trail import arrow_schema
from locshare_ext.store.rows import FUTURE, LATE, REPAIRED
from locshare_ext.store.schema import ENTRY_BITS, GONE
from locshare_ext.store.selecting import find_log, where

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

__all__ = ["read_trails"]

_AT_ONCE = 512  # rows made into columns while they are in the processor's cache, about 1.3 ms
_BREATH = 1e-5  # s after each part: else the writer and the loop get the interpreter every 5 ms only
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


def read_trails(conn: sqlite3.Connection, log: str, selection: Selection) -> pa.Table:
    """Return the selected fixes as a table of `trail.ARROW_FIELDS`, ascending by seq."""
    import numpy as np
    import pyarrow as pa

    schema = arrow_schema()
    found = find_log(conn, log)
    if found is None:
        return schema.empty_table()
    log_id = found[0]
    names = conn.execute("SELECT id, name FROM members WHERE log = ? ORDER BY id", (log_id,)).fetchall()
    sql, values = where(conn, "fixes", log_id, log, selection)
    for member, name in names:
        if name.startswith(GONE):  # being forgotten
            sql += " AND member <> ?"
            values.append(member)
    cursor = conn.execute(f"SELECT {', '.join(_COLUMNS)} FROM fixes WHERE {sql} ORDER BY id", values)
    parts = []
    while rows := cursor.fetchmany(_AT_ONCE):
        parts.append(_part(rows, schema))
        del rows
        time.sleep(_BREATH)
    if not parts:
        return schema.empty_table()
    ids = np.concatenate([part[0] for part in parts])
    used, indices = np.unique(ids, return_inverse=True)  # a dictionary of those who occur
    name_of = dict(names)
    member = pa.DictionaryArray.from_arrays(
        pa.array(indices.astype(np.int32)), pa.array([name_of[int(one)] for one in used], pa.utf8())
    )
    table = pa.Table.from_batches([part[1] for part in parts]).unify_dictionaries().combine_chunks()
    place = schema.get_field_index("member")
    return table.add_column(place, schema.field("member"), member).cast(schema)


def _part(rows: list[tuple[Any, ...]], schema: pa.Schema) -> tuple[np.ndarray[Any, Any], pa.RecordBatch]:
    """Return members' ids and the other columns of some rows."""
    import numpy as np
    import pyarrow as pa

    columns = dict(zip(_COLUMNS, zip(*rows, strict=True), strict=True))
    flags = np.array(columns.pop("flags"), dtype=np.uint8)
    members = np.array(columns.pop("member"), dtype=np.int64)
    arrays = {
        name: pa.array(column, _plain(schema, name)) for name, column in columns.items() if name != "id"
    }
    arrays["seq"] = pa.array(np.array(columns["id"], dtype=np.int64) & (1 << ENTRY_BITS) - 1)
    arrays["source"] = arrays["source"].dictionary_encode()
    for name, bit in (("late", LATE), ("future", FUTURE), ("repaired", REPAIRED)):
        arrays[name] = pa.array((flags & bit) != 0)
    order = [field.name for field in schema if field.name != "member"]
    return members, pa.RecordBatch.from_arrays([arrays[name] for name in order], order)


def _plain(schema: pa.Schema, name: str) -> Any:
    kind = schema.field(name).type
    return getattr(kind, "value_type", kind) if name == "source" else kind
