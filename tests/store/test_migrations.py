"""Files of older versions are taken over as they are, and then sealed."""

from __future__ import annotations

import gzip
import sqlite3
from pathlib import Path

import pytest

from locshare_ext.model.store import InviteInfo, Selection
from locshare_ext.store import SQLiteStore
from locshare_ext.store.schema import MIGRATIONS, VERSION
from tests.store.helpers import EPOCH, T0, SealingStore, a_fix, everything, offsets, put

OLD = Path(__file__).parent / "data" / "v2.sqlite3.gz"  # written by the second version


def old_file(path: Path, version: int) -> None:
    """Put a file of an older version there: 124 entries of two members, a recording, another log."""
    path.parent.mkdir()
    path.write_bytes(gzip.decompress(OLD.read_bytes()))
    with sqlite3.connect(path) as conn:
        if version == 1:
            for table in ("invites", "places"):
                conn.execute(f"DROP TABLE {table}")
        conn.execute(f"PRAGMA user_version = {version}")
        left = {row[0] for row in conn.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}
    conn.close()
    made = {sql for statements in MIGRATIONS[:version] for sql in statements}
    assert {sql for sql in left if "sqlite_" not in sql} == made


def version_of(path: Path) -> int:
    with sqlite3.connect(path) as conn:
        (version,) = conn.execute("PRAGMA user_version").fetchone()
    conn.close()
    return int(version)


@pytest.mark.parametrize("version", [1, 2])
async def test_an_older_file_is_taken_over(path: Path, version: int) -> None:
    old_file(path, version)
    store = SQLiteStore(path)
    assert [info.name for info in await store.logs()] == ["cyclists", "hikers"]
    assert await store.counts("hikers") == {"Ann": 80, "bob": 43}
    assert offsets(await everything(store)) == list(range(1, 125))
    assert offsets(await store.newest("hikers")) == [122, 123]
    assert [one.name for one in await store.recordings()] == ["walk"]
    await store.put_invite(InviteInfo("i1", "hikers", ("watch",), None, T0, T0 + 1))
    known = await put(store, a_fix("ann", 50), a_fix("ann", 51), epoch="otherone")
    assert (known.duplicates, offsets(known.entries), known.head) == (1, [125], 125)
    assert known.entries[0].item.cursor == f"{EPOCH}-125"
    await store.close()
    assert version_of(path) == VERSION


async def test_what_an_older_file_has_is_sealed(path: Path) -> None:
    old_file(path, 2)
    plain = SQLiteStore(path)
    before = await everything(plain), await plain.newest("hikers"), await plain.counts("hikers")
    table = await plain.trails("hikers", Selection(recording="r1"))
    await plain.close()
    store = SealingStore(path, rows=10)
    assert await store.seal("hikers") == 12
    assert (await everything(store), await store.newest("hikers"), await store.counts("hikers")) == before
    assert (await store.trails("hikers", Selection(recording="r1"))).to_pylist() == table.to_pylist()
    await store.close()
    with sqlite3.connect(path) as conn:
        assert conn.execute("SELECT count(*) FROM fixes WHERE id >> 40 = 1").fetchone()[0] <= 3
    conn.close()
