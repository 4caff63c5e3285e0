"""A part of a log in the order of a clock, read in pieces that fit into memory whatever its size."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from locshare_ext.model.store import LogStore, Selection
from locshare_ext.model.trail import HEARD, table_from_pieces

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Windows", "span_of"]

WANTED = 16_384  # fixes in a window
MOST = 8 * WANTED  # over them it is read anew, in smaller ones


async def span_of(store: LogStore, log: str, part: Selection) -> tuple[int, int] | None:
    """Return the first and the last moment of a part on its clock, ms; None when it has no fix.

    Found by asking for what lies outside the span that is known: of logs of any size little is
    read, as fixes mostly come in the order of both clocks.
    """
    newest = await store.at(log, part)
    if not newest.num_rows:
        return None
    moments: list[int] = newest.column(part.clock).to_pylist()
    if part.clock == "received":
        moments += newest.column(HEARD).to_pylist()
    first, last = min(moments), max(moments)
    while some := await _some_moments(store, log, replace(part, until=first - 1)):
        first = some[0]
    while some := await _some_moments(store, log, replace(part, since=last + 1)):
        last = some[1]
    return first, last


async def _some_moments(store: LogStore, log: str, part: Selection) -> tuple[int, int] | None:
    """Return the least and greatest moment of the first of what is selected."""
    async with aclosing(store.export(log, part)) as pieces:
        async for piece in pieces:
            column = (await asyncio.to_thread(table_from_pieces, [piece])).column(part.clock).to_numpy()
            if len(column):
                return int(column.min()), int(column.max())
    return None


class Windows:
    """Gives a part of a log from a moment on, window by window, in the order of its clock.

    part: with `upto`, so that what is stored meanwhile does not change it. start, end: ms on its
    clock. rows: how many it has, about. Of equal moments the one that arrived first comes first.
    """

    def __init__(self, store: LogStore, log: str, part: Selection, start: int, end: int, rows: int) -> None:
        self._store = store
        self._log = log
        self._part = part
        self._since, self._end = start, end
        self._width = max(1, (end - start + 1) * WANTED // max(rows, 1))  # ms
        self._after = part.after  # within a moment that is too full for a window

    async def next(self) -> pa.Table | None:
        """Return what comes next, at least one fix; None at the end."""
        while self._since <= self._end:
            until = min(self._end, self._since + self._width - 1)
            table, is_whole = await self._read(until)
            rows = table.num_rows if table is not None else 0
            if is_whole:
                self._since, self._after = until + 1, self._part.after
                if rows < WANTED // 2:  # a silence of days is passed in few steps
                    self._width *= 2
                elif rows > WANTED:
                    self._width = max(1, self._width // 2)
            elif self._width > 1:
                self._width = max(1, self._width // 8)
                continue
            else:  # one moment: as many as there are, by their offsets
                assert table is not None  # noqa: S101 -- it was too full
                self._after = table.column("seq")[-1].as_py()
            if table is not None and rows:
                return await asyncio.to_thread(_by_clock, table, self._part.clock)
        return None

    async def _read(self, until: int) -> tuple[pa.Table | None, bool]:
        """Return what there is up to a moment, by offset; and whether that is all."""
        part = replace(self._part, since=self._since, until=until, after=self._after)
        tables: list[pa.Table] = []
        rows = 0
        async with aclosing(self._store.export(self._log, part)) as pieces:
            async for piece in pieces:
                if rows > MOST:
                    return await asyncio.to_thread(_joined, tables), False
                table = await asyncio.to_thread(table_from_pieces, [piece])
                tables.append(table)
                rows += table.num_rows
        return (await asyncio.to_thread(_joined, tables) if tables else None), True


def _joined(tables: list[pa.Table]) -> pa.Table:
    import pyarrow as pa

    return pa.concat_tables(tables).unify_dictionaries()


def _by_clock(table: pa.Table, clock: str) -> pa.Table:
    moments = table.column(clock).to_numpy()
    return table.take(moments.argsort(kind="stable")).combine_chunks()  # ties stay by offset
