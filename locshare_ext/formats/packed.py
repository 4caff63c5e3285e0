"""Columns of whole numbers, made small: as differences, by byte, compressed."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ROWS", "packed_parts"]

ROWS = 32_768  # of a part: what a page reads at once, without keeping people waiting
LEVEL = 9

Numbers = NDArray[np.int64]


def packed_parts(
    columns: Mapping[str, Numbers], known: Mapping[str, NDArray[np.bool_]]
) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Give the columns in parts of `ROWS` rows: a description of each, and its bytes (zlib).

    known: of columns with gaps, which rows have a value. A part's description has `count`, and in
    the order of their bytes its `columns`, each with `name`; `first`, the first value; `step`, that
    all differences are multiples of; `width`, bytes of a difference; `known`, whether all rows have
    a value, else one bit a row says so before the differences. A column that nobody has is left out.

    A difference is written as 2d, or -2d - 1 below 0, in steps; first the lowest bytes of all rows,
    then the next: what hardly ever changes then costs next to nothing.
    """
    count = len(next(iter(columns.values())))
    for start in range(0, count, ROWS):
        rows = slice(start, start + ROWS)
        described, parts = [], []
        for name, values in columns.items():
            flags = known[name][rows] if name in known else None
            if flags is not None and not flags.any():
                continue
            is_whole = flags is None or bool(flags.all())
            said, data = _packed(values[rows] if flags is None or is_whole else _held(values[rows], flags))
            described.append({"name": name, **said, "known": is_whole})
            parts.append(data if flags is None or is_whole else np.packbits(flags).tobytes() + data)
        yield {"count": min(ROWS, count - start), "columns": described}, zlib.compress(b"".join(parts), LEVEL)


def _held(values: Numbers, flags: NDArray[np.bool_]) -> Numbers:
    """Return the values with the last known one where there is none."""
    place = np.maximum.accumulate(np.where(flags, np.arange(len(values)), -1))
    return values[np.where(place < 0, int(np.argmax(flags)), place)]


def _packed(values: Numbers) -> tuple[dict[str, int], bytes]:
    differences = np.diff(values, prepend=values[:1])
    step = int(np.gcd.reduce(differences)) or 1
    differences //= step
    codes = (differences << 1) ^ (differences >> 63)
    width = (int(codes.max()).bit_length() + 7) // 8
    planes = codes.astype("<u8").view(np.uint8).reshape(len(codes), 8)[:, :width].T
    return {"first": int(values[0]), "step": step, "width": width}, planes.tobytes()
