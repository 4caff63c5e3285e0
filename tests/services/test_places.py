"""Where durable subscriptions stand: one holder each, written now and then, never lost to a failure."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from locshare_ext.broker.memory import MemoryStore
from locshare_ext.errors import Conflict, StoreError
from locshare_ext.model.fix import Fix
from locshare_ext.services import places as module
from locshare_ext.services.places import Places

EPOCH = "abcdefgh"


@pytest.fixture
async def store() -> AsyncIterator[MemoryStore]:
    made = MemoryStore()
    await made.append(
        "hikers", [Fix(member="ann", time=1_763_806_275_000, lat=1.0, lon=2.0, flags=())], epoch=EPOCH
    )
    yield made
    await made.close()


def make(store: MemoryStore, **options: Any) -> Places:
    return Places(store, clock=lambda: 5, log=logging.getLogger("test"), **options)


def nobody() -> None:
    raise AssertionError("nobody takes it over")


async def test_a_place_is_remembered_by_the_next(store):
    places = make(store)
    holder, place = await places.hold("hikers", "host", "map", nobody)
    assert place is None
    holder.move(EPOCH, 1)
    holder.leave()
    holder.leave()
    assert await store.places("hikers", "host") == []
    holder, place = await places.hold("hikers", "host", "map", nobody)
    assert place is not None
    assert (place.upto, place.at) == (1, 5)
    await places.close()
    [stored] = await store.places("hikers", "host")
    assert stored == place
    _, place = await make(store).hold("hikers", "host", "map", nobody)  # after a restart
    assert place == stored


async def test_only_the_holder_moves_it(store):
    places = make(store)
    taken = []
    first, _ = await places.hold("hikers", "host", "map", lambda: taken.append(1))
    first.move(EPOCH, 1)
    second, place = await places.hold("hikers", "host", "map", nobody)
    assert taken == [1]
    assert place is not None
    first.move(EPOCH, 9)
    first.leave()
    _, place = await places.hold("hikers", "host", "other", nobody)
    assert place is None
    second.move(EPOCH, 2)
    await places.close()
    assert [one.upto for one in await store.places("hikers", "host")] == [2]


async def test_moves_are_written_together_and_written_ones_let_go_of(store, monkeypatch):
    monkeypatch.setattr(module, "WRITE_EVERY", 0.01)
    calls = []
    real = store.put_places

    async def put(given):
        calls.append(len(given))
        return await real(given)

    monkeypatch.setattr(store, "put_places", put)
    places = make(store)
    holders = [(await places.hold("hikers", "host", str(number), nobody))[0] for number in range(3)]
    for upto in range(100):
        for holder in holders:
            holder.move(EPOCH, upto)
    for holder in holders:
        holder.leave()
    async with asyncio.timeout(5):
        while places._known:
            await asyncio.sleep(0.005)
    assert calls == [3]


async def test_a_failing_store_is_asked_again(store, monkeypatch):
    monkeypatch.setattr(module, "WRITE_EVERY", 0.01)
    real, failures = store.put_places, []

    async def put(given):
        if len(failures) < 3:
            failures.append(given)
            raise StoreError("disk full")
        return await real(given)

    monkeypatch.setattr(store, "put_places", put)
    places = make(store)
    holder, _ = await places.hold("hikers", "host", "map", nobody)
    holder.move(EPOCH, 1)
    async with asyncio.timeout(5):
        while not await store.places("hikers", "host"):
            await asyncio.sleep(0.005)
    assert len(failures) == 3
    await places.close()


async def test_places_of_a_group_that_is_not_stored_wait_for_it(store, monkeypatch):
    places = make(store)
    holder, _ = await places.hold("walkers", "host", "map", nobody)
    holder.move("zyxwvuts", 0)
    holder.leave()
    await places.write()
    _, place = await places.hold("walkers", "host", "map", nobody)
    assert place is not None
    await store.create_log("walkers", kind="group", epoch="zyxwvuts", settings={})
    await places.close()
    assert [one.upto for one in await store.places("walkers", "host")] == [0]
    monkeypatch.setattr(module, "MAX_UNSTORED", 2)
    for number in range(5):
        holder, _ = await places.hold("nowhere", "host", str(number), nobody)
        holder.move(EPOCH, 0)
        holder.leave()
    await places.write()
    assert len(places._unstored) == 2
    assert len([key for key in places._known if key[0] == "nowhere"]) == 2
    await places.close()


async def test_names_are_bounded(store):
    places = make(store, names=2)
    for name in ("a", "b"):
        holder, _ = await places.hold("hikers", "host", name, nobody)
        holder.move(EPOCH, 0)
    await places.write()
    holder.leave()
    with pytest.raises(Conflict, match="2 durable names"):
        await places.hold("hikers", "host", "c", nobody)
    await places.hold("hikers", "other", "c", nobody)
    _, place = await places.hold("hikers", "host", "b", nobody)
    assert place is not None
    await places.close()
