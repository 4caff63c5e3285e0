"""Texts of many rows put together at once: what XML, JSON and other writers are made of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.compute as pc

__all__ = [
    "content",
    "decimals",
    "in_pieces",
    "joined",
    "json_texts",
    "moments",
    "optional",
    "xml",
    "xml_texts",
]

_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # XML 1.0, 2.2
_ROWS = 65_536  # put together at once


def in_pieces(table: pa.Table) -> Iterator[pa.Table]:
    """Yield the table in pieces that are put together at once."""
    for start in range(0, table.num_rows, _ROWS):
        yield table.slice(start, _ROWS)


def joined(*parts: Any) -> Any:
    """Return the parts of each row as one text; a part that is null is nothing."""
    return pc.binary_join_element_wise(*parts, "", null_handling="replace", null_replacement="")


def optional(before: str, texts: Any, after: str) -> Any:
    """Return the texts between two others, null where they are."""
    return pc.binary_join_element_wise(before, texts, after, "")


def content(texts: Any) -> bytes:
    """Return all texts of a column, one after another."""
    chunks = texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]
    return b"".join(_bytes_of(chunk) for chunk in chunks)


def decimals(column: Any) -> Any:
    """Return numbers as text, the shortest that gives them back, without an exponent; null stays."""
    numbers = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    numbers = pc.if_else(pc.is_finite(numbers), numbers, None)
    texts = numbers.cast(pa.utf8())
    has_exponent = pc.fill_null(pc.match_substring(texts, "e"), False)
    if not pc.any(has_exponent).as_py():
        return texts
    written = [format(Decimal(text), "f") for text in texts.filter(has_exponent).to_pylist()]
    return pc.replace_with_mask(texts, has_exponent, pa.array(written, pa.utf8()))


def moments(column: Any) -> Any:
    """Return timestamps as RFC 3339 in UTC with milliseconds."""
    ms = column.cast(pa.timestamp("ms", "UTC"), safe=False).cast(pa.timestamp("ms"))
    # a cast is four times as fast as strftime; the years have four digits
    texts = pc.binary_replace_slice(ms.cast(pa.utf8()), 10, 11, "T")
    return pc.binary_join_element_wise(texts, "Z", "")


def xml(text: str) -> str:
    """Return text as XML has it; what XML cannot have is left out."""
    return escape(_NO_XML.sub("", text))


def xml_texts(column: Any) -> Any:
    """Return texts as XML has them; null stays."""
    return _each(column, xml)


def json_texts(column: Any) -> Any:
    """Return texts as JSON has them; null stays."""
    return _each(column, lambda text: json.dumps(text, ensure_ascii=False))


def _each(column: Any, change: Any) -> Any:
    """Return changed texts, each different one changed once."""
    encoded = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode()
    changed = [None if text is None else change(text) for text in encoded.dictionary.to_pylist()]
    return pa.array(changed, pa.utf8()).take(encoded.indices)


def _bytes_of(texts: Any) -> bytes:
    texts = pc.fill_null(texts, "").cast(pa.large_utf8())
    if not len(texts):
        return b""
    _, offsets, data = texts.buffers()
    at = memoryview(offsets).cast("q")
    begin, end = at[texts.offset], at[texts.offset + len(texts)]
    return bytes(memoryview(data)[begin:end]) if data is not None else b""
