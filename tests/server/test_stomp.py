"""STOMP over the endpoint of a real Jupyter server."""

from __future__ import annotations

import json

TIME = 1_763_806_275_123


def fix(**fields):
    return {"time": TIME, "lat": 37.5665, "lon": 126.978, **fields}


async def test_a_fix_travels(stomp, store_path):
    watcher, sender = await stomp(), await stomp()
    assert watcher.connected.get("version") == "1.2"
    assert watcher.connected.get("user-name") == "host"
    assert watcher.connected.get("locshare-protocol") == "1"
    hello = await watcher.ask("SUBSCRIBE", {"id": "0", "destination": "/topic/group.hikers"})
    assert hello.get("gap") == "false"
    assert not store_path.exists()
    answer = await sender.ask("SEND", {"destination": "/topic/group.hikers"}, fix(member="ann"))
    assert answer.command == "RECEIPT", answer
    assert answer.get("stored") == "1"
    message = await watcher.frame()
    assert message.command == "MESSAGE"
    assert message.get("member") == "ann"
    assert message.get("subscription") == "0"
    body = json.loads(message.body)
    assert body["lat"] == 37.5665
    assert body["cursor"] == message.get("message-id") == answer.get("cursor")
    assert store_path.exists()
