"""Fixes as the page gets them: a small JSON header and one binary buffer of columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from locshare_ext.widget.trail_log import FIXED_NAMES

__all__ = ["encode_columns"]

UNKNOWN_RECEIVED = 0  # `received` of a fix that no server saw
SPAN = 4_294_967_295  # ms that fit into uint32: 49 days


def encode_columns(rows: Mapping[str, npt.NDArray[Any]]) -> tuple[list[dict[str, Any]], bytes]:
    """Return the description of each column, in the order of its bytes, and the bytes.

    A description has `name`, `type` (u4, f4 or f8, little-endian) and for clocks `base`:
    ms to add. Both clocks are offsets from a base of this frame where 49 days suffice,
    else floats. A number that nobody sent in this frame is left out; so is `received`
    when it is unknown everywhere.
    """
    described: list[dict[str, Any]] = []
    parts: list[bytes] = []

    def add(name: str, kind: str, values: npt.NDArray[Any], **more: Any) -> None:
        described.append({"name": name, "type": kind, **more})
        parts.append(values.tobytes())

    for name in ("time", "received"):  # floats first: they need the alignment
        _add_clock(add, name, rows[name])
    for name in ("member", "x", "y"):
        add(name, "u4", rows[name].astype("<u4", copy=False))
    for name in rows:
        if name not in FIXED_NAMES and not np.isnan(rows[name]).all():
            add(name, "f4", rows[name].astype("<f4", copy=False))
    order = sorted(range(len(parts)), key=lambda index: described[index]["type"] != "f8")
    return [described[index] for index in order], b"".join(parts[index] for index in order)


def _add_clock(add: Any, name: str, values: npt.NDArray[Any]) -> None:
    if not len(values) or (name == "received" and not values.any()):
        return
    base = int(values.min())
    if base == UNKNOWN_RECEIVED and name == "received":
        add(name, "f8", values.astype("<f8"), base=0)  # some known, some not: no offset says so
    elif int(values.max()) - base <= SPAN:
        add(name, "u4", (values - base).astype("<u4"), base=base)
    else:
        add(name, "f8", values.astype("<f8"), base=0)
