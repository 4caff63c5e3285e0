"""How long fixes of members who share once a second are under way: our endpoint and other servers."""

from __future__ import annotations

from functools import partial

from benchmarks.load import Plan
from benchmarks.peers import BARE_SEND, OURS, RABBITMQ, STOMP_BROKER_JS
from benchmarks.report import Report, middle, ratio

PEERS = (OURS, RABBITMQ, STOMP_BROKER_JS, BARE_SEND)
AT_LEAST = 4.0  # s: a 99th percentile of fewer fixes says nothing


def run(report: Report) -> None:
    seconds = max(AT_LEAST, 2 * report.options.seconds)
    for members, watchers in ((100, 100), (10, 1000)):
        topic = f"{members} x 1/s to {watchers:,}"
        plan = partial(Plan, subscribers=watchers, publishers=members, seconds=seconds, rate=1.0)
        found = report.compare(topic, PEERS, plan)
        ours, bare = found[OURS.name], found.get(BARE_SEND.name)
        if watchers == 100:
            for name in ("p50", "p99"):
                times = ratio(middle(ours, name), middle(bare, name))
                report.judge(topic, f"{name} beside a loop of sends", times, most=2, unit=" x")
            report.judge(topic, "server", middle(ours, "server"), most=0.25, unit=" cores")
        else:
            report.judge(topic, "p99", middle(ours, "p99"), most=20, unit=" ms")
        report.judge_whole(topic, ours)
