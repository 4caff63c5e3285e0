"""The columns of trails: on the wire as Arrow, in pandas as the trail frame."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from locshare_ext.model.arrowipc import Kind, schema_message
from locshare_ext.model.fix import NUMBERS, Fix

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "ARROW_FIELDS",
    "FRAME_COLUMNS",
    "HEARD",
    "STREAM_END",
    "TRIP_GAP",
    "arrow_schema",
    "fixes_from_table",
    "stream_head",
    "stream_piece",
    "table_from_fixes",
    "table_from_pieces",
    "with_heard",
]

TRIP_GAP = 30 * 60 * 1000  # ms of silence after which a member's next trip begins

HEARD = "heard"  # beside the columns of trails, where there is one fix per member: when its last arrived
STREAM_END = b"\xff\xff\xff\xff\x00\x00\x00\x00"  # how an Arrow stream says that nothing more comes

ARROW_FIELDS: tuple[tuple[str, Kind], ...] = (
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


_FLAGS = ("late", "future", "repaired")
_FLAG_SETS = [tuple(name for n, name in enumerate(_FLAGS) if bits >> n & 1) for bits in range(8)]
_PLAIN = ("member", "source", "time", "received", "lat", "lon", *NUMBERS, "extra")


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
    return schema_message(ARROW_FIELDS, metadata)


def stream_piece(rows: pa.Table | pa.RecordBatch, *, compression: str | None = None) -> bytes:
    """Return rows with `arrow_schema` as a piece of an Arrow stream, to be put anywhere in it.

    It is whole messages, with the dictionaries that they need. compression: `lz4`, `zstd` or none.
    """
    import pyarrow as pa

    sink, schema = pa.BufferOutputStream(), arrow_schema()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, schema, options=options) as writer:
        writer.write(rows.replace_schema_metadata(None))
    return bytes(memoryview(sink.getvalue())[schema.serialize().size : -len(STREAM_END)])


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


def fixes_from_table(table: pa.Table, *, epoch: str | None = None) -> Iterable[Fix]:
    """Yield the fixes of an Arrow table with the fields of trails, in its order.

    epoch: of the log, for their cursors; None leaves them without.
    """
    for chunk in table.unify_dictionaries().to_batches(max_chunksize=8192):
        late, future, repaired = (chunk.column(name).to_numpy(zero_copy_only=False) for name in _FLAGS)
        bits = late.astype("int8") + 2 * future.astype("int8") + 4 * repaired.astype("int8")
        seqs = _values(chunk, "seq")
        cursors = itertools.repeat(None) if epoch is None else [f"{epoch}-{seq}" for seq in seqs]
        # values in tuples and one call: a third of the time of a dict for each fix
        columns = (_values(chunk, name) for name in _PLAIN)
        for row in zip(*columns, cursors, bits.tolist(), strict=False):
            member, source, time, received, lat, lon, altitude, accuracy, speed, heading, battery = row[:11]
            extra, cursor, flags = row[11:]
            yield Fix(
                member=member,
                time=time,
                lat=lat,
                lon=lon,
                altitude=altitude,
                accuracy=accuracy,
                speed=speed,
                heading=heading,
                battery=battery,
                source=source,
                extra=msgspec.json.decode(extra) if extra else None,
                received=received,
                cursor=cursor,
                flags=_FLAG_SETS[flags],
            )


def _values(chunk: pa.RecordBatch, name: str) -> Iterable[Any]:
    """Return a column as Python values, None where it is null."""
    column = chunk.column(name)
    if column.null_count == len(column):
        return itertools.repeat(None, len(column))
    if hasattr(column, "dictionary"):
        texts = [*column.dictionary.to_pylist(), None]  # the last for -1
        return [texts[place] for place in column.indices.fill_null(-1).to_numpy().tolist()]
    if column.null_count or name == "extra":
        values: list[Any] = column.to_pylist()
        return values
    numbers: list[Any] = column.to_numpy().tolist()
    return numbers
