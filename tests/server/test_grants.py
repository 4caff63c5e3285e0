"""Users of a Hub who may do something in some groups, and nothing in the others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locshare_ext.broker.access import MANAGE, PUBLISH, WATCH, Principal
from tests.server.test_api import TIME, error, said

FIX = {"time": TIME, "lat": 37.5, "lon": 127.0}
GRANTS = (
    ("hikers", frozenset({WATCH})),
    ("riders", frozenset({PUBLISH, WATCH})),
    ("sailors", frozenset({MANAGE})),
)
ANN = Principal(id="ann", kind="jupyter", roles=frozenset(), member="ann", grants=GRANTS)


@pytest.fixture
async def ask(fetch: Any, site: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Fetch as a user who has grants; every group is there already."""
    for group in ("hikers", "riders", "sailors", "others"):
        for member in ("ann", "bob"):
            said(await fetch(f"api/groups/{group}/fixes", "POST", {**FIX, "member": member}))

    async def principal(*_: Any) -> Principal:
        return ANN

    monkeypatch.setattr(site.identity, "principal", principal)
    return fetch


async def test_each_group_by_its_own_grant(ask):
    listed = said(await ask("api/groups"))["groups"]
    assert sorted(one["group"] for one in listed) == ["hikers", "riders", "sailors"]
    error(await ask("api/groups/others/fixes"), 403)
    error(await ask("api/groups/hikers/fixes", "POST", FIX), 403)
    error(await ask("api/groups/riders/invites"), 403)
    said(await ask("api/groups/sailors/invites", "POST", {"member": "eve"}), 201)
    error(await ask("api/recordings", "POST", {"group": "others", "name": "walk"}), 403)
    error(await ask("api/groups", "POST", {"title": "mine"}), 403)
    error(await ask("api/phones"), 403)


async def test_nobody_speaks_for_another_but_who_manages(ask, fetch):
    for group, speaks_for in (("riders", "ann"), ("sailors", "bob")):
        body = {**FIX, "time": TIME + 1000, "member": "bob"}
        answer = await ask(f"api/groups/{group}/fixes", "POST", body)
        newest = json.loads((await ask(f"api/groups/{group}/fixes")).body)["fixes"][-1]
        assert (answer.code, newest["member"]) == (200, speaks_for), answer.body
        note = {"text": "here", "member": "bob"}
        assert said(await ask(f"api/groups/{group}/notes", "POST", note), 201)["member"] == speaks_for


async def test_who_may_only_watch_is_forgotten_when_they_ask(ask):
    assert said(await ask("api/groups/hikers/members/me", "DELETE"))["forgotten"] == 1
    error(await ask("api/groups/hikers/members/bob", "DELETE"), 403)
    error(await ask("api/groups/others/members/me", "DELETE"), 403)
