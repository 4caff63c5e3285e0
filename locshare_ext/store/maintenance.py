"""What goes on beside storing: old rows become segments, what is gone is removed from both."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from locshare_ext.errors import LocShareError, StoreDamaged
from locshare_ext.model.store import LogInfo, RecordingInfo
from locshare_ext.store import merging, sealing, upkeep
from locshare_ext.store.chosen import share
from locshare_ext.store.file import StoreFile
from locshare_ext.store.sealed import Sealed, list_segments, sealed_newest
from locshare_ext.store.segment import Segment
from locshare_ext.store.selecting import begin, find_log, list_logs, list_recordings
from locshare_ext.store.work import Remade

__all__ = ["Maintenance"]

_log = logging.getLogger(__name__)


class Maintenance:
    """Seals, clears and trims, one at a time; all methods belong to one loop.

    rows: of a segment. live: newest fixes of a log that stay rows.
    """

    def __init__(self, file: StoreFile, sealed: Sealed, *, rows: int, live: int) -> None:
        self._file = file
        self._sealed = sealed
        self._rows, self._live = rows, live
        self._lock: asyncio.Lock | None = None
        self._is_settled = False
        self._sealing: dict[str, asyncio.Task[None]] = {}

    @property
    def room(self) -> int:
        """How many rows a log must have for the oldest of them to be sealed."""
        return self._rows + self._live

    def begin(self, log: str) -> None:
        """Seal in the background what there is to seal of a log."""
        if log not in self._sealing:
            self._run(log, self._seal_all(log))

    def start(self) -> None:
        """Begin what a file needs that is written to from now on."""
        self._run("", self._start())

    async def _start(self) -> None:
        """Seal all logs: a file of an older version has nothing but rows. And read what is sealed in short.

        Else the first late fix would have the writer, and all that wait for it, read that.
        """
        if await self._was_unclean():
            await self.clear()
        for info in await self._file.read(list_logs, list[LogInfo]()):
            if info.head - info.oldest >= self.room:
                self.begin(info.name)
        await self._file.read(self._warm, None)

    async def close(self) -> None:
        """End what goes on; whatever was begun is finished or undone by the next that opens the file."""
        tasks = list(self._sealing.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def seal(self, log: str) -> int:
        """Seal what there is to seal of a log; returns how many segments were made."""
        count = 0
        while await self._seal_one(log):
            count += 1
        return count

    async def clear(self, log: str | None = None) -> int:
        """Remove what was deleted or forgotten, from rows and segments; returns how many entries went.

        Raises StoreDamaged when a segment of `log` could not be looked at; the others are done.
        """
        async with self._alone():
            count, damaged = await self._clear()
        if log in damaged:
            raise damaged[log]
        return count

    async def trim(self, log: str, before: int) -> int:
        """Remove what was received before a moment (ms) and no recording keeps; returns how many."""
        async with self._alone():
            await self._clear()  # what a crash left
            count = await self._trim_segments(log, before)
            for table in ("fixes", "events"):
                after = 0
                while True:
                    find = partial(upkeep.find_old, log=log, before=before, table=table, after=after)
                    nothing: tuple[list[int], int] = ([], 0)
                    ids, after = await self._file.read(find, nothing)
                    if ids:
                        count += await self._file.write(
                            partial(upkeep.trim_some, log=log, table=table, ids=ids)
                        )
                    if not after:
                        break
            if count:
                newest = await self._file.read(partial(self._newest, log=log), dict[int, tuple[int, int]]())
                await self._file.write(partial(upkeep.finish_trim, log=log, sealed=newest))
                await self._clear_hidden()
        return count

    async def merge(self, log: str, member: str, into: str) -> int:
        """Make one of two members; returns how many fixes both had, which are kept once.

        Raises StoreDamaged when a segment cannot be read; then nothing is changed.
        """
        async with self._alone():
            count = None
            while count is None:  # it is, when a first entry of one of them came meanwhile
                count = await self._try_to_merge(log, member, into)
                await self._clear_hidden()
            return count

    async def _try_to_merge(self, log: str, member: str, into: str) -> int | None:
        pair = await self._file.read(partial(merging.find_pair, log=log, member=member, into=into), None)
        swaps: list[merging.Swap] = []
        twice, newest = 0, None
        if pair is not None and None not in (pair.gone, pair.into) and pair.gone != pair.into:
            ids = {"log_id": pair.log_id, "gone": pair.gone, "into": pair.into}
            segments: list[Segment] = await self._file.read(partial(list_segments, log_id=pair.log_id), [])
            for segment in segments:
                joined = await self._file.work(
                    "merge_segment", segment.rows, **ids, segment_id=segment.id, newest=newest
                )
                newest = joined.newest
                if joined.is_changed:
                    twice += joined.twice
                    put = partial(sealing.put_segment, log_id=pair.log_id, built=joined.built)
                    swaps.append((segment.id, None if joined.built is None else await self._file.write(put)))
        merge = partial(merging.merge_members, log=log, member=member, into=into, pair=pair)
        return await self._file.write(partial(merge, swaps=swaps, twice=twice, newest=newest))

    def _run(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = self._sealing[name] = asyncio.get_running_loop().create_task(self._tried(work))
        task.add_done_callback(lambda _: self._sealing.pop(name, None))

    async def _seal_all(self, log: str) -> None:
        await self.seal(log)

    async def _tried(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except LocShareError as error:  # the writer has said that the store fails
            _log.debug("not sealed for now: %s", error.message)
        except Exception:
            _log.exception("sealing failed")

    async def _seal_one(self, log: str) -> bool:
        async with self._alone():
            found = await self._file.read(partial(find_log, name=log), None)
            if found is None:
                return False
            log_id = found[0]
            enough = partial(sealing.has_rows, log_id=log_id, count=self.room)
            if not await self._file.read(enough, False):
                return False
            since = await self._file.read(partial(begin, table="fixes", log_id=log_id), 0)
            built = await self._file.work("seal", self._rows, log_id=log_id, rows=self._rows)
            if built is None:
                return False
            segment = await self._file.write(partial(sealing.put_segment, log_id=log_id, built=built))
            show = partial(sealing.show_segment, log=log, log_id=log_id, segment_id=segment)
            is_shown = await self._file.write(partial(show, since=since, upto=built.segment.last))
            if not is_shown:
                await self._clear_hidden()
                return False
            await self._clear_rows(log_id)
            await self._file.read(
                partial(self._sealed.log, log_id=log_id), None
            )  # for the writer, when it looks
            return True

    async def _clear(self) -> tuple[int, dict[str | None, StoreDamaged]]:
        """Return how many entries went, and by log why some may have stayed."""
        total, more = 0, True
        damaged: dict[str | None, StoreDamaged] = {}
        while more:
            count, more = await self._file.write(upkeep.clear_some)
            total += count
        for log, log_id, members in await self._file.read(
            upkeep.list_gone, list[tuple[str, int, list[int]]]()
        ):
            segments: list[Segment] = await self._file.read(partial(list_segments, log_id=log_id), [])
            for segment in segments:
                try:
                    total += await self._drop_members(log, log_id, segment, members)
                except StoreDamaged as error:
                    damaged[log] = error
        # whoever may be in a damaged segment stays out of sight, and is looked for again
        if not damaged and await self._file.read(upkeep.has_gone, False):
            await self._file.write(upkeep.finish_clear)
        await self._clear_hidden()
        return total, damaged

    async def _drop_members(self, log: str, log_id: int, segment: Segment, members: Sequence[int]) -> int:
        if not await self._file.read(partial(self._has_any, segment=segment, members=members), False):
            return 0
        drop = {"log_id": log_id, "segment_id": segment.id, "members": members}
        return await self._replace(
            log, log_id, segment, await self._file.work("drop_members", segment.rows, **drop)
        )

    async def _trim_segments(self, log: str, before: int) -> int:
        found = await self._file.read(partial(find_log, name=log), None)
        if found is None:
            return 0
        log_id = found[0]
        recordings = await self._file.read(partial(list_recordings, log=log), list[RecordingInfo]())
        count = 0
        for segment in await self._file.read(partial(list_segments, log_id=log_id), list[Segment]()):
            if segment.low_received >= before:
                continue
            if segment.high_received < before and all(share(one, segment) == "none" for one in recordings):
                fewer = await self._file.read(partial(self._counts, segment=segment), dict[int, int]())
                remade: Remade | None = Remade(None, fewer, segment.last)
            else:
                drop = {"log": log, "log_id": log_id, "segment_id": segment.id, "before": before}
                try:
                    remade = await self._file.work("drop_old", segment.rows, **drop)
                except StoreDamaged:
                    continue  # it goes when all of it is old
            count += await self._replace(log, log_id, segment, remade, is_trimmed=True)
        return count

    async def _replace(
        self, log: str, log_id: int, old: Segment, remade: Remade | None, *, is_trimmed: bool = False
    ) -> int:
        """Put what is left of a segment in its place; returns how many fixes went."""
        if remade is None:
            return 0
        new = None
        if remade.built is not None:
            new = await self._file.write(partial(sealing.put_segment, log_id=log_id, built=remade.built))
        replace = partial(sealing.replace_segment, log=log, log_id=log_id, old=old.id, new=new)
        trimmed = remade.highest if is_trimmed else None
        is_done = await self._file.write(partial(replace, fewer=remade.fewer, trimmed=trimmed))
        await self._clear_hidden()
        return sum(remade.fewer.values()) if is_done else 0

    async def _clear_rows(self, log_id: int) -> None:
        """Remove rows that stand in a segment, and leave the writer as much time as that takes."""
        more = True
        while more:
            began = time.perf_counter()
            more = await self._file.write(partial(sealing.clear_rows, log_id=log_id))
            await asyncio.sleep(time.perf_counter() - began)

    async def _clear_hidden(self) -> None:
        while await self._file.write(sealing.clear_hidden):
            pass

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Hold the lock; who gets it first removes what a crash left of sealing."""
        if self._lock is None:
            self._lock = asyncio.Lock()
        async with self._lock:
            if not self._is_settled:
                await self._clear_hidden()
                for log_id in await self._file.read(sealing.list_unsettled, list[int]()):
                    await self._clear_rows(log_id)
                if await self._was_unclean():
                    await self._clear()
                    await self._file.scrub()
                self._is_settled = True
            yield

    async def _was_unclean(self) -> bool:
        """Whether a crash came before the last forgetting was done."""
        return await self._file.write(lambda desk: desk.conn is not None and desk.was_unclean)

    def _warm(self, conn: sqlite3.Connection) -> None:
        for (log_id,) in conn.execute("SELECT DISTINCT log FROM segments").fetchall():
            of_log = self._sealed.log(conn, log_id)
            if of_log.segments:
                self._sealed.keys(conn, of_log.segments[-1], of_log.segments[-1].parts()[-1])

    def _has_any(self, conn: sqlite3.Connection, segment: Segment, members: Sequence[int]) -> bool:
        return self._sealed.summary(conn, segment).has_any(members)

    def _counts(self, conn: sqlite3.Connection, segment: Segment) -> dict[int, int]:
        summary = self._sealed.summary(conn, segment)
        counts: dict[int, int] = {}
        for member, rows in zip(summary.ids.tolist(), summary.rows.tolist(), strict=True):
            counts[member] = counts.get(member, 0) + rows
        return counts

    def _newest(self, conn: sqlite3.Connection, log: str) -> dict[int, tuple[int, int]]:
        """Return what is newest in segments; without any, nothing is loaded for it."""
        found = find_log(conn, log)
        segments = [] if found is None else list_segments(conn, found[0])
        return sealed_newest(self._sealed.log(conn, found[0], segments)) if found and segments else {}
