"""Writes a trail as CSV."""

from __future__ import annotations

from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from locshare_ext.formats.joining import in_pieces, moments
from locshare_ext.formats.trail import Trail
from locshare_ext.model.trail import FRAME_COLUMNS

__all__ = ["safe_texts", "write"]

_FORMULA = r"^('*[=+\-@\t\r])"


def write(trail: Trail, out: IO[bytes]) -> None:
    """Write a trail as CSV: UTF-8, RFC 3339 times in UTC to the millisecond, unknown is empty.

    A text cell that begins with = + - @ gets an apostrophe in front, so that no
    spreadsheet takes it for a formula (and so does one that has that apostrophe already);
    `read_trail_csv` and `read_csv` take it off.
    """
    names = trail.table.column_names
    titles = [name if name in FRAME_COLUMNS else safe_texts(pa.array([name]))[0].as_py() for name in names]
    is_first = True
    for piece in in_pieces(trail.table) if trail.table.num_rows else [trail.table]:
        written = pa.table([_written(piece.column(name)) for name in names], names=titles)
        pacsv.write_csv(written, out, pacsv.WriteOptions(include_header=is_first))
        is_first = False


def safe_texts(texts: Any) -> Any:
    """Return texts, a dictionary's each once, that no spreadsheet takes for formulas."""
    if pa.types.is_dictionary(texts.type):
        encoded = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
        return _safe(encoded.dictionary).take(encoded.indices)
    return _safe(texts)


def _written(column: pa.ChunkedArray) -> Any:
    """Return a column as it stands in the file."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        return moments(column) if kind.tz is not None else column
    is_text = pa.types.is_dictionary(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return safe_texts(column) if is_text else column


def _safe(texts: Any) -> Any:
    return pc.replace_substring_regex(texts.cast(pa.utf8()), _FORMULA, r"'\1")
