"""The API's description from a Jupyter server: below its base URL, for its users."""

from __future__ import annotations

import json


async def test_it_is_right_below_any_base_url(fetch, jp_base_url):
    answer = await fetch("api/openapi.json")
    assert answer.headers["Content-Type"] == "application/json"
    found = json.loads(answer.body)
    assert found["servers"] == [{"url": jp_base_url.rstrip("/")}]
    assert "jupyterToken" in found["components"]["securitySchemes"]


async def test_who_has_it_is_not_sent_it_again(fetch):
    tag = (await fetch("api/openapi.json")).headers["ETag"]
    again = await fetch("api/openapi.json", headers={"If-None-Match": tag})
    assert (again.code, again.body) == (304, b"")


async def test_invites_live_as_long_as_it_says(fetch, site):
    found = json.loads((await fetch("api/openapi.json")).body)
    longest = found["components"]["schemas"]["InviteWish"]["properties"]["expires_in"]["maximum"]
    assert longest == site.invites.options.longest
    for seconds, status in ((longest, 201), (longest + 1, 400)):
        answer = await fetch("api/groups/hikers/invites", "POST", {"expires_in": seconds})
        assert answer.code == status, answer.body


async def test_nobody_has_it_without_a_credential(fetch):
    assert (await fetch("api/openapi.json", headers={"Authorization": ""})).code == 401


async def test_it_is_made_when_it_is_asked_for(fetch):
    from locshare_ext.server.api.openapi.document import encoded

    encoded.cache_clear()
    await fetch("api/health")
    assert encoded.cache_info().misses == 0
    for _ in range(3):
        await fetch("api/openapi.json")
    assert (encoded.cache_info().misses, encoded.cache_info().hits) == (1, 2)
