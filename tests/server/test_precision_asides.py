"""What a member with coarse places sends is nowhere as exact as it was measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.server.participants.test_apps import NOW, REQUESTS, aside, feature, form, owntracks, send, stored
from tests.server.test_api import TIME, said
from tests.server.test_sharing import by

__all__ = ["aside", "by", "send", "stored"]

SECRETS = ("37.5665", "126.978")
BAD: dict[str, Any] = {  # each cannot be a fix, and has a place that somebody could read
    "owntracks": {**owntracks(), "tst": None},
    "traccar": form(timestamp="never").encode(),
    "overland": {"locations": [feature(), {**feature(), "properties": {"timestamp": "never"}}]},
    "gpslogger": form(timestamp="never").encode(),
    "osmand": form(timestamp="never").encode(),
}
UNREADABLE = b'{"lat": 37.5665, "lon": 126.978'


@pytest.fixture
async def coarse(invite: Any, by: Any) -> Any:
    card = await invite("ann")
    said(await by(card, "api/me", "PATCH", {"precision": 1000}))
    return card


async def nothing_exact(site: Any, store_path: Path) -> None:
    group = await site.groups.find("hikers")
    await site.groups.asides.settle()
    await group.log.refresh()
    for path in store_path.parent.glob(f"{store_path.name}*"):
        if path.is_file():
            raw = path.read_bytes()
            assert not [secret for secret in SECRETS if secret.encode() in raw], path.name


@pytest.mark.parametrize("app", REQUESTS)
async def test_apps_leave_no_exact_place(app, send, stored, aside, coarse, site, store_path):
    method, query, body = REQUESTS[app]()
    await send(coarse, f"/{app}{query}", method, body)
    await send(coarse, f"/{app}", "POST", BAD[app])
    await send(coarse, f"/{app}", "POST", UNREADABLE)
    for fix in await stored():
        assert (fix["lat"], fix["lon"]) != (37.5665, 126.978)
        assert fix["accuracy"] == 1000
    kept = await aside()
    assert kept
    assert not [one for one in kept if one["raw"] or "37.56" in one["error"]["message"]]
    await nothing_exact(site, store_path)


async def test_other_ways_leave_none_either(fetch, by, aside, coarse, stomp, site, store_path):
    bad = {"time": TIME, "lat": 37.5665, "lon": 126.978, "accuracy": -1}
    await by(coarse, "api/groups/hikers/fixes", "POST", bad)
    await by(coarse, "api/groups/hikers/fixes", "POST", {**bad, "accuracy": 5})
    client = await stomp(headers={"Authorization": ""}, connect={"passcode": coarse["token"]})
    client.write("SEND", {"destination": "/topic/group.hikers"}, [bad, {**bad, "lat": 95}])
    assert (await client.frame()).command == "ERROR"
    call = {"kind": "sos", "text": "help", "data": {"lat": 37.5665, "lon": 126.978}}
    data = said(await by(coarse, "api/groups/hikers/notes", "POST", call), 201)["data"]
    assert (data["lat"], data["accuracy"]) != (37.5665, 0)
    assert data["accuracy"] == 1000
    assert len(await aside()) >= 2
    assert not [one for one in await aside() if one["raw"]]
    await nothing_exact(site, store_path)


async def test_a_member_that_shares_exact_places_is_kept_as_it_was(send, aside, invite):
    await send(await invite("bob"), "/traccar", "POST", form(NOW, lat="95").encode())
    assert "95" in (await aside())[0]["raw"]
