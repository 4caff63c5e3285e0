"""What becomes of what is published, over each transport."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import pytest

from locshare_ext.errors import InvalidFix, InvalidInput, InvalidName, LocShareError, TooLarge
from locshare_ext.model.fix import Fix
from locshare_ext.transports import Published, Transport
from tests.transports.bench import TIME, Bench, fix

ONE_WITH_REASONS = ("polling", "long polling", "sse", "websocket")


async def test_what_is_published_is_stored_once(bench: Bench, name: str):
    transport = bench.open(name)
    first = await transport.publish(fix(1))
    assert (first.stored, first.duplicates, first.set_aside, first.reasons) == (1, 0, 0, ())
    second = await transport.publish([fix(1), fix(2), fix(3)])
    assert (second.stored, second.duplicates, second.set_aside) == (2, 1, 0)
    watch = await bench.watch(name, "start")
    assert await watch.take(3) == [1, 2, 3]
    assert watch.following.cursor == second.cursor
    assert first.cursor == watch.fixes[0].cursor
    again = await transport.publish([fix(1), fix(3)])
    assert (again.stored, again.duplicates, again.cursor) == (0, 2, second.cursor)


async def test_nothing_is_fine(bench: Bench, name: str):
    published = await bench.open(name).publish([])
    assert (published.stored, published.duplicates, published.set_aside) == (0, 0, 0)


async def test_in_any_form_that_a_fix_has(bench: Bench, name: str):
    transport = bench.open(name)
    named = Fix(member="ann", time=TIME, lat=1.5, lon=2.5, extra={"wheel": "front"}, flags=())
    for sent in (named, [named, fix(1)], (fix(2),), json.dumps(fix(3)).encode()):
        await transport.publish(sent)
    await transport.publish({**fix(), "time": datetime.fromtimestamp(TIME / 1000 + 4, UTC)})
    watch = await bench.watch(name, "start")
    assert await watch.take(5) == [0, 1, 2, 3, 4]
    assert watch.fixes[0].extra == {"wheel": "front"}
    with pytest.raises(InvalidInput, match="JSON"):
        await transport.publish({**fix(), "lat": object()})


async def test_good_ones_are_stored_beside_bad_ones(bench: Bench, name: str):
    published = await bench.open(name).publish([fix(1), {**fix(2), "lat": 91}, fix(3), {"lat": 1}])
    assert (published.stored, published.set_aside) == (2, 2)
    if name in ONE_WITH_REASONS:
        assert [(one.index, one.error.code, one.error.field) for one in published.reasons] == [
            (1, "lat_out_of_range", "lat"),
            (3, "time_missing", "time"),
        ]
        assert isinstance(published.reasons[0].error, InvalidFix)
    else:
        assert published.reasons == ()
    assert await (await bench.watch(name, "start")).take(2) == [1, 3]


@pytest.mark.parametrize(
    ("body", "kind", "code", "field"),
    [
        ({**fix(), "lat": 91}, InvalidFix, "lat_out_of_range", "lat"),
        ([{**fix(), "lon": "126.9"}], InvalidFix, "lon_wrong_type", "lon"),
        ({"lat": 1, "lon": 2}, InvalidFix, "time_missing", "time"),
        ({**fix(), "latitude": 1}, InvalidFix, "unknown_field", "latitude"),
        ({**fix(), "time": 1_763_806_275}, InvalidFix, "time_out_of_range", "time"),
        ({**fix(), "member": "a/b"}, InvalidName, "invalid_name", "member"),
        (b"nonsense", InvalidInput, "invalid_json", None),
        (b"7", InvalidFix, "invalid_fix", None),
        (b"\xff\xfe", InvalidInput, "invalid_json", None),
        ([fix(number) for number in range(1001)], TooLarge, "too_many_fixes", None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_is_not_good_is_refused_alike(
    bench: Bench, name: str, body: object, kind: type[LocShareError], code: str, field: str | None
):
    transport = bench.open(name)
    watch = await bench.watch(name)
    with pytest.raises(kind) as caught:
        await transport.publish(body)  # type: ignore[arg-type]
    assert (type(caught.value), caught.value.code, caught.value.field) == (kind, code, field)
    assert (await transport.publish(fix(1))).stored == 1  # it goes on
    assert await watch.take(1) == [1]


async def test_a_refused_fix_does_not_disturb_who_watches_beside(bench: Bench, name: str):
    transport = bench.open(name)
    following = transport.follow()
    watch = await bench.watch(name)
    watch.following = following
    await watch.next()
    await transport.publish(fix(1))
    assert await watch.take(1) == [1]
    with pytest.raises(InvalidFix):
        await transport.publish({**fix(2), "lat": -91})
    await transport.publish(fix(3))
    assert await watch.take(2) == [1, 3]
    await bench.publish(fix(4))
    assert await watch.take(3) == [1, 3, 4]


async def test_many_publish_at_once_over_one_transport(bench: Bench, name: str):
    transport = bench.open(name)

    async def publish(member: str) -> list[Published]:
        return [await transport.publish([fix(number, member), fix(number, member)]) for number in range(10)]

    members = [f"m{number}" for number in range(8)]
    told = await asyncio.gather(*[publish(member) for member in members])
    assert {(one.stored, one.duplicates) for row in told for one in row} == {(1, 1)}
    watch = await bench.watch(name, "start")
    await watch.take(80)
    assert {member: [one.time for one in watch.fixes if one.member == member] for member in members} == {
        member: [TIME + 1000 * number for number in range(10)] for member in members
    }


async def test_who_gives_up_waiting_harms_nobody(bench: Bench, name: str):
    transport = bench.open(name)
    await transport.publish(fix(0))
    tasks = [asyncio.ensure_future(transport.publish(fix(number))) for number in range(1, 21)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in told[::2])
    assert all(isinstance(one, Published) and one.stored == 1 for one in told[1::2])
    after = await transport.publish({**fix(99), "lat": 0.5})
    assert after.stored == 1


async def test_a_watcher_that_publishes_what_it_sees_does_not_wait_for_itself(bench: Bench, name: str):
    """Its answers come behind more fixes than it holds."""
    transport: Transport = bench.open(name)
    watch = await bench.watch(name)
    watch.following = transport.follow()
    await watch.next()
    extra = {"padding": "x" * 900}
    for number in range(6):
        sent = [fix(1000 * number + one, extra=extra) for one in range(400)]  # 400 KiB
        async with asyncio.timeout(20):
            assert (await transport.publish(sent)).stored == 400
    expected = [1000 * number + one for number in range(6) for one in range(400)]
    assert await watch.take(2400) == expected
    if name in ("websocket", "stomp"):  # what came before the answers was not all held
        assert len(watch.hellos) > 2  # the first two are from before
