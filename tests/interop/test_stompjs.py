"""@stomp/stompjs in node against a real server."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.served import Served

HERE = Path(__file__).parent
pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(
        not shutil.which("node") or not (HERE / "node_modules").is_dir(),
        reason="node or the JavaScript clients are missing: `npm ci` in tests/interop",
    ),
]


class Stompjs:
    """The client as a process; `next(event)` waits for what it says."""

    def __init__(self, served: Served, versions: str, send_as: str) -> None:
        url = f"ws://127.0.0.1:{served.port}/locshare/stomp"
        self.process = subprocess.Popen(
            ["node", "client.mjs", url, served.token, versions, send_as],
            cwd=HERE,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def do(self, command: str, **arguments: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"command": command, **arguments}) + "\n")
        self.process.stdin.flush()

    def next(self, event: str) -> dict[str, Any]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said: dict[str, Any] = json.loads(line)
            if said["event"] == event:
                return said
            assert said["event"] != "heartbeat-lost", said
        raise AssertionError(f"the client ended before {event!r}")

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("stompjs")).running() as server:
        yield server


@pytest.fixture(
    params=[("v12.stomp,v11.stomp,v10.stomp", "text"), ("v11.stomp", "binary"), ("v10.stomp", "text")]
)
def client(served: Served, request: pytest.FixtureRequest) -> Iterator[Stompjs]:
    one = Stompjs(served, *request.param)
    yield one
    one.close()


def fix(member: str, lat: float) -> dict[str, Any]:
    return {"member": member, "time": int(time.time() * 1000), "lat": lat, "lon": 126.978}


def test_a_fix_goes_round(client: Stompjs):
    assert client.next("connected")["headers"]["heart-beat"] != "0,0"
    topic = "/topic/group.round-" + str(client.process.pid)
    client.do("subscribe", destination=topic, headers={"id": "one", "receipt": "subscribed"})
    hello = client.next("receipt")["headers"]
    assert hello["receipt-id"] == "subscribed"
    assert hello["cursor"]
    sent = fix("조 민: \\ back", 37.5665)
    client.do("publish", destination=topic, headers={"receipt": "stored"}, body=json.dumps(sent))
    message = client.next("message")
    assert message["headers"]["subscription"] == "one"
    assert message["headers"]["destination"] == topic
    assert message["headers"]["message-id"] == json.loads(message["body"])["cursor"]
    body = json.loads(message["body"])
    assert {name: body[name] for name in sent} == sent
    assert body["received"] >= sent["time"] - 1000


def test_a_receipt_says_what_was_stored(client: Stompjs):
    client.next("connected")
    bad = {**fix("ann", 37.5), "lat": 91.2}
    body = json.dumps([fix("ann", 37.5), bad])
    client.do("publish", destination="/topic/group.receipts", headers={"receipt": "r1"}, body=body)
    headers = client.next("receipt")["headers"]
    assert (headers["receipt-id"], headers["stored"], headers["set-aside"]) == ("r1", "1", "1")


def test_large_frames_arrive_in_pieces(client: Stompjs):
    client.next("connected")
    start = int(time.time() * 1000) - 3_600_000
    fixes = [{**fix("bo", 37.5), "time": start + n, "extra": {"pad": "x" * 200}} for n in range(500)]
    topic = f"/topic/group.large-{client.process.pid}"
    client.do("publish", destination=topic, headers={"receipt": "all"}, body=json.dumps(fixes))
    assert client.next("receipt")["headers"]["stored"] == "500"


def test_a_bad_fix_is_an_error_that_names_it(client: Stompjs):
    client.next("connected")
    bad = json.dumps({**fix("ann", 37.5), "lat": 91.2})
    client.do("publish", destination="/topic/group.bad", headers={"receipt": "r2"}, body=bad)
    said = client.next("error")
    assert said["headers"]["receipt-id"] == "r2"
    assert "lat 91.2 is outside [-90, 90] degrees" in said["headers"]["message"] + said["body"]
    assert client.next("closed")


def test_goodbye_is_answered(client: Stompjs):
    client.next("connected")
    client.do("disconnect")
    assert client.next("closed")["code"] in (1000, 1005)
