"""`jupyter locshare serve` as a process: its line, its end, and kill -9."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClosedError, websocket_connect

from locshare_ext.errors import InvalidInput
from locshare_ext.server.serve import host_token
from tests.support.served import Served
from tests.support.stomp import StompClient

TIME = 1_763_806_275_123
GROUP = "/topic/group.hikers"


def fix(number: int = 0, **fields: Any) -> dict[str, Any]:
    return {"time": TIME + number * 1000, "lat": 37.5665, "lon": 126.978, "member": "ann", **fields}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path).running() as server:
        yield server


async def connect(served: Served) -> StompClient:
    url = f"ws://127.0.0.1:{served.port}/locshare/stomp"
    client = StompClient(await websocket_connect(HTTPRequest(url)))
    client.write("CONNECT", {"accept-version": "1.2", "host": "x", "passcode": served.token, "login": "me"})
    client.connected = await client.frame()
    assert client.connected.command == "CONNECTED", client.connected
    return client


def get(served: Served, path: str, token: str | None = None) -> tuple[int, Any]:
    headers = {"X-Locshare-Token": served.token if token is None else token}
    request = urllib.request.Request(f"{served.url}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.mark.process
async def test_one_line_says_how_to_attach_and_it_ends_in_order(served, tmp_path):
    assert served.line.count("\n") == 1
    assert f"http://127.0.0.1:{served.port}/locshare/#t=lsh_" in served.line
    for path in ("", "nothing", "locshare/nothing", "locshare/api/nothing"):
        status, answer = await asyncio.to_thread(get, served, path)
        assert (status, answer["error"]["code"]) == (404, "not_found")
    assert (await asyncio.to_thread(get, served, "locshare/api/health"))[0] == 200
    assert (await asyncio.to_thread(get, served, "locshare/api/health", "lsh_wrong"))[0] == 403
    client = await connect(served)
    assert client.connected.get("user-name") == "host"
    await client.ask("SUBSCRIBE", {"id": "0", "destination": GROUP})
    assert served.process is not None
    served.process.terminate()
    frame = await client.frame()
    assert (frame.command, frame.get("message")) == ("ERROR", "the server is stopping")
    await asyncio.to_thread(served.process.communicate, timeout=20)
    assert served.process.returncode == 0
    token = tmp_path / "jupyter_data_dir" / "locshare" / "host-token"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert "lsh_" not in (tmp_path / "serve.log").read_text()
    await client.close()


async def publish_for_ever(client: StompClient, name: str, receipted: list[str]) -> None:
    """Send fixes, twenty at a time, until the server is gone."""
    for start in range(0, 1_000_000, 20):
        try:
            for number in range(start, start + 20):
                headers = {"destination": GROUP, "receipt": f"{name}-{number}"}
                client.write("SEND", headers, fix(number, member=name))
        except WebSocketClosedError:
            return
        for _ in range(20):
            frame = await client.frame()
            if frame is None:
                return
            receipted.append(frame.get("receipt-id"))


async def all_stored(served: Served) -> list[tuple[str, str]]:
    """Return receipt names and cursors of all that is stored."""
    found, after = [], "start"
    while True:
        path = f"locshare/api/groups/hikers/fixes?after={after}&limit=1000"
        _, page = await asyncio.to_thread(get, served, path)
        if not page["fixes"]:
            return found
        found += [(f"{one['member']}-{(one['time'] - TIME) // 1000}", one["cursor"]) for one in page["fixes"]]
        after = page["cursor"]


@pytest.mark.process
async def test_kill_loses_nothing_that_was_receipted(served):
    receipted: list[str] = []
    clients = [await connect(served) for _ in range(3)]
    tasks = [
        asyncio.create_task(publish_for_ever(client, f"m{number}", receipted))
        for number, client in enumerate(clients)
    ]
    while len(receipted) < 1000:
        await asyncio.sleep(0.01)
        assert not any(task.done() for task in tasks)
    served.kill()
    await asyncio.gather(*tasks)
    for client in clients:
        await client.close()
    served.start()
    stored = await all_stored(served)
    assert set(receipted) <= {name for name, _ in stored}
    assert len({cursor for _, cursor in stored}) == len({name for name, _ in stored}) == len(stored)


@pytest.mark.process
async def test_cursors_survive_a_restart(served):
    client = await connect(served)
    hello = await client.ask("SUBSCRIBE", {"id": "0", "destination": GROUP})
    assert hello.get("gap") == "false"
    first = await client.ask("SEND", {"destination": GROUP}, [fix(0), fix(1)])
    await client.ask("SEND", {"destination": GROUP}, [fix(2), fix(3)])
    served.kill()
    await client.close()
    served.start()
    client = await connect(served)
    hello = await client.ask("SUBSCRIBE", {"id": "0", "destination": GROUP, "after": first.get("cursor")})
    assert hello.get("gap") == "false"
    again = await client.ask("SEND", {"destination": GROUP}, [fix(2), fix(4)])
    assert (again.get("stored"), again.get("duplicates")) == ("1", "1")
    got = [json.loads((await client.frame()).body)["time"] for _ in range(3)]
    assert got == [TIME + 2000, TIME + 3000, TIME + 4000]
    await client.close()


def test_the_token_is_kept_and_guarded(tmp_path):
    path = tmp_path / "new" / "host-token"
    token = host_token(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert host_token(path) == token
    os.chmod(path, 0o644)
    with pytest.raises(InvalidInput, match="can be read by others"):
        host_token(path)
    os.chmod(path, 0o600)
    path.write_text("hello")
    with pytest.raises(InvalidInput, match="holds no host token"):
        host_token(path)
