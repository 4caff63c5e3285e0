"""Twenty readers that never read, beside a hundred that do: what the others and the server notice of it."""

from __future__ import annotations

from functools import partial

from benchmarks.load import Outcome, Plan
from benchmarks.peers import OURS
from benchmarks.report import Report, middle, ratio

READERS, STALLED, MEMBERS = 100, 20, 100
FILL = 16 << 20  # bytes for each reader before delays are measured: more than buffers hold
AT_LEAST = 4.0  # s


def run(report: Report) -> None:
    found: dict[int, list[Outcome]] = {0: [], STALLED: []}
    plan = partial(
        Plan,
        subscribers=READERS,
        publishers=MEMBERS,
        seconds=max(AT_LEAST, 2 * report.options.seconds),
        rate=1.0,
        fill=FILL,
    )
    for _ in range(report.options.rounds):
        for stalled, outcomes in found.items():
            outcome = report.once(f"{stalled} that never read", OURS, partial(plan, stalled=stalled))
            outcomes += [outcome] if outcome else []
    topic = f"{STALLED} that never read"
    times = ratio(middle(found[STALLED], "p99"), middle(found[0], "p99"))
    report.judge(topic, "p99 of the others beside that without", times, most=2, unit=" x")
    with_them, without = middle(found[STALLED], "most"), middle(found[0], "most")
    assert with_them is not None
    assert without is not None
    report.judge(
        topic, "memory of the server beside that without", (with_them - without) / 2**20, most=20, unit=" MB"
    )
    report.judge_whole(topic, found[STALLED])
