"""All of fanout, latency, connections, stalled and clients in one run: our endpoint beside its peers."""

from __future__ import annotations

from benchmarks import clients, connections, fanout, latency, stalled
from benchmarks.report import Report


def run(report: Report) -> None:
    for module in (fanout, latency, connections, stalled, clients):
        print((module.__doc__ or "").splitlines()[0], flush=True)
        module.run(report)
