"""The servers that are measured beside each other; each runs alone, on the server's processor."""

from __future__ import annotations

import contextlib
import functools
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import tornado

import locshare_ext
from benchmarks import rabbitmq
from benchmarks.opening import Target
from benchmarks.processes import PYTHON, SERVER_CPU, free_port, process, wait_until_open
from benchmarks.serving import serve

__all__ = [
    "BARE_SEND",
    "BARE_SSE",
    "BARE_TORNADO",
    "FREE",
    "OURS",
    "RABBITMQ",
    "SSE",
    "STOMP_BROKER_JS",
    "WEBSOCKET",
    "Peer",
    "reason_missing",
    "versions",
]

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Peer:
    """A kind of server.

    start: runs it. prepare: installs it and returns why it cannot be had, or nothing; None
    where there is nothing to install. body: bytes of what is published, so that about as many
    come out of each. is_ours: it must run.
    """

    name: str
    start: Callable[[], AbstractContextManager[Target]]
    prepare: Callable[[], str] | None = None
    body: int = 200
    is_ours: bool = False


@functools.cache
def reason_missing(peer: Peer) -> str:
    """Return why a peer cannot be measured here, or nothing; told once."""
    reason = peer.prepare() if peer.prepare else ""
    if reason:
        print(f"{peer.name} is left out: {reason}", flush=True)
    return reason


def versions() -> dict[str, str]:
    """Return the versions of what is measured, as far as it is here."""
    found = {"locshare_ext": locshare_ext.__version__, "tornado": tornado.version}
    if script := rabbitmq.script():
        found["RabbitMQ"] = Path(script).parents[1].name.rpartition("-")[2]
    manifest = HERE / "node_modules" / "stomp-broker-js" / "package.json"
    if manifest.exists():
        node = subprocess.run(["node", "--version"], stdout=subprocess.PIPE, text=True, check=False).stdout
        found["stomp-broker-js"] = f"{json.loads(manifest.read_text())['version']} on node {node.strip()}"
    return found


@contextlib.contextmanager
def _ours(destination: str, watch: str = "") -> Iterator[Target]:
    with serve(cpu=SERVER_CPU) as served:
        url = f"ws://127.0.0.1:{served.port}/locshare/stomp"
        watch = watch and watch.format(port=served.port)
        if watch:
            served.make_group("bench")  # who only watches begins none
        yield Target(served.pid, url, destination=destination, token=served.token, watch=watch)


@contextlib.contextmanager
def _bare(kind: str, watch: str = "") -> Iterator[Target]:
    port = free_port()
    with process(
        *(PYTHON, "-m", "benchmarks.bare", kind, str(port)), cpu=SERVER_CPU, folder=str(HERE.parent)
    ) as child:
        wait_until_open(port, child)
        watch = watch and watch.format(port=port)
        yield Target(child.pid, f"ws://127.0.0.1:{port}/ws", dialect="bare", watch=watch)


def _npm_ci() -> str:
    """Install what package-lock.json names into benchmarks/node_modules."""
    for command in ("node", "npm"):
        if not shutil.which(command):
            return f"{command} is not installed"
    done = subprocess.run(
        ["npm", "ci", "--silent", "--no-audit", "--no-fund"],
        cwd=HERE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return f"npm ci failed: {done.stdout.strip()[-300:]}" if done.returncode else ""


@contextlib.contextmanager
def _stomp_broker_js() -> Iterator[Target]:
    port = free_port()
    with process("node", "stomp_broker.cjs", str(port), cpu=SERVER_CPU, folder=str(HERE)) as child:
        wait_until_open(port, child)
        # it confirms no SUBSCRIBE
        yield Target(child.pid, f"ws://127.0.0.1:{port}/stomp", has_receipts=False)


OURS = Peer("our endpoint, group topic", lambda: _ours("/topic/group.bench"), is_ours=True)
FREE = Peer("our endpoint, free topic", lambda: _ours("/topic/bench"), is_ours=True)
GROUP = "/topic/group.bench"
WEBSOCKET = Peer(
    "our endpoint, plain WebSocket",
    lambda: _ours(GROUP, "ws://127.0.0.1:{port}/locshare/api/groups/bench/ws"),
    is_ours=True,
)
SSE = Peer(
    "our endpoint, event stream",
    lambda: _ours(GROUP, "http://127.0.0.1:{port}/locshare/api/groups/bench/events"),
    is_ours=True,
)
BARE_SSE = Peer(
    "tornado event stream", lambda: _bare("write_message", "http://127.0.0.1:{port}/sse"), body=300
)
RABBITMQ = Peer("RabbitMQ Web-STOMP", rabbitmq.rabbitmq, rabbitmq.prepare)
STOMP_BROKER_JS = Peer("stomp-broker-js", _stomp_broker_js, _npm_ci)
# as many bytes as our MESSAGE has with its headers
BARE_TORNADO = Peer("tornado write_message", lambda: _bare("write_message"), body=400)
BARE_SEND = Peer("a loop of socket.send", lambda: _bare("send"), body=400)
