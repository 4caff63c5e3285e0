"""What a member is told of its sharing and chooses, and what else is said on the timeline."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locshare_ext.services.sharing import consent_version
from tests.server.test_api import TIME, error, said

EXACT = {"time": TIME, "lat": 37.56651234, "lon": 126.97801234, "accuracy": 3.0}
NOTES = "api/groups/hikers/notes"


@pytest.fixture
def by(fetch: Any) -> Any:
    """Fetch with an invite."""

    async def ask(card: dict[str, Any], path: str, method: str = "GET", body: Any = None) -> Any:
        headers = {"Authorization": "", "X-Locshare-Token": card["token"]}
        return await fetch(path, method, body, headers=headers)

    return ask


async def test_an_invite_puts_places_on_the_grid_that_its_holder_chose(fetch, invite, by, stomp):
    ann = await invite("ann")
    client = await stomp(headers={"Authorization": ""}, connect={"passcode": ann["token"]})
    me = said(await by(ann, "api/me", "PATCH", {"precision": 1000}))
    assert me["sharing"]["precision"] == 1000
    assert (await client.frame()).get("code") == "precision_changed"  # bound to the old one
    again = await stomp(headers={"Authorization": ""}, connect={"passcode": ann["token"]})
    await again.ask("SEND", {"destination": "/topic/group.hikers"}, EXACT)
    await by(ann, "api/groups/hikers/fixes", "POST", {**EXACT, "time": TIME + 1000})
    for one in said(await fetch("api/groups/hikers/fixes"))["fixes"]:
        assert 0 < abs(one["lat"] - EXACT["lat"]) < 0.01
        assert one["accuracy"] == 1000
    await fetch("api/groups/hikers", "PATCH", {"precision": 5000})  # the coarser one counts
    await by(ann, "api/groups/hikers/fixes", "POST", {**EXACT, "time": TIME + 2000})
    assert said(await fetch("api/groups/hikers/fixes"))["fixes"][-1]["accuracy"] == 5000
    assert error(await by(ann, "api/me", "PATCH", {"precision": 0}), 400)["field"] == "precision"


async def test_a_consent_is_kept_with_its_version_and_stands_on_the_log(fetch, invite, by):
    await fetch("api/groups/hikers", "POST", {"consent": "Only for the walk."})
    ann = await invite("ann")
    version = consent_version("Only for the walk.")
    assert said(await by(ann, "api/me"))["consent_version"] == version
    assert error(await by(ann, "api/me", "PATCH", {"consent": "1"}), 409)["code"] == "consent_changed"
    me = said(await by(ann, "api/me", "PATCH", {"consent": version}))
    assert me["sharing"]["consented"] == version
    [listed] = said(await fetch("api/groups/hikers/invites"))["invites"]
    assert listed["consent"] == version
    assert listed["consented"] >= listed["created"]
    await by(ann, "api/me", "PATCH", {"consent": version})  # agreed already: nothing new happened
    await by(ann, "api/me", "PATCH", {"consent": None})
    events = said(await fetch("api/groups/hikers/events?format=json"))["events"]
    assert [(one["kind"], one["member"], one.get("data")) for one in events] == [
        ("join", "ann", {"consent": version}),
        ("leave", "ann", None),
    ]
    await fetch("api/groups/hikers", "PATCH", {"consent": "For longer."})
    assert said(await by(ann, "api/me"))["consent_version"] != version


async def test_it_is_told_who_watches_until_when_and_what_is_kept(fetch, invite, by):
    ann, _, _ = await invite("ann"), await invite("bob"), await invite("cy", roles="publish")
    await fetch("api/recordings", "POST", {"group": "hikers", "name": "walk"})
    told = said(await by(ann, "api/me"))["sharing"]
    assert (told["watchers"], told["open_watchers"]) == (["bob"], False)
    assert (told["recordings"], told["retention"]) == (["walk"], 7 * 86_400)
    await invite(roles="watch")
    assert said(await by(ann, "api/me"))["sharing"]["open_watchers"] is True
    assert said(await fetch("api/me"))["sharing"] is None


async def test_messages_are_the_hosts_and_reach_who_may_not_watch(fetch, invite, by):
    ann = await invite("ann", roles="publish")
    assert (
        error(await by(ann, NOTES, "POST", {"kind": "message", "text": "hi"}), 403)["code"] == "role_missing"
    )
    made = said(await fetch(NOTES, "POST", {"kind": "message", "text": "back to the bus"}), 201)
    [told] = said(await by(ann, "api/me"))["sharing"]["messages"]
    assert (told["text"], told["kind"], told["cursor"]) == ("back to the bus", "message", made["id"])
    assert said(await fetch(f"{NOTES}/{made['id']}", "DELETE")) == {"deleted": made["id"]}
    assert said(await by(ann, "api/me"))["sharing"]["messages"] == []


async def test_a_call_for_help_says_where_and_is_stored_once(fetch, invite, by):
    ann = await invite("ann")
    call = {
        "kind": "sos",
        "text": "help",
        "time": TIME,
        "data": {"lat": 37.56651234, "lon": 126.978, "accuracy": 5},
    }
    first = said(await by(ann, NOTES, "POST", call), 201)
    assert (first["member"], first["data"]["lat"]) == ("ann", 37.56651234)
    assert said(await by(ann, NOTES, "POST", call), 201)["id"] == first["id"]
    await fetch("api/groups/hikers", "PATCH", {"precision": 1000})
    coarse = said(await by(ann, NOTES, "POST", {**call, "time": TIME + 1}), 201)
    assert coarse["data"]["lat"] != 37.56651234
    assert coarse["data"]["accuracy"] == 1000


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"kind": "alert"}, "kind"),
        ({"kind": []}, "kind"),
        ({"data": []}, "data"),
        ({"data": {"lat": 1}}, "data"),
        ({"data": {"lat": 91, "lon": 1}}, "data.lat"),
        ({"data": {"lat": True, "lon": 1}}, "data.lat"),
        ({"data": {"reason": "x" * 65}}, "data.reason"),
        ({"data": {"reason": "\x1b"}}, "data.reason"),
        ({"data": {"other": 1}}, "data.other"),
    ],
)
async def test_what_cannot_be_said_is_named(fetch, sent, field):
    answer = await fetch(NOTES, "POST", {"text": "here", **sent})
    assert error(answer, 400)["field"] == field
    assert json.loads((await fetch(NOTES)).body)["error"]["code"] == "group_not_found"
