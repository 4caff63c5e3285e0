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


async def test_two_members_become_one_when_that_is_asked_for(fetch, stomp, invite):
    old, new = await invite("ann"), await invite("ann 2")
    start = 1_763_806_275_000
    both = [fix(time=start + 1000 * n, lat=n) for n in range(4)]
    for card, some in ((old, both[:3]), (new, both[2:])):
        await fetch("api/groups/hikers/fixes", "POST", some, headers=by(card))
    await fetch("api/groups/hikers/notes", "POST", {"text": "hello"}, headers=by(new))
    client = await connected(stomp, new)
    path = "api/groups/hikers/members/ann 2"
    assert error(await renamed(fetch, "ann", path), 409)["code"] == "member_taken"
    for wrong in (1, "yes", None):
        answer = await fetch(path, "PATCH", {"name": "ann", "merge": wrong})
        assert error(answer, 400)["field"] == "merge"
    assert said(await fetch("api/groups/hikers"))["counts"] == {"ann": 3, "ann 2": 2}
    assert said(await fetch(path, "PATCH", {"name": "ANN", "merge": True})) == {"member": "ann", "twice": 1}
    told = await client.frame()
    assert (told.command, told.get("code")) == ("ERROR", "member_renamed")
    await fetch("api/groups/hikers/fixes", "POST", fix(time=start + 9000), headers=by(new))
    again = said(await fetch("api/groups/hikers/fixes", "POST", both, headers=by(new)))
    assert (again["stored"], again["duplicates"]) == (0, 4)
    group = said(await fetch("api/groups/hikers"))
    assert group["counts"] == {"ann": 5}
    assert [(one["member"], one["fix"]["time"]) for one in group["members"]] == [("ann", start + 9000)]
    fixes = said(await fetch("api/groups/hikers/fixes"))["fixes"]
    assert [(one["member"], one["lat"]) for one in fixes[:4]] == [("ann", n) for n in range(4)]
    assert said(await fetch("api/groups/hikers/notes"))["notes"][0]["member"] == "ann"
    invites = said(await fetch("api/groups/hikers/invites"))["invites"]
    assert {one["member"] for one in invites} == {"ann"}
    assert said(await fetch("api/me", headers=by(new)))["member"] == "ann"
    assert error(await fetch(path, "PATCH", {"name": "ann", "merge": True}), 404)
    assert said(await fetch(MEMBER, "PATCH", {"name": "Zoë", "merge": True}))["member"] == "Zoë"
