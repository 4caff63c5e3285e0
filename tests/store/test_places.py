"""Where durable subscriptions stand: what every store does, and what a file keeps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from locshare_ext.model.store import InviteInfo, LogStore, PlaceInfo
from locshare_ext.store import SQLiteStore
from tests.store.helpers import EPOCH, T0, a_fix, put

PLACE = PlaceInfo("hikers", EPOCH, "host", "map", 1, T0)


async def test_places_are_kept_by_log_identity_and_name(store: LogStore) -> None:
    await put(store, a_fix(), a_fix("bob"))
    other = replace(PLACE, name="archive", upto=2)
    foreign = replace(PLACE, identity="kernel:a")
    assert await store.put_places([PLACE, other, foreign]) == []
    assert await store.places("hikers", "host") == [other, PLACE]
    assert await store.places("hikers", "kernel:a") == [foreign]
    assert await store.places("hikers", "nobody") == []
    assert await store.places("walkers", "host") == []
    moved = replace(PLACE, upto=2, at=T0 + 1)
    await store.put_places([moved])
    assert await store.places("hikers", "host") == [other, moved]


async def test_places_of_no_log_are_returned(store: LogStore) -> None:
    assert await store.put_places([PLACE]) == [PLACE]
    await put(store, a_fix())
    of_another_life = replace(PLACE, epoch="zzzzzzzz")
    assert await store.put_places([PLACE, of_another_life]) == [of_another_life]
    assert await store.places("hikers", "host") == [PLACE]


async def test_places_end_with_their_log(store: LogStore) -> None:
    await put(store, a_fix())
    await put(store, a_fix(), log="walkers", epoch="bcdefghi")
    there = replace(PLACE, log="walkers", epoch="bcdefghi")
    await store.put_places([PLACE, there])
    await store.delete_log("hikers")
    assert await store.places("hikers", "host") == []
    assert await store.places("walkers", "host") == [there]


async def test_places_of_a_forgotten_member_go_with_its_invites(store: LogStore) -> None:
    await put(store, a_fix())
    await store.put_invite(InviteInfo("i1", "hikers", ("watch",), "ann", T0, T0 + 1000))
    theirs = replace(PLACE, identity="i1")
    await store.put_places([PLACE, theirs])
    await store.forget("hikers", "Ann")
    assert await store.places("hikers", "i1") == []
    assert await store.places("hikers", "host") == [PLACE]


async def test_places_survive_a_restart(path: Path) -> None:
    store = SQLiteStore(path)
    await put(store, a_fix())
    await store.put_places([PLACE])
    await store.close()
    store = SQLiteStore(path)
    assert await store.places("hikers", "host") == [PLACE]
    await store.close()


async def test_nothing_is_made_for_places(path: Path) -> None:
    store = SQLiteStore(path)
    assert await store.places("hikers", "host") == []
    assert await store.put_places([PLACE]) == [PLACE]
    assert not path.exists()
    await store.close()
