"""Transports side by side: each rate with each number of watchers, and polls at several intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from locshare_ext.comparison.cell import POLLING, Pace, measure, working
from locshare_ext.comparison.table import with_figures
from locshare_ext.errors import InvalidInput
from locshare_ext.transports import TRANSPORTS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Progress", "compare", "poll_intervals"]

MOST_RATE = 1000.0  # 1/s; beyond it the publisher is measured, and not the server
MOST_WATCHERS = 500  # long polls and event streams that a server keeps open

Progress = Callable[[str], None]  # told what is measured next


def compare(
    rates: Sequence[float] = (1.0, 10.0),
    watchers: Sequence[int] = (1, 20),
    *,
    transports: Iterable[str] = TRANSPORTS,
    pace: Pace | None = None,
    interval: float = 1.0,
    progress: Progress = lambda _: None,
) -> pd.DataFrame:
    """Measure transports: a server for each number of watchers, on which one rate follows the other.

    rates: fixes per second, up to 1000. watchers: 1-500. transports: all five by default. pace: how
    long each is measured. interval: s between the polls of `polling`. progress: is called before
    each row with what is measured.

    Returns a row for each; `locshare_ext.comparison.columns_help()` tells the columns and their
    units. It starts servers and workers of its own, on free ports of this machine and with stores
    in a temporary folder; they have ended when it returns, or raises. Blocks; any thread.

    Raises InvalidInput for what cannot be measured, ServerUnreachable when a server fails,
    Unavailable when watchers or publisher do.
    """
    chosen, pace = tuple(transports), pace or Pace(2.0)
    _check(rates, watchers, chosen, interval)
    rows: list[dict[str, Any]] = []
    with working() as workers:
        for transport in chosen:
            for count in watchers:
                progress(f"{transport}, {count:,} watchers")
                for row in measure(workers, transport, count, tuple(rates), pace, interval):
                    rows.append(row)
                    progress(f"{transport}, {count:,} watchers, {row['rate']:g}/s")
    return _frame(rows)


def poll_intervals(
    intervals: Sequence[float] = (0.25, 1.0, 4.0),
    *,
    rate: float = 1.0,
    watchers: int = 20,
    pace: Pace | None = None,
    progress: Progress = lambda _: None,
) -> pd.DataFrame:
    """Measure `polling` at several intervals, s, with one rate and number of watchers; rows as `compare`."""
    for interval in intervals:
        _check((rate,), (watchers,), (POLLING,), interval)
    rows: list[dict[str, Any]] = []
    with working() as workers:
        for interval in intervals:
            progress(f"polling every {interval:g} s")
            rows += measure(workers, POLLING, watchers, (rate,), pace or Pace(4.0), interval)
    return _frame(rows)


def _check(
    rates: Sequence[float], watchers: Sequence[int], transports: Sequence[str], interval: float
) -> None:
    for transport in transports:
        if transport not in TRANSPORTS:
            raise InvalidInput(
                f"transport {transport!r} is unknown; expected one of {', '.join(TRANSPORTS)}",
                field="transports",
            )
    for rate in rates:
        if not 0 < rate <= MOST_RATE:
            raise InvalidInput(f"rate {rate!r} is not within (0, {MOST_RATE:g}] per second", field="rates")
    for count in watchers:
        if not 1 <= count <= MOST_WATCHERS:
            raise InvalidInput(f"{count!r} watchers are not within 1-{MOST_WATCHERS}", field="watchers")
    if not 0 < interval <= 60:
        raise InvalidInput(f"interval {interval!r} is not within (0, 60] seconds", field="interval")
    if not (rates and watchers and transports):
        raise InvalidInput("nothing to measure: rates, watchers and transports need a value each")


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    return with_figures(pd.DataFrame(rows))
