"""What every store does with invites."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from locshare_ext.errors import NotFound
from locshare_ext.model.store import InviteInfo, LogStore, PlaceInfo
from locshare_ext.store import SQLiteStore
from tests.store.helpers import EPOCH, T0, a_fix, put


def an_invite(name: str = "i1", **fields: Any) -> InviteInfo:
    values = {"log": "hikers", "roles": ("publish", "watch"), "member": "ann", "created": T0, **fields}
    return InviteInfo(id=name, expires=T0 + 1000, **values)


async def test_invites_are_kept_replaced_listed_and_removed(store: LogStore) -> None:
    assert await store.invites() == []
    await store.delete_invites(["i1"])
    with pytest.raises(NotFound):
        await store.put_invite(an_invite())
    await put(store, a_fix())
    await put(store, a_fix(), log="cyclists", epoch="zyxwvuts")
    first, second = an_invite(created=T0 + 5), an_invite("i0", member=None, uses=3, roles=("watch",))
    other = an_invite("i3", log="cyclists", origin="i0", used=2)
    for invite in (first, second, other):
        await store.put_invite(invite)
    assert await store.invites("hikers") == [second, first]
    assert await store.invites() == [second, other, first]
    revoked = replace(first, revoked=T0 + 9)
    await store.put_invite(revoked)
    assert await store.invites("hikers") == [second, revoked]
    await store.delete_invites(["i0", "i3", "nobody"])
    assert await store.invites() == [revoked]


async def test_uses_end(store: LogStore) -> None:
    await put(store, a_fix())
    opened = an_invite("o", member=None, uses=2)
    await store.put_invite(opened)
    made = [an_invite(f"a{number}", origin="o", created=T0 + number) for number in range(1, 4)]
    assert [await store.exchange_invite("o", one) for one in made] == [True, True, False]
    assert await store.invites() == [replace(opened, used=2), *made[:2]]
    await store.put_invite(an_invite("endless", member=None))
    assert await store.exchange_invite("endless", made[2])
    await store.put_invite(an_invite("ended", member=None, revoked=T0))
    assert not await store.exchange_invite("ended", an_invite("a4"))
    with pytest.raises(NotFound):
        await store.exchange_invite("endless", an_invite("a5", log="nobody"))
    assert {one.id: one.used for one in await store.invites()}["endless"] == 1


async def test_invites_end_with_their_log_and_their_member(store: LogStore) -> None:
    await put(store, a_fix("ann"), a_fix("bob"))
    await put(store, a_fix("ann"), log="cyclists", epoch="zyxwvuts")
    for invite in (
        an_invite("a", member="Ann"),
        an_invite("b", member="bob"),
        an_invite("o", member=None),
        an_invite("z", member="zoe"),  # who has sent nothing
        an_invite("c", log="cyclists"),
    ):
        await store.put_invite(invite)
    await store.forget("hikers", "ann")
    assert {one.id for one in await store.invites()} == {"b", "o", "z", "c"}
    assert await store.forget("hikers", "Zoe") == 0
    assert {one.id for one in await store.invites("hikers")} == {"b", "o"}
    await store.delete_log("hikers")
    assert [one.id for one in await store.invites()] == ["c"]


async def test_forgetting_leaves_no_name_of_an_invite(path: Path) -> None:
    store = SQLiteStore(path)
    await put(store, a_fix("bob"))
    await store.put_invite(an_invite("i1", member="Zq07y"))
    await store.forget("hikers", "zQ07Y")
    await store.close()
    assert b"Zq07y" not in b"".join(file.read_bytes() for file in path.parent.iterdir())


async def test_places_end_with_the_invite_that_had_them(store: LogStore) -> None:
    await put(store, a_fix())
    await store.put_invite(an_invite("i1"))
    places = [PlaceInfo("hikers", EPOCH, identity, "map", 1, T0) for identity in ("i1", "host")]
    assert await store.put_places(places) == []
    await store.delete_invites(["i1"])
    assert await store.places("hikers", "i1") == []
    assert len(await store.places("hikers", "host")) == 1


async def test_places_end_with_their_log_and_with_who_had_them(path: Path) -> None:
    store = SQLiteStore(path)
    await put(store, a_fix("ann"), a_fix("bob"))
    await store.put_invite(an_invite("i1"))
    with sqlite3.connect(path) as conn:
        for identity in ("i1", "host"):
            conn.execute("INSERT INTO places SELECT ?, 'p', id, 1, 2 FROM logs", (identity,))
    conn.close()
    await store.forget("hikers", "ann")
    assert _rows(path, "SELECT identity FROM places") == [("host",)]
    await store.delete_log("hikers")
    assert _rows(path, "SELECT identity FROM places") == []
    await store.close()


def _rows(path: Path, query: str) -> list[Any]:
    with sqlite3.connect(path) as conn:
        rows = conn.execute(query).fetchall()
    conn.close()
    return rows
