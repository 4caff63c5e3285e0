from __future__ import annotations

import json

import pyarrow as pa
import pytest

from locshare_ext.broker.access import Principal
from locshare_ext.errors import InvalidFile, InvalidInput, NotFound
from locshare_ext.model.event import Event
from locshare_ext.model.store import Selection
from locshare_ext.model.trail import arrow_schema
from locshare_ext.services.presence import Presence
from locshare_ext.services.recordings import LATE, Recordings, recording_json
from tests.services.conftest import NOW

HOST = Principal("host", "host")


@pytest.fixture
async def recordings(store, groups, clock):
    made = Recordings(store, groups, clock=clock)
    yield made
    await made.leave()


async def publish(groups, time):
    body = {"time": time, "lat": 1, "lon": 2, "member": "ann"}
    await groups.publish(HOST, "hikers", json.dumps(body).encode())


async def test_late_ones_belong_to_it_for_a_day(groups, recordings, clock):
    await publish(groups, NOW)
    group = await groups.find("hikers")
    clock.now += 1000
    info = await recordings.start(group, " walk ")
    assert info.name == "walk"
    clock.now += 1000
    await publish(groups, clock.now)
    info = await recordings.stop(info)
    assert info.closed == clock.now + LATE
    clock.now += 1000
    await publish(groups, NOW + 1500)  # a phone without network then
    await publish(groups, clock.now)
    clock.now += LATE
    assert recording_json(info, clock.now)["state"] == "closed"
    await publish(groups, NOW + 1600)
    table = await recordings.trails(info, Selection())
    assert table["seq"].to_pylist() == [2, 3]


async def test_it_may_begin_in_the_past(groups, recordings, clock):
    for _ in range(20):
        await publish(groups, clock.now)
        clock.now += 1000
    group = await groups.find("hikers")
    info = await recordings.start(group, "walk", since=NOW + 12_500)
    assert info.after == 13
    assert (await recordings.start(group, "walk", since=NOW - 1)).after == 0
    with pytest.raises(InvalidInput):
        await recordings.start(group, "walk", since=clock.now + 1)


async def test_it_may_lie_in_the_past_whole(groups, recordings, clock):
    for _ in range(20):
        await publish(groups, clock.now)
        clock.now += 1000
    group = await groups.find("hikers")
    info = await recordings.start(group, "walk", since=NOW + 3000, until=NOW + 7000)
    assert (info.after, info.upto, info.until) == (3, 8, NOW + 7000)
    assert recording_json(info, clock.now)["state"] == "stopped"
    await publish(groups, NOW + 5500)  # a phone without network then
    await publish(groups, clock.now)
    table = await recordings.trails(info, Selection())
    assert table["seq"].to_pylist() == [4, 5, 6, 7, 8, 21]
    for since, until, field in (
        (NOW, clock.now + 1, "until"),
        (NOW + 5, NOW + 5, "until"),
        (None, NOW, "until"),
    ):
        with pytest.raises(InvalidInput) as refused:
            await recordings.start(group, "walk", since=since, until=until)
        assert refused.value.field == field


async def test_a_clock_that_was_set_back_takes_nothing_from_a_recording(groups, recordings, clock):
    for _ in range(10):
        await publish(groups, clock.now)
        clock.now += 1000
    clock.now -= 3_600_000
    group = await groups.find("hikers")
    for _ in range(10):
        await publish(groups, clock.now)
        clock.now += 1000
    clock.now += 3_600_000
    await publish(groups, clock.now)
    info = await recordings.start(group, "walk", since=NOW + 5000)
    assert info.after == 5
    info = await recordings.start(group, "walk", since=NOW - 7_200_000, until=NOW - 1_000_000)
    assert info.upto == 20
    info = await recordings.start(group, "walk")
    clock.now -= 7_200_000
    stopped = await recordings.stop(info)
    assert stopped.until == stopped.since


async def test_a_recording_may_begin_before_the_first_fix(groups, recordings, clock):
    info = await recordings.start(await groups.open("hikers"), "walk")
    clock.now += 5
    await publish(groups, clock.now)
    await recordings.close(info)
    found = await recordings.get(info.id)
    assert (await recordings.trails(found, Selection())).num_rows == 1
    await recordings.delete(found)
    with pytest.raises(NotFound):
        await recordings.get(info.id)


async def tables(*rows):
    schema = arrow_schema()
    for row in rows:
        full = {field.name: row.get(field.name) for field in schema}
        yield pa.Table.from_pylist([full], schema=schema)


async def test_imports_keep_both_clocks(recordings, store):
    rows = [
        {"member": "a", "time": 1000, "received": 5000, "lat": 1.0, "lon": 2.0, "heading": float("nan")},
        {"member": "a", "time": 500, "received": 6000, "lat": 1.0, "lon": 2.0, "extra": '{"x": 1}'},
    ]
    info = await recordings.import_("old", tables(*rows), received_known=True)
    assert (info.since, info.until, info.upto, info.state(NOW)) == (500, 1000, 2, "closed")
    table = await recordings.trails(info, Selection())
    assert table["received"].to_pylist() == [5000, 6000]
    assert table["late"].to_pylist() == [False, True]
    assert table["heading"].to_pylist() == [None, None]
    assert [log.kind for log in await store.logs()] == ["import"]


@pytest.mark.parametrize(
    "row",
    [
        {"time": 1, "lat": 1.0, "lon": 2.0},
        {"member": "a", "time": 1, "lat": float("nan"), "lon": 2.0},
        {"member": "a", "time": 1, "lat": 1.0, "lon": 2.0, "heading": 360.0},
        {"member": "a", "time": 1, "lat": 1.0, "lon": 2.0, "battery": 1.1},
        {"member": "a", "time": 1, "lat": 1.0, "lon": 2.0, "speed": float("inf")},
        {"member": "a", "time": 1, "lat": 1.0, "lon": 2.0, "extra": "["},
        {"member": "a\u202e", "time": 1, "lat": 1.0, "lon": 2.0},
        {"member": "a", "time": 1 << 62, "lat": 1.0, "lon": 2.0},
        {"member": "a", "time": 1, "received": -(1 << 62), "lat": 1.0, "lon": 2.0},
        {"member": "a", "time": 1, "lat": 1.0, "lon": 2.0, "extra": '{"x": {"y": 1}}'},
        {"member": "a", "time": 1, "lat": 1.0, "lon": 2.0, "source": "x" * 33},
        {"member": "a", "time": 1, "lat": 1.0, "lon": 2.0, "source": "a\nb"},
    ],
)
async def test_hostile_rows_are_refused_and_leave_nothing(recordings, store, row):
    good = {"member": "a", "time": 1, "lat": 1.0, "lon": 2.0}
    with pytest.raises(InvalidFile, match="row 1: "):
        await recordings.import_("old", tables(good, row), received_known=True)
    assert await store.logs() == []


GOOD_COLUMNS = {"member": ["a", "b"], "time": [1000, 2000], "lat": [1.0, 2.0], "lon": [3.0, 4.0]}


async def one(table):
    yield table


async def test_columns_of_other_types_are_taken_when_they_say_the_same(recordings):
    columns = dict(GOOD_COLUMNS, lat=pa.array([1, 2], pa.int8()), seq=[9, 8], mine=["x", "y"])
    columns["time"] = pa.array([1_000_000, 2_000_000], pa.timestamp("us", "UTC"))
    info = await recordings.import_("old", one(pa.table(columns)), received_known=False)
    table = await recordings.trails(info, Selection())
    assert table["time"].to_pylist() == [1000, 2000]
    assert table["lat"].to_pylist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("time", pa.array(["1000", "2000"])),
        ("time", pa.array([1.5, 2.0])),
        ("time", pa.array([1, 2], pa.timestamp("ms"))),
        ("lat", pa.array(["1", "2"])),
        ("lat", pa.array([True, False])),
        ("member", pa.array([1, 2])),
        ("altitude", pa.array([[1.0], [2.0]])),
        ("future", pa.array(["yes", "no"])),
    ],
)
async def test_columns_of_wrong_types_are_named(recordings, store, name, column):
    with pytest.raises(InvalidFile, match=f"column '{name}' is ") as caught:
        await recordings.import_("old", one(pa.table({**GOOD_COLUMNS, name: column})), received_known=True)
    assert caught.value.field == name
    assert await store.logs() == []


async def test_a_new_server_goes_on_with_what_ran_and_says_so(groups, recordings, clock, store):
    await publish(groups, NOW)
    group = await groups.find("hikers")
    done = await recordings.start(group, "before")
    done = await recordings.stop(done)
    running = [await recordings.start(group, name) for name in ("one", "two")]
    clock.now += 1000
    await publish(groups, clock.now)
    await recordings.leave()
    last, clock.now = clock.now, clock.now + 60_000
    assert await recordings.resume() == ["hikers"]
    await publish(groups, clock.now)
    one = await recordings.get(running[0].id)
    assert one.state(clock.now) == "running"
    away = {"since": last, "until": clock.now}
    found = await recordings.interruptions([done, *running])
    assert found == {done.id: [], running[0].id: [away], running[1].id: [away]}
    assert recording_json(one, clock.now, found[one.id])["interruptions"] == [away]
    (told,) = await store.events("hikers", Selection(recording=one.id))
    assert (told.item.kind, told.item.data) == ("gap", {"until": clock.now})
    assert (await recordings.trails(one, Selection())).num_rows == 2
    for info in running:
        await recordings.stop(info)
    assert await recordings.resume() == []


async def test_a_quiet_group_is_away_only_while_no_server_was_there(groups, recordings, clock, store):
    group = await groups.open("hikers")
    made = await recordings.start(group, "quiet")
    clock.now += 3_600_000  # nobody moved
    await recordings.leave()
    left, clock.now = clock.now, clock.now + 5_000
    again = Recordings(store, groups, clock=clock)
    await again.resume()
    assert (await again.interruptions([made]))[made.id] == [{"since": left, "until": clock.now}]
    await again.stop(made)
    await again.leave()


async def test_a_server_that_was_killed_was_there_when_it_last_said_so(store, groups, recordings, clock):
    group = await groups.open("hikers")
    await recordings.start(group, "quiet")
    await recordings.leave()
    presence = Presence(store, clock=clock)
    clock.now += 60_000
    assert not await presence.note()  # what another server recorded is not its own yet
    presence.begin("hikers")
    assert await presence.note()
    assert await Presence(store, clock=clock).seen("hikers") == clock.now
    for info in await recordings.all():
        await recordings.stop(info)
    assert not await presence.note()  # nothing to say while nothing is recorded
    await presence.close()


async def test_nothing_was_recorded_before_the_server_went(groups, recordings, clock):
    group = await groups.open("hikers")
    made = await recordings.start(group, "empty")
    await recordings.leave()
    clock.now += 60_000
    await recordings.resume()
    assert (await recordings.interruptions([made]))[made.id] == [{"since": NOW, "until": clock.now}]


async def test_events_of_an_import_stand_where_they_were_known(recordings, store):
    times = [NOW + number for number in (0, 1000, 2000)]
    rows = [{"member": "a", "time": at, "received": at, "lat": 1.0, "lon": 2.0} for at in times]
    told = [Event(kind="note", time=at, received=at, text=str(at - NOW)) for at in (times[2] + 5, times[1])]
    info = await recordings.import_("old", tables(*rows), received_known=True, events=told)
    entries = await store.read(info.log, 0, 10)
    assert [type(one.item).__name__ for one in entries] == ["Fix", "Fix", "Event", "Fix", "Event"]
    assert [one.item.text for one in entries if isinstance(one.item, Event)] == ["1000", "2005"]
    assert info.upto == 5
