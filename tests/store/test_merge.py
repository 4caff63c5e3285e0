"""What every store does when two members turn out to be one."""

from __future__ import annotations

from pathlib import Path

import pytest

from locshare_ext.model.fix import Fix
from locshare_ext.model.store import LogStore, RecordingInfo, Selection
from tests.store.helpers import T0, SealingStore, a_fix, a_note, everything, put
from tests.store.test_asides import an_aside
from tests.store.test_invites import an_invite


async def fixes(store: LogStore) -> list[tuple[str, float, tuple[str, ...]]]:
    """Member, seconds after T0 and flags of all that is there."""
    return [
        (one.item.member, (one.item.time - T0) / 1000, one.item.flags)
        for one in await everything(store)
        if isinstance(one.item, Fix)
    ]


async def test_all_that_is_of_both_is_under_one_name(store: LogStore) -> None:
    await put(store, a_fix("ann", 1), a_fix("bob", 2), a_note("fell", member="ann 2"), a_fix("ann 2", 3))
    await put(store, a_fix("ann", 4), a_fix("Ann 2", 5))
    await store.put_invite(an_invite("a", member="ANN 2"))
    await store.put_asides("hikers", [an_aside(member="ann 2")], 10)
    recording = RecordingInfo("r", "walk", "hikers", "group", T0, T0, 0, T0 + 4_500, 5, T0 + 9_000)
    await store.put_recording(recording)
    assert await store.merge_member("hikers", "ann 2", "ann") == 0
    assert [one.item.member for one in await everything(store)] == ["ann", "bob", "ann", "ann", "ann", "ann"]
    assert await store.counts("hikers") == {"ann": 4, "bob": 1}
    newest = {entry.item.member: entry.offset for entry in await store.newest("hikers")}
    assert newest == {"ann": 6, "bob": 2}
    of_recording = await store.trails("hikers", Selection(recording="r", members=frozenset({"Ann"})))
    assert of_recording["seq"].to_pylist() == [1, 4, 5]
    (note,) = await store.events("hikers", Selection(members=frozenset({"ann"})))
    assert note.item.member == "ann"
    assert [one.member for one in await store.invites()] == ["ann"]
    assert [one.member for one in await store.asides("hikers", Selection())] == ["ann"]
    again = await put(store, a_fix("ann", 3), a_fix("ann", 5))
    assert again.duplicates == 2
    assert (await put(store, a_fix("ann 2", 3))).duplicates == 0  # the name is free again


async def test_what_both_have_is_kept_once(store: LogStore) -> None:
    await put(store, a_fix("bob", 1), a_fix("ann", 1), a_fix("ann", 2), a_fix("bob", 2, lat=1.0))
    await put(store, a_fix("ann", 5), a_fix("bob", 5), a_fix("bob", 6), a_fix("ann", 6), a_fix("cy", 6))
    assert await store.merge_member("hikers", "bob", "ann") == 3
    assert await fixes(store) == [
        ("ann", 1, ()), ("ann", 2, ()), ("ann", 2, ()), ("ann", 5, ()), ("ann", 6, ()), ("cy", 6, ()),
    ]  # fmt: skip
    assert await store.counts("hikers") == {"ann": 5, "cy": 1}
    assert await store.merge_member("hikers", "bob", "ann") == 0


async def test_who_was_where_is_known_of_both_together(store: LogStore) -> None:
    await put(store, a_fix("ann", 10, lat=1.0), a_fix("bob", 4, lat=2.0), a_fix("bob", 12, lat=3.0))
    await put(store, a_fix("ann", 11, lat=4.0), a_fix("bob", 13, lat=5.0), a_fix("ann", 9, lat=6.0))
    await put(store, a_fix("bob", 3, lat=7.0))
    await store.merge_member("hikers", "bob", "ann")
    assert await fixes(store) == [
        ("ann", 10, ()), ("ann", 4, ("late",)), ("ann", 12, ()), ("ann", 11, ("late",)), ("ann", 13, ()),
        ("ann", 9, ("late",)), ("ann", 3, ("late",)),
    ]  # fmt: skip
    for until, lat in ((4.5, 2.0), (9.5, 6.0), (10.5, 1.0), (11.5, 4.0), (12.5, 3.0), (20, 5.0)):
        found = await store.at("hikers", Selection(until=T0 + round(until * 1000)))
        assert (found["member"].to_pylist(), found["lat"].to_pylist()) == (["ann"], [lat])
    later = await put(store, a_fix("ann", 12.5))
    assert later.entries[0].item.flags == ("late",)  # type: ignore[union-attr]


async def test_one_of_them_has_left_nothing(store: LogStore) -> None:
    assert await store.merge_member("hikers", "ann", "bob") == 0
    await put(store, a_fix("ann", 1), a_note("fell", member="cy"))
    await store.put_invite(an_invite("b", member="bob"))
    assert await store.merge_member("hikers", "ann", "bob") == 0
    assert await store.counts("hikers") == {"bob": 1}
    assert await store.merge_member("hikers", "bob", "cy") == 0
    assert await store.counts("hikers") == {"cy": 1}
    assert [entry.item.member for entry in await store.newest("hikers")] == ["cy"]
    assert [one.member for one in await store.invites()] == ["cy"]
    assert await store.merge_member("hikers", "cy", "CY") == 0
    assert await store.counts("hikers") == {"cy": 1}


@pytest.mark.parametrize("live", [0, 4, 100])
async def test_a_restart_finds_them_merged(path: Path, live: int) -> None:
    store = SealingStore(path, live=live)
    for at in range(9):
        await put(store, a_fix("ann", 2 * at), a_fix("bob", 2 * at + 1), a_fix("bob", 2 * at))
    assert await store.merge_member("hikers", "bob", "ann") == 9
    before = await everything(store)
    await store.close()
    store = SealingStore(path, live=live)
    try:
        assert await everything(store) == before
        assert [(one.item.time - T0) // 1000 for one in before] == list(range(18))
        assert await store.counts("hikers") == {"ann": 18}
        again = await put(store, *(a_fix("ann", at) for at in range(18)), a_fix("ann", 18))
        assert again.duplicates == 18
        assert await store.forget("hikers", "ann") == 19
        assert await everything(store) == []
    finally:
        await store.close()
