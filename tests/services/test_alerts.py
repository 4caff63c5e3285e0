"""Rules that a group keeps, over both stores: what they tell stands on its log."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any

import pytest

from locshare_ext.broker.access import Principal
from locshare_ext.model.event import Event
from locshare_ext.model.fix import Fix
from locshare_ext.services import alerts as module
from locshare_ext.services.alerts import AlertOptions, Alerts
from locshare_ext.services.groups import Group, GroupOptions, Groups
from locshare_ext.services.members import forget_member, rename_member
from locshare_ext.services.settings import check_settings
from tests.broker.helpers import ReaderOf
from tests.services.conftest import NOW

HOST = Principal("host", "host")
LOG = logging.getLogger("tests.alerts")
CAMP = {"rule": "geofence", "name": "camp", "area": {"lat": 46.2, "lon": 14.1, "radius": 400}}
PAIR = {"rule": "proximity", "name": "pair", "near": 50}
QUIET = {"rule": "silence", "name": "quiet", "lasting": 60}
IN, OUT = 46.2, 46.4


@pytest.fixture
async def alerts(groups):
    made = Alerts(groups, log=LOG, options=AlertOptions(rate=0.001, burst=5))
    yield made
    await made.close()


async def ruled(groups: Groups, *rules: dict[str, Any]) -> Group:
    return await groups.create("hikers", check_settings({"alerts": list(rules)}, "hikers"))


async def publish(groups: Groups, clock: Any, *fixes: tuple[str, float], step: int = 1000) -> None:
    for member, lat in fixes:
        clock.now += step
        body = {"member": member, "time": clock.now, "lat": lat, "lon": 14.1}
        await groups.publish(HOST, "hikers", json.dumps(body).encode())


def events(reader: ReaderOf) -> list[Event]:
    return [entry.item for entry in reader.got if isinstance(entry.item, Event)]


async def texts(reader: ReaderOf, count: int) -> list[str | None]:
    """Wait for so many alerts; what they say."""
    while len(events(reader)) < count:
        await reader.woken()
    return [event.text for event in events(reader)]


async def kept(groups: Groups) -> list[Event]:
    group = await groups.find("hikers")
    return [one.item for one in await group.log.read(0, 1000) if isinstance(one.item, Event)]


async def test_what_rules_tell_is_on_the_log_after_what_set_it_off(groups, alerts, clock):
    group = await ruled(groups, CAMP)
    reader = ReaderOf(group.log)
    await publish(groups, clock, ("ann", IN))
    assert await texts(reader, 1) == ["ann entered camp"]
    await publish(groups, clock, ("ann", OUT))
    assert await texts(reader, 2) == ["ann entered camp", "ann left camp"]
    event = events(reader)[1]
    assert (event.kind, event.member, event.time) == ("alert", "ann", NOW + 2000)
    assert event.data == {"rule": "camp", "alert": "exit", "lat": OUT, "lon": 14.1}
    assert [type(entry.item) for entry in reader.got] == [Fix, Event, Fix, Event]
    assert await kept(groups) == events(reader)


async def test_groups_without_rules_have_no_reader(groups, alerts, clock):
    await publish(groups, clock, ("ann", IN))
    group = await groups.find("hikers")
    assert group.log.readers == 0
    await groups.update(group, check_settings({"alerts": [CAMP]}, "hikers"))
    assert group.log.readers == 1
    await groups.update(group, {"alerts": None})
    assert group.log.readers == 0


async def test_where_everybody_is_when_rules_are_set_tells_nothing(groups, alerts, clock):
    await publish(groups, clock, ("ann", IN), ("bob", OUT))
    group = await groups.find("hikers")
    reader = ReaderOf(group.log, group.log.head)
    await groups.update(group, check_settings({"alerts": [CAMP, QUIET]}, "hikers"))
    await publish(groups, clock, ("bob", IN))
    assert await texts(reader, 1) == ["bob entered camp"]
    # another rule beside it: the one that was there goes on where it was
    await groups.update(group, check_settings({"alerts": [PAIR, CAMP]}, "hikers"))
    await publish(groups, clock, ("ann", OUT))
    assert await texts(reader, 3) == ["bob entered camp", "ann left camp", "ann and bob are 22239 m apart"]


async def test_a_server_that_starts_begins_quietly_and_by_itself(store, groups, clock):
    first = Alerts(groups, log=LOG)
    reader = ReaderOf((await ruled(groups, CAMP, QUIET)).log)
    await publish(groups, clock, ("ann", IN))
    await texts(reader, 1)
    await first.close()
    await groups.close()
    again = Groups(store, clock=clock, options=GroupOptions())
    second = Alerts(again, log=LOG)
    await second.resume()
    group = again.get("hikers")
    assert group is not None
    reader = ReaderOf(group.log, group.log.head)
    await publish(again, clock, ("ann", IN), ("ann", OUT))
    assert await texts(reader, 1) == ["ann left camp"]
    await second.close()
    await again.close()


async def test_silence_is_told_by_time_alone(groups, alerts, clock, monkeypatch):
    monkeypatch.setattr(module, "SHORTEST", 0.0)
    group = await ruled(groups, {**QUIET, "lasting": 1})
    reader = ReaderOf(group.log)
    await publish(groups, clock, ("ann", IN))
    await reader.has(1)
    clock.now += 5000  # its timer rings by the real clock, and looks at this one
    assert await texts(reader, 1) == ["ann was not heard for 1 s"]
    assert events(reader)[0].time == NOW + 2000


async def test_the_rate_of_each_rule_is_bounded_and_what_is_left_out_is_told(groups, alerts, clock):
    group = await ruled(groups, {**CAMP, "on": ["inside"]}, {**CAMP, "name": "other"})
    reader = ReaderOf(group.log)
    await publish(groups, clock, *[("ann", IN)] * 12, ("ann", OUT))
    assert (await texts(reader, 7))[5:] == ["ann is in camp", "ann left other"]
    guard = alerts._guards["hikers"]
    guard._rates.burst, guard._rates.rate = 20, 1e9  # as after a while
    await publish(groups, clock, ("ann", IN))
    told = await texts(reader, 10)
    assert sorted(told[7:]) == ["7 alerts of camp left out: too many", "ann entered other", "ann is in camp"]


async def test_forgetting_takes_alerts_that_speak_of_the_member_and_its_name_in_rules(groups, alerts, clock):
    group = await ruled(
        groups, CAMP, {**PAIR, "members": ["Ann", "bob", "cy"]}, {**PAIR, "name": "o", "of": "ANN"}
    )
    reader = ReaderOf(group.log)
    await publish(groups, clock, ("ann", IN), ("bob", IN))
    assert len(await texts(reader, 4)) == 4
    assert await forget_member(groups, group, "ann") >= 2
    assert [event.text for event in await kept(groups)] == ["bob entered camp"]
    assert [rule["name"] for rule in group.settings["alerts"]] == ["camp", "pair"]
    assert group.settings["alerts"][1]["members"] == ["bob", "cy"]
    await publish(groups, clock, ("ann", IN))  # somebody new
    assert (await texts(reader, 5))[4] == "ann entered camp"


async def test_renaming_goes_on_where_the_member_is(groups, alerts, clock):
    group = await ruled(groups, CAMP, {**PAIR, "of": "ann"})
    reader = ReaderOf(group.log)
    await publish(groups, clock, ("ann", IN), ("bob", OUT))
    await texts(reader, 1)
    await rename_member(groups, group, "ann", "Eva")
    for task in list(alerts._tasks):
        await task
    assert await kept(groups) == []
    assert group.settings["alerts"][1]["of"] == "Eva"
    await publish(groups, clock, ("Eva", IN), ("Eva", OUT))
    assert (await texts(reader, 3))[1:] == ["Eva left camp", "Eva and bob are 0 m apart"]


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ({}, "alerts"),
        ([CAMP] * 51, "alerts"),
        ([CAMP, CAMP], "alerts"),
        ([CAMP, {"rule": "silence", "name": "quiet"}], "alerts[1].lasting"),
        ([{**CAMP, "area": {"lat": 91, "lon": 0, "radius": 5}}], "alerts[0].lat"),
        ([{"rule": "weather", "name": "rain"}], "alerts[0].rule"),
        ([7], "alerts[0].rule"),
    ],
)
def test_rules_that_cannot_be_are_refused_with_their_place(rules: Sequence[Any], field: str) -> None:
    from locshare_ext.errors import InvalidInput

    with pytest.raises(InvalidInput) as told:
        check_settings({"alerts": rules}, "hikers")
    assert told.value.field == field
