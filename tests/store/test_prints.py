"""Fingerprints: what is late and new costs no reading of segments, and nothing is stored twice for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from locshare_ext.store import SQLiteStore
from locshare_ext.store.prints import may_have, pack, prints_of, unpack
from tests.store.helpers import a_fix, put

PRINTS = arrays.arrays(np.uint32, st.integers(1, 200), elements=st.integers(0, 2**32 - 1))
FIXES = [a_fix(("ann", "bob")[n % 2], n) for n in range(100)]
LATE = [a_fix("ann", n + 0.5) for n in range(60)]


@pytest.fixture
async def store(path: Path) -> SQLiteStore:
    store = SQLiteStore(path, sealed_rows=20, live_rows=10)
    await put(store, *FIXES)
    await store.seal("hikers")
    return store


@given(PRINTS, PRINTS)
def test_what_was_packed_is_known_and_nothing_else(stored: np.ndarray, others: np.ndarray) -> None:
    unpacked = unpack(pack(stored))
    assert unpacked.tolist() == sorted(stored.tolist())
    assert may_have(unpacked, stored).all()
    assert may_have(unpacked, others).tolist() == [one in set(stored.tolist()) for one in others.tolist()]


def test_each_part_of_a_key_counts_but_not_the_sign_of_nothing() -> None:
    keys = [(1, 5, 0.0, 2.0), (1, 5, -0.0, 2.0), (2, 5, 0.0, 2.0), (1, 6, 0.0, 2.0), (1, 5, 2.0, 0.0)]
    members, sents, lats, lons = (np.array(column) for column in zip(*keys, strict=True))
    prints = prints_of(members, sents, lats, lons).tolist()
    assert prints[0] == prints[1]
    assert len(set(prints)) == 4


async def test_a_late_fix_that_is_new_unpacks_no_part(store: SQLiteStore) -> None:
    stored = await put(store, *LATE)
    assert (len(stored.entries), stored.duplicates) == (60, 0)
    assert not store._sealed._keys._items
    assert not store._sealed._parts._items
    await store.close()


@pytest.mark.parametrize("is_older", [False, True])
async def test_a_fix_that_is_sealed_is_stored_once(store: SQLiteStore, is_older: bool) -> None:
    if is_older:  # a file whose segments have no fingerprints yet
        await store._file.write(lambda desk: desk.conn.execute("DELETE FROM prints") and None)
    stored = await put(store, *FIXES, *LATE)
    assert (len(stored.entries), stored.duplicates) == (60, 100)
    await store.close()


async def test_fingerprints_go_with_their_segment(store: SQLiteStore) -> None:
    def counted(conn: object) -> tuple[int, int]:
        return tuple(  # type: ignore[return-value]
            conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # type: ignore[attr-defined]
            for table in ("segments", "prints")
        )

    await store.forget("hikers", "bob")
    segments, prints = await store._file.read(counted, (0, 0))
    assert segments == prints > 0
    assert (await put(store, *FIXES[::2])).duplicates == 50
    await store.forget("hikers", "ann")
    assert await store._file.read(counted, None) == (0, 0)
    await store.close()
