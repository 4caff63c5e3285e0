"""Five transports side by side, as `jupyter locshare bench transports` measures them.

The package's own measurement (`locshare_ext.comparison`): what it prints stands in notebook 05.
"""

from __future__ import annotations

from benchmarks.report import Report
from locshare_ext import comparison
from locshare_ext.comparison import Pace

RATES, WATCHERS = (1.0, 10.0, 100.0), (1, 100)


def run(report: Report) -> None:
    pace = Pace(report.options.seconds)
    for row in comparison.compare(RATES, WATCHERS, pace=pace).itertuples():
        topic = f"{row.rate:g} fixes/s to {row.watchers}"
        delays = f"p50 {row.latency_p50:8.2f}  p99 {row.latency_p99:8.2f} ms"
        each = f"{row.bytes_per_delivery:6.0f} bytes  {row.cpu_per_delivery:7.1f} us of CPU"
        text = f"{delays}  {row.requests_per_fix:6.1f} requests a fix; a delivery {each}"
        report.note(topic, str(row.transport), text, p50=row.latency_p50, cpu=row.cpu_per_delivery)
