"""Rows of fixes as columns, without an object per fix, and without pyarrow until it is wanted."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from locshare_ext.model.arrowipc import (
    Column,
    batch_message,
    bits_of,
    dictionary_message,
    number_column,
    text_column,
)
from locshare_ext.model.trail import ARROW_FIELDS, STREAM_END, stream_head
from locshare_ext.store.rows import FUTURE, LATE, REPAIRED
from locshare_ext.store.schema import ENTRY_BITS

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Columns", "batch_of", "dictionaries", "read_columns", "read_rows"]

_FLAGS = {"late": LATE, "future": FUTURE, "repaired": REPAIRED}
_COLUMNS = ("seq", *(name for name, _ in ARROW_FIELDS[1:] if name not in _FLAGS), "flags")


@dataclass(frozen=True, slots=True)
class Columns:
    """Fixes ascending by seq, with the columns of trails; at least one.

    last: the highest seq. members: the ids that occur, ascending. batch: the message of the
    fixes, whose codes are places in `members` and `sources`.
    """

    rows: int
    last: int
    members: list[int]
    sources: list[str]
    batch: bytes

    def messages(self, name_of: Callable[[int], str]) -> bytes:
        """Return the fixes as a piece of a stream. name_of: what stands for a member's id."""
        return dictionaries([name_of(member) for member in self.members], self.sources) + self.batch


def dictionaries(members: Sequence[str], sources: Sequence[str]) -> bytes:
    """Return the messages of both dictionaries of trails."""
    return dictionary_message(0, members) + dictionary_message(1, sources)


def read_columns(
    conn: sqlite3.Connection, condition: str, values: Sequence[Any], limit: int
) -> Columns | None:
    """Return up to `limit` fixes that a condition selects; None when there is none."""
    cursor = conn.execute(
        f"SELECT id & {(1 << ENTRY_BITS) - 1}, {', '.join(_COLUMNS[1:])} FROM fixes "
        f"WHERE {condition} ORDER BY id LIMIT ?",
        [*values, limit],
    )
    rows = cursor.fetchall()
    return _columns(rows) if rows else None


def read_rows(
    conn: sqlite3.Connection, condition: str, values: Sequence[Any], limit: int
) -> pa.RecordBatch | None:
    """Return the same as a record batch, with members' ids as text for their names."""
    found = read_columns(conn, condition, values, limit)
    if found is None:
        return None
    return batch_of(found.messages(str))


def batch_of(messages: bytes) -> pa.RecordBatch:
    """Return the record batch of `Columns.messages`."""
    import pyarrow as pa

    return pa.ipc.open_stream(stream_head() + messages + STREAM_END).read_next_batch()


def _columns(rows: list[tuple[Any, ...]]) -> Columns:
    columns = dict(zip(_COLUMNS, zip(*rows, strict=True), strict=True))
    flags, last = columns.pop("flags"), columns["seq"][-1]
    members: list[int] = sorted(set(columns["member"]))
    sources: list[str] = sorted(set(columns["source"]) - {None})
    codes: dict[str, dict[Any, int | None]] = {
        "member": {member: code for code, member in enumerate(members)},
        "source": {None: None, **{source: code for code, source in enumerate(sources)}},
    }
    made = []
    for name, kind in ARROW_FIELDS:
        if kind == "bool":
            made.append(_flag(flags, _FLAGS[name]))
        elif kind == "dictionary":
            made.append(number_column("i", [*map(codes[name].__getitem__, columns[name])]))
        elif kind == "utf8":
            made.append(text_column(columns[name]))
        else:
            made.append(number_column("q" if kind == "int64" else "d", columns[name]))
    return Columns(len(rows), last, members, sources, batch_message(len(rows), made))


def _flag(flags: Sequence[int], bit: int) -> Column:
    with_it = {value for value in set(flags) if value & bit}
    bits = bits_of([value in with_it for value in flags]) if with_it else bytes(len(flags) + 7 >> 3)
    return Column(0, (b"", bits))
