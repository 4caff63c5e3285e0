"""A thousand subscribers at rest: memory of each, and how fast they connect and subscribe."""

from __future__ import annotations

from functools import partial

from benchmarks.load import Plan
from benchmarks.peers import BARE_TORNADO, OURS, RABBITMQ, STOMP_BROKER_JS
from benchmarks.report import Report, middle

PEERS = (OURS, RABBITMQ, STOMP_BROKER_JS, BARE_TORNADO)
SUBSCRIBERS = 1000
WARM = (
    200  # before them: what a server loads for its first ones, and has free since its start, is not counted
)
SETTLE = 1.5  # s


def run(report: Report) -> None:
    topic = f"{SUBSCRIBERS:,} at rest"
    # a few messages afterwards show that all of them are subscribed
    plan = partial(
        Plan, subscribers=SUBSCRIBERS, publishers=1, seconds=1.0, rate=5.0, warm=WARM, settle=SETTLE
    )
    found = report.compare(topic, PEERS, plan)
    each = middle(found[OURS.name], "each")
    report.judge(topic, "memory of each", each and each / 1024, most=24, unit=" KiB")
    report.judge(topic, "connect and subscribe", middle(found[OURS.name], "opened"), least=1000, unit="/s")
    report.judge_whole(topic, found[OURS.name])
