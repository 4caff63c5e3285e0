"""The columns of trails: on the wire as Arrow, in pandas as the trail frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from locshare_ext.model.fix import Fix

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ARROW_FIELDS", "FRAME_COLUMNS", "TRIP_GAP", "arrow_schema", "table_from_fixes"]

TRIP_GAP = 30 * 60 * 1000  # ms of silence after which a member's next trip begins

ARROW_FIELDS: tuple[tuple[str, str], ...] = (
    ("seq", "int64"),
    ("member", "dictionary"),  # int32 -> utf8
    ("source", "dictionary"),  # int32 -> utf8, null: unknown
    ("time", "int64"),  # ms since 1970 UTC
    ("received", "int64"),  # ms since 1970 UTC
    ("lat", "float64"),
    ("lon", "float64"),
    ("altitude", "float64"),  # this and the next four: null is unknown
    ("accuracy", "float64"),
    ("speed", "float64"),
    ("heading", "float64"),
    ("battery", "float64"),
    ("late", "bool"),
    ("future", "bool"),
    ("repaired", "bool"),
    ("extra", "utf8"),  # JSON object as text, null: none
)

FRAME_COLUMNS: tuple[str, ...] = (
    "recording",
    "group",
    "member",
    "trip",
    "source",
    "seq",
    "time",
    "received",
    "lat",
    "lon",
    "altitude",
    "accuracy",
    "speed",
    "heading",
    "battery",
    "late",
    "future",
    "repaired",
    "extra",
)


def arrow_schema() -> pa.Schema:
    """Return the Arrow schema of ARROW_FIELDS."""
    import pyarrow as pa

    types = {
        "int64": pa.int64(),
        "float64": pa.float64(),
        "bool": pa.bool_(),
        "utf8": pa.utf8(),
        "dictionary": pa.dictionary(pa.int32(), pa.utf8()),
    }
    return pa.schema([pa.field(name, types[kind]) for name, kind in ARROW_FIELDS])


def table_from_fixes(fixes: Sequence[tuple[int, Fix]]) -> pa.Table:
    """Return the table of ARROW_FIELDS of (seq, fix) in the order given."""
    import pyarrow as pa

    def column(field: pa.Field) -> pa.Array:
        name = field.name
        if name == "seq":
            return pa.array([seq for seq, _ in fixes], field.type)
        if name in ("late", "future", "repaired"):
            return pa.array([name in fix.flags for _, fix in fixes], field.type)
        if name == "extra":
            texts = [msgspec.json.encode(fix.extra).decode() if fix.extra else None for _, fix in fixes]
            return pa.array(texts, field.type)
        if name in ("member", "source"):
            return pa.array([getattr(fix, name) for _, fix in fixes], pa.utf8()).dictionary_encode()
        return pa.array([getattr(fix, name) for _, fix in fixes], field.type)

    schema = arrow_schema()
    return pa.Table.from_arrays([column(field) for field in schema], schema=schema)
