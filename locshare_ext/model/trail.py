"""The columns of trails: on the wire as Arrow, in pandas as the trail frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from locshare_ext.model.fix import Fix

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "ARROW_FIELDS",
    "FRAME_COLUMNS",
    "HEARD",
    "STREAM_END",
    "TRIP_GAP",
    "arrow_schema",
    "stream_head",
    "stream_piece",
    "table_from_fixes",
    "table_from_pieces",
    "with_heard",
]

TRIP_GAP = 30 * 60 * 1000  # ms of silence after which a member's next trip begins

HEARD = "heard"  # beside the columns of trails, where there is one fix per member: when its last arrived
STREAM_END = b"\xff\xff\xff\xff\x00\x00\x00\x00"  # how an Arrow stream says that nothing more comes

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


def stream_head(metadata: Mapping[str, str] | None = None) -> bytes:
    """Return what an Arrow stream of trails begins with; pieces and STREAM_END follow."""
    schema = arrow_schema()
    return bytes((schema.with_metadata(metadata) if metadata else schema).serialize())


def stream_piece(rows: pa.Table | pa.RecordBatch, *, compression: str | None = None) -> bytes:
    """Return rows with `arrow_schema` as a piece of an Arrow stream, to be put anywhere in it.

    It is whole messages, with the dictionaries that they need. compression: `lz4`, `zstd` or none.
    """
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(
        sink, arrow_schema(), options=pa.ipc.IpcWriteOptions(compression=compression)
    ) as writer:
        writer.write(rows.replace_schema_metadata(None))
    return bytes(memoryview(sink.getvalue())[len(stream_head()) : -len(STREAM_END)])


def table_from_pieces(pieces: Iterable[bytes]) -> pa.Table:
    """Return the table of pieces of an Arrow stream, with one dictionary for all of them."""
    import pyarrow as pa

    whole = b"".join((stream_head(), *pieces, STREAM_END))
    return pa.ipc.open_stream(whole).read_all().unify_dictionaries()


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


def with_heard(table: pa.Table, heard: Sequence[int]) -> pa.Table:
    """Return a table with the column HEARD."""
    import pyarrow as pa

    return table.append_column(HEARD, pa.array(heard, pa.int64()))
