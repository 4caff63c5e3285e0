"""What bodies had that was not good is kept, with its reason and as it was sent."""

from __future__ import annotations

import asyncio
import json

import pytest

from locshare_ext.broker.access import MANAGE, PUBLISH, Principal
from locshare_ext.broker.memory import MemoryStore
from locshare_ext.errors import Gone, InvalidFix, InvalidInput, StoreError
from locshare_ext.model.aside import MAX_RAW
from locshare_ext.model.store import Selection
from locshare_ext.services.groups import GroupOptions, Groups
from locshare_ext.services.members import forget_member, rename_member
from tests.services.conftest import NOW

ALL = Selection()
HOST = Principal("host", "host")
ANN = Principal("i1", "invite", "hikers", frozenset({PUBLISH}), "ann")
BOSS = Principal("i2", "invite", "hikers", frozenset({PUBLISH, MANAGE}), "boss")
GOOD = {"time": NOW, "lat": 1, "lon": 2}
BAD = b'{"time": %d, "lat":  91.5, "lon": 2, "member": "bob"}' % NOW


def array(*raws):
    return b"[%s]" % b", ".join(raw if isinstance(raw, bytes) else json.dumps(raw).encode() for raw in raws)


async def kept(groups, **selection):
    return await groups.asides.select(await groups.find("hikers"), Selection(**selection))


async def test_bad_ones_beside_good_ones_are_kept_as_they_were_sent(groups):
    stored = await groups.publish(ANN, "hikers", array(GOOD, BAD, {**GOOD, "latitude": 3}))
    assert (stored.stored, [one.index for one in stored.refused]) == (1, [1, 2])
    first, second = await kept(groups)
    assert (first.raw, first.code, first.field) == (BAD, "lat_out_of_range", "lat")
    assert first.message == "lat 91.5 is outside [-90, 90] degrees"
    assert (first.received, first.member, first.credential) == (NOW, "ann", "i1")
    assert (second.code, second.field) == ("unknown_field", "latitude")


async def test_batches_that_come_together_keep_theirs(groups):
    group = await groups.open("hikers")
    batches = [
        groups.admit(ANN, group, array({**GOOD, "lat": at}, {**GOOD, "lat": 91 + at})) for at in (1, 2)
    ]
    await groups.append_all(group, batches)
    await asyncio.sleep(0)  # the memory store has answered at once; what follows is told then
    assert [json.loads(one.raw)["lat"] for one in await kept(groups)] == [92, 93]


async def test_a_body_without_a_good_one_is_kept_whole(groups):
    await groups.publish(ANN, "hikers", array(GOOD))
    with pytest.raises(InvalidFix):
        await groups.publish(ANN, "hikers", array(BAD, {"time": NOW}))
    with pytest.raises(InvalidInput):
        await groups.publish(ANN, "hikers", b'{"time": 12')
    codes = [(one.code, one.raw) for one in await kept(groups)]
    assert codes == [
        ("lat_out_of_range", BAD),
        ("lat_missing", json.dumps({"time": NOW}).encode()),
        ("invalid_json", b'{"time": 12'),
    ]


async def test_fixes_from_after_an_invite_expired_are_kept_as_such(groups):
    ended = Principal("i3", "invite", "hikers", frozenset({PUBLISH}), "ann", expires=NOW - 1000)
    before, after = {**GOOD, "time": NOW - 2000}, {**GOOD, "time": NOW - 500}
    await groups.publish(ended, "hikers", array(before, after))
    with pytest.raises(Gone):
        await groups.publish(ended, "hikers", array({**after, "lat": 3}))
    found = await kept(groups)
    assert [(one.code, one.field, one.credential) for one in found] == [("invite_expired", "time", "i3")] * 2
    assert json.loads(found[0].raw) == after


async def test_who_may_manage_says_whose_it_is(groups):
    await groups.publish(HOST, "hikers", array({**GOOD, "member": "Bob"}))
    await groups.publish(
        BOSS, "hikers", array(GOOD, BAD, {**GOOD, "lon": 200}, {**GOOD, "member": "a/b"}, b"3")
    )
    assert [one.member for one in await kept(groups)] == ["Bob", "boss", None, None]
    assert len(await kept(groups, members=frozenset({"bob"}))) == 1


async def test_the_same_sent_again_is_kept_once(groups):
    await groups.publish(ANN, "hikers", array(GOOD))
    for _ in range(3):
        with pytest.raises(InvalidFix):
            await groups.publish(ANN, "hikers", BAD)
    assert len(await kept(groups)) == 1


async def test_long_payloads_are_cut(groups):
    await groups.publish(ANN, "hikers", array(GOOD, {**GOOD, "extra": {"a": "x" * 5000}}))
    (one,) = await kept(groups)
    assert (one.code, len(one.raw)) == ("extra_too_large", MAX_RAW)


@pytest.mark.parametrize("most", [0, 3])
async def test_the_newest_are_kept_up_to_the_bound(store, clock, most):
    groups = Groups(store, clock=clock, options=GroupOptions(set_aside=most))
    for at in range(4):
        await groups.publish(
            ANN, "hikers", array({**GOOD, "lat": at}, *({**GOOD, "lat": 91 + n} for n in range(at)))
        )
    group = await groups.find("hikers")
    assert len(await groups.asides.select(group, ALL)) == most
    await groups.close()


async def test_nothing_is_kept_of_a_group_that_does_not_exist(groups, store):
    with pytest.raises(InvalidFix):
        await groups.publish(ANN, "hikers", BAD)
    await groups.asides.settle()
    assert await store.logs() == []


@pytest.mark.parametrize(
    "bad", [{"lat": "37.5665"}, {"altitude": "31.5665"}, {"extra": [1.5665]}, {"lat": 37.5665, "speed": -1}]
)
async def test_a_group_with_coarse_places_keeps_no_exact_one(groups, bad):
    await groups.create("hikers", {"precision": 500})
    await groups.publish(ANN, "hikers", array(GOOD, {**GOOD, **bad}))
    (one,) = await kept(groups)
    assert one.code
    assert "5665" not in repr(one)


async def test_who_sent_nothing_good_can_be_forgotten_and_renamed(groups):
    await groups.publish(HOST, "hikers", array({**GOOD, "member": "cy"}))
    group = await groups.find("hikers")
    with pytest.raises(InvalidFix):
        await groups.publish(ANN, "hikers", BAD)
    await rename_member(groups, group, "ann", "anna")
    assert [one.member for one in await kept(groups)] == ["anna"]
    with pytest.raises(InvalidFix):
        await groups.publish(ANN, "hikers", array({**GOOD, "lat": 95}))  # waits for the store, or is there
    await forget_member(groups, group, "anna")
    await forget_member(groups, group, "ann")
    assert await kept(groups) == []


async def test_what_a_failing_store_did_not_take_is_written_later(clock, monkeypatch):
    store = MemoryStore()
    groups = Groups(store, clock=clock)
    await groups.publish(ANN, "hikers", array(GOOD))

    async def fails(*_):
        raise StoreError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(store, "put_asides", fails)
        for lat in (91, 92):
            with pytest.raises(InvalidFix):
                await groups.publish(ANN, "hikers", array({**GOOD, "lat": lat}))
        assert await kept(groups) == []
    assert [json.loads(one.raw)["lat"] for one in await kept(groups)] == [91, 92]
    await groups.close()
