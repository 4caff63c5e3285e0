"""The columns of what is measured, and what follows from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MEASURED", "SHOWN", "columns_help", "shown", "with_figures"]

KIB, MIB = 1 << 10, 1 << 20

# what a row of the grid and of the intervals holds; the kept files have these columns
MEASURED = {
    "transport": "what the watchers use",
    "rate": "fixes published per second",
    "watchers": "how many there are",
    "interval": "s between the polls of `polling`; NaN for the others",
    "seconds": "s for which requests, bytes and CPU were counted",
    "fixes": "published within them",
    "served": "deliveries within them: one fix to one watcher is one",
    "deliveries": "all of these fixes, late ones too",
    "faults": "deliveries that were lost, doubled or out of order",
    "latency_p50": "ms from sending to receiving, median over the deliveries",
    "latency_p99": "ms, 99th percentile",
    "latency_max": "ms, the longest",
    "latency_first": "ms until the first watcher has a fix, median over the fixes",
    "latency_last": "ms until the last watcher has it, median over the fixes",
    "requests": "HTTP requests of all watchers",
    "connections": "TCP connections that all watchers have opened since they began",
    "sent": "bytes that the watchers sent, with HTTP headers and WebSocket frames, without TCP and IP",
    "received": "bytes that they received, counted alike",
    "server_cpu": "s of the server, user and system, less what it takes when nobody asks",
    "watchers_cpu": "s of the process of all watchers; near `seconds` it was the limit, and not the server",
    "memory_before": "bytes of the server, resident, before the watchers came",
    "memory_open": "bytes when all had come",
    "memory": "bytes at the end",
}

# what follows from them
_FIGURES = {
    "requests_per_fix": "HTTP requests of all watchers for one fix",
    "requests_per_watcher": "HTTP requests of one watcher per second",
    "bytes_per_delivery": "bytes on the wire, both ways, to bring one fix to one watcher",
    "cpu_per_fix": "ms of the server to take one fix and give it to all watchers",
    "cpu_per_delivery": "us of the server for each of them",
    "server_busy": "processors that the server kept busy",
    "watchers_busy": "processors that the watchers did",
    "memory_per_watcher": "KiB of the server for one more watcher who waits",
}

# the table that is shown, and what is written above it
SHOWN = {
    "transport": "transport",
    "rate": "fixes/s",
    "watchers": "watchers",
    "latency_p50": "p50, ms",
    "latency_p99": "p99, ms",
    "requests_per_fix": "requests per fix",
    "bytes_per_delivery": "bytes per delivery",
    "cpu_per_fix": "server CPU per fix, ms",
    "server_busy": "server busy",
    "connections": "connections",
    "memory_per_watcher": "KiB per watcher",
    "faults": "lost",
}


def columns_help() -> pd.DataFrame:
    """Return what each column means, with its unit."""
    import pandas as pd

    rows = {**MEASURED, **_FIGURES}
    return pd.DataFrame({"column": rows.keys(), "meaning": rows.values()}).set_index("column")


def shown(measured: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that are shown, under names with units."""
    return measured[list(SHOWN)].rename(columns=SHOWN)


def with_figures(measured: pd.DataFrame) -> pd.DataFrame:
    """Return a copy with what follows from the measured columns.

    What polls cost goes by the clock, and is divided by the fixes that were published. What the
    others cost goes by deliveries, and is divided by those that came within the time: a server
    that falls behind has not done more.
    """
    frame = measured.copy()
    by_clock = frame["transport"] == "polling"
    deliveries = (frame["fixes"] * frame["watchers"]).where(by_clock, frame["served"])
    deliveries = deliveries.where(deliveries > 0)
    fixes = deliveries / frame["watchers"]
    frame["requests_per_fix"] = frame["requests"] / fixes
    frame["requests_per_watcher"] = frame["requests"] / frame["watchers"] / frame["seconds"]
    frame["bytes_per_delivery"] = (frame["sent"] + frame["received"]) / deliveries
    frame["cpu_per_fix"] = frame["server_cpu"] * 1e3 / fixes
    frame["cpu_per_delivery"] = frame["server_cpu"] * 1e6 / deliveries
    frame["server_busy"] = frame["server_cpu"] / frame["seconds"]
    frame["watchers_busy"] = frame["watchers_cpu"] / frame["seconds"]
    frame["memory_per_watcher"] = (frame["memory_open"] - frame["memory_before"]) / frame["watchers"] / KIB
    return frame
