"""Reads a block of a CSV's lines column by column; what is odd in it is left to the careful way.

Both ways give the same fixes: what cannot be read here for certain is not read here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from locshare_ext.formats.csvplan import Plan, add_row
from locshare_ext.formats.csvtable import Block, CsvTable
from locshare_ext.formats.rows import FixRows
from locshare_ext.formats.textcolumns import ColumnAdder, name_of_column

__all__ = ["BlockReader"]


class BlockReader:
    """Adds blocks to rows. `add` returns False for one that it cannot read: nothing was added."""

    def __init__(self, rows: FixRows, plan: Plan, table: CsvTable) -> None:
        self._rows, self._plan, self._table = rows, plan, table
        self._columns = ColumnAdder(rows, plan)
        self._names = [name_of_column(place) for place in range(plan.width)]
        self._used = [self._names[place] for place in sorted(plan.used)]
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
        odd = self._columns.add(cells, lines)
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

    def _add_odd(self, block: Block, places: list[int]) -> None:
        texts = block.data.split(b"\n")
        for place in places:
            cells = self._table.row(texts[place].removesuffix(b"\r"), block.line + place)
            if any(cells):
                add_row(self._rows, self._plan, block.line + place, cells)


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
