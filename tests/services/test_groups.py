from __future__ import annotations

import asyncio
import json

import pytest

from locshare_ext.broker.access import PUBLISH, WATCH, Principal
from locshare_ext.errors import (
    AccessDenied,
    Conflict,
    InvalidFix,
    NotFound,
    StoreError,
    TooLarge,
    Unavailable,
)
from locshare_ext.services.groups import Groups
from locshare_ext.services.members import forget_member
from tests.services.conftest import NOW

HOST = Principal("host", "host")
ANN = Principal("i1", "invite", "hikers", frozenset({PUBLISH}), "ann")


def body(*numbers, **fields):
    return json.dumps([{"time": NOW + number, "lat": 1, "lon": 2, **fields} for number in numbers]).encode()


async def test_publishing_makes_a_group(groups, store):
    stored = await groups.publish(HOST, "Hikers", body(0, 1, 1))
    assert (stored.stored, stored.duplicates) == (2, 1)
    assert [info.name for info in await store.logs()] == ["hikers"]
    assert (await groups.find("hikers")).names == {"host": "host"}


async def test_opening_at_once_is_the_same_group(groups):
    found = await asyncio.gather(*(groups.open("hikers") for _ in range(10)))
    assert len({id(group) for group in found}) == 1


async def test_a_cancelled_opening_hurts_nobody_else(groups):
    first = asyncio.create_task(groups.open("hikers"))
    second = asyncio.create_task(groups.open("hikers"))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).slug == "hikers"


async def test_a_member_is_whom_the_credential_names(groups):
    await groups.publish(ANN, "hikers", body(0, member="bob"))
    group = await groups.find("hikers")
    assert list(group.names.values()) == ["ann"]
    with pytest.raises(AccessDenied):
        await groups.publish(ANN, "runners", body(0))
    watcher = Principal("i2", "invite", "hikers", frozenset({WATCH}), "ann")
    with pytest.raises(AccessDenied):
        await groups.publish(watcher, "hikers", body(0))


async def test_good_fixes_are_kept_and_bad_ones_set_aside(groups):
    sent = json.loads(body(0, 1, 2))
    sent[1]["lat"] = 99
    sent[2]["member"] = "a/b"
    stored = await groups.publish(HOST, "hikers", json.dumps(sent).encode())
    assert stored.stored == 1
    assert [one["index"] for one in stored.as_json()["set_aside"]] == [1, 2]
    with pytest.raises(InvalidFix) as refused:
        await groups.publish(HOST, "hikers", json.dumps(sent[1:]).encode())
    assert refused.value.message == "fix 0: lat 99 is outside [-90, 90] degrees"
    with pytest.raises(TooLarge):
        await groups.publish(HOST, "hikers", body(*range(1001)))


async def test_nothing_and_duplicates_are_fine(groups):
    first = await groups.publish(HOST, "hikers", body(0))
    assert (await groups.publish(HOST, "hikers", b"[]")).cursor == first.cursor
    again = await groups.publish(HOST, "hikers", body(0))
    assert (again.stored, again.duplicates, again.cursor) == (0, 1, first.cursor)


async def test_names_are_one_in_any_case_and_after_a_restart(groups, store, clock):
    await groups.publish(HOST, "hikers", body(0, member="Ann"))
    await groups.close()
    again = Groups(store, clock=clock)
    await again.publish(HOST, "hikers", body(1, member="aNN"))
    assert await store.counts("hikers") == {"Ann": 2}
    await again.close()


async def test_unknown_groups(groups):
    await groups.publish(HOST, "hikers", body(0))
    with pytest.raises(NotFound) as missing:
        await groups.find("hiker")
    assert missing.value.details == {"near": ["hikers"]}
    assert [group.slug for group in await groups.all()] == ["hikers"]


async def test_deleting_begins_a_new_life(groups):
    first = await groups.publish(HOST, "hikers", body(0))
    group = await groups.find("hikers")
    await groups.delete(group)
    with pytest.raises(Unavailable):
        await groups.append(group, groups.admit(HOST, group, body(1)))
    second = await groups.publish(HOST, "hikers", body(0))
    assert second.stored == 1
    assert second.cursor.split("-")[0] != first.cursor.split("-")[0]
    assert (await groups.open("hikers")).log.place(first.cursor, "now").gap


async def test_create_and_update(groups):
    group = await groups.create("Our Walk", {"stale": 30})
    assert (group.slug, group.settings["title"], group.settings["stale"]) == ("our-walk", "Our Walk", 30)
    await groups.update(group, {"stale": None, "lost": 90})
    assert (group.settings["stale"], group.settings["lost"], group.settings["title"]) == (60, 90, "Our Walk")
    with pytest.raises(Conflict):
        await groups.create("our walk", {})


async def test_forgetting(groups, store):
    await groups.publish(HOST, "hikers", body(0, member="Ann"))
    await groups.publish(HOST, "hikers", body(0, member="bob"))
    group = await groups.find("hikers")
    assert await forget_member(groups, group, "ANN") == 1
    assert await store.counts("hikers") == {"bob": 1}
    with pytest.raises(NotFound):
        await forget_member(groups, group, "ann")


async def test_a_store_that_comes_back(groups, store, monkeypatch):
    await groups.publish(HOST, "hikers", body(0))
    again = Groups(store, clock=groups.clock)

    async def broken(name):
        raise StoreError("no")

    with monkeypatch.context() as patch:
        patch.setattr(store, "log", broken)
        group = await again.open("hikers")  # watchers can still be here
        assert not group.is_stored
    found = await again.find("hikers")
    assert found is not group
    assert found.log.head == 1
    with pytest.raises(Unavailable):
        await group.log.append([])
    await again.close()
