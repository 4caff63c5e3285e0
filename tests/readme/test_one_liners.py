"""The lines of the README that watch a group, run as they stand there, with another port."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.js.test_node import node
from tests.support.lab import Lab
from tests.support.page import chromium, launch

pytestmark = pytest.mark.process
TIME = 1_763_806_275_123
PATIENCE = 60  # s for anything that a line should say
OPEN = """() => new Promise((done, fail) => {
  const source = new EventSource("/locshare/api/groups/hikers/events");
  source.addEventListener("hello", () => done(true));
  source.addEventListener("error", () => fail(new Error("the event source failed")));
})"""
BIN = Path(sys.executable).parent  # where a wheel's commands are


def lines() -> list[str]:
    """Return the lines of the README's block."""
    text = (ROOT / "README.md").read_text()
    block = text.partition("Watch with whatever you have")[2].partition("\n\n")[2].partition("\n\n")[0]
    found = [line.removeprefix("    ") for line in block.split("\n")]
    assert len(found) == 7, found
    return found


def line(*words: str) -> str:
    """Return the one line that has all of these words."""
    (found,) = [one for one in lines() if all(word in one for word in words)]
    return found


class Command:
    """A line that runs in a shell; what it prints comes in pieces."""

    def __init__(self, text: str, folder: Path, **environment: str) -> None:
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        self.process = subprocess.Popen(
            ["bash", "-c", text],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PATH": path, **environment},
            start_new_session=True,
        )
        self._said: queue.Queue[bytes] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.text = ""

    def type(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def until(self, word: str) -> str:
        """Wait until it has printed a word; returns all that it has printed."""
        while word not in self.text:
            try:
                data = self._said.get(timeout=PATIENCE)
            except queue.Empty:
                pytest.fail(f"no {word!r} in {self.text!r}")
            if not data:
                assert self.process.stderr is not None
                pytest.fail(f"no {word!r} in {self.text!r}; {self.process.stderr.read().decode()}")
            self.text += data.decode()
        return self.text

    def end(self) -> str:
        """Wait for its end; returns all that it has printed."""
        while data := self._said.get(timeout=PATIENCE):
            self.text += data.decode()
        return self.text

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, 9)
        self.process.wait()
        self._reader.join(10)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        while data := os.read(self.process.stdout.fileno(), 1 << 16):
            self._said.put(data)
        self._said.put(b"")


class Host:
    """A notebook server with a group in it."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.count = 0
        self.post("groups", {"title": "hikers"})
        self.invite = self.post("groups/hikers/invites", {"member": "ann"})["token"]
        self.publish()

    def post(self, path: str, value: Any) -> Any:
        request = urllib.request.Request(
            f"{self.lab.url}locshare/api/{path}",
            json.dumps(value).encode(),
            {"Authorization": f"token {self.lab.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def publish(self) -> str:
        """Store a fix; returns how its time looks in JSON."""
        self.count += 1
        fix = {"member": "bob", "time": TIME + self.count, "lat": 37.5665, "lon": 126.978}
        assert self.post("groups/hikers/fixes", fix)["stored"] == 1
        return f'"time":{TIME + self.count}'

    def here(self, text: str) -> str:
        """Return a line of the README with this server's address."""
        assert "localhost:8888" in text
        return text.replace("localhost:8888", f"127.0.0.1:{self.lab.port}")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    try:
        yield Host(lab.start())
    finally:
        lab.stop()


@pytest.fixture
def run(host: Host, tmp_path: Path) -> Iterator[Any]:
    """Run a line of the README; ended at the end."""
    running: list[Command] = []

    def begin(text: str) -> Command:
        for name in ("curl", "websocat"):
            if name in text and not (shutil.which(name) or (BIN / name).exists()):
                pytest.skip(f"{name} is missing")
        running.append(Command(host.here(text), tmp_path, TOKEN=host.lab.token, INVITE=host.invite))
        return running[-1]

    yield begin
    for command in running:
        command.close()


def test_polling_by_curl_says_each_thing_once(run: Any, host: Host) -> None:
    poll = line("curl", "--etag")
    page = json.loads(run(poll).end())
    assert len(page["fixes"]) == host.count
    assert run(poll).end() == ""  # 304
    new = host.publish()
    assert new in run(poll).end()


def test_a_long_poll_by_curl(run: Any, host: Host) -> None:
    waiting = run(line("curl", "wait=30"))
    while waiting.process.poll() is None:  # until one comes after it has begun to wait
        new = host.publish()
        with contextlib.suppress(subprocess.TimeoutExpired):
            waiting.process.wait(0.1)
    page = json.loads(waiting.end())
    assert page["fixes"]
    assert page["fixes"][0]["time"] <= int(new.partition(":")[2])


def test_an_event_stream_by_curl(run: Any, host: Host) -> None:
    stream = run(line("curl", "/events"))
    assert "event: hello\nid: " in stream.until("}\n\n")
    stream.until(f'"time":{TIME + 1}')
    stream.until(host.publish())


def test_a_plain_websocket_by_websocat(run: Any, host: Host) -> None:
    socket = run(line("websocat", "/ws"))
    socket.until('"type":"hello"')
    socket.until(f'"time":{TIME + 1}')
    socket.type('{"member": "bob", "time": "2026-11-22T10:32:00+09:00", "lat": 37.5, "lon": 127}\n')
    socket.until('"type":"stored","stored":1')
    host.count += 1  # what was typed


def test_stomp_by_websocat(run: Any, host: Host) -> None:
    stomp = run(line("websocat", "/stomp"))
    said = stomp.until(f'"time":{TIME + 1}')
    assert said.startswith("CONNECTED\nversion:1.2\n")
    assert "MESSAGE\n" in said
    stomp.until(host.publish())


def test_fetch_with_an_invite_in_node(host: Host, tmp_path: Path, run: Any) -> None:
    script = tmp_path / "watch.mjs"
    script.write_text(f"const invite = {json.dumps(host.invite)};\n{host.here(line('await fetch'))}\n")
    watching = run(f"# {host.lab.port} localhost:8888\n{node()} {script}")
    assert "event: hello\n" in watching.until("event: hello\n")
    watching.until(host.publish())


@pytest.mark.browser
def test_an_event_source_in_a_page_of_jupyters(host: Host) -> None:
    if chromium() is None:
        pytest.skip("chromium is missing: see tests/install-browser.sh")
    with launch() as browser:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.goto(f"{host.lab.url}lab?token={host.lab.token}", wait_until="domcontentloaded")
        page.evaluate("() => { window.said = []; console.log = (value) => said.push(JSON.stringify(value)) }")
        page.evaluate(f"() => void ({line('new EventSource')})")
        page.evaluate(OPEN)  # it was opened later, so the other one is open too
        new = host.publish()
        page.wait_for_function("(new_) => said.some((text) => text.includes(new_))", arg=new)
        # and the same page may show an invite instead of its cookie
        script = f"const invite = {json.dumps(host.invite)}; {host.here(line('await fetch'))}"
        page.evaluate(f"() => void (async () => {{ {script} }})()")
        page.wait_for_function("() => said.some((text) => text.includes('event: hello'))")
