"""Frames that the tests of ack modes, queues and transactions send and expect."""

from __future__ import annotations

import json
from typing import Any

from locshare_ext.stomp import Frame
from tests.support.stomp import StompClient

TIME = 1_763_806_275_123
GROUP = "/topic/group.hikers"


def fix(number: int = 0, **fields: Any) -> dict[str, Any]:
    return {"time": TIME + number * 1000, "lat": 37.5665, "lon": 126.978, "member": "ann", **fields}


async def publish(client: StompClient, *numbers: int, **fields: Any) -> Frame:
    """Send fixes of these numbers to the group, each one stored."""
    answer = await client.ask("SEND", {"destination": GROUP}, [fix(number, **fields) for number in numbers])
    assert answer.command == "RECEIPT", answer
    return answer


async def subscribe(
    client: StompClient, destination: str = GROUP, ack: str = "client", **headers: str
) -> Frame:
    given = {"id": "0", "destination": destination, "ack": ack}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    hello = await client.ask("SUBSCRIBE", given)
    assert hello.command == "RECEIPT", hello
    return hello


async def put(client: StompClient, queue: str, *bodies: str, **headers: str) -> None:
    for body in bodies:
        answer = await client.ask("SEND", {"destination": f"/queue/{queue}", **headers}, body.encode())
        assert answer.command == "RECEIPT", answer


async def take(client: StompClient, count: int) -> list[Frame]:
    """Return the next MESSAGEs."""
    frames = []
    for _ in range(count):
        frame = await client.frame()
        assert frame is not None
        assert frame.command == "MESSAGE", frame
        frames.append(frame)
    return frames


async def nothing_more(client: StompClient) -> None:
    """Check that no MESSAGE is under way: what comes next is the answer to something else."""
    client.write("BEGIN", {"transaction": "nothing-more", "receipt": "nothing-more"})
    frame = await client.frame()
    assert frame is not None
    assert frame.get("receipt-id") == "nothing-more", frame
    await client.ask("ABORT", {"transaction": "nothing-more"})


def numbers(frames: list[Frame]) -> list[int]:
    """Return the numbers of the fixes in MESSAGEs."""
    return [(json.loads(frame.body)["time"] - TIME) // 1000 for frame in frames]


def bodies(frames: list[Frame]) -> list[str]:
    return [frame.body.decode() for frame in frames]


def ack_of(frame: Frame) -> dict[str, str]:
    found = frame.get("ack")
    assert found is not None, frame
    return {"id": found}


def error_of(frame: Frame) -> dict[str, Any]:
    """Return what an ERROR says, in the shape that all errors have."""
    assert frame.command == "ERROR", frame
    found: dict[str, Any] = json.loads(frame.body)["error"]
    assert found["message"] == frame.get("message")
    return found
