"""Columns of text become fixes at once, by the same plan by which a row becomes one."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from locshare_ext.formats.csvplan import NAMES_UNKNOWN, Plan, extra_of
from locshare_ext.formats.rows import FixRows
from locshare_ext.formats.timecolumn import read_times

__all__ = ["ColumnAdder", "name_of_column"]

_NUMBER = r"^[-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?$"


def name_of_column(place: int) -> str:
    """Return what a column is called in the tables that `ColumnAdder` takes."""
    return f"c{place}"


class ColumnAdder:
    """Adds tables of text, columns named by their places in the plan; unknown is empty."""

    def __init__(self, rows: FixRows, plan: Plan) -> None:
        self._rows = rows
        self._plan = plan

    def add(self, cells: pa.Table, lines: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Add all rows that can be read; returns which were not."""
        plan, rows = self._plan, cells.num_rows
        if not rows:
            return np.zeros(0, bool)
        column = partial(self._column, cells)
        place, reader = plan.time
        time, odd = read_times(column(place), reader)
        received = None
        if plan.received is not None:
            received, wrong = read_times(column(plan.received[0]), plan.received[1])
            odd |= wrong
        lat, wrong = self._floats(column(plan.lat))
        odd |= wrong
        lon, wrong = self._floats(column(plan.lon))
        odd |= wrong
        numbers = {}
        for field, _, at, factor in plan.numbers:
            values, wrong = self._floats(column(at))
            odd |= wrong
            numbers[field] = values * factor
        seq = lines
        if plan.seq is not None:
            seq, wrong = _whole(column(plan.seq))
            odd |= wrong
        flags = None
        if plan.flags:
            flags = np.zeros(rows, np.int8)
            for at, flag in plan.flags:
                is_set = pc.equal(column(at), "true").to_numpy(zero_copy_only=False)
                flags[is_set] |= flag
        good = ~odd

        def kept(values: Any) -> Any:
            return values if values is None or bool(good.all()) else _filtered(values, good)

        refused = self._rows.add_block(
            kept(lines),
            kept(self._members(cells)),
            kept(time),
            kept(lat / plan.per_degree[0]),
            kept(lon / plan.per_degree[1]),
            {name: kept(values) for name, values in numbers.items()},
            received=kept(received),
            source=kept(self._sources(cells)),
            extra=kept(self._extras(cells)),
            flags=kept(flags),
            seq=kept(seq),
        )
        odd[np.flatnonzero(good)[refused]] = True
        return odd

    def _column(self, cells: pa.Table, place: int) -> pa.Array:
        column = cells.column(name_of_column(place))
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()

    def _members(self, cells: pa.Table) -> pa.Array:
        if self._plan.member is None:
            return _constant(self._plan.otherwise, cells.num_rows)
        return self._texts(self._column(cells, self._plan.member))

    def _sources(self, cells: pa.Table) -> pa.Array | None:
        plan = self._plan
        if plan.source is not None:
            return self._texts(self._column(cells, plan.source))
        return None if plan.preset is None else _constant(plan.preset.source, cells.num_rows)

    def _texts(self, column: pa.Array) -> pa.Array:
        encoded = column.dictionary_encode()
        meant = [self._plan.text(text) for text in encoded.dictionary.to_pylist()]
        return pa.DictionaryArray.from_arrays(encoded.indices, pa.array(meant, pa.utf8()))

    def _extras(self, cells: pa.Table) -> pa.Array | None:
        plan = self._plan
        if plan.own_extra is not None:
            column = self._column(cells, plan.own_extra)
            if pc.max(pc.binary_length(column)).as_py() == 0:
                return None
            return pa.array([plan.text(text) or None for text in column.to_pylist()], pa.utf8())
        if not plan.extra:
            return None
        row = [""] * plan.width
        found = []
        for texts in zip(*(self._column(cells, at).to_pylist() for _, at in plan.extra), strict=True):
            for (_, at), text in zip(plan.extra, texts, strict=True):
                row[at] = text
            kept = extra_of(plan, row)
            found.append(json.dumps(kept, ensure_ascii=False) if kept else None)
        return pa.array(found, pa.utf8())

    def _floats(self, column: pa.Array) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return numbers, NaN for none and for what is unknown, and which could not be read."""
        empty = pc.equal(pc.binary_length(column), 0)
        texts = pc.if_else(empty, None, column)
        try:
            return _as_numbers(texts), np.zeros(len(column), bool)
        except pa.ArrowInvalid:
            pass
        texts = pc.utf8_trim_whitespace(texts)
        texts = pc.if_else(pc.is_in(pc.utf8_lower(texts), pa.array(NAMES_UNKNOWN)), None, texts)
        if self._plan.delimiter == ";":
            texts = pc.replace_substring_regex(texts, r"^([^.,]*),([^.,]*)$", r"\1.\2")
        known = pc.fill_null(pc.match_substring_regex(texts, _NUMBER), True)
        odd: NDArray[np.bool_] = ~known.to_numpy(zero_copy_only=False)
        try:
            return _as_numbers(pc.if_else(known, texts, None)), odd
        except pa.ArrowInvalid:
            return np.full(len(column), np.nan), np.ones(len(column), bool)


def _as_numbers(texts: pa.Array) -> NDArray[np.float64]:
    numbers: NDArray[np.float64] = texts.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return numbers


def _whole(texts: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    known = pc.match_substring_regex(texts, "^[0-9]{1,18}$")
    numbers = pc.if_else(known, texts, "0").cast(pa.int64())
    return numbers.to_numpy(), ~known.to_numpy(zero_copy_only=False)


def _constant(text: str, rows: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array([text], pa.utf8()))


def _filtered(values: Any, good: NDArray[np.bool_]) -> Any:
    if isinstance(values, np.ndarray):
        return values[good]
    return values.filter(pa.array(good))
