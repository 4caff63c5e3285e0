"""Deliveries/s to many subscribers, as many as go through: our endpoint, other brokers, and no broker at all.

Group fixes are validated, stored and in the log before anybody sees them. What a delivery
costs is the CPU time of the server over the deliveries.
"""

from __future__ import annotations

from functools import partial

from benchmarks.load import Plan
from benchmarks.peers import BARE_SEND, BARE_TORNADO, FREE, OURS, RABBITMQ, STOMP_BROKER_JS
from benchmarks.report import Report, middle, ratio

PEERS = (OURS, FREE, RABBITMQ, STOMP_BROKER_JS, BARE_TORNADO, BARE_SEND)
PUBLISHERS = 4
TARGETS = {100: 1_000_000, 10: 300_000, 1000: 400_000}  # subscribers: deliveries/s


def run(report: Report) -> None:
    for subscribers, target in TARGETS.items():
        topic = f"fan-out to {subscribers:,}"
        plan = partial(Plan, subscribers=subscribers, publishers=PUBLISHERS, seconds=report.options.seconds)
        found = report.compare(topic, PEERS, plan)
        ours = middle(found[OURS.name], "delivered")
        report.judge(topic, "deliveries", ours, least=target, unit="/s")
        if subscribers == 100:
            for peer, times in ((RABBITMQ, 25), (STOMP_BROKER_JS, 8)):
                theirs = middle(found.get(peer.name), "delivered")
                report.judge(topic, f"beside {peer.name}", ratio(ours, theirs), least=times, unit=" x")
        report.judge_whole(topic, found[OURS.name])
