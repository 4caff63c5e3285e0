"""What a watcher sees, over each transport: places, filters, batches, events, groups."""

from __future__ import annotations

import asyncio

import pytest

from locshare_ext.transports import TRANSPORTS, Fixes
from tests.transports.bench import Bench, Watch, fix, numbers


async def test_a_quiet_group_says_hello_and_is_resumed_from_there(bench: Bench, name: str):
    watch = Watch(bench.open(name).follow())
    hello = await watch.hello()
    assert hello.gap is False
    assert watch.following.cursor == hello.cursor
    await bench.publish(fix(1))
    again = await bench.watch(name, hello.cursor)
    assert await again.take(1) == [1]
    assert await watch.take(1) == [1]


@pytest.mark.parametrize("after", [None, "now"])
async def test_now_is_behind_all_that_there_is(bench: Bench, name: str, after: str | None):
    place = await bench.publish(fix(1), fix(2))
    watch = await bench.watch(name, after)
    assert watch.following.cursor == place
    await bench.publish(fix(3))
    assert await watch.take(1) == [3]


async def test_the_start_is_before_all_that_there_is(bench: Bench, name: str):
    place = await bench.publish(fix(1), fix(2, "bo"))
    watch = await bench.watch(name, "start")
    assert await watch.take(2) == [1, 2]
    assert watch.following.cursor == place
    one, two = watch.fixes
    assert (one.member, one.lat, one.lon, two.member) == ("ann", 37.5665, 126.978, "bo")
    assert (two.cursor, two.flags) == (place, ())
    assert watch.hellos[0].cursor != place


async def test_what_is_resumed_at_any_item_goes_on_right_behind_it(bench: Bench, name: str):
    for number in range(12):
        await bench.publish(fix(number))
    watch = await bench.watch(name, "start")
    seen = [(watch.following.cursor, 0)]
    while len(watch.fixes) < 12:
        await watch.next()
        seen.append((watch.following.cursor, len(watch.fixes)))
    for cursor, count in seen[:3]:
        rest = await bench.watch(name, cursor)
        if count < 12:
            assert await rest.take(12 - count) == list(range(count, 12))
    end = await bench.watch(name, watch.following.cursor)
    await bench.publish(fix(12))
    assert await end.take(1) == [12]


async def test_another_transport_goes_on_at_the_same_place(bench: Bench):
    """A cursor is of the log, not of what it was got by."""
    place, got = "start", []
    for number, kind in enumerate(TRANSPORTS * 2):
        await bench.publish(fix(2 * number), fix(2 * number + 1))
        watch = await bench.watch(kind, place)
        got += await watch.take(2)
        assert watch.following.cursor is not None
        place = watch.following.cursor
    assert got == list(range(4 * len(TRANSPORTS)))


async def test_a_lost_place_is_a_gap(bench: Bench, name: str):
    await bench.publish(fix(1), fix(2))
    watch = Watch(bench.open(name).follow("2345678z-17"))
    hello = await watch.hello()
    assert hello.gap is True
    assert await watch.take(2) == [1, 2]


async def test_a_group_made_anew_is_another_log(bench: Bench, name: str):
    place = await bench.publish(fix(1))
    await bench.ask("DELETE", bench.path())
    await bench.ask("POST", "groups", {"title": bench.group})
    await bench.publish(fix(5))
    watch = Watch(bench.open(name).follow(place))
    assert (await watch.hello()).gap is True
    assert await watch.take(1) == [5]


async def test_members_are_chosen_in_any_spelling(bench: Bench, name: str):
    watch = await bench.watch(name, "start", members=["ANN", "하나", "x,y"])
    await bench.publish(fix(1), fix(2, "bo"), fix(3, "하나"), fix(4, "x,y"), fix(5, "Ann"))
    assert await watch.take(4) == [1, 3, 4, 5]
    await bench.publish(fix(6, "bo"))
    await bench.publish(fix(7))
    assert await watch.take(5) == [1, 3, 4, 5, 7]
    rest = await bench.watch(name, watch.following.cursor, members="ann")
    await bench.publish(fix(8))
    assert await rest.take(1) == [8]


async def test_batches_are_arrays_of_what_came_meanwhile(bench: Bench, name: str):
    watch = Watch(bench.open(name, interval=0.5).follow(batch=500))
    await watch.hello()
    for number in range(20):
        await bench.publish(fix(number))
    assert await watch.take(20) == list(range(20))
    arrays = [item for item in watch.items if isinstance(item, Fixes)]
    assert all(item.body.startswith(b"[") for item in arrays)
    assert len(arrays) < 20
    assert arrays[-1].cursor == watch.fixes[-1].cursor


async def test_conflated_batches_have_each_members_newest_fix(bench: Bench, name: str):
    await bench.publish(*[fix(number, member) for number in range(5) for member in ("ann", "bo")])
    place = await bench.publish(fix(2, "cy"))
    watch = await bench.watch(name, "start", conflate=True)
    await watch.until(lambda watch: "cy" in {one.member for one in watch.fixes})
    assert [(one.member, one.time) for one in watch.fixes] == [
        (one["member"], one["time"]) for one in (fix(4), fix(4, "bo"), fix(2, "cy"))
    ]
    assert watch.following.cursor == place


async def test_last_begins_with_each_members_newest_fix(bench: Bench, name: str):
    await bench.publish(fix(1), fix(2), fix(1, "bo"))
    watch = await bench.watch(name, last=True)
    await watch.take(2)
    snapshot = [item for item in watch.items if isinstance(item, Fixes)]
    assert all(item.is_snapshot for item in snapshot)
    assert [(one.member, *numbers([one])) for one in watch.fixes] == [("ann", 2), ("bo", 1)]
    place = watch.following.cursor
    await bench.publish(fix(3))
    assert await watch.take(3) == [2, 1, 3]
    assert watch.items[-1].is_snapshot is False  # type: ignore[union-attr]
    rest = await bench.watch(name, place, last=True)  # who knows a place is given what is behind it
    assert await rest.take(1) == [3]


async def test_events_come_when_they_are_wanted(bench: Bench, name: str):
    watch = await bench.watch(name, events=True)
    plain = await bench.watch(name)
    await bench.publish(fix(1))
    cursor = await bench.note("lunch\nhere", member="bo")
    await watch.until(lambda watch: bool(watch.fixes and watch.events))
    (note,) = watch.events
    assert (note.kind, note.member, note.text, note.cursor) == ("note", "bo", "lunch\nhere", cursor)
    await bench.publish(fix(2))
    assert await watch.take(2) == [1, 2]
    assert await plain.take(2) == [1, 2]
    assert plain.events == []
    assert len(watch.events) == 1


async def test_events_alone_come_at_once_too(bench: Bench, name: str):
    """A long poll is answered by one, not only at its end."""
    watch = await bench.watch(name, events=True)
    await bench.note("one")
    await watch.until(lambda watch: bool(watch.events))
    rest = await bench.watch(name, watch.following.cursor, events=True)
    await bench.note("two")
    await rest.until(lambda watch: any(event.text == "two" for event in watch.events))


@pytest.mark.parametrize("name", [name for name in TRANSPORTS if name != "stomp"])
async def test_events_stand_among_the_fixes_where_they_came(bench: Bench, name: str):
    for number in range(3):
        await bench.publish(fix(number))
        await bench.note(str(number))
    watch = await bench.watch(name, "start", events=True)
    await watch.until(lambda watch: len(watch.events) == 3)
    order = [
        item.text if not isinstance(item, Fixes) else numbers(item.decode())[0] for item in watch.items[1:]
    ]  # type: ignore[union-attr]
    assert order == [0, "0", 1, "1", 2, "2"]
    middle = await bench.watch(name, watch.items[2].cursor, events=True)
    assert await middle.take(2) == [1, 2]


async def test_two_groups_do_not_mix(bench: Bench, name: str):
    other = f"{bench.group} other 3학년"
    await bench.ask("POST", "groups", {"title": other})
    one, two = bench.open(name), bench.open(name, group=other)
    watches = [Watch(transport.follow()) for transport in (one, two)]
    for watch in watches:
        await watch.hello()
    for number in range(3):
        await one.publish(fix(number))
        await two.publish(fix(10 + number))
    assert await watches[0].take(3) == [0, 1, 2]
    assert await watches[1].take(3) == [10, 11, 12]


async def test_a_new_follow_ends_the_one_before(bench: Bench, name: str):
    transport = bench.open(name)
    first = Watch(transport.follow())
    await first.hello()
    await bench.publish(fix(1), fix(2))
    second = Watch(transport.follow("start"))
    assert await second.take(2) == [1, 2]
    with pytest.raises(StopAsyncIteration):
        await anext(first.following)
    await bench.publish(fix(3))
    assert await second.take(3) == [1, 2, 3]


async def test_many_watchers_see_the_same(bench: Bench, name: str):
    watches = [await bench.watch(name) for _ in range(10)]
    for number in range(10):
        await bench.publish(fix(number))
    taken = await asyncio.gather(*[watch.take(10) for watch in watches])
    assert taken == [list(range(10))] * 10
