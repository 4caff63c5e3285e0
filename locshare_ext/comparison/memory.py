"""The appetite of a broker: its memory as fixes and watchers grow."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from locshare_ext.comparison.keepers import KEEPERS, Keeper, is_available, keeping

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FULL", "SMALL", "AppetitePlan", "appetite", "sample_fixes"]


@dataclass(frozen=True, slots=True)
class AppetitePlan:
    """What the brokers are given.

    fixes: how many, ascending, kept for one watcher who is away. watchers: how many are away,
    each of whom `each` fixes are kept for.
    """

    fixes: tuple[int, ...]
    watchers: tuple[int, ...]
    each: int


SMALL = AppetitePlan(fixes=(2000, 8000, 24_000), watchers=(1, 20), each=200)
FULL = AppetitePlan(
    fixes=(1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000), watchers=(1, 10, 100, 500), each=200
)


def appetite(
    plan: AppetitePlan = SMALL,
    brokers: Sequence[str] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> pd.DataFrame:
    """Measure the memory of brokers that keep fixes for watchers who are away.

    brokers: some of `KEEPERS`, all that are installed by default. One row for each step:

    - broker: its name.
    - grows: `fixes` (for one watcher) or `watchers` (`plan.each` fixes for each of them).
    - fixes, watchers: how many there are at this step.
    - memory: bytes, resident, of the broker's process.
    - grown: bytes more than when it was empty.
    - file: bytes that it has on disk.
    - returned: fixes that one watcher was given when it came back; NaN where none did.

    Raises ServerUnreachable when a broker fails, InvalidInput when it is not installed.
    """
    import pandas as pd

    chosen = brokers if brokers is not None else [name for name in KEEPERS if is_available(name)]
    rows: list[dict[str, Any]] = []
    for name in chosen:
        rows += _by_fixes(name, plan, progress)
        for count in plan.watchers:
            rows.append(_by_watchers(name, count, plan.each, progress))
    return pd.DataFrame(rows)


def sample_fixes(first: int, begin: int, end: int) -> list[bytes]:
    """Return the fixes `begin` to `end` that a phone sends, one a second; number 0 is of `first`, ms."""
    return [
        b'{"member":"ann","time":%d,"lat":37.5665,"lon":126.978,"accuracy":5.0,"speed":1.4,"heading":270.0}'
        % (first + 1000 * number)
        for number in range(begin, end)
    ]


def _by_fixes(name: str, plan: AppetitePlan, progress: Callable[[str], None]) -> list[dict[str, Any]]:
    first = _first(plan.fixes[-1])
    rows = []
    with keeping(name) as broker:
        broker.expect(1)
        empty, kept = broker.probe.memory(), 0
        for fixes in (0, *plan.fixes):
            progress(f"{name}: {fixes:,} fixes")
            if fixes > kept:
                broker.keep(sample_fixes(first, kept, fixes))
                kept = fixes
            rows.append(_row(name, "fixes", fixes, 1, broker, empty))
        rows[-1]["returned"] = broker.returned(0, kept)
    return rows


def _by_watchers(name: str, watchers: int, each: int, progress: Callable[[str], None]) -> dict[str, Any]:
    progress(f"{name}: {watchers:,} watchers")
    with keeping(name) as broker:
        empty = broker.probe.memory()
        broker.expect(watchers)
        broker.keep(sample_fixes(_first(each), 0, each))
        row = _row(name, "watchers", each, watchers, broker, empty)
        row["returned"] = broker.returned(watchers - 1, each)
    return row


def _first(count: int) -> int:
    """Return a time, ms, from which `count` seconds end before now."""
    return int(time.time() * 1000) - 1000 * (count + 60)


def _row(name: str, grows: str, fixes: int, watchers: int, broker: Keeper, empty: int) -> dict[str, Any]:
    memory = broker.probe.memory()
    return {
        "broker": name,
        "grows": grows,
        "fixes": fixes,
        "watchers": watchers,
        "memory": memory,
        "grown": memory - empty,
        "file": broker.file_size(),
        "returned": math.nan,
    }
