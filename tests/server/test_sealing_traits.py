"""How many fixes are packed together, and how many newest ones are not, are settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from traitlets import TraitError
from traitlets.config import Config

from locshare_ext.model.fix import Fix
from locshare_ext.model.store import Selection
from locshare_ext.server.app import LocShareApp
from locshare_ext.server.stores import open_store
from locshare_ext.store.sealed import list_segments


def test_the_settings_are_those_of_the_store_unless_said_otherwise() -> None:
    app = LocShareApp()
    assert (app.sealed_fixes, app.live_fixes) == (65_536, 65_536)
    app = LocShareApp(config=Config(LocShareApp={"sealed_fixes": 2_000, "live_fixes": 0}))
    assert (app.sealed_fixes, app.live_fixes) == (2_000, 0)
    with pytest.raises(TraitError):
        LocShareApp(config=Config(LocShareApp={"sealed_fixes": 10}))


async def test_a_store_packs_as_many_as_it_is_told(tmp_path: Path) -> None:
    store, _ = open_store(str(tmp_path / "log.db"), sealed_fixes=20, live_fixes=10)
    fixes = [Fix(member="ann", time=n, lat=1.0, lon=2.0, received=n, flags=()) for n in range(1, 76)]
    await store.append("hikers", fixes, epoch="abcdefgh")
    kept = getattr(store, "kept", store)
    await kept.seal("hikers")
    segments = await kept._file.read(lambda conn: list_segments(conn, 1), [])
    assert [segment.rows for segment in segments] == [20, 20, 20]
    assert (await store.trails("hikers", Selection())).num_rows == 75
    await store.close()
