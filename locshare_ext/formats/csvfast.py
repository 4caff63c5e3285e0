"""Reads a block of a CSV's lines column by column; what is odd in it is left to the careful way.

Both ways give the same fixes: what cannot be read here for certain is not read here.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from locshare_ext.formats.csvplan import NAMES_UNKNOWN, Plan, add_row, extra_of
from locshare_ext.formats.csvtable import Block, CsvTable
from locshare_ext.formats.rows import FixRows
from locshare_ext.formats.timecolumn import read_times

__all__ = ["BlockReader"]

_NUMBER = r"^[-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?$"


class BlockReader:
    """Adds blocks to rows. `add` returns False for one that it cannot read: nothing was added."""

    def __init__(self, rows: FixRows, plan: Plan, table: CsvTable) -> None:
        self._rows, self._plan, self._table = rows, plan, table
        used = {plan.lat, plan.lon, plan.time[0], *(at for _, _, at, _ in plan.numbers)}
        used |= {at for _, at in plan.extra} | {at for at, _ in plan.flags}
        used |= {at for at in (plan.member, plan.source, plan.own_extra, plan.seq) if at is not None}
        used |= {plan.received[0]} if plan.received is not None else set()
        self._names = [f"c{number}" for number in range(plan.width)]
        self._used = [self._names[at] for at in sorted(used)]
        # a preset that looks at whole rows gets them one by one
        self.is_possible = plan.preset is None or plan.preset.completed is None

    def add(self, block: Block) -> bool:
        """Add the rows of a block, those that are odd one by one."""
        if not self.is_possible or not block.is_plain:
            return False
        if block.has_quotes and not _are_edges(block.data, self._table.delimiter):
            return False
        ragged: list[int] = []
        cells = self._parsed(block, ragged)
        if cells is None or cells.num_rows + len(ragged) != block.lines:
            return False
        lines = np.arange(block.line, block.line + block.lines)
        if ragged:
            lines = np.delete(lines, ragged)
        odd = self._add(cells, lines)
        if ragged or odd.any():
            self._add_odd(block, sorted([*ragged, *(lines[odd] - block.line).tolist()]))
        return True

    def _parsed(self, block: Block, ragged: list[int]) -> pa.Table | None:
        """Return the block's columns as text, None when it is no table; notes rows of another width."""

        def skip(row: Any) -> str:
            ragged.append(row.number - 1)
            return "skip"

        try:
            return pacsv.read_csv(
                pa.py_buffer(block.data),
                read_options=pacsv.ReadOptions(
                    column_names=self._names, use_threads=False, block_size=max(len(block.data) + 1, 1024)
                ),
                parse_options=pacsv.ParseOptions(
                    delimiter=self._table.delimiter, newlines_in_values=True, invalid_row_handler=skip
                ),
                convert_options=pacsv.ConvertOptions(
                    include_columns=self._used,
                    column_types=dict.fromkeys(self._used, pa.utf8()),
                    strings_can_be_null=False,
                ),
            )
        except (pa.ArrowInvalid, UnicodeDecodeError):
            return None

    def _add(self, cells: pa.Table, lines: NDArray[np.int64]) -> NDArray[np.bool_]:
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
            kept(lat),
            kept(lon),
            {name: kept(values) for name, values in numbers.items()},
            received=kept(received),
            source=kept(self._sources(cells)),
            extra=kept(self._extras(cells)),
            flags=kept(flags),
            seq=kept(seq),
        )
        odd[np.flatnonzero(good)[refused]] = True
        return odd

    def _add_odd(self, block: Block, places: list[int]) -> None:
        texts = block.data.split(b"\n")
        for place in places:
            cells = self._table.row(texts[place].removesuffix(b"\r"), block.line + place)
            if any(cells):
                add_row(self._rows, self._plan, block.line + place, cells)

    def _column(self, cells: pa.Table, place: int) -> pa.Array:
        column = cells.column(self._names[place])
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
        if self._table.delimiter == ";":
            texts = pc.replace_substring_regex(texts, r"^([^.,]*),([^.,]*)$", r"\1.\2")
        known = pc.fill_null(pc.match_substring_regex(texts, _NUMBER), True)
        odd: NDArray[np.bool_] = ~known.to_numpy(zero_copy_only=False)
        try:
            return _as_numbers(pc.if_else(known, texts, None)), odd
        except pa.ArrowInvalid:
            return np.full(len(column), np.nan), np.ones(len(column), bool)


def _are_edges(data: bytes, delimiter: str) -> bool:
    """Return whether quotes stand around whole cells only, or doubled within such.

    Others are read by every program in its own way.
    """
    text = np.frombuffer(data, np.uint8)
    places = np.flatnonzero(text == ord('"'))
    is_begin = np.diff(places, prepend=-2) != 1
    runs = places[is_begin]  # of quotes beside each other
    lengths = np.diff(np.append(np.flatnonzero(is_begin), len(places)))
    ends = [ord(delimiter), ord("\n")]
    is_first = (runs == 0) | np.isin(text[runs - 1], ends)
    after = runs + lengths
    is_last = (after == len(text)) | np.isin(text[np.minimum(after, len(text) - 1)], [*ends, ord("\r")])
    is_odd = lengths % 2 == 1
    is_inside = (np.cumsum(is_odd) - is_odd) % 2 == 1
    good = np.where(is_inside, ~is_odd | is_last, is_first & (is_odd | is_last))
    return bool(good.all()) and int(is_odd.sum()) % 2 == 0


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
