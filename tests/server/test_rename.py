"""Members that get another name."""

from __future__ import annotations

import json
from typing import Any

from tests.server.test_invites import by, connected, error, fix, said

MEMBER = "api/groups/hikers/members/ann"


async def renamed(fetch: Any, name: object, path: str = MEMBER) -> Any:
    return await fetch(path, "PATCH", {"name": name})


async def test_what_a_member_sent_and_sends_goes_under_the_new_name(fetch, stomp, invite):
    card = await invite("ann")
    await fetch("api/groups/hikers/fixes", "POST", fix(), headers=by(card))
    await fetch("api/groups/hikers/notes", "POST", {"text": "hello"}, headers=by(card))
    client = await connected(stomp, card)
    assert said(await renamed(fetch, "Anna")) == {"member": "Anna"}
    told = await client.frame()
    assert (told.command, told.get("code")) == ("ERROR", "member_renamed")
    assert await client.closed() == 1013  # try again
    client = await connected(stomp, card)
    assert (await client.ask("SEND", {"destination": "/topic/group.hikers"}, fix(lat=1))).command == "RECEIPT"
    await fetch("api/groups/hikers/fixes", "POST", fix(lat=2), headers=by(card))
    group = said(await fetch("api/groups/hikers"))
    assert group["counts"] == {"Anna": 3}
    assert [one["member"] for one in group["members"]] == ["Anna"]
    fixes = said(await fetch("api/groups/hikers/fixes"))["fixes"]
    assert [one["member"] for one in fixes] == ["Anna"] * 3
    assert said(await fetch("api/groups/hikers/notes"))["notes"][0]["member"] == "Anna"
    assert said(await fetch("api/me", headers=by(card)))["member"] == "Anna"
    late = await stomp()
    await late.ask("SUBSCRIBE", {"id": "0", "destination": "/topic/group.hikers", "after": "start"})
    assert json.loads((await late.frame()).body)["member"] == "Anna"


async def test_names_that_cannot_be(fetch, invite):
    await fetch("api/groups/hikers/fixes", "POST", fix(member="ann"))
    await fetch("api/groups/hikers/fixes", "POST", fix(member="bob"))
    await invite("carl")
    for taken in ("bob", "BOB", "Carl"):
        assert error(await renamed(fetch, taken), 409)["code"] == "member_taken"
    for wrong in ("a/b", "me", "", 7, None):
        assert error(await renamed(fetch, wrong), 400)
    assert error(await fetch(MEMBER, "PATCH", {}), 400)["field"] == "name"
    assert (
        error(await renamed(fetch, "x", "api/groups/hikers/members/nobody"), 404)["code"]
        == "member_not_found"
    )
    assert said(await fetch("api/groups/hikers"))["counts"] == {"ann": 1, "bob": 1}
    assert said(await renamed(fetch, "ANN")) == {"member": "ANN"}
    assert said(await fetch("api/groups/hikers"))["counts"] == {"ANN": 1, "bob": 1}
