"""The columns of trails: on the wire as Arrow, in pandas as the trail frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ARROW_FIELDS", "FRAME_COLUMNS", "TRIP_GAP", "arrow_schema"]

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
