"""What is noted of invites, recordings and deletions."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from locshare_ext.server.audit import ACTIONS, SCHEMA_ID
from tests.server.test_invites import by, fix


@pytest.fixture
def events(site, jp_serverapp) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    async def listen(logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        found.append(data)

    jp_serverapp.event_logger.add_listener(schema_id=SCHEMA_ID, listener=listen)
    return found


async def test_what_is_done_for_others_is_an_event(fetch, invite, events, caplog, jp_serverapp):
    caplog.set_level(logging.INFO)
    await fetch("api/groups/hikers", "POST", {})
    opened = await invite(roles="publish watch")
    mine = json.loads(
        (await fetch("api/groups/hikers/invites", "POST", {"member": "ann"}, headers=by(opened))).body
    )
    await fetch("api/groups/hikers/fixes", "POST", fix(), headers=by(mine))
    walk = await fetch("api/recordings", "POST", {"group": "hikers", "name": "walk"})
    walk_id = json.loads(walk.body)["id"]
    await fetch(f"api/recordings/{walk_id}", "DELETE")
    await fetch(f"api/groups/hikers/invites/{opened['id']}", "DELETE")
    await fetch("api/groups/hikers/members/me", "DELETE", headers=by(mine))
    await fetch("api/groups/hikers", "DELETE")
    await jp_serverapp.event_logger.gather_listeners()
    assert [(one["action"], one["by"], one.get("id")) for one in events] == [
        ("group_made", "host", None),
        ("invite_made", "host", opened["id"]),
        ("invite_exchanged", opened["id"], mine["id"]),
        ("recording_started", "host", walk_id),
        ("recording_deleted", "host", walk_id),
        ("invite_revoked", "host", opened["id"]),
        ("member_forgotten", mine["id"], None),
        ("group_deleted", "host", None),
    ]
    assert events[1]["roles"] == ["publish", "watch"]
    noted = [record.getMessage() for record in caplog.records if record.name == "LocShareApp"]
    assert f"invite exchanged by invite {opened['id']}, group hikers, id {mine['id']}" in noted
    told = json.dumps(events) + "".join(noted)
    for secret in (opened["token"], mine["token"], "37.5", "126.9", "ann"):
        assert secret not in told


async def test_replays_are_events_too(fetch, events, jp_serverapp):
    await fetch("api/groups/hikers/fixes", "POST", {"member": "ann", **fix()})
    walk = json.loads((await fetch("api/recordings", "POST", {"group": "hikers", "name": "walk"})).body)
    await fetch("api/groups/hikers/fixes", "POST", {"member": "ann", **fix(), "time": 1_700_000_000_000})
    await fetch(f"api/recordings/{walk['id']}", "PATCH", {"state": "stopped"})
    replay = await fetch("api/replays", "POST", {"recording": walk["id"], "paused": True})
    assert replay.code == 201, replay.body
    started = json.loads(replay.body)["id"]
    assert (await fetch(f"api/replays/{started}", "DELETE")).code == 200
    await jp_serverapp.event_logger.gather_listeners()
    assert [(one["action"], one["id"]) for one in events[-2:]] == [
        ("replay_started", started),
        ("replay_ended", started),
    ]


async def test_events_that_nobody_takes_cost_nothing(fetch, invite):
    await invite("ann")


def test_actions_are_words() -> None:
    assert all(action.islower() and "_" in action for action in ACTIONS)
