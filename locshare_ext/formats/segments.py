"""Each member's rows of a trail, and where its line is broken: at gaps, nothing was measured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from locshare_ext.formats.trips import dictionary_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["GAP", "by_member"]

GAP = 120_000  # ms; a segment ends at a silence over this and over 5 times the usual interval


def by_member(table: pa.Table) -> Iterator[tuple[str, pa.Table, NDArray[np.bool_]]]:
    """Yield each member's name, its rows, and which of them come after a gap."""
    names, codes = dictionary_of(table.column("member"))
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(len(names) + 1))
    for code, name in enumerate(names):
        rows = table.take(pa.array(order[starts[code] : starts[code + 1]]))
        yield name, rows, _after_gaps(rows.column("time"))


def _after_gaps(times: Any) -> NDArray[np.bool_]:
    ns = times.cast(pa.int64()).to_numpy()
    steps = np.diff(ns) // 1_000_000
    is_after = np.zeros(len(ns), dtype=bool)
    if len(steps):
        is_after[1:] = steps > max(GAP, 5 * float(np.median(steps)))
    return is_after
