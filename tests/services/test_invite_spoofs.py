"""Invites in the hands of somebody who wants another's name, a longer life, or the server's memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from locshare_ext.errors import Conflict, InvalidInput, InvalidName, Unavailable
from locshare_ext.model.names import looks, member_name
from locshare_ext.model.store import LogStore
from locshare_ext.services.tokens import InviteKey, token_of
from locshare_ext.services.wishes import read_wish
from tests.services.conftest import Clock
from tests.services.test_invites import DAY, HOST, House

ALIKE = {
    "fullwidth": "ａｎｎ",
    "variation selector": "ann\ufe0f",
    "grapheme joiner": "a\u034fnn",
    "hangul filler": "ann\u3164",
    "khmer vowel": "an\u17b4n",
    "mongolian selector": "\u180bann",
    "braille blank": "ann\u2800",
}


@pytest.fixture
async def house(store: LogStore, clock: Clock) -> House:
    return House(store, clock, InviteKey(None))


@pytest.mark.parametrize("name", ALIKE.values(), ids=ALIKE)
async def test_nobody_picks_a_name_that_looks_like_anothers(house: House, name: str) -> None:
    opened = await house.make()
    await house.make("ann")
    with pytest.raises(Conflict, match="choose another name"):
        await house.exchange(opened, name)


async def test_nobody_picks_a_name_that_looks_like_a_members(house: House) -> None:
    opened = await house.make()
    sent = '{"time": 1763806275123, "lat": 1, "lon": 2, "member": "Zoe  ﬁt"}'
    await house.groups.publish(HOST, "hikers", sent.encode())
    with pytest.raises(Conflict):
        await house.exchange(opened, "zoe fit")
    assert (await house.exchange(opened, "zoe fat")).member == "zoe fat"


@pytest.mark.parametrize("name", ["host", "Host", "kernel", "KERNEL:lab"])
async def test_nobody_picks_the_name_under_which_the_server_s_own_speak(house: House, name: str) -> None:
    opened = await house.make()
    with pytest.raises(Conflict):
        await house.exchange(opened, name)
    assert (await house.exchange(opened, "kernels")).member == "kernels"


@pytest.mark.parametrize("name", ["\u3164", "\u2800\u2800", "\ufe0f"])
def test_a_name_that_shows_nothing_is_none(name: str) -> None:
    with pytest.raises(InvalidName, match="shows nothing"):
        member_name(name)


def test_what_looks_the_same() -> None:
    assert looks("Straße") == looks("STRASSE")
    assert looks("a  b") == looks("a b")
    assert looks("❤️") == looks("❤") != ""
    assert looks("ann") != looks("anna")


async def test_a_short_manager_gets_no_invite_that_outlives_it(house: House) -> None:
    chief = await house.make("chief", roles="manage", expires_in=20 * DAY)
    manager = await house.check(await house.make("boss", roles="manage", expires_in=600))
    made = await house.make("chief", by=manager, roles="manage")
    assert (made.id != chief.id, made.expires) == (True, manager.expires)
    again = await house.make("chief", by=manager, roles="manage", expires_in=DAY)
    assert again.id == made.id  # as long as it can be
    assert house.invites.shows(manager, made)
    assert not house.invites.shows(manager, chief)


async def test_exchanging_for_moments_does_not_fill_the_server(store: LogStore, clock: Clock) -> None:
    house = House(store, clock, InviteKey(None), living=10)
    opened = await house.make()
    for number in range(100):
        await house.exchange(opened, f"n{number}", expires_in=1)
        clock.now += 1000
    group = await house.groups.find("hikers")
    assert len(await house.invites.all(group)) <= 21
    assert len(await store.invites()) <= 21


@pytest.mark.parametrize("seconds", [10**400, -(10**400), float("nan"), float("inf"), True, "60", 0])
def test_seconds_that_cannot_be(seconds: object) -> None:
    with pytest.raises(InvalidInput, match="is not a number of seconds"):
        read_wish({"expires_in": seconds}, longest=30 * DAY)


async def test_a_stranger_learns_no_path_of_the_server(store: LogStore, clock: Clock, tmp_path: Path) -> None:
    path = tmp_path / "secret-home" / "log.key"
    path.parent.mkdir()
    path.write_text("no key")
    path.chmod(0o644)
    house = House(store, clock, InviteKey(path))
    with pytest.raises(Unavailable) as refused:
        await house.invites.check(token_of(b"guessed", "abc"))
    assert "secret-home" not in refused.value.message
    with pytest.raises(Unavailable, match="secret-home"):  # the owner is told
        await house.make("ann")


async def test_what_a_manager_made_ends_when_it_is_revoked(house: House) -> None:
    boss = await house.make("boss", roles="manage")
    second = await house.make("second", by=await house.check(boss), roles="manage")
    third = await house.make("third", by=await house.check(second))
    others = await house.make("ann")
    opened = await house.make()
    joined = await house.exchange(opened, "joined")
    group = await house.groups.find("hikers")
    await house.invites.revoke(group, boss.id)
    await house.invites.revoke(group, opened.id)
    assert {name for name, _ in house.ended} == {boss.id, second.id, third.id, opened.id}
    for info in (others, joined):  # who has joined by an open link stays until revoked alone
        assert await house.check(info)
