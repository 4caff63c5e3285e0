"""An export: what stands packed needs no other process, rows are read ahead and never served when old."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from locshare_ext.model.store import Selection
from locshare_ext.model.trail import table_from_pieces
from locshare_ext.store import SQLiteStore
from locshare_ext.store import file as file_module
from locshare_ext.store.selecting import begin
from tests.store.helpers import a_fix, put


@pytest.fixture
async def store(path: Path) -> SQLiteStore:
    """Ann and bob by turns: 1,000 fixes, of which 900 are sealed."""
    store = SQLiteStore(path, sealed_rows=100, live_rows=50)
    await put(store, *(a_fix(("ann", "bob")[n % 2], n) for n in range(1_000)))
    await store.seal("hikers")
    return store


@pytest.fixture
def other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is too little for the other process."""
    monkeypatch.setattr(file_module, "IN_THREAD", 0)


def reading_ahead() -> list[str]:
    return [name for task in asyncio.all_tasks() if "_Ahead" in (name := repr(task.get_coro()))]


async def prepared(store: SQLiteStore) -> None:
    if (preparing := store._file._preparing) is not None:
        await preparing


async def whole(store: SQLiteStore) -> pa.Table:
    return await store.trails("hikers", Selection())


async def test_whole_segments_are_read_without_the_other_process(
    store: SQLiteStore, other_process: None
) -> None:
    table = await store.trails("hikers", Selection(upto=900))
    assert table["seq"].to_pylist() == list(range(1, 901))
    assert store._file.process_id is None
    await store.close()


async def test_rows_read_ahead_follow_the_segments(store: SQLiteStore, other_process: None) -> None:
    table = await whole(store)
    assert table["seq"].to_pylist() == list(range(1, 1_001))
    assert store._file.process_id is not None
    for after, upto in ((0, 950), (899, 1_000), (900, 1_000), (930, None), (1_000, None)):
        some = await store.trails("hikers", Selection(after=after, upto=upto))
        assert some["seq"].to_pylist() == list(range(after + 1, (upto or 1_000) + 1))
    await store.close()


@pytest.mark.parametrize("is_sealed_meanwhile", [False, True])
async def test_rows_read_ahead_are_read_again_after_a_change(
    store: SQLiteStore, other_process: None, is_sealed_meanwhile: bool
) -> None:
    await whole(store)  # now the other process runs
    export = store.export("hikers", Selection())
    first = [await anext(export)]
    while store._file._reading:  # until the rows are there
        await asyncio.wait(set(store._file._reading))
        await asyncio.sleep(0)
    if is_sealed_meanwhile:
        await put(store, *(a_fix("ann", n) for n in range(1_000, 1_100)))
        await store.seal("hikers")  # it may have been done by itself
        assert await store._file.read(lambda conn: begin(conn, "fixes", 1), 0) == 1_000
    await store.forget("hikers", "bob")
    table = table_from_pieces(first + [piece async for piece in export])
    rest = table.slice(100)  # the first segment was given before
    assert rest["seq"].to_pylist() == list(range(101, 1_001, 2))
    assert set(rest["member"].to_pylist()) == {"ann"}
    await store.close()


async def test_an_export_that_is_left_leaves_nothing(store: SQLiteStore, other_process: None) -> None:
    export = store.export("hikers", Selection())
    await anext(export)
    assert reading_ahead()
    await export.aclose()
    assert not reading_ahead()
    await store.close()


async def test_who_looks_at_a_large_log_starts_the_other_process(
    store: SQLiteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.newest("hikers")
    await prepared(store)
    assert store._file.process_id is None  # that many are read by a thread
    monkeypatch.setattr(file_module, "IN_THREAD", 50)
    await store.newest("hikers")
    await prepared(store)
    assert store._file.process_id is not None
    await store.close()


async def test_no_export_of_whole_segments_and_rows_loads_pyarrow(store: SQLiteStore, path: Path) -> None:
    await store.close()
    code = f"""
import asyncio, sys
from locshare_ext.model.store import Selection
from locshare_ext.store import SQLiteStore

async def main():
    store = SQLiteStore({str(path)!r})
    print(sum([len(piece) async for piece in store.export("hikers", Selection())]))
    await store.close()

asyncio.run(main())
assert not {{"pyarrow", "numpy"}} & set(sys.modules)
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    said, complaints = await process.communicate()
    assert process.returncode == 0, complaints.decode()
    assert int(said) > 10_000


async def test_segments_of_an_older_version_are_given_as_well(store: SQLiteStore) -> None:
    expected = await whole(store)
    await store._file.write(
        lambda desk: desk.conn.execute("UPDATE segments SET dictionaries = NULL") and None
    )
    assert (await whole(store)).equals(expected)
    await store.close()
