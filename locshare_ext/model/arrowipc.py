"""Messages of an Arrow stream, written without pyarrow.

That takes 0.2 s to load, which is longer than it takes to send a million fixes that stand packed.
Only what trails need is here; the format is Arrow's own ("IPC streaming format", version 5, and
FlatBuffers for each message's head). Reading is left to pyarrow.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, cast

__all__ = [
    "Column",
    "Kind",
    "batch_message",
    "bits_of",
    "dictionary_message",
    "number_column",
    "schema_message",
    "text_column",
]

Kind = Literal["int64", "float64", "bool", "utf8", "dictionary"]

_VERSION = 4  # V5 of the format
_SCHEMA, _DICTIONARY, _BATCH = 1, 2, 3  # what a message's head may be
_HEAD = struct.Struct("<Ii")
_PAIR = struct.Struct("<qq")


class _Table(tuple["_Field | None", ...]):
    """A table of FlatBuffers: its fields in the order of their numbers, None where one is left out."""


@dataclass(frozen=True, slots=True)
class _Pairs:
    """A vector of structs of two int64."""

    values: Sequence[tuple[int, int]]


_Reference = _Table | _Pairs | str | list[_Table]
_Field = tuple[str, int] | _Reference  # a number with its `struct` code, or what is referred to


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a batch: how many of its values are null, and its buffers as Arrow has them."""

    nulls: int
    buffers: Sequence[bytes]


def schema_message(fields: Sequence[tuple[str, Kind]], metadata: Mapping[str, str] | None = None) -> bytes:
    """Return the message that a stream begins with; dictionaries are numbered from 0 in order."""
    number, made = 0, list[_Table]()
    for name, kind in fields:
        coded = None
        if kind == "dictionary":
            coded = _Table((("q", number), _int(32), None, None))
            number += 1
        which, of_type = _TYPES[kind]
        made.append(_Table((name, ("B", 1), ("B", which), of_type, coded, list[_Table]())))
    pairs = None if metadata is None else [_Table((key, value)) for key, value in metadata.items()]
    return _message(_SCHEMA, _Table((("h", 0), made, pairs)), ())


def dictionary_message(number: int, texts: Sequence[str]) -> bytes:
    """Return the message of a dictionary of texts."""
    column = text_column(texts)
    batch, buffers = _batch(len(texts), [column])
    return _message(_DICTIONARY, _Table((("q", number), batch)), buffers)


def batch_message(rows: int, columns: Sequence[Column]) -> bytes:
    """Return the message of some rows."""
    batch, buffers = _batch(rows, columns)
    return _message(_BATCH, batch, buffers)


def number_column(code: Literal["i", "q", "d"], values: Sequence[float | None]) -> Column:
    """Return numbers as a column of int32, int64 or float64."""
    known, nulls = b"", 0
    try:
        made = array(code, cast("Sequence[float]", values))
    except TypeError:  # None is among them; to look for it takes as long as to make the array
        known = bits_of([value is not None for value in values])
        nulls = values.count(None)
        made = array(code, [0 if value is None else value for value in values])
    if sys.byteorder == "big":
        made.byteswap()
    return Column(nulls, (known, made.tobytes()))


def text_column(texts: Sequence[str | None]) -> Column:
    """Return texts as a column."""
    nulls = texts.count(None)
    if nulls == len(texts):
        return Column(nulls, (bytes(len(texts) + 7 >> 3), bytes(4 * len(texts) + 4), b""))
    encoded = [text.encode() if text is not None else b"" for text in texts]
    ends = list(accumulate(map(len, encoded), initial=0))
    known = bits_of([text is not None for text in texts]) if nulls else b""
    return Column(nulls, (known, struct.pack(f"<{len(ends)}i", *ends), b"".join(encoded)))


def bits_of(values: Sequence[bool]) -> bytes:
    """Return truths as bits, the first as the lowest."""
    digits = "".join(["1" if value else "0" for value in reversed(values)])
    return int(digits or "0", 2).to_bytes(len(values) + 7 >> 3, "little")


def _batch(rows: int, columns: Sequence[Column]) -> tuple[_Table, list[bytes]]:
    buffers = [buffer for column in columns for buffer in column.buffers]
    starts = accumulate((len(buffer) + 7 & ~7 for buffer in buffers), initial=0)
    places = [(start, len(buffer)) for start, buffer in zip(starts, buffers, strict=False)]
    nodes = [(rows, column.nulls) for column in columns]
    return _Table((("q", rows), _Pairs(nodes), _Pairs(places))), buffers


def _message(kind: int, header: _Table, buffers: Sequence[bytes]) -> bytes:
    size = sum(len(buffer) + 7 & ~7 for buffer in buffers)
    head = _flat(_Table((("h", _VERSION), ("B", kind), header, ("q", size))))
    parts = [_HEAD.pack(0xFFFFFFFF, len(head)), head]
    for buffer in buffers:
        parts += [buffer, bytes(-len(buffer) % 8)]
    return b"".join(parts)


def _flat(root: _Table) -> bytes:
    """Return a FlatBuffer; its length is a multiple of 8, as the format wants it of a head."""
    data = bytearray(4)
    struct.pack_into("<I", data, 0, _put(data, root))
    return bytes(data + bytes(-len(data) % 8))


def _put(data: bytearray, value: _Reference) -> int:
    """Append what is referred to; returns where it begins."""
    if isinstance(value, _Table):
        return _put_table(data, value)
    if isinstance(value, str):
        encoded = value.encode()
        data += bytes(-len(data) % 4)
        start = len(data)
        data += struct.pack("<I", len(encoded)) + encoded + b"\0"
        return start
    if isinstance(value, _Pairs):
        data += bytes((4 - len(data)) % 8)  # the values, not their number, begin at a multiple of 8
        start = len(data)
        data += struct.pack("<I", len(value.values)) + b"".join(_PAIR.pack(*pair) for pair in value.values)
        return start
    data += bytes(-len(data) % 4)
    start = len(data)
    data += struct.pack("<I", len(value)) + bytes(4 * len(value))
    for number, one in enumerate(value):
        _refer(data, start + 4 + 4 * number, one)
    return start


def _put_table(data: bytearray, table: _Table) -> int:
    offsets, size = list[int](), 4
    for field in table:
        if field is None:
            offsets.append(0)
            continue
        width = struct.calcsize(f"<{_code(field)}")
        size += -size % width
        offsets.append(size)
        size += width
    data += bytes(-len(data) % 2)
    before = len(data)
    data += struct.pack(f"<{2 + len(offsets)}H", 4 + 2 * len(offsets), size, *offsets)
    data += bytes(-len(data) % 8)
    start = len(data)
    data += bytes(size)
    struct.pack_into("<i", data, start, start - before)
    for field, offset in zip(table, offsets, strict=True):
        if isinstance(field, tuple) and not isinstance(field, _Table):
            struct.pack_into(f"<{field[0]}", data, start + offset, field[1])
        elif field is not None:
            _refer(data, start + offset, field)
    return start


def _refer(data: bytearray, place: int, value: _Reference) -> None:
    """Append what is referred to, and write at a place how far ahead it is."""
    struct.pack_into("<I", data, place, _put(data, value) - place)


def _code(field: _Field) -> str:
    return field[0] if isinstance(field, tuple) and not isinstance(field, _Table) else "I"


def _int(bits: int) -> _Table:
    return _Table((("i", bits), ("B", 1)))


# of a column, or of a dictionary's values: number and table of its type
_TYPES: dict[Kind, tuple[int, _Table]] = {
    "int64": (2, _int(64)),
    "float64": (3, _Table((("h", 2),))),
    "bool": (6, _Table(())),
    "utf8": (5, _Table(())),
    "dictionary": (5, _Table(())),
}
