"""500 watchers over event streams and long polls: at rest, at one event, and beside plain WebSockets.

Bare tornado handlers without log, cursor, access or filters are measured in the same run.
"""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Literal

from benchmarks import load
from benchmarks.peers import BARE_SSE, BARE_TORNADO, OURS, SSE, WEBSOCKET
from benchmarks.processes import SERVER_CPU
from benchmarks.report import Report, middle, ratio
from benchmarks.serving import serve
from benchmarks.watchers import Found, Plan, watch

WATCHERS, WARM = 500, 50  # as many as a server has by default; some of them before memory counts
SETTLE = 1.5  # s
ROUND = 31.0  # s, in which each long poll ends once and each stream is sent two signs of life
EVENTS = 10
RATE, PUBLISHERS = 5.0, 4  # fixes/s of each
AT_LEAST = 4.0  # s

_Kind = Literal["sse", "poll"]
_WORDS: dict[_Kind, str] = {"sse": "event streams", "poll": "long polls"}
_GROUP = "/locshare/api/groups/bench"


def run(report: Report) -> None:
    for kind in _WORDS:
        _at_rest(report, kind)
    _beside_websockets(report)


def _at_rest(report: Report, kind: _Kind) -> None:
    topic = f"{WATCHERS} {_WORDS[kind]}"
    found: list[Found] = []
    for _ in range(report.options.rounds):
        found.append(_once(report, topic, kind, "our endpoint", _ours, ROUND))
        _once(report, topic, kind, "bare tornado", _bare, SETTLE)
    report.judge(
        topic, "memory of each", statistics.median(one.each for one in found) / 1024, most=25, unit=" KiB"
    )
    report.judge(topic, "at rest", statistics.median(one.idle for one in found), most=0.02, unit=" cores")
    if kind == "poll":
        last = statistics.median(one.last for one in found)
        report.judge(topic, "one event, until all are answered", last, most=150, unit=" ms")


def _once(
    report: Report,
    topic: str,
    kind: _Kind,
    name: str,
    start: Callable[[_Kind], AbstractContextManager[partial[Plan]]],
    rest: float,
) -> Found:
    with start(kind) as plan:
        found = watch(plan(kind=kind, count=WATCHERS, warm=WARM, settle=SETTLE, rest=rest, events=EVENTS))
    text = (
        f"{found.each / 1024:6.1f} KiB each  {found.idle * 100:6.2f} % of a core at rest  "
        f"an event: first {found.first:6.1f}, last {found.last:6.1f} (worst {found.worst:6.1f}) ms, "
        f"{found.cost:6.1f} ms of the server's CPU"
    )
    figures = {"kib": found.each / 1024, "idle": found.idle, "last": found.last, "cpu": found.cost}
    report.note(topic, name, text, **figures)
    return found


@contextlib.contextmanager
def _ours(kind: _Kind) -> Iterator[partial[Plan]]:
    path = f"{_GROUP}/events" if kind == "sse" else f"{_GROUP}/fixes?wait=30&after={{after}}"
    with serve(cpu=SERVER_CPU) as served:
        yield partial(Plan, served.pid, served.port, path=path, publish=f"{_GROUP}/fixes", token=served.token)


@contextlib.contextmanager
def _bare(kind: _Kind) -> Iterator[partial[Plan]]:
    with BARE_TORNADO.start() as target:
        port = int(target.url.split(":")[2].partition("/")[0])
        yield partial(Plan, target.pid, port, path=f"/{kind}", publish="/publish", token="")


def _beside_websockets(report: Report) -> None:
    topic = f"{PUBLISHERS} x {RATE:g}/s to {WATCHERS}"
    plan = partial(
        load.Plan,
        subscribers=WATCHERS,
        publishers=PUBLISHERS,
        seconds=max(AT_LEAST, report.options.seconds),
        rate=RATE,
    )
    found = report.compare(topic, (OURS, WEBSOCKET, SSE, BARE_SSE), plan)
    times = ratio(middle(found[SSE.name], "cost"), middle(found[WEBSOCKET.name], "cost"))
    report.judge(topic, "an event stream's delivery beside a WebSocket's", times, most=1.3, unit=" x")
    report.judge_whole(topic, [*found[SSE.name], *found[WEBSOCKET.name]])
