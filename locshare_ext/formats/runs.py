"""Fixes in the order of their arrival, however many: sorted pieces, merged block by block.

The pieces are Arrow batches, kept in memory or in a nameless file that is gone with the process.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from locshare_ext.errors import StoreError

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["RUN_ROWS", "Runs"]

RUN_ROWS = 1 << 19  # rows sorted at once
BLOCK_ROWS = 1 << 13  # rows of each run that a merge holds


class Runs:
    """Takes batches with columns `received` and `seq`, gives their rows sorted by both.

    on_disk: keep them in a file in the folder for temporary ones (TMPDIR), so that memory does
    not grow with them. Close it when done.
    """

    def __init__(self, *, on_disk: bool = False) -> None:
        self._on_disk = on_disk
        self._file: IO[bytes] | None = None
        self._runs: list[_Run] = []
        self._schema: Any = None
        self.rows = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Keep a batch; at most RUN_ROWS rows, in any order."""
        if not batch.num_rows:
            return
        self._schema = batch.schema
        self.rows += batch.num_rows
        self._keep(_sorted(batch))

    def change(self, how: Callable[[pa.RecordBatch], pa.RecordBatch]) -> None:
        """Change every run, for what is known only when all is read; their order may change."""
        old, self._runs = self._runs, []
        for run in old:
            self._keep(_sorted(how(run.whole())))

    def blocks(self) -> Iterator[pa.RecordBatch]:
        """Yield all rows in order, a block at a time."""
        import pyarrow as pa

        if not self._on_disk and self._runs:
            whole = pa.concat_batches([run.whole() for run in self._runs])
            yield whole if len(self._runs) == 1 else _sorted(whole)
            return
        runs = sorted(self._runs, key=lambda run: run.first)
        if all(before.last <= after.first for before, after in pairwise(runs)):
            for run in runs:
                yield from run.blocks()
            return
        yield from _merged(runs)

    def close(self) -> None:
        """Let go of the file."""
        self._runs = []
        if self._file is not None:
            self._file.close()
            self._file = None

    def _keep(self, batch: pa.RecordBatch) -> None:
        received, seq = _keys(batch)
        first, last = (int(received[0]), int(seq[0])), (int(received[-1]), int(seq[-1]))
        if not self._on_disk:
            self._runs.append(_Run(first, last, batch, None, []))
            return
        places = []
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="locshare-")  # noqa: SIM115 -- close() closes
            for start in range(0, batch.num_rows, BLOCK_ROWS):
                data = _packed(batch.slice(start, BLOCK_ROWS))
                places.append((self._file.seek(0, 2), len(data)))
                self._file.write(data)
        except OSError as error:
            raise StoreError(
                f"no room for temporary files in {tempfile.gettempdir()} (TMPDIR names another folder): "
                f"{error.strerror}"
            ) from error
        self._runs.append(_Run(first, last, None, self._file, places))


class _Run:
    """Sorted rows, in memory or in blocks of a file."""

    def __init__(
        self,
        first: tuple[int, int],
        last: tuple[int, int],
        batch: pa.RecordBatch | None,
        file: IO[bytes] | None,
        places: list[tuple[int, int]],
    ) -> None:
        self.first, self.last = first, last
        self._batch, self._file, self._places = batch, file, places

    def blocks(self) -> Iterator[pa.RecordBatch]:
        if self._batch is not None:
            yield self._batch
            return
        assert self._file is not None  # noqa: S101
        for at, length in self._places:
            self._file.seek(at)
            yield _unpacked(self._file.read(length))

    def whole(self) -> pa.RecordBatch:
        import pyarrow as pa

        return pa.concat_batches(list(self.blocks()))


def _merged(runs: list[_Run]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of runs that overlap, in order; holds one block of each.

    What is up to the smallest of the blocks' last keys can have no row before it in any later
    block, so it is sorted and given.
    """
    import pyarrow as pa

    waiting = list(runs)
    open_: list[tuple[pa.RecordBatch, Iterator[pa.RecordBatch]]] = []
    while waiting or open_:
        ends = [_key(block, -1) for block, _ in open_]
        while waiting and (not ends or waiting[0].first <= min(ends)):
            rest = waiting.pop(0).blocks()
            block = next(rest)
            open_.append((block, rest))
            ends.append(_key(block, -1))
        limit = min(ends)
        parts: list[pa.RecordBatch] = []
        still: list[tuple[pa.RecordBatch, Iterator[pa.RecordBatch]]] = []
        for block, rest in open_:
            count = _up_to(block, limit)
            if count:
                parts.append(block.slice(0, count))
            following = block.slice(count) if count < block.num_rows else next(rest, None)
            if following is not None:
                still.append((following, rest))
        open_ = still
        yield parts[0] if len(parts) == 1 else _sorted(pa.concat_batches(parts))


def _up_to(block: pa.RecordBatch, limit: tuple[int, int]) -> int:
    """Return how many of the sorted rows are not above a key."""
    received, seq = _keys(block)
    low, high = np.searchsorted(received, limit[0], "left"), np.searchsorted(received, limit[0], "right")
    return int(low + np.searchsorted(seq[low:high], limit[1], "right"))


def _sorted(batch: pa.RecordBatch) -> pa.RecordBatch:
    import pyarrow as pa

    received, seq = _keys(batch)
    later, same = received[1:] > received[:-1], received[1:] == received[:-1]
    if bool(np.all(later | (same & (seq[1:] >= seq[:-1])))):
        return batch
    return batch.take(pa.array(np.lexsort((seq, received))))


def _keys(batch: pa.RecordBatch) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return batch.column("received").to_numpy(), batch.column("seq").to_numpy()


def _key(batch: pa.RecordBatch, row: int) -> tuple[int, int]:
    received, seq = _keys(batch)
    return int(received[row]), int(seq[row])


def _packed(batch: pa.RecordBatch) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def _unpacked(data: bytes) -> pa.RecordBatch:
    import pyarrow as pa

    return pa.ipc.open_stream(data).read_next_batch()
