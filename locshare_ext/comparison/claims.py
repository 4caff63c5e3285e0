"""What is said of the transports, and what a run says of that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from locshare_ext.comparison.keepers import BOUNDED_LOG, COILMQ

if TYPE_CHECKING:
    import pandas as pd

    from locshare_ext.comparison.whole import Comparison

__all__ = ["HOLDS", "IN_PART", "NOT", "judge"]

HOLDS, IN_PART, NOT = "holds", "in part", "does not hold"
_PUSHED = ("sse", "websocket", "stomp")


class _Finding(NamedTuple):
    claim: str
    measured: str
    verdict: str


def judge(run: Comparison) -> pd.DataFrame:
    """Return each claim with what was measured, and whether it holds: by these numbers alone."""
    import pandas as pd

    view = _View(run)
    found = [finding for part in _PARTS for finding in part(view)]
    return pd.DataFrame(found, columns=["claim", "measured", "verdict"])


@dataclass(frozen=True)
class _View:
    run: Comparison

    @property
    def rates(self) -> list[float]:
        return sorted(self.run.grid["rate"].unique())

    @property
    def watchers(self) -> list[int]:
        return sorted(self.run.grid["watchers"].unique())

    def at(self, transport: str, rate: float, watchers: int) -> Any:
        """Return one row of the grid."""
        grid = self.run.grid
        rows = grid[
            (grid["transport"] == transport) & (grid["rate"] == rate) & (grid["watchers"] == watchers)
        ]
        return rows.iloc[0]

    def speaking(self, transport: str) -> Any:
        """Return one row of publishing."""
        return self.run.speaking.set_index("transport").loc[transport]


def _interval(view: _View) -> Iterator[_Finding]:
    polls = view.run.intervals.sort_values("interval")
    short, long = polls.iloc[0], polls.iloc[-1]
    age = (polls["latency_p50"] / 1000 / polls["interval"]).between(0.25, 0.9).all()
    asked = (polls["requests_per_watcher"] * polls["interval"]).between(0.7, 1.3).all()
    yield _Finding(
        "Polling trades the age of a fix for requests: half as old, twice as many",
        f"every {short.interval:g} s: {short.requests_per_watcher:.3g} requests/s of a watcher, a fix "
        f"{_ms(short.latency_p50)} old; every {long.interval:g} s: {long.requests_per_watcher:.2g}, "
        f"{_ms(long.latency_p50)}",
        HOLDS if age and asked else IN_PART if age or asked else NOT,
    )


def _empty_polls(view: _View) -> Iterator[_Finding]:
    rate, fast, most = view.rates[0], view.rates[-1], view.watchers[-1]
    poll, pushed = view.at("polling", rate, most), view.at("sse", rate, most)
    times = poll.cpu_per_delivery / pushed.cpu_per_delivery
    yield _Finding(
        "Polls are wasted when little happens",
        f"at {rate:g}/s, {most} watchers: {poll.requests / poll.watchers / poll.fixes:.2g} requests to bring "
        f"one fix to one watcher, {times:.0f} x the CPU of an event stream",
        HOLDS if times > 2 else NOT,
    )
    poll, pushed = view.at("polling", fast, most), view.at("sse", fast, most)
    cpu = poll.cpu_per_delivery / pushed.cpu_per_delivery
    size = poll.bytes_per_delivery / pushed.bytes_per_delivery
    yield _Finding(
        "Polling is dear at any rate",
        f"at {fast:g}/s, {most} watchers: one poll brings {poll.served / poll.requests:.0f} fixes, for "
        f"{size:.2f} x the bytes and {cpu:.2f} x the CPU of an event stream; {_ms(poll.latency_p50)} late",
        HOLDS if min(cpu, size) > 1.5 else IN_PART if max(cpu, size) > 1.5 else NOT,
    )


def _long_polls(view: _View) -> Iterator[_Finding]:
    slow, fast, few, most = view.rates[0], view.rates[-1], view.watchers[0], view.watchers[-1]
    polls = view.at("polling", fast, few)
    calm, busy = view.at("long polling", slow, few), view.at("long polling", fast, few)
    yield _Finding(
        "Long polling turns into polling when fixes are frequent",
        f"at {slow:g}/s a watcher asks {calm.requests_per_watcher:.2g} times a second, at {fast:g}/s "
        f"{busy.requests_per_watcher:.3g} times; polling every {polls.interval:g} s "
        f"{polls.requests_per_watcher:.2g} times at any rate",
        HOLDS if busy.requests_per_watcher > polls.requests_per_watcher else NOT,
    )
    herd, stream = view.at("long polling", slow, most), view.at("sse", slow, most)
    is_late = herd.latency_last > 2 * stream.latency_last
    is_dear = herd.cpu_per_fix > 2 * stream.cpu_per_fix
    yield _Finding(
        "One fix answers all long polls at once, and the herd comes back together",
        f"{most} watchers: {herd.requests / herd.fixes:.0f} requests for one fix; the last watcher has it "
        f"after {_ms(herd.latency_last)} (event stream {_ms(stream.latency_last)}), the server has computed "
        f"{herd.cpu_per_fix:.3g} ms (event stream {stream.cpu_per_fix:.3g})",
        HOLDS if is_late and is_dear else IN_PART if is_late or is_dear else NOT,
    )


def _channels(view: _View) -> Iterator[_Finding]:
    sse, socket = view.speaking("sse"), view.speaking("websocket")
    yield _Finding(
        "An event stream needs a second channel to publish",
        f"{sse.connections:.0f} connections of who watches and publishes, and {sse.requests:.0f} request, "
        f"{sse.sent + sse.received:.0f} bytes and {sse.cpu:.0f} us of CPU for a published fix (WebSocket: "
        f"{socket.connections:.0f} connection, a message, {socket.sent + socket.received:.0f} bytes, "
        f"{socket.cpu:.0f} us)",
        HOLDS if sse.connections > socket.connections else NOT,
    )
    rate, most = view.rates[len(view.rates) // 2], view.watchers[-1]
    stream, duplex = view.at("sse", rate, most), view.at("websocket", rate, most)
    cpu = stream.cpu_per_delivery / duplex.cpu_per_delivery
    size = stream.bytes_per_delivery / duplex.bytes_per_delivery
    yield _Finding(
        "To watch, a WebSocket is much cheaper than an event stream",
        f"at {rate:g}/s, {most} watchers: {cpu:.2f} x the CPU of each delivery, {size:.2f} x the bytes",
        HOLDS if min(cpu, size) > 1.5 else IN_PART if max(cpu, size) > 1.5 else NOT,
    )


def _groups(view: _View) -> Iterator[_Finding]:
    groups = view.run.groups
    rows = groups[groups["groups"] == groups["groups"].max()].set_index("transport")
    socket, stomp = rows.loc["websocket"], rows.loc["stomp"]
    yield _Finding(
        "A plain WebSocket has no groups: who watches several needs a connection for each; STOMP has",
        f"{socket.groups:.0f} groups: {socket.connections:.0f} connections and "
        f"{socket.memory_per_watcher:.0f} KiB of the server for a watcher (STOMP {stomp.connections:.0f} and "
        f"{stomp.memory_per_watcher:.0f} KiB)",
        HOLDS if socket.connections > stomp.connections else NOT,
    )
    rate, most = view.rates[len(view.rates) // 2], view.watchers[-1]
    plain, framed = view.at("websocket", rate, most), view.at("stomp", rate, most)
    cpu = framed.cpu_per_delivery / plain.cpu_per_delivery
    size = framed.bytes_per_delivery / plain.bytes_per_delivery
    yield _Finding(
        "STOMP's frames are the price of that",
        f"at {rate:g}/s, {most} watchers: {size:.2f} x the bytes of a plain WebSocket, {cpu:.2f} x the CPU",
        HOLDS if min(cpu, size) > 1.2 else IN_PART if max(cpu, size) > 1.2 else NOT,
    )


def _memory(view: _View) -> Iterator[_Finding]:
    rate, most = view.rates[0], view.watchers[-1]
    each = {
        name: view.at(name, rate, most).memory_per_watcher for name in ("polling", "long polling", *_PUSHED)
    }
    open_ones = max(each[name] for name in _PUSHED)
    yield _Finding(
        "Connections that stay open cost the server memory, polls do not",
        f"{most} watchers, KiB each: " + ", ".join(f"{name} {size:.1f}" for name, size in each.items()),
        HOLDS if each["polling"] < open_ones / 2 else NOT,
    )
    table = view.run.appetite
    if COILMQ not in set(table["broker"]):
        return
    grown = {}
    for grows in ("fixes", "watchers"):
        largest = table[table["grows"] == grows].groupby("broker").last()
        grown[grows] = largest.loc[BOUNDED_LOG], largest.loc[COILMQ]
    (log, held), (away, copies) = grown["fixes"], grown["watchers"]
    yield _Finding(
        "A broker in memory grows with what it keeps and for how many",
        f"{held.fixes:,.0f} fixes: {held.grown / 2**20:.1f} MiB more (our log {log.grown / 2**20:.1f}, and "
        f"{log.file / 2**20:.1f} on disk); {copies.fixes:.0f} fixes for {copies.watchers} who are away: "
        f"{copies.grown / 2**20:.1f} MiB (our log {away.grown / 2**20:.1f})",
        HOLDS if held.grown > 2 * log.grown and copies.grown > 2 * away.grown else IN_PART,
    )


def _ms(value: float) -> str:
    return f"{value:,.0f} ms" if value >= 10 else f"{value:.2g} ms"


_PARTS = (_interval, _empty_polls, _long_polls, _channels, _groups, _memory)
