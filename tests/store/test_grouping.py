"""What waits for the writer goes into one transaction, but nothing small waits for what is large."""

from __future__ import annotations

import threading
from pathlib import Path

from locshare_ext.store import SQLiteStore
from locshare_ext.store.writer import MAX_IN_ONE
from tests.store.helpers import EPOCH, a_fix, put


async def answered(path: Path, sizes: list[int]) -> list[list[int]]:
    """Queue batches of these sizes behind a task; return which of them were committed together."""
    store = SQLiteStore(path)
    await put(store, a_fix("first"))
    desk, go = store._file.writer._desk, threading.Event()
    append, groups = desk.append, list[list[int]]()

    def noting(jobs):  # type: ignore[no-untyped-def]
        groups.append([len(batch) for job in jobs for batch in job.batches])
        return append(jobs)

    desk.append = noting  # type: ignore[method-assign]
    task = store._file.write(lambda _: go.wait(30))
    batches = [[a_fix(f"m{number}", n) for n in range(size)] for number, size in enumerate(sizes)]
    waiting = [store.append("hikers", batch, epoch=EPOCH) for batch in batches]
    go.set()
    assert await task
    heads = [(await one).head for one in waiting]
    assert heads == [1 + sum(sizes[: number + 1]) for number in range(len(sizes))]  # in the order they came
    await store.close()
    return groups


async def test_small_batches_share_a_transaction(path: Path) -> None:
    assert await answered(path, [1, 2, 3, 4]) == [[1, 2, 3, 4]]


async def test_a_small_batch_does_not_wait_for_a_large_one(path: Path) -> None:
    sizes = [1, MAX_IN_ONE, 2, MAX_IN_ONE, 3]
    assert await answered(path, sizes) == [[size] for size in sizes]


async def test_one_batch_may_be_larger_than_a_transaction_of_many(path: Path) -> None:
    assert await answered(path, [1, MAX_IN_ONE + 1, 1]) == [[1], [MAX_IN_ONE + 1], [1]]
