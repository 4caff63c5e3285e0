"""@stomp/stompjs, @stomp/rx-stomp and webstomp-client in node against a real server."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.interop.driver import HAS_CLIENTS, WHY_NOT, Driver

pytestmark = [pytest.mark.process, pytest.mark.skipif(not HAS_CLIENTS, reason=WHY_NOT)]

SUBPROTOCOLS = ["v12.stomp", "v11.stomp", "v10.stomp"]
CLIENTS: dict[str, dict[str, Any]] = {
    "stompjs text": {"script": "stompjs", "versions": SUBPROTOCOLS},
    "stompjs binary": {"script": "stompjs", "binary": True},
    "stompjs 1.1": {"script": "stompjs", "speaks": ["1.1"], "versions": ["v11.stomp"]},
    "stompjs 1.0": {"script": "stompjs", "speaks": ["1.0"], "versions": ["v10.stomp"]},
    "rx-stomp text": {"script": "rxstomp", "versions": SUBPROTOCOLS},
    "rx-stomp binary": {"script": "rxstomp", "binary": True},
    "webstomp text": {"script": "webstomp", "versions": ["v12.stomp"]},
    "webstomp binary": {"script": "webstomp", "versions": ["v12.stomp"], "binary": True},
    "webstomp 1.1": {"script": "webstomp", "versions": ["v11.stomp"]},
    "webstomp 1.0": {"script": "webstomp", "versions": ["v10.stomp"]},
}
Start = Callable[..., Driver]


@pytest.fixture(params=CLIENTS)
def settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    return CLIENTS[request.param]


@pytest.fixture
def client(start: Start, settings: dict[str, Any]) -> Driver:
    return start(**settings)


def fix(member: str, lat: float, **more: Any) -> dict[str, Any]:
    return {"member": member, "time": int(time.time() * 1000), "lat": lat, "lon": 126.978, **more}


def test_the_version_is_the_clients(client: Driver, settings: dict[str, Any]) -> None:
    wanted = settings.get("speaks") or [one[1] + "." + one[2] for one in settings.get("versions", [])]
    assert client.connected["version"] == (wanted or ["1.2"])[0]
    assert ("heart-beat" in client.connected) == (client.connected["version"] != "1.0")


def test_a_fix_goes_round(client: Driver, name: str) -> None:
    topic = f"/topic/group.{name}"
    hello = client.subscribe(topic, id="one")
    assert hello["cursor"]
    sent = fix("조 민: \\ back", 37.5665)
    client.publish(topic, json.dumps(sent))
    message = client.next("message")
    assert message["headers"]["subscription"] == "one"
    assert message["headers"]["destination"] == topic
    body = json.loads(message["body"])
    assert message["headers"]["message-id"] == body["cursor"]
    assert {key: body[key] for key in sent} == sent
    assert body["received"] >= sent["time"] - 1000


def test_a_receipt_says_what_was_stored(client: Driver, name: str) -> None:
    body = json.dumps([fix("ann", 37.5), fix("ann", 91.2)])
    headers = client.publish(f"/topic/group.{name}", body)
    assert (headers["stored"], headers["set-aside"]) == ("1", "1")


def test_large_frames_go_both_ways(client: Driver, name: str) -> None:
    start = int(time.time() * 1000) - 3_600_000
    fixes = [{**fix("bo", 37.5), "time": start + n, "extra": {"pad": "아" * 60}} for n in range(500)]
    topic = f"/topic/group.{name}"
    assert client.publish(topic, json.dumps(fixes))["stored"] == "500"
    client.subscribe(topic, after="start")
    got = [json.loads(client.next("message")["body"]) for _ in fixes]
    assert [one["time"] for one in got] == [one["time"] for one in fixes]
    assert got[7]["extra"] == {"pad": "아" * 60}


def test_a_bad_fix_is_an_error_that_names_it(client: Driver, name: str) -> None:
    headers = {"receipt": "r2"}
    client.do("publish", destination=f"/topic/group.{name}", headers=headers, body=json.dumps(fix("a", 91.2)))
    said = client.next("error")
    assert said["headers"]["receipt-id"] == "r2"
    assert json.loads(said["body"])["error"]["message"] == "lat 91.2 is outside [-90, 90] degrees"
    assert client.next("closed")


def test_a_wrong_passcode_is_refused(start: Start, settings: dict[str, Any]) -> None:
    client = start(**settings, wait=False, passcode="wrong")
    assert client.next("error")["headers"]["message"]
    assert client.next("closed")["code"] == 1008


def test_several_subscriptions(client: Driver, name: str) -> None:
    topic = f"/topic/{name}"
    for number in range(3):
        client.subscribe(f"{topic}.{number}", id=f"s{number}")
    client.subscribe(f"{topic}.*", id="all")
    client.publish(f"{topic}.1", "one", mood="good")
    came = [client.next("message")["headers"] for _ in range(2)]
    assert {headers["subscription"] for headers in came} == {"s1", "all"}
    assert {headers["mood"] for headers in came} == {"good"}
    client.do("unsubscribe", id="all")
    client.publish(f"{topic}.2", "two")
    assert client.next("message")["headers"]["subscription"] == "s2"
    client.publish(f"{topic}.0", "three")
    assert client.next("message")["headers"]["subscription"] == "s0"


def test_goodbye_is_answered(client: Driver) -> None:
    client.do("disconnect")
    assert client.next("closed")["code"] in (1000, 1005)


def test_heart_beats_keep_a_quiet_client(start: Start, name: str) -> None:
    """Longer than the server bears silence, and than stompjs does."""
    quiet = [start(**CLIENTS[key]) for key in ("stompjs text", "rx-stomp binary", "webstomp text")]
    beating = start("stompjs", binary=True)
    for _ in range(5):
        beating.next("heartbeat")
    for client in quiet:
        client.publish(f"/topic/{name}", "still here")
        assert not client.has_said("closed")


def test_no_heart_beats_when_none_are_wanted(start: Start, name: str) -> None:
    silent, beating = start("stompjs", heartbeat=0), start("stompjs")
    for _ in range(4):
        beating.next("heartbeat")
    silent.publish(f"/topic/{name}", "x")
    assert not silent.has_said("heartbeat")


@pytest.mark.parametrize("script", ["stompjs", "rxstomp"])
@pytest.mark.parametrize("binary", [False, True])
def test_bodies_of_bytes(start: Start, name: str, script: str, binary: bool) -> None:
    client = start(script, binary=binary)
    client.subscribe(f"/topic/{name}")
    body = bytes(range(256)) * 300
    client.publish(f"/topic/{name}", body)
    assert client.next("message")["headers"]["content-length"] == str(len(body))


@pytest.mark.parametrize("script", ["stompjs", "rxstomp"])
def test_large_frames_in_one_message(start: Start, name: str, script: str) -> None:
    client = start(script, splitLargeFrames=False)
    # not with webstomp-client: as binary it dies of 120 KiB in one message
    client.subscribe(f"/topic/{name}")
    client.publish(f"/topic/{name}", "아" * 200_000)
    assert client.next("message")["body"] == "아" * 200_000


@pytest.mark.parametrize("appended", [False, True])
def test_frames_end_with_nul(start: Start, name: str, appended: bool) -> None:
    """stompjs can add a NUL to each message that lacks one; ours never do."""
    client = start("stompjs", appendMissingNULLonIncoming=appended)
    client.subscribe(f"/topic/{name}")
    for body in ("one", "", "x" * 100_000, "end"):
        client.publish(f"/topic/{name}", body)
        assert client.next("message")["body"] == body


@pytest.mark.parametrize("script", ["stompjs", "rxstomp"])
def test_reconnecting(start: Start, name: str, script: str) -> None:
    client = start(script, reconnectDelay=10)
    client.subscribe(f"/topic/{name}")
    client.do("cut")
    client.next("closed")
    again = client.next("connected")["headers"]
    assert again["session"] != client.connected["session"]
    if script == "stompjs":  # rx-stomp subscribes again by itself
        client.subscribe(f"/topic/{name}")
    else:
        client.next("receipt")
    client.publish(f"/topic/{name}", "after")
    assert client.next("message")["body"] == "after"
