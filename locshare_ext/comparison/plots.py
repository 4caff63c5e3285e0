"""Plots of what was measured; they need matplotlib (`pip install 'locshare-ext[bench]'`).

Each draws the kept run as lines and, where it is given, the run of here as open marks beside
them, and returns the figure, which a notebook shows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from locshare_ext.comparison.keepers import BOUNDED_LOG, COILMQ

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

    from locshare_ext.comparison.whole import Comparison

__all__ = [
    "plot_appetite",
    "plot_channels",
    "plot_costs",
    "plot_groups",
    "plot_herd",
    "plot_intervals",
    "plot_latency",
    "plot_requests",
    "plot_waiting",
]

# told apart by the colour-blind, too, and by their marks
_LOOKS = {
    "polling": ("#E69F00", "o"),
    "long polling": ("#D55E00", "s"),
    "sse": ("#009E73", "^"),
    "websocket": ("#0072B2", "D"),
    "stomp": ("#8E44AD", "v"),
    BOUNDED_LOG: ("#0072B2", "o"),
    COILMQ: ("#D55E00", "s"),
}
_INK, _GRID = "#222222", "#DDDDDD"
_BUSY = 0.9  # of a processor: above it the watchers' process was the limit
_DECADES = 2.0  # an axis that spans fewer has marks at 2 and 5, too
MIB = 1 << 20


def plot_intervals(kept: Comparison, here: Comparison | None = None) -> Figure:
    """How old a fix is when a poll brings it, and how many requests that takes, by the interval."""
    figure, (age, asked) = _figure(2)
    for run, look in _runs(kept, here):
        polls = run.intervals.sort_values("interval")
        colour, mark = _LOOKS["polling"]
        look = {**look, "color": colour, "marker": mark}
        age.plot(polls["interval"], polls["latency_p50"] / 1e3, **look)
        age.plot(polls["interval"], polls["latency_p99"] / 1e3, **{**look, "alpha": 0.45})
        asked.plot(polls["interval"], polls["requests_per_watcher"], **look)
    polls = kept.intervals.sort_values("interval")
    interval, last = polls["interval"], polls.iloc[-1]
    age.plot(interval, interval / 2, color=_INK, linestyle=":", linewidth=1)
    asked.plot(interval, 1 / interval, color=_INK, linestyle=":", linewidth=1)
    _say(age, last["interval"], last["latency_p50"] / 1e3, "median", (8, -3))
    _say(age, last["interval"], last["latency_p99"] / 1e3, "99 %", (8, -3))
    _say(age, interval.iloc[0], interval.iloc[0] / 2, "half the interval (dotted)", (16, -4))
    _say(asked, interval.iloc[0], 1 / interval.iloc[0], "1 / interval (dotted)", (16, 0))
    _name(age, "Age of a fix when it comes", "s between polls", "s", log="xy")
    _name(asked, "Requests of one watcher", "s between polls", "per second", log="xy")
    return _done(figure, here)


def plot_requests(kept: Comparison, here: Comparison | None = None) -> Figure:
    """How often one watcher asks, as fixes come faster: few watchers, and many."""
    few, most = kept.grid["watchers"].min(), kept.grid["watchers"].max()
    figure, axes = _figure(2, sharey=True)
    for axis, watchers in zip(axes, (few, most), strict=True):
        _lines(
            axis, kept, here, ("polling", "long polling"), "rate", "requests_per_watcher", watchers=watchers
        )
        rates = sorted(kept.grid["rate"].unique())
        axis.plot(rates, rates, color=_INK, linestyle=":", linewidth=1)
        _name(axis, f"{watchers:,} {_watchers(watchers)}", "fixes/s", "requests/s of one watcher", log="xy")
    axes[1].set_ylabel("")
    _say(axes[0], rates[0], rates[0], "one for each fix (dotted)", (16, -2))
    return _done(figure, here, ("polling", "long polling"))


def plot_herd(kept: Comparison, here: Comparison | None = None) -> Figure:
    """What one fix sets off, by the number of watchers, when fixes are rare."""
    names = ("long polling", "sse", "websocket", "stomp")
    rate = kept.grid["rate"].min()
    figure, (late, cpu) = _figure(2)
    for axis, column in ((late, "latency_last"), (cpu, "cpu_per_fix")):
        _lines(axis, kept, here, names, "watchers", column, rate=rate)
    _name(late, "Until the last watcher has a fix", "watchers", "ms", log="xy")
    _name(cpu, "The server's CPU for one fix", "watchers", "ms", log="xy")
    return _done(figure, here, names)


def plot_latency(kept: Comparison, here: Comparison | None = None) -> Figure:
    """Delays by the number of watchers, for each rate: median, and 99th percentile (paler)."""
    rates = sorted(kept.grid["rate"].unique())
    figure, axes = _figure(len(rates), sharey=True)
    for axis, rate in zip(axes, rates, strict=True):
        _lines(axis, kept, here, _transports(kept), "watchers", "latency_p50", rate=rate)
        _lines(axis, kept, None, _transports(kept), "watchers", "latency_p99", rate=rate, alpha=0.35)
        _name(axis, f"{rate:g} fixes/s", "watchers", "" if axis is not axes[0] else "ms", log="xy")
    return _done(figure, here, _transports(kept), hollow=_is_limited(kept.grid))


def plot_costs(kept: Comparison, here: Comparison | None = None) -> Figure:
    """CPU and bytes to bring one fix to one watcher, as fixes come faster; as many watchers as there are."""
    most = kept.grid["watchers"].max()
    figure, (cpu, size) = _figure(2)
    for axis, column in ((cpu, "cpu_per_delivery"), (size, "bytes_per_delivery")):
        _lines(axis, kept, None, _transports(kept), "rate", column, watchers=most)
    _name(cpu, f"The server's CPU for one delivery, {most:,} watchers", "fixes/s", "us", log="xy")
    _name(size, f"Bytes on the wire for one delivery, {most:,} watchers", "fixes/s", "bytes", log="xy")
    return _done(
        figure, None, _transports(kept), hollow=_is_limited(kept.grid[kept.grid["watchers"] == most])
    )


def plot_channels(kept: Comparison) -> Figure:
    """What a published fix costs, and the connections of who watches and publishes."""
    figure, axes = _figure(3)
    speaking = kept.speaking
    for axis, values, title, unit in (
        (axes[0], speaking["connections"], "Connections of who watches\nand publishes", ""),
        (axes[1], speaking["sent"] + speaking["received"], "Bytes on the wire\nfor a published fix", "bytes"),
        (axes[2], speaking["cpu"], "The server's CPU\nfor a published fix", "us"),
    ):
        _bars(axis, speaking["transport"], values)
        _name(axis, title, "", unit)
    axes[0].set_yticks([0, 1, 2])
    return _done(figure, None)


def plot_groups(kept: Comparison, here: Comparison | None = None) -> Figure:
    """Connections, and memory of the server, of one watcher who follows several groups."""
    figure, (connections, memory) = _figure(2)
    names = tuple(kept.groups["transport"].unique())
    for run, look in _runs(kept, here):
        for name, rows in run.groups.groupby("transport"):
            colour, mark = _LOOKS[str(name)]
            own = {**look, "color": colour, "marker": mark}
            connections.plot(rows["groups"], rows["connections"], **own)
            memory.plot(rows["groups"], rows["memory_per_watcher"], **own)
    _name(connections, "Connections of one watcher", "groups followed", "", log="xy")
    _name(memory, "The server's memory for one watcher", "groups followed", "KiB", log="xy")
    return _done(figure, here, names)


def plot_waiting(kept: Comparison) -> Figure:
    """The server's memory for one more watcher who waits, of as many as were measured."""
    most = kept.grid["watchers"].max()
    rows = kept.grid[kept.grid["watchers"] == most].drop_duplicates("transport")
    figure, (axis,) = _figure(1)
    _bars(axis, rows["transport"], rows["memory_per_watcher"])
    _name(axis, f"The server's memory for one of {most:,} watchers who wait", "", "KiB")
    return _done(figure, None)


def plot_appetite(kept: Comparison, here: Comparison | None = None) -> Figure:
    """Memory that brokers take on as fixes, and watchers who are away, grow."""
    figure, axes = _figure(2)
    names = tuple(kept.appetite["broker"].unique())
    each = int(kept.appetite.loc[kept.appetite["grows"] == "watchers", "fixes"].max())
    for run, look in _runs(kept, here):
        for axis, grows in zip(axes, ("fixes", "watchers"), strict=True):
            table = run.appetite[(run.appetite["grows"] == grows) & (run.appetite[grows] > 0)]
            for name, rows in table.groupby("broker"):
                colour, mark = _LOOKS[str(name)]
                axis.plot(rows[grows], rows["grown"] / MIB, **{**look, "color": colour, "marker": mark})
    _name(axes[0], "Fixes kept for one watcher who is away", "fixes", "MiB more than empty", log="xy")
    _name(axes[1], f"Watchers who are away, {each:,} fixes for each", "watchers", "", log="xy")
    return _done(figure, here, names)


# -- what they share


def _figure(columns: int, *, sharey: bool = False) -> tuple[Figure, Any]:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        1, columns, figsize=(min(12.5, 3.2 + 3.6 * columns), 4.0), sharey=sharey, squeeze=False
    )
    figure.set_facecolor("white")  # its own ground: as readable in a dark notebook
    return figure, axes[0]


def _runs(kept: Comparison, here: Comparison | None) -> Iterable[tuple[Comparison, dict[str, Any]]]:
    yield kept, {"linewidth": 1.6, "markersize": 5}
    if here is not None:
        yield here, {"linestyle": "", "markersize": 8, "markerfacecolor": "none", "markeredgewidth": 1.4}


def _lines(
    axis: Axes,
    kept: Comparison,
    here: Comparison | None,
    names: Iterable[str],
    x: str,
    y: str,
    *,
    alpha: float = 1.0,
    **chosen: float,
) -> None:
    """Draw a column of the grid against another, the rest of what tells rows apart being chosen."""
    for run, look in _runs(kept, here):
        grid = run.grid
        for column, value in chosen.items():
            grid = grid[grid[column] == value]
        for name in names:
            rows = grid[grid["transport"] == name].sort_values(x)
            rows = rows[rows[y] > 0]  # nothing has no place on a logarithmic axis
            colour, mark = _LOOKS[name]
            axis.plot(rows[x], rows[y], **{**look, "color": colour, "marker": mark, "alpha": alpha})
            limited = rows[rows["watchers_busy"] > _BUSY]
            if run is kept and len(limited):
                axis.plot(limited[x], limited[y], mark, color="white", markersize=3, zorder=5)


def _bars(axis: Axes, names: pd.Series[Any], values: pd.Series[Any]) -> None:
    bars = axis.bar(range(len(names)), values, color=[_LOOKS[name][0] for name in names], width=0.65)
    axis.bar_label(bars, [f"{value:,.0f}" if value >= 10 else f"{value:.2g}" for value in values], color=_INK)
    axis.set_xticks(range(len(names)), [name.replace(" ", "\n") for name in names])
    axis.margins(y=0.12)


def _name(axis: Axes, title: str, x: str, y: str, log: str = "") -> None:
    axis.set_title(title, fontsize="medium", color=_INK)
    axis.set_xlabel(x, color=_INK)
    axis.set_ylabel(y, color=_INK)
    axis.tick_params(colors=_INK, labelsize="small")
    axis.set_facecolor("white")
    axis.grid(visible=True, axis="both" if log else "y", color=_GRID, linewidth=0.6)
    axis.set_axisbelow(True)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    if "x" in log:
        axis.set_xscale("log")
        _tick(axis.xaxis, axis.get_xlim())
    if "y" in log:
        axis.set_yscale("log")
        _tick(axis.yaxis, axis.get_ylim())


def _tick(axis: Axis, limits: tuple[float, float]) -> None:
    """Write plain numbers at a logarithmic axis, more of them where it is short."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    is_short = math.log10(limits[1] / limits[0]) < _DECADES
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if is_short else (1,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axis.set_minor_locator(NullLocator())


def _say(axis: Axes, x: float, y: float, text: str, by: tuple[int, int]) -> None:
    axis.annotate(text, (x, y), by, textcoords="offset points", fontsize="small", color=_INK)


def _done(
    figure: Figure, here: Comparison | None, names: Iterable[str] = (), *, hollow: bool = False
) -> Figure:
    """Add the legend below, and close the figure: a notebook shows what a cell returns."""
    import matplotlib.pyplot as plt
    from matplotlib.lines import Line2D

    marks = [
        Line2D([], [], color=_LOOKS[name][0], marker=_LOOKS[name][1], markersize=5, label=name)
        for name in names
    ]
    if here is not None:
        plain: dict[str, Any] = {"color": _INK, "linestyle": "", "marker": "o"}
        marks.append(
            Line2D([], [], **plain, markersize=8, markerfacecolor="none", label="measured here, now")
        )
    if hollow:
        text = "the watchers' process was the limit"
        marks.append(
            Line2D([], [], color=_INK, marker="o", markerfacecolor="white", linestyle="", label=text)
        )
    if marks:
        figure.legend(
            handles=marks,
            loc="lower center",
            ncols=min(len(marks), 7),
            frameon=False,
            fontsize="small",
            labelcolor=_INK,
        )
    figure.tight_layout(rect=(0, 0.08 if marks else 0, 1, 1))
    plt.close(figure)
    return figure


def _transports(run: Comparison) -> tuple[str, ...]:
    return tuple(run.grid["transport"].unique())


def _is_limited(grid: pd.DataFrame) -> bool:
    return bool((grid["watchers_busy"] > _BUSY).any())


def _watchers(count: int) -> str:
    return "watcher" if count == 1 else "watchers"
