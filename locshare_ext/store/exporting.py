"""An export piece by piece: what stands packed is read by a thread, everything else by the other process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from functools import partial
from typing import Any

from locshare_ext.errors import LocShareError
from locshare_ext.model.store import LogInfo, Selection
from locshare_ext.store import file as bounds
from locshare_ext.store.chosen import choose
from locshare_ext.store.file import StoreFile
from locshare_ext.store.pieces import Heavy, Piece, read_stored
from locshare_ext.store.sealed import Sealed

__all__ = ["export"]

AHEAD = 8  # pieces of rows that are kept before their turn: about what a log has of them, 6 MiB


async def export(
    file: StoreFile, sealed: Sealed, info: LogInfo, selection: Selection
) -> AsyncGenerator[bytes, None]:
    """Give what is chosen of a log as pieces of an Arrow stream.

    The other process packs rows while segments are given, which come first.
    """
    upto = info.head if selection.upto is None else min(selection.upto, info.head)
    after = selection.after or 0
    ahead: _Ahead | None = None
    try:
        while True:
            some = replace(selection, after=after, upto=upto)
            asked: dict[str, Any] = {"log": info.name, "selection": some, "epoch": info.epoch}
            if ahead is None:
                ahead = _Ahead(file, asked, await _rows_after(file, sealed, asked))
            light = partial(read_stored, sealed=sealed, **asked)
            piece: Piece | Heavy = await file.read(light, Piece(b"", None))
            if isinstance(piece, Heavy):
                early = await ahead.take(piece.after)
                piece = early or await file.work("export", piece.rows, **asked)
            assert isinstance(piece, Piece)  # noqa: S101 - of a log that was there
            if piece.data:
                yield piece.data
            if piece.after is None:
                return
            after = piece.after
    finally:
        if ahead is not None:
            await ahead.close()


async def _rows_after(file: StoreFile, sealed: Sealed, asked: dict[str, Any]) -> int | None:
    """Return after which offset so many rows follow whole segments that they are to be read ahead."""
    selection = asked["selection"]
    if replace(selection, after=None, upto=None) != Selection():
        return None  # the other process has segments to unpack before
    chosen = await file.read(partial(choose, log=asked["log"], selection=selection), None)
    begin = 0 if chosen is None else chosen.sealed_to
    return begin if begin > selection.after and selection.upto - begin > bounds.IN_THREAD else None


class _Ahead:
    """Rows that are read before their turn, in order; good until anything but a batch is written.

    begin: the offset to begin after; None: nothing is read ahead.
    """

    def __init__(self, file: StoreFile, asked: dict[str, Any], begin: int | None) -> None:
        self._file = file
        self._asked = asked
        self._pieces: asyncio.Queue[tuple[int, int, Piece] | None] = asyncio.Queue()
        self._is_over = begin is None
        self._task = None if begin is None else asyncio.create_task(self._read(begin))

    async def take(self, after: int | None) -> Piece | None:
        """Return the rows after an offset, None if they were not read or may have changed."""
        if self._is_over or after is None:
            return None
        found = await self._pieces.get()
        if found is not None and found[:2] == (after, self._file.changes):
            return found[2]
        await self.close()
        return None

    async def close(self) -> None:
        """End reading; what was read is of no use."""
        self._is_over = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _read(self, begin: int) -> None:
        after: int | None = begin
        try:
            for _ in range(AHEAD):
                if after is None:
                    break
                changes = self._file.changes
                some = replace(self._asked["selection"], after=after)
                rows = some.upto - begin
                piece = await self._file.work("export", rows, **{**self._asked, "selection": some})
                self._pieces.put_nowait((after, changes, piece))
                after = piece.after
        except LocShareError:
            pass  # it is asked for again in its turn, and who waits for it is told
        finally:
            self._pieces.put_nowait(None)
