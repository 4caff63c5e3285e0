from __future__ import annotations

import json
import logging

import pytest

from locshare_ext.broker.access import Principal
from locshare_ext.services.recordings import Recordings
from locshare_ext.services.retention import Retention
from tests.services.conftest import NOW

HOST = Principal("host", "host")
DAY = 86_400


@pytest.fixture
def retention(groups):
    log = logging.getLogger("test")
    return Retention(groups, age=7 * DAY, max_bytes=1_000_000, log=log)


async def publish(groups, number, group="hikers"):
    body = {"time": NOW + number, "lat": 1, "lon": 2, "member": "ann"}
    return await groups.publish(HOST, group, json.dumps(body).encode())


async def test_what_is_too_old_goes(groups, retention, clock, store):
    first = await publish(groups, 0)
    clock.now += 6 * DAY * 1000
    await publish(groups, 1)
    assert await retention.run_once() == 0
    clock.now += 2 * DAY * 1000
    assert await retention.run_once() == 1
    group = await groups.find("hikers")
    assert [entry.offset for entry in await group.log.read(group.log.oldest - 1, 10)] == [2]
    assert not group.log.place(first.cursor, "now").gap  # it had seen what is gone
    assert group.log.place(f"{group.log.epoch}-0", "now").gap


async def test_a_group_may_say_how_long(groups, retention, clock, store):
    await publish(groups, 0)
    await groups.update(await groups.find("hikers"), {"retention": 3600})
    clock.now += 2 * 3600 * 1000
    assert await retention.run_once() == 1


async def test_recordings_keep_theirs(groups, retention, clock, store):
    recordings = Recordings(store, groups, clock=clock)
    await publish(groups, 0)
    group = await groups.find("hikers")
    clock.now += 1000
    info = await recordings.start(group, "walk")
    await publish(groups, 1)
    await recordings.close(info)
    await publish(groups, 2)
    clock.now += 8 * DAY * 1000
    assert await retention.run_once() == 2
    assert [entry.offset for entry in await store.read("hikers", 0, 10)] == [2]


async def test_the_size_counts_too(groups, retention, clock, store, caplog):
    sizes = [2_000_000, 2_000_000, 10]

    async def size():
        return sizes.pop(0)

    store.size = size
    await publish(groups, 0)
    clock.now += 3 * DAY * 1000
    await publish(groups, 1)
    assert await retention.run_once() == 1  # a quarter of seven days is kept
    assert sizes == []


async def test_start_and_stop(retention):
    retention.start()
    retention.start()
    retention.stop()
    retention.stop()
