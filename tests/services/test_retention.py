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


LIMIT = 200_000  # bytes, for some hundred fixes


def bounded(groups, max_bytes=LIMIT):
    return Retention(groups, age=7 * DAY, max_bytes=max_bytes, log=logging.getLogger("test"))


async def fill(groups, clock, rounds, *names):
    """Publish ten fixes to each group in turn, a second between rounds."""
    for _ in range(rounds):
        clock.now += 1000
        for name in names:
            body = [{"time": clock.now + n, "lat": n, "lon": 2, "member": f"m{n}"} for n in range(10)]
            await groups.publish(HOST, name, json.dumps(body).encode())


async def kept(store, name):
    return await store.read(name, 0, 1_000_000)


async def test_over_its_bytes_what_was_received_first_goes_first(groups, clock, store, caplog):
    await fill(groups, clock, 20, "alps")
    await fill(groups, clock, 150, "alps", "buses")
    before = await store.size()
    assert before > LIMIT
    assert await bounded(groups).run_once() > 0
    assert 0.7 * LIMIT < await store.size() <= LIMIT
    left = {name: await kept(store, name) for name in ("alps", "buses")}
    first = {name: entries[0].item.received for name, entries in left.items()}
    assert abs(first["alps"] - first["buses"]) <= 1000  # one front over all groups
    for entries in left.values():  # and only the front went
        assert [entry.offset for entry in entries] == list(range(entries[0].offset, entries[-1].offset + 1))
        assert entries[-1].item.received == clock.now
    assert "received first" in caplog.text
    group = await groups.find("alps")
    assert group.log.place(f"{group.log.epoch}-0", "now").gap
    assert await bounded(groups).run_once() == 0  # there is room for more


async def test_a_quiet_group_does_not_pay_for_a_busy_one(groups, clock, store):
    await fill(groups, clock, 150, "buses")
    await fill(groups, clock, 1, "alps")
    await fill(groups, clock, 150, "buses")
    await bounded(groups).run_once()
    assert len(await kept(store, "alps")) in (0, 10)
    assert (await kept(store, "buses"))[-1].item.received == clock.now
    assert await store.size() <= LIMIT


async def test_recordings_are_beside_the_bytes(groups, clock, store, caplog):
    recordings = Recordings(store, groups, clock=clock)
    await fill(groups, clock, 10, "alps")
    group = await groups.find("alps")
    info = await recordings.start(group, "long walk")
    await fill(groups, clock, 200, "alps")
    await recordings.close(info)
    await fill(groups, clock, 30, "alps")
    size = await store.size()
    assert await bounded(groups, size // 3).run_once() == 0  # 400 of 2,400 fixes are not too many
    assert await bounded(groups, size // 12).run_once() > 0
    left = [entry.offset for entry in await kept(store, "alps")]
    assert left[:2000] == list(range(101, 2101))
    assert 2100 < left[2000] < left[-1] == 2400
    assert await bounded(groups, 1).run_once() == len(left) - 2000
    assert await bounded(groups, 1).run_once() == 0


async def test_start_and_stop(retention):
    retention.start()
    retention.start()
    retention.stop()
    retention.stop()


async def test_a_group_has_a_bound_of_its_own(groups, clock, store, caplog):
    await fill(groups, clock, 200, "alps", "buses")
    recordings = Recordings(store, groups, clock=clock)
    group = await groups.find("alps")
    recording = await recordings.start(group, "all of it", since=0)
    await recordings.close(recording)
    await fill(groups, clock, 200, "alps", "buses")
    await groups.update(group, {"retention_bytes": 100_000})
    before = await store.size("alps")
    assert 0.4 < before / await store.size() < 0.6
    assert await bounded(groups, 1 << 40).run_once() > 0
    assert len(await kept(store, "buses")) == 4000
    left = [entry.offset for entry in await kept(store, "alps")]
    assert left[:2000] == list(range(1, 2001))  # a recording keeps them, and they do not count
    assert left[-1] == 4000
    assert 0.5 < (len(left) - 2000) * before / 4000 / 100_000 <= 1.3
    assert "group alps had more than 100000 bytes" in caplog.text
    assert await bounded(groups, 1 << 40).run_once() == 0
