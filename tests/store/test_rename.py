"""What every store does when a member is renamed."""

from __future__ import annotations

import pytest

from locshare_ext.errors import Conflict
from locshare_ext.model.store import LogStore, Selection
from tests.store.helpers import T0, a_fix, a_note, everything, put
from tests.store.test_invites import an_invite


async def test_all_that_is_of_a_member_has_the_new_name(store: LogStore) -> None:
    await put(store, a_fix("ann", 1), a_fix("bob", 2), a_note("fell", member="ann"), a_fix("ann", 3))
    await store.put_invite(an_invite("a", member="ANN"))
    await store.put_invite(an_invite("o", member=None))
    await store.rename_member("hikers", "Ann", "Anna")
    assert [entry.item.member for entry in await everything(store)] == ["Anna", "bob", "Anna", "Anna"]
    assert await store.counts("hikers") == {"Anna": 2, "bob": 1}
    assert {entry.item.member for entry in await store.newest("hikers")} == {"Anna", "bob"}
    assert {one.id: one.member for one in await store.invites()} == {"a": "Anna", "o": None}
    chosen = Selection(members=frozenset({"anna"}))
    assert (await store.trails("hikers", chosen))["seq"].to_pylist() == [1, 4]
    again = await put(store, a_fix("anna", 3), a_fix("anna", 2))
    assert (again.duplicates, [entry.item.member for entry in again.entries]) == (1, ["Anna"])
    assert again.entries[0].item.flags == ("late",)  # type: ignore[union-attr]


async def test_the_old_name_is_free_again(store: LogStore) -> None:
    await put(store, a_fix("ann", 1))
    await store.rename_member("hikers", "ann", "anna")
    assert (await put(store, a_fix("ann", 1))).duplicates == 0
    assert await store.counts("hikers") == {"anna": 1, "ann": 1}


async def test_a_name_of_another_is_refused_and_nothing_is_changed(store: LogStore) -> None:
    await put(store, a_fix("ann", 1), a_fix("Bob", 1))
    await store.put_invite(an_invite("a", member="ann"))
    with pytest.raises(Conflict) as refused:
        await store.rename_member("hikers", "ann", "bob")
    assert refused.value.code == "member_taken"
    assert await store.counts("hikers") == {"ann": 1, "Bob": 1}
    assert (await store.invites())[0].member == "ann"
    await store.rename_member("hikers", "bob", "BOB")  # only how it is written
    assert await store.counts("hikers") == {"ann": 1, "BOB": 1}


async def test_who_has_left_nothing_is_no_error(store: LogStore) -> None:
    await store.rename_member("hikers", "ann", "anna")
    await put(store, a_fix("bob", 1, received=T0))
    await store.rename_member("hikers", "ann", "anna")
    await store.put_invite(an_invite("z", member="zoe"))
    await store.rename_member("hikers", "zoe", "Zoé")
    assert (await store.invites())[0].member == "Zoé"
