"""What was refused is shown to who may manage, whichever way it came."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locshare_ext.model.aside import KEPT
from locshare_ext.server.app import LocShareApp

TIME = 1_763_806_275_123
PATH = "api/groups/hikers/set-aside"


def fix(**fields: Any) -> dict[str, Any]:
    return {"time": TIME, "lat": 37.5665, "lon": 126.978, **fields}


async def aside(fetch, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((await fetch(f"{PATH}{query}")).body)["set_aside"]
    return found


async def test_what_a_post_had_beside_good_ones(fetch, invite):
    token = {"X-Locshare-Token": (made := await invite("ann", roles="publish"))["token"]}
    bad = fix(member="bo", lat=91.2)
    await fetch("api/groups/hikers/fixes", "POST", [fix(), bad], headers=token)
    (one,) = await aside(fetch)
    assert json.loads(one.pop("raw")) == bad
    assert abs(one.pop("received") - TIME) > 0
    assert one == {
        "id": one["id"],
        "member": "ann",
        "credential": made["id"],
        "error": {
            "code": "lat_out_of_range",
            "message": "lat 91.2 is outside [-90, 90] degrees",
            "field": "lat",
        },
    }


async def test_frames_over_stomp_with_receipt_or_without_and_in_transactions(fetch, stomp):
    await fetch("api/groups/hikers/fixes", "POST", fix(member="ann"))
    client = await stomp()
    to = {"destination": "/topic/group.hikers"}
    await client.ask("SEND", {**to}, [fix(time=TIME + 1), fix(lat=91)])
    client.write("SEND", to, [fix(time=TIME + 2), fix(lat=92)])
    client.write("BEGIN", {"transaction": "t"})
    for number in (3, 4):
        client.write("SEND", {**to, "transaction": "t"}, [fix(time=TIME + number), fix(lat=90 + number)])
    await client.ask("COMMIT", {"transaction": "t"})
    client.write("SEND", to, fix(lat=95))
    assert (await client.frame()).command == "ERROR"
    assert [json.loads(one["raw"])["lat"] for one in await aside(fetch)] == [91, 92, 93, 94, 95]


async def test_pages_and_selections(fetch):
    bad = [fix(member="ann" if lat % 2 else "bo", lat=lat) for lat in range(91, 97)]
    await fetch("api/groups/hikers/fixes", "POST", [fix(member="ann"), *bad])
    first = await aside(fetch, "?limit=4")
    rest = await aside(fetch, f"?limit=4&after={first[-1]['id']}")
    assert [json.loads(one["raw"])["lat"] for one in first + rest] == list(range(91, 97))
    assert [one["member"] for one in await aside(fetch, "?members=bo")] == ["bo"] * 3
    received = first[0]["received"]
    assert len(await aside(fetch, f"?since={received}&until={received}")) == 6
    assert await aside(fetch, f"?until={received - 1}") == []


@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", "limit=0", "limit=1001", "since=soon", "clock=time"]
)
async def test_bad_queries(fetch, query):
    await fetch("api/groups/hikers", "POST", {})
    answer = await fetch(f"{PATH}?{query}", raise_error=False)
    assert answer.code == 400
    assert json.loads(answer.body)["error"]["field"] == query.split("=")[0]


async def test_watching_is_not_enough_as_payloads_say_more_than_fixes(fetch, invite):
    await fetch("api/groups/hikers/fixes", "POST", fix(member="ann"))
    token = {"X-Locshare-Token": (await invite("ann", roles="publish watch"))["token"]}
    assert (await fetch(PATH, headers=token, raise_error=False)).code == 403
    boss = {"X-Locshare-Token": (await invite("bo", roles="manage"))["token"]}
    assert (await fetch(PATH, headers=boss)).code == 200


async def test_a_forgotten_member_leaves_none(fetch):
    await fetch(
        "api/groups/hikers/fixes", "POST", [fix(member="ann"), fix(member="bo"), fix(member="ann", lat=91)]
    )
    assert len(await aside(fetch)) == 1
    await fetch("api/groups/hikers/members/ann", "DELETE")
    assert await aside(fetch) == []


def test_how_many_are_kept_is_a_setting(site):
    assert LocShareApp.max_set_aside.default_value == KEPT == site.groups.options.set_aside
