"""Invites: who gets which, what they are worth, and when they end."""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from locshare_ext.broker.access import Principal
from locshare_ext.errors import (
    AccessDenied,
    Conflict,
    Gone,
    InvalidInput,
    LocShareError,
    NotFound,
    StoreError,
    TooFast,
    Unavailable,
)
from locshare_ext.model.store import InviteInfo, LogStore
from locshare_ext.server.credentials import Credentials
from locshare_ext.services.groups import Groups
from locshare_ext.services.invites import InviteOptions, Invites
from locshare_ext.services.members import forget_member
from locshare_ext.services.rates import Rates
from locshare_ext.services.tokens import InviteKey, split_token, token_of
from locshare_ext.services.wishes import Wish, read_wish
from locshare_ext.store import SQLiteStore
from tests.services.conftest import Clock

HOST = Principal("host", "host")
DAY = 86_400.0  # s


class House:
    """A server's groups and invites over a store; `ended` is what was told to end."""

    def __init__(self, store: LogStore, clock: Clock, key: InviteKey, **options: Any) -> None:
        self.clock = clock
        self.ended: list[tuple[str, str]] = []
        self.groups = Groups(store, clock=clock)
        self.invites = Invites(
            self.groups, clock=clock, key=key, options=InviteOptions(**options), on_end=self._end
        )

    def _end(self, ids: Iterable[str], error: LocShareError) -> None:
        self.ended += [(invite_id, error.code) for invite_id in ids]

    async def make(self, member: str | None = None, by: Principal = HOST, **wish: Any) -> InviteInfo:
        group = await self.groups.obtain("hikers")
        return (await self.invites.make(by, group, read_wish({"member": member, **wish}, longest=30 * DAY)))[
            0
        ]

    async def check(self, info: InviteInfo, *, late: bool = False) -> Principal:
        return await self.invites.check(await self.invites.token(info), late=late)

    async def exchange(self, info: InviteInfo, member: str, **wish: Any) -> InviteInfo:
        return await self.invites.exchange(await self.check(info), Wish(member, **wish))


@pytest.fixture
async def house(store: LogStore, clock: Clock) -> House:
    return House(store, clock, InviteKey(None))


async def test_an_invite_names_its_group_member_roles_and_end(house: House) -> None:
    info = await house.make("ann", roles="watch, publish", expires_in=60)
    principal = await house.check(info)
    assert principal == Principal(
        info.id, "invite", "hikers", frozenset({"watch", "publish"}), "ann", house.clock.now + 60_000
    )
    token = await house.invites.token(info)
    assert re.fullmatch(r"lsi_[0-9A-Za-z]{12}_[0-9A-Za-z]{22}", token)
    assert split_token(token) == info.id
    assert (await house.make("bob")).expires == house.clock.now + 86_400_000


@pytest.mark.parametrize(
    "token",
    [
        "lsi_",
        "lsi__",
        "lsi_a_b",
        "lsi_" + "a" * 12 + "_" + "b" * 22,
        "lsi_abc_" + "é" * 22,
        "lsk_x",
        "",
        "x" * 9999,
    ],
)
async def test_what_is_no_invite_is_refused_alike(house: House, token: str) -> None:
    await house.make("ann")
    with pytest.raises(AccessDenied) as refused:
        await house.invites.check(token)
    assert (refused.value.code, refused.value.message) == (
        "credential_invalid",
        "the credential is not valid here",
    )


async def test_a_living_invite_is_given_again(house: House) -> None:
    first = await house.make("Ann")
    assert (await house.make("ann")).id == first.id
    assert (await house.make("ann", roles="watch")).id != first.id
    house.clock.now += 3_600_000
    assert (await house.make("ann")).id == first.id  # whatever is left of it
    assert (await house.make("ann", expires_in=DAY)).id == first.id  # nearly as long as asked
    longer = await house.make("ann", expires_in=2 * DAY)
    assert longer.id != first.id
    assert (await house.make("ann")).id == longer.id
    await house.invites.revoke(await house.groups.find("hikers"), longer.id)
    assert (await house.make("ann")).id == first.id
    house.clock.now += 86_400_000
    assert (await house.make("ann")).id not in (first.id, longer.id)


async def test_open_invites_are_given_again_while_unused(house: House) -> None:
    opened, counted = await house.make(), await house.make(uses=2)
    assert (await house.make()).id == opened.id != counted.id == (await house.make(uses=2)).id
    await house.exchange(opened, "ann")
    await house.exchange(counted, "bob")
    assert (await house.make()).id == opened.id
    assert (await house.make(uses=2)).id != counted.id


async def test_they_expire_with_a_grace_for_what_is_late(house: House) -> None:
    info = await house.make("ann", expires_in=60)
    house.clock.now += 60_000
    with pytest.raises(Gone, match=r"expired at 20\d\d-\d\d-\d\d \d\d:\d\d UTC: ask for a new one") as gone:
        await house.check(info)
    assert gone.value.code == "invite_expired"
    assert (await house.check(info, late=True)).expires == house.clock.now
    house.clock.now += 7 * 86_400_000
    with pytest.raises(Gone):
        await house.check(info, late=True)


async def test_revoking_ends_them_at_once_and_for_good(house: House) -> None:
    info = await house.make("ann")
    group = await house.groups.find("hikers")
    principal = await house.check(info)
    house.invites.check_still(principal)
    for _ in range(2):
        await house.invites.revoke(group, info.id)
    assert house.ended == [(info.id, "invite_revoked")]
    for late in (False, True):
        with pytest.raises(Gone) as gone:
            await house.check(info, late=late)
        assert gone.value.code == "invite_revoked"
    with pytest.raises(Gone):
        house.invites.check_still(principal)
    with pytest.raises(NotFound):
        await house.invites.revoke(group, "nobody")
    with pytest.raises(NotFound):
        await house.invites.revoke(await house.groups.obtain("runners"), info.id)


async def test_they_survive_a_restart_with_their_key(tmp_path: Path, clock: Clock) -> None:
    tokens = {}
    path, key = tmp_path / "log.sqlite3", tmp_path / "log.sqlite3.key"
    for run in range(3):
        store = SQLiteStore(path)
        house = House(store, clock, InviteKey(key))
        if run == 0:
            living, revoked = await house.make("ann"), await house.make("bob")
            await house.invites.revoke(await house.groups.find("hikers"), revoked.id)
            tokens = {info.id: await house.invites.token(info) for info in (living, revoked)}
        if run == 1:
            assert (await house.invites.check(tokens[living.id])).member == "ann"
            with pytest.raises(Gone):
                await house.invites.check(tokens[revoked.id])
            assert (await house.make("ann")).id == living.id
            key.unlink()
        if run == 2:
            with pytest.raises(AccessDenied):
                await house.invites.check(tokens[living.id])
            assert not key.exists()  # who guesses makes no file
        await house.groups.close()
        await store.close()


async def test_nothing_secret_is_stored(tmp_path: Path, clock: Clock) -> None:
    store = SQLiteStore(tmp_path / "log.sqlite3")
    house = House(store, clock, InviteKey(tmp_path / "log.sqlite3.key"))
    secret = (await house.invites.token(await house.make("ann"))).rpartition("_")[2]
    await store.close()
    assert not any(secret.encode() in file.read_bytes() for file in tmp_path.iterdir())


async def test_a_group_has_so_many_and_the_dead_do_not_pile_up(store: LogStore, clock: Clock) -> None:
    house = House(store, clock, InviteKey(None), living=3)
    for number in range(3):
        await house.make(f"m{number}")
    with pytest.raises(Conflict, match="has 3 living invites") as full:
        await house.make("one more")
    assert full.value.code == "too_many_invites"
    group = await house.groups.find("hikers")
    for number in range(3, 20):
        await house.invites.revoke(group, (await house.invites.all(group))[-1].id)
        clock.now += 1
        await house.make(f"m{number}")
    assert len(await store.invites()) <= 6
    clock.now += round(9 * DAY * 1000)
    await house.make("later")
    assert [info.member for info in await store.invites()] == ["later"]


# -- open ones


async def test_an_open_invite_is_exchanged_for_a_name(house: House) -> None:
    opened = await house.make(roles="publish watch", expires_in=600)
    with pytest.raises(AccessDenied, match="choose one by POST") as nameless:
        _ = (await house.check(opened)).speaker
    assert nameless.value.code == "member_needed"
    mine = await house.exchange(opened, "Ann")
    assert (mine.member, mine.roles, mine.expires) == ("Ann", opened.roles, opened.expires)
    assert (await house.check(mine)).speaker == "Ann"
    narrow = await house.exchange(opened, "bob", roles=("watch",), expires_in=10)
    assert (narrow.roles, narrow.expires) == (("watch",), house.clock.now + 10_000)
    longer = await house.exchange(opened, "carl", expires_in=DAY)
    assert longer.expires == opened.expires
    with pytest.raises(AccessDenied, match="gives publish, watch, not manage"):
        await house.exchange(opened, "dora", roles=("manage",))
    for taken in ("ann", "ANN", "Bob"):
        with pytest.raises(Conflict, match="choose another name"):
            await house.exchange(opened, taken)
    used = next(
        one for one in await house.invites.all(await house.groups.find("hikers")) if one.id == opened.id
    )
    assert used.used == 3


async def test_names_of_members_and_of_invited_are_taken(house: House) -> None:
    opened = await house.make()
    await house.make("bob")
    await house.groups.publish(
        HOST, "hikers", b'{"time": 1763806275123, "lat": 1, "lon": 2, "member": "Zoe"}'
    )
    for name in ("BOB", "zoe"):
        with pytest.raises(Conflict):
            await house.exchange(opened, name)


async def test_two_at_once_get_one_name_and_one_use(house: House) -> None:
    counted, opened = await house.make(uses=1), await house.make()
    answers = await asyncio.gather(
        *(house.exchange(counted, name) for name in ("a", "b", "c")), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in answers) == ["Gone", "Gone", "InviteInfo"]
    assert {one.code for one in answers if isinstance(one, Gone)} == {"invite_used_up"}
    answers = await asyncio.gather(
        *(house.exchange(opened, "same") for _ in range(3)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in answers) == ["Conflict", "Conflict", "InviteInfo"]


async def test_what_could_not_be_stored_is_not_there(
    house: House, store: LogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = await house.make(uses=1)

    async def fail(*_: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(store, "put_invite", fail)
        broken.setattr(store, "exchange_invite", fail)
        with pytest.raises(StoreError):
            await house.make("ann")
        with pytest.raises(StoreError):
            await house.exchange(opened, "ann")
        with pytest.raises(StoreError):
            await house.invites.revoke(await house.groups.find("hikers"), opened.id)
    assert house.ended == []
    assert (await house.exchange(opened, "ann")).member == "ann"
    assert len(await house.invites.all(await house.groups.find("hikers"))) == 2


async def test_a_store_that_cannot_be_written_lets_invites_in(
    store: LogStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = InviteKey(None)
    house = House(store, clock, key)
    dead, living = await house.make("ann", expires_in=60), await house.make("bob", expires_in=20 * DAY)
    clock.now += round(10 * DAY * 1000)

    async def fail(*_: object) -> None:
        raise StoreError("the disk is read-only")

    monkeypatch.setattr(store, "delete_invites", fail)
    again = House(store, clock, key)
    assert (await again.check(living)).member == "bob"
    with pytest.raises(Gone):
        await again.check(dead)


async def test_what_an_invite_makes_ends_with_it(house: House) -> None:
    manager = await house.check(await house.make("boss", roles="manage", expires_in=600))
    made = await house.make("ann", by=manager, expires_in=DAY)
    assert made.expires == manager.expires


# -- with their group and their member


async def test_they_end_with_their_group(house: House) -> None:
    infos = [await house.make("ann"), await house.make()]
    tokens = [await house.invites.token(info) for info in infos]
    await house.groups.delete(await house.groups.find("hikers"))
    assert dict(house.ended) == {info.id: "invite_revoked" for info in infos}
    await house.make("bob")  # the group is there again, the old invites are not
    for token in tokens:
        with pytest.raises(Gone):
            await house.invites.check(token)


async def test_they_end_with_their_member(house: House, store: LogStore) -> None:
    ann, bob = await house.make("ann"), await house.make("bob")
    group = await house.groups.find("hikers")
    assert await forget_member(house.groups, group, "ANN") == 0  # who has an invite and nothing else
    assert house.ended == [(ann.id, "invite_revoked")]
    with pytest.raises(Gone):
        await house.check(ann)
    assert (await house.check(bob)).member == "bob"
    assert [info.member for info in await store.invites()] == ["bob"]
    with pytest.raises(NotFound):
        await forget_member(house.groups, group, "ann")
    assert (await house.exchange(await house.make(), "ann")).member == "ann"


# -- what can be wished


@pytest.mark.parametrize(
    ("sent", "field", "message"),
    [
        ({"roles": ["writer"]}, "roles", "role 'writer' is unknown; expected publish, watch, manage"),
        ({"roles": []}, "roles", "publish, watch, manage"),
        ({"roles": [1]}, "roles", "publish, watch, manage"),
        ({"roles": ""}, "roles", "publish, watch, manage"),
        ({"expires_in": 31 * DAY}, "expires_in", "30 days"),
        ({"expires_in": 0}, "expires_in", "from 1 to"),
        ({"expires_in": True}, "expires_in", "from 1 to"),
        ({"expires_in": "3h"}, "expires_in", "'?3h"),
        ({"expires_in": float("nan")}, "expires_in", "nan"),
        ({"uses": 0}, "uses", "whole number"),
        ({"uses": 2, "member": "ann"}, "uses", "open invites"),
        ({"member": 7}, "member", "not text"),
        ({"member": "a/b"}, "member", "without `/`"),
        ({"member": "me"}, "member", "reserved"),
        ({"expires": 7}, "expires", "did you mean `expires_in`"),
    ],
)
def test_wishes_that_cannot_be(sent: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as refused:
        read_wish(sent, longest=30 * DAY)
    assert refused.value.field == field


def test_wishes() -> None:
    assert read_wish({}, longest=DAY) == Wish()
    sent = {"member": "ann", "roles": "watch watch publish", "expires_in": 60}
    assert read_wish(sent, longest=DAY) == Wish("ann", ("publish", "watch"), 60.0)


# -- the key


async def test_the_key_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "log.sqlite3.key"
    assert await InviteKey(path).load() is None
    keys: list[bytes | None] = []
    start = threading.Barrier(8)

    def load() -> None:
        start.wait()
        keys.append(asyncio.run(InviteKey(path).load(make=True)))

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(keys)) == 1
    assert len(keys[0] or b"") == 32
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
async def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    await InviteKey(path).load(make=True)
    path.chmod(0o640)
    with pytest.raises(Unavailable, match=r"can be read by others: run `chmod 600`") as refused:
        await InviteKey(path).load()
    assert refused.value.code == "invite_key_unsafe"
    path.chmod(0o600)
    path.write_text("no key")
    with pytest.raises(Unavailable, match="holds no key"):
        await InviteKey(path).load(make=True)
    path.unlink()
    path.mkdir()
    with pytest.raises(Unavailable, match="cannot be used"):
        await InviteKey(path).load(make=True)


def test_tokens_follow_from_key_and_id() -> None:
    one, other = b"1" * 32, b"2" * 32
    assert token_of(one, "abc") == token_of(one, "abc")
    assert len({token_of(one, "abc"), token_of(one, "abd"), token_of(other, "abc")}) == 3


# -- rates and failures


def test_a_bucket_refills_and_a_batch_is_never_cut() -> None:
    now = [0.0]
    rates = Rates(20, 100, clock=lambda: now[0])
    assert rates.wait("a") == 0
    rates.spend("a", 99)
    rates.check("a")
    rates.spend("a", 41)
    assert rates.wait("a") == pytest.approx(2.05)
    with pytest.raises(TooFast, match="20 fixes a second") as fast:
        rates.check("a")
    assert fast.value.details == {"retry_after": 3}
    assert rates.wait("b") == 0
    now[0] = 2.05
    rates.check("a")
    now[0] = 1000.0
    rates.spend("a", 100)
    assert rates.wait("a") == pytest.approx(0.05)


def test_buckets_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locshare_ext.services.rates._REMEMBERED", 10)
    now = [0.0]
    rates = Rates(1, 5, clock=lambda: now[0])
    for number in range(100):
        rates.spend(str(number), 5)
    assert len(rates._buckets) == 10
    now[0] = 100.0
    rates.spend("new", 1)
    assert len(rates._buckets) == 1


async def test_failures_are_counted_by_token_then_by_address(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    credentials = Credentials(house.invites, failures=20, token_failures=10, clock=lambda: now[0])
    info = await house.make("ann")
    token = await house.invites.token(info)
    wrong = token[:-1] + ("a" if token[-1] != "a" else "b")

    async def outcome(sent: str, address: str = "1.2.3.4") -> str:
        try:
            return str((await credentials.check(sent, address)).member)
        except LocShareError as error:
            return error.code

    assert [await outcome(wrong) for _ in range(50)].count("credential_invalid") == 10
    assert await outcome(wrong, "5.6.7.8") == "too_many_failures"  # from anywhere
    assert await outcome(token) == "ann"
    other = wrong.replace(info.id, "other")
    assert [await outcome(other) for _ in range(10)] == ["credential_invalid"] * 10
    assert await outcome("lsi_third_x") == "too_many_failures"  # by now it is the address
    assert await outcome("lsi_third_x", "5.6.7.8") == "credential_invalid"
    assert await outcome(token) == "ann"
    now[0] = 60.0
    assert await outcome(wrong) == "credential_invalid"
    now[0] = 70.0
    assert [await outcome(wrong) for _ in range(9)] == ["credential_invalid"] * 9
    with pytest.raises(TooFast) as fast:
        await credentials.check(wrong, "1.2.3.4")
    assert fast.value.details == {"retry_after": 50}
    monkeypatch.setattr("locshare_ext.server.credentials._REMEMBERED", 10)
    for number in range(50):
        await outcome(f"lsi_x{number}_y", f"address {number}")
    assert len(credentials._by_token._counts) <= 11
    assert len(credentials._by_address._counts) <= 11


async def test_switched_off(store: LogStore, clock: Clock) -> None:
    key = InviteKey(None)
    on, off = House(store, clock, key), House(store, clock, key, is_on=False)
    token = await on.invites.token(await on.make("ann"))
    with pytest.raises(AccessDenied) as refused:
        await off.invites.check(token)
    assert refused.value.code == "invites_off"
